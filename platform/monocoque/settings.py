"""What can be configured, under which variable, and what each value must be."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from dotenv import dotenv_values
from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from monocoque.failures import StartupError

PREFIX = "MONOCOQUE_"
DEVELOPMENT_SECRET = "for-development-only-" + "0" * 24

Environment = Literal["development", "test", "production"]


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
ModuleNames = Annotated[tuple[str, ...] | None, NoDecode, BeforeValidator(_split)]

_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^:\[\]]*)(:[0-9]{1,5})?")


class Settings(BaseSettings):
    """The shell's settings, read from the environment and `.env`; every variable is prefixed `MONOCOQUE_`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        populate_by_name=True,
    )

    environment: Environment = Field("development", description="Where this runs; production is strict at start-up.")
    project_name: str = Field(
        "monocoque", min_length=1, max_length=100, description="Title of the API and of its reference."
    )
    debug: bool = Field(default=False, description="Log more; never changes what a client is told.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe level logged.")
    log_format: Literal["auto", "json", "console"] = Field(
        "auto",
        description="One JSON object or one readable line a record; auto: JSON in production off a terminal.",
    )
    secret_key: SecretStr | None = Field(
        None,
        min_length=32,
        validate_default=True,
        description="Signs tokens and cursors; at least 32 characters, required in production.",
    )
    secret_key_previous: SecretStr | None = Field(
        None, min_length=32, description="The key before the last rotation: still verifies, no longer signs."
    )
    api_prefix: str = Field("/api/v1", pattern=r"^(/[a-z0-9._-]+)+$", description="Path below which modules live.")
    public_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s/]+(/[^\s]*)?$",
        description="Address that clients use; made part of shared links.",
    )
    cors_origins: CommaSeparated = Field(
        (), description="Comma-separated origins that browsers may call from; * for any (without credentials)."
    )
    trusted_proxies: CommaSeparated = Field(
        ("127.0.0.1",), description="Comma-separated peers whose X-Forwarded-* headers count; * for any."
    )
    database_url: SecretStr | None = Field(
        None,
        validate_default=True,
        validation_alias=AliasChoices("MONOCOQUE_DATABASE_URL", "DATABASE_URL"),
        description="postgres:// or postgresql:// address; unset: an embedded PostgreSQL in HOME.",
    )
    database_pool_size: int = Field(10, ge=1, le=500, description="Connections a process keeps at most.")
    database_use_null_pool: bool = Field(
        default=False, description="Connect for each request and keep nothing (serverless, external poolers)."
    )
    redis_url: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("MONOCOQUE_REDIS_URL", "REDIS_URL"),
        description="redis:// or rediss:// address; reserved for modules that share counters, optional.",
    )
    modules: ModuleNames = Field(None, description="Comma-separated modules to enable; unset: every installed one.")
    modules_disabled: CommaSeparated = Field((), description="Comma-separated modules to leave out.")
    home: Path = Field(Path(".monocoque"), description="Folder of the embedded database and its logs.")
    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(
        8000,
        ge=0,
        le=65535,
        validation_alias=AliasChoices("MONOCOQUE_PORT", "PORT"),
        description="TCP port to listen on; 0 lets the system choose.",
    )
    docs_enabled: bool | None = Field(
        None, description="Serve /docs and /openapi.json; unset: everywhere but in production."
    )
    retention_days: int = Field(
        30, ge=1, le=3650, description="Days a deleted thing can be restored before it is purged."
    )

    @field_validator("database_url", mode="after")
    @classmethod
    def _is_postgres(cls, value: SecretStr | None) -> SecretStr | None:
        value = _check_url(
            value, ("postgres", "postgresql", "postgresql+asyncpg"), "postgresql://user:password@host/db"
        )
        if value is not None:
            parts = urlsplit(value.get_secret_value())
            hosts = parts.netloc.rpartition("@")[2]
            if parts.fragment or not all(_HOST.fullmatch(host) for host in hosts.split(",")):
                raise ValueError(
                    "its host and port cannot be read; in a user or password, write @ : / ? # as %40 %3A %2F %3F %23"
                )
        return value

    @field_validator("redis_url", mode="after")
    @classmethod
    def _is_redis(cls, value: SecretStr | None) -> SecretStr | None:
        return _check_url(value, ("redis", "rediss", "unix"), "redis://host:6379/0")

    @field_validator("cors_origins", mode="after")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if origin != "*" and not _is_origin(origin):
                raise ValueError("give origins such as https://app.example.org, without a path, or *")
        return value

    @field_validator("database_url", mode="after")
    @classmethod
    def _production_has_a_database(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None and info.data.get("environment") == "production":
            raise ValueError("must be set in production: a postgresql:// address")
        return value

    @field_validator("secret_key_previous", mode="after")
    @classmethod
    def _production_trusts_no_public_secret(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if _is_public(value) and info.data.get("environment") == "production":
            raise ValueError("must not be the key for development: everyone knows it")
        return value

    @field_validator("secret_key", mode="after")
    @classmethod
    def _production_has_a_secret(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        unsafe = value is None or _is_public(value)
        if unsafe and info.data.get("environment") == "production":
            raise ValueError(
                "must be set in production: at least 32 random characters, "
                "such as python -c 'import secrets; print(secrets.token_urlsafe(48))' prints"
            )
        return value

    @property
    def production(self) -> bool:
        return self.environment == "production"

    @property
    def docs(self) -> bool:
        """Whether the API reference is served."""
        return not self.production if self.docs_enabled is None else self.docs_enabled

    @property
    def signing_secret(self) -> str:
        """The key that signs; outside production a fixed one that is no secret."""
        return self.secret_key.get_secret_value() if self.secret_key else DEVELOPMENT_SECRET

    @property
    def previous_secrets(self) -> tuple[str, ...]:
        return (self.secret_key_previous.get_secret_value(),) if self.secret_key_previous else ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """The keys that verify; the first is the one that signs."""
        return (self.signing_secret, *self.previous_secrets)

    @property
    def postgres_url(self) -> str | None:
        """The database address in the one form that asyncpg takes, or None for the embedded server."""
        if self.database_url is None:
            return None
        parts = urlsplit(self.database_url.get_secret_value())
        # libpq's channel_binding and SQLAlchemy's spelling of sslmode would reach the server as settings it refuses.
        options = [
            ("sslmode" if name == "ssl" else name, value)
            for name, value in parse_qsl(parts.query, keep_blank_values=True)
            if name != "channel_binding"
        ]
        query = f"?{urlencode(options, safe='/')}" if options else ""
        return f"postgresql://{parts.netloc}{parts.path}{query}"


def _is_public(value: SecretStr | None) -> bool:
    return value is not None and value.get_secret_value().startswith("for-development-only")


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and text == f"{parts.scheme}://{parts.netloc}"


def _check_url(value: SecretStr | None, schemes: tuple[str, ...], example: str) -> SecretStr | None:
    if value is not None:
        try:
            scheme = urlsplit(value.get_secret_value()).scheme
        except ValueError:
            scheme = ""
        if scheme not in schemes:
            raise ValueError(f"give an address such as {example}")
    return value


class ModuleChoice(BaseSettings):
    """Which modules are enabled, as in Settings: to be read where the rest of those cannot be."""

    model_config = Settings.model_config

    modules: ModuleNames = None
    modules_disabled: CommaSeparated = ()


def variable_of(model: type[BaseSettings], field: str) -> str:
    """The environment variable that sets `field`, prefix included."""
    return f"{model.model_config.get('env_prefix', '')}{field}".upper()


def misspelt(models: Iterable[type[BaseSettings]]) -> dict[str, str]:
    """Variables in the environment and in `.env` that set nothing but nearly do, with the one that was meant.

    What is like none of ours is left alone: it may be a third party's, or a module's that is switched off.
    """
    known = {variable_of(model, name) for model in models for name in model.model_fields}
    with suppress(OSError, UnicodeDecodeError):
        given = {name.upper() for name in (*os.environ, *dotenv_values(".env", encoding="utf-8"))}
        strange = sorted(name for name in given - known if name.startswith(PREFIX))
        near = {name: get_close_matches(name, known, n=1, cutoff=0.9) for name in strange}
        return {name: matches[0] for name, matches in near.items() if matches}
    return {}


class SettingsInvalid(StartupError):
    """What is configured is not valid; the particulars name each variable and what is wrong with it, never a value."""

    def __init__(self, *particulars: str) -> None:
        super().__init__(
            "The configuration is not valid.",
            *particulars,
            hint="Set the variables named above in the environment or in .env, then start again.",
        )


def load_settings[S: BaseSettings](model: type[S], **overrides: Any) -> S:
    """Read `model` from the environment; raises StartupError with every problem at once, never a value."""
    try:
        return model(**overrides)
    except ValidationError as error:
        raise SettingsInvalid(*_problems(model, error)) from None
    except SettingsError as error:
        # The text names the field and the source, never the value; the cause would quote it.
        raise SettingsInvalid(str(error)) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise StartupError(f"The file .env cannot be read: {reason}.", hint="Put it right or remove it.") from None


def _problems(model: type[BaseSettings], error: ValidationError) -> list[str]:
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "too_short":
            # pydantic counts the characters of a secret as items.
            message = f"should have at least {problem['ctx']['min_length']} characters"
        if problem["loc"]:
            name = str(problem["loc"][0])
            if name in model.model_fields:
                name = variable_of(model, name)
            lines.append(f"{name}: {message[0].lower() + message[1:]}")
        else:
            lines.extend(message.splitlines())
    return lines


def load_shell_settings(**overrides: Any) -> Settings:
    """The shell's settings; StartupError names every variable that is wrong."""
    return load_settings(Settings, **overrides)
