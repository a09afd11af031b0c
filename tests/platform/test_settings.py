"""What can be configured, and what a wrong configuration is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from monocoque.failures import StartupError
from monocoque.settings import DEVELOPMENT_SECRET, Settings, load_settings, load_shell_settings, misspelt

SECRET = "hunter2-which-nobody-may-ever-read"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder without a `.env`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MONOCOQUE_ENVIRONMENT", raising=False)
    return tmp_path


def refusal(model: type[BaseSettings] = Settings, **given: Any) -> str:
    with pytest.raises(StartupError) as caught:
        load_settings(model, **given)
    return str(caught.value)


def test_without_any_variable_everything_has_its_default() -> None:
    settings = load_shell_settings()
    assert (settings.environment, settings.port, settings.modules, settings.postgres_url) == (
        "development",
        8000,
        None,
        None,
    )
    assert settings.signing_secret == DEVELOPMENT_SECRET
    assert settings.previous_secrets == ()
    assert settings.docs


def test_variables_carry_the_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONOCOQUE_PROJECT_NAME", "Garage")
    monkeypatch.setenv("PROJECT_NAME", "Somebody else's")
    assert load_shell_settings().project_name == "Garage"


@pytest.mark.parametrize(
    ("name", "plain", "prefixed", "field"),
    [
        ("PORT", "9001", "9002", "port"),
        ("DATABASE_URL", "postgresql://plain/db", "postgresql://prefixed/db", "database_url"),
        ("REDIS_URL", "redis://plain", "redis://prefixed", "redis_url"),
    ],
)
def test_what_platforms_set_counts_without_the_prefix_but_the_prefix_wins(
    name: str, plain: str, prefixed: str, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read() -> str:
        value = getattr(load_shell_settings(), field)
        return str(value.get_secret_value() if hasattr(value, "get_secret_value") else value)

    monkeypatch.setenv(name, plain)
    assert read() == plain
    monkeypatch.setenv(f"MONOCOQUE_{name}", prefixed)
    assert read() == prefixed


def test_the_env_file_is_read_and_the_environment_wins(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (elsewhere / ".env").write_text("MONOCOQUE_PORT=9003\nMONOCOQUE_HOST=0.0.0.0\nUNKNOWN=1\nMONOCOQUE_DEBUG=\n")
    monkeypatch.setenv("MONOCOQUE_HOST", "127.0.0.2")
    settings = load_shell_settings()
    assert (settings.port, settings.host, settings.debug) == (9003, "127.0.0.2", False)


def test_an_env_file_that_is_no_text_is_named(elsewhere: Path) -> None:
    (elsewhere / ".env").write_bytes(b"MONOCOQUE_SECRET_KEY=\xff\xfe" + SECRET.encode())
    message = refusal()
    assert ".env" in message
    assert SECRET not in message


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("postgres://u:p@h/db", "postgresql://u:p@h/db"),
        ("postgresql://u:p%40ss@h:6543/db", "postgresql://u:p%40ss@h:6543/db"),
        ("postgresql+asyncpg://h/db", "postgresql://h/db"),
        ("POSTGRES://h/db", "postgresql://h/db"),
        ("postgresql:///db?host=/run/postgresql", "postgresql:///db?host=/run/postgresql"),
        ("postgresql://u@/db?host=/tmp/a b", "postgresql://u@/db?host=/tmp/a+b"),
        ("postgresql://one:5432,two:5433/db", "postgresql://one:5432,two:5433/db"),
        ("postgresql://[::1]:5432/db", "postgresql://[::1]:5432/db"),
        ("postgresql+asyncpg://h/db?ssl=require", "postgresql://h/db?sslmode=require"),
        ("postgres://h/db?sslmode=require&channel_binding=require", "postgresql://h/db?sslmode=require"),
    ],
)
def test_every_form_of_postgres_address_becomes_the_one_that_the_driver_takes(given: str, taken: str) -> None:
    assert Settings(_env_file=None, database_url=given).postgres_url == taken


async def test_an_address_by_socket_folder_connects(worker_database_url: str) -> None:
    url = Settings(_env_file=None, database_url=worker_database_url).postgres_url
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://u:{SECRET}@h/db",
        f"u:{SECRET}@h/db",
        f"postgresql://u:{SECRET}/rest@h/db",
        f"postgresql://u:12#{SECRET}@h/db",
        f"postgresql://[{SECRET}/db",
        f"postgresql://h:{SECRET}/db",
    ],
)
def test_an_address_that_cannot_be_read_is_refused_without_being_repeated(url: str) -> None:
    message = refusal(_env_file=None, database_url=url)
    assert "MONOCOQUE_DATABASE_URL: " in message
    assert "hunter2" not in message


def test_all_problems_are_reported_at_once_by_full_name_and_never_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "MONOCOQUE_ENVIRONMENT": f"{SECRET}-1",
        "MONOCOQUE_PORT": f"{SECRET}-2",
        "MONOCOQUE_DATABASE_URL": f"mysql://root:{SECRET}@h",
        "MONOCOQUE_REDIS_URL": f"http://:{SECRET}@h",
        "MONOCOQUE_SECRET_KEY": "hunter2",
        "MONOCOQUE_SECRET_KEY_PREVIOUS": "hunter2",
        "MONOCOQUE_LOG_LEVEL": f"{SECRET}-3",
        "MONOCOQUE_LOG_FORMAT": f"{SECRET}-4",
        "MONOCOQUE_DEBUG": f"{SECRET}-5",
        "MONOCOQUE_API_PREFIX": f"{SECRET}-6/",
        "MONOCOQUE_PUBLIC_URL": f"ftp://{SECRET}",
        "MONOCOQUE_CORS_ORIGINS": f"https://\u2100{SECRET}",
        "MONOCOQUE_DATABASE_POOL_SIZE": f"{SECRET}-7",
        "MONOCOQUE_RETENTION_DAYS": "0",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    message = refusal()
    assert [name for name in wrong if f"{name}: " not in message] == []
    assert "hunter2" not in message


@pytest.mark.parametrize(
    "origin", ["example.org", "https://example.org/", "https://example.org/path", "https://a.org?x", "ftp://a.org"]
)
def test_an_origin_is_a_scheme_and_a_host_and_nothing_else(origin: str) -> None:
    assert "MONOCOQUE_CORS_ORIGINS: " in refusal(_env_file=None, cors_origins=origin)


def test_lists_are_separated_by_commas_and_blanks_do_not_count() -> None:
    settings = Settings(_env_file=None, modules=" auth , cars,, ", cors_origins="*, https://a.org:8443")
    assert settings.modules == ("auth", "cars")
    assert settings.cors_origins == ("*", "https://a.org:8443")
    assert settings.modules_disabled == ()


def test_production_asks_for_a_database_and_a_secret() -> None:
    message = refusal(_env_file=None, environment="production")
    assert "MONOCOQUE_DATABASE_URL: must be set in production" in message
    assert "MONOCOQUE_SECRET_KEY: must be set in production" in message


def test_production_takes_no_key_that_everyone_knows() -> None:
    message = refusal(
        _env_file=None,
        environment="production",
        database_url="postgresql://h/db",
        secret_key=DEVELOPMENT_SECRET,
        secret_key_previous=DEVELOPMENT_SECRET,
    )
    assert "MONOCOQUE_SECRET_KEY: " in message
    assert "MONOCOQUE_SECRET_KEY_PREVIOUS: " in message


def test_production_starts_with_both_and_serves_no_reference_unless_told() -> None:
    given: dict[str, Any] = {
        "environment": "production",
        "database_url": "postgresql://h/db",
        "secret_key": "k" * 32,
        "secret_key_previous": "p" * 32,
    }
    settings = load_shell_settings(_env_file=None, **given)
    assert settings.production
    assert not settings.docs
    assert settings.previous_secrets == ("p" * 32,)
    assert load_shell_settings(_env_file=None, docs_enabled=True, **given).docs


class GarageSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="MONOCOQUE_GARAGE_", env_file=".env", extra="ignore")

    doors: int = Field(1, ge=1)
    colours: list[str] = []


def test_a_modules_settings_are_named_by_their_own_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONOCOQUE_GARAGE_DOORS", "0")
    assert "MONOCOQUE_GARAGE_DOORS: " in refusal(GarageSettings)


def test_a_list_that_is_no_json_is_a_problem_and_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONOCOQUE_GARAGE_COLOURS", SECRET)
    message = refusal(GarageSettings)
    assert "colours" in message
    assert SECRET not in message


def test_a_variable_that_is_nearly_one_of_ours_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("MONOCOQUE_GARAGE_DORS=3\nOTHER=1\n", encoding="utf-8")
    for name in ("MONOCOQUE_PROT", "MONOCOQUE_GARAGE_DOORS", "MONOCOQUE_UNLIKE_ANY", "PROT"):
        monkeypatch.setenv(name, "7")
    assert misspelt([Settings, GarageSettings]) == {
        "MONOCOQUE_GARAGE_DORS": "MONOCOQUE_GARAGE_DOORS",
        "MONOCOQUE_PROT": "MONOCOQUE_PORT",
    }
    (tmp_path / ".env").write_bytes(b"\xff")
    assert misspelt([Settings]) == {}
