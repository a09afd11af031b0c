"""What can be configured about media: the keys of the sources outside, where they are, how long they may take."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, AnyHttpUrl, Field, SecretStr, TypeAdapter, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

_URL = TypeAdapter(AnyHttpUrl)
# What one reader of URLs takes for another address than the next one does.
_ODD = (" ", "\\", ":///")


def _base_url(value: str) -> str:
    if not value.startswith(("https://", "http://")):
        raise ValueError("give an address that begins with https:// or http://")
    try:
        # Not with httpx itself, which a process that asks no source does without.
        url = _URL.validate_python(value)
    except ValidationError:
        url = None
    if url is None or not (value.isascii() and value.isprintable()) or any(odd in value for odd in _ODD):
        raise ValueError("give an address that is a URL")
    if url.username or url.password or url.query is not None or url.fragment is not None or "@" in value:
        raise ValueError("give an address without user name, query and fragment")
    return value.rstrip("/")


def _key(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("give printable ASCII characters without blanks")
    return value


BaseUrl = Annotated[str, AfterValidator(_base_url)]
Key = Annotated[SecretStr, AfterValidator(_key)]
_WITHOUT = "; without it the source is left alone."


class MediaSettings(BaseSettings):
    """The settings of media, read from the environment and `.env`; every variable is prefixed `MONOCOQUE_MEDIA_`."""

    model_config = SettingsConfigDict(
        env_prefix="MONOCOQUE_MEDIA_",
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    google_books_api_key: Key | None = Field(None, description=f"Key for Google Books{_WITHOUT}")
    google_books_country: str = Field(
        "US", pattern=r"^[A-Z]{2}$", description="Country whose books Google Books shows: two letters, ISO 3166."
    )
    tmdb_token: Key | None = Field(None, description=f"Read access token for TMDB{_WITHOUT}")
    tmdb_language: str = Field(
        "en-US", pattern=r"^[a-z]{2}(-[A-Z]{2})?$", description="Language of what TMDB tells: ISO 639, with a country."
    )
    igdb_client_id: Key | None = Field(None, description=f"Twitch client id for IGDB{_WITHOUT}")
    igdb_client_secret: Key | None = Field(None, description=f"Twitch client secret for IGDB{_WITHOUT}")
    lastfm_api_key: Key | None = Field(None, description=f"Key for Last.fm{_WITHOUT}")
    google_books_base_url: BaseUrl = Field("https://www.googleapis.com/books/v1", description="Google Books' API.")
    tmdb_base_url: BaseUrl = Field("https://api.themoviedb.org/3", description="TMDB's API.")
    igdb_base_url: BaseUrl = Field("https://api.igdb.com/v4", description="IGDB's API.")
    twitch_base_url: BaseUrl = Field("https://id.twitch.tv", description="Where IGDB's access tokens come from.")
    lastfm_base_url: BaseUrl = Field("https://ws.audioscrobbler.com/2.0", description="Last.fm's API.")
    provider_timeout_seconds: float = Field(
        4.0, gt=0, le=60, description="Seconds that a source has for an answer, its repeats included."
    )
    provider_connect_seconds: float = Field(1.5, gt=0, le=60, description="Seconds to connect to a source.")
    provider_backoff_seconds: float = Field(
        0.2, ge=0, le=10, description="Pause before a source is asked again; doubles each time, with jitter."
    )
    provider_attempts: int = Field(3, ge=1, le=10, description="Times that a source is asked before it counts as down.")
    provider_concurrency: int = Field(8, ge=1, le=8, description="Requests that one source gets at the same time.")
    provider_breaker_failures: int = Field(
        5, ge=1, le=1000, description="Failures in a row after which a source is left alone for a while."
    )
    provider_breaker_seconds: float = Field(
        30.0, gt=0, le=3600, description="Seconds for which a source that failed is left alone."
    )
    provider_max_bytes: int = Field(
        5_242_880, ge=1024, le=52_428_800, description="Bytes that an answer of a source may have."
    )
