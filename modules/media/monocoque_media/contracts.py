"""What other modules may know of media, and what a source of another module has to offer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, Protocol, runtime_checkable
from uuid import UUID

from sqlalchemy import Date, String, TableClause, Uuid, column, table

from monocoque.database import Transaction
from monocoque.types import clean_text, single_line


@dataclass(frozen=True, slots=True)
class MediaCard:
    """An item of the catalogue in brief; `release_precision` (year, month, day) tells how much of the date counts."""

    id: UUID
    media_type: str
    title: str
    release_date: date | None
    release_precision: str | None
    cover_image_url: str | None
    creators: str
    """Authors, directors, developers or the artist, with commas between; empty where nobody is known."""


@dataclass(frozen=True, slots=True)
class ItemsMerged:
    """The old item became part of the new one: whatever points at `old_id` has to point at `new_id`, once."""

    old_id: UUID
    new_id: UUID


type MergeHandler = Callable[[Transaction, ItemsMerged], Awaitable[None]]
"""Runs in the transaction of the merge; an error undoes the merge."""

ITEMS_MERGED = "media.items_merged"
"""The extension point for what points at items: `Module(provides={ITEMS_MERGED: "acme_shelves.service:follow_merge"})`,
a MergeHandler."""


MEDIA_CARDS: TableClause = table(
    "media_cards",
    column("id", Uuid),
    column("media_type", String),
    column("title", String),
    column("release_date", Date),
    column("release_precision", String),
    column("cover_image_url", String),
    column("creators", String),
    schema="monocoque_media",
)
"""A read-only view of the living items that statements of other modules may join; kept stable by the migrations."""

ITEM_STATUSES: TableClause = table(
    "item_statuses",
    column("owner_id", Uuid),
    column("item_id", Uuid),
    column("status", String),
    schema="monocoque_media",
)
"""A read-only view of where people are with items (planned, active, completed, paused, dropped), for statements that
show a person their own."""

CONNECTORS = "media.connectors"
"""The extension point for further sources: `Module(provides={CONNECTORS: "acme_comics.source:make"})`, where
`make(runtime)` gives a Connector. The running ones are kept in `runtime.resources` under this name, by their names."""

MediaType = Literal["book", "movie", "tv", "game", "music"]
Precision = Literal["year", "month", "day"]
BreakerState = Literal["closed", "open", "half_open"]

MAX_TITLE = 500
MAX_DESCRIPTION = 20_000
MAX_NAME = 200
MAX_NAMES = 100
MAX_URL = 2_000
MAX_EXTERNAL_ID = 2_000
MAX_INT = 2**31 - 1
_PLACES: Mapping[Precision, int] = {"year": 4, "month": 7, "day": 10}


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A date as precise as its source gave it: "1999" is 1999-01-01 with the precision year."""

    value: date
    precision: Precision

    def __str__(self) -> str:
        return self.value.isoformat()[: _PLACES[self.precision]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BookDetails:
    """What only books have; ISBNs are digits (and a final X) with a right check digit."""

    authors: tuple[str, ...] = ()
    page_count: int | None = None
    isbn_10: str | None = None
    isbn_13: str | None = None
    publisher: str | None = None
    language: str | None = None

    @property
    def creators(self) -> tuple[str, ...]:
        return self.authors


@dataclass(frozen=True, slots=True, kw_only=True)
class MovieDetails:
    """What only films and series have; the runtime is in minutes, of one episode for a series."""

    tmdb_type: Literal["movie", "tv"]
    runtime: int | None = None
    directors: tuple[str, ...] = ()
    original_title: str | None = None

    @property
    def creators(self) -> tuple[str, ...]:
        return self.directors


@dataclass(frozen=True, slots=True, kw_only=True)
class GameDetails:
    """What only games have."""

    platforms: tuple[str, ...] = ()
    developers: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()

    @property
    def creators(self) -> tuple[str, ...]:
        return self.developers


@dataclass(frozen=True, slots=True, kw_only=True)
class MusicDetails:
    """What only music has; the duration is in milliseconds, of the whole album for an album."""

    kind: Literal["track", "album"]
    artist: str | None = None
    album: str | None = None
    track_number: int | None = None
    duration_ms: int | None = None

    @property
    def creators(self) -> tuple[str, ...]:
        return (self.artist,) if self.artist else ()


Details = BookDetails | MovieDetails | GameDetails | MusicDetails
DETAILS: Mapping[MediaType, type[BookDetails | MovieDetails | GameDetails | MusicDetails]] = {
    "book": BookDetails,
    "movie": MovieDetails,
    "tv": MovieDetails,
    "game": GameDetails,
    "music": MusicDetails,
}
"""Which details belong to which type."""


def _stays(check: Callable[[str], str], text: str) -> bool:
    try:
        return check(text) == text
    except ValueError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalisedItem:
    """One thing as a source knows it, in our terms; text that the database would refuse is a ValueError."""

    media_type: MediaType
    title: str
    details: Details
    source: str
    """Name of the connector, such as `google_books`."""
    kind: str
    """What the source calls such a thing: volume, movie, tv, game, track, album; an external id is unique in it."""
    external_id: str
    """As `Connector.fetch` takes it."""
    raw_payload: Mapping[str, Any]
    """The source's answer, complete."""
    subtitle: str | None = None
    description: str | None = None
    release: PartialDate | None = None
    cover_image_url: str | None = None
    url: str | None = None
    """The page for people, http or https."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What is worth showing and has no field of its own: genres, ratings, identifiers; JSON values."""

    def __post_init__(self) -> None:
        if not isinstance(self.details, DETAILS[self.media_type]):
            raise ValueError(f"A {self.media_type} has {DETAILS[self.media_type].__name__}.")  # noqa: TRY004  a wrong pair
        if len(self.external_id.encode("utf-8", "surrogatepass")) > MAX_EXTERNAL_ID:
            # Bytes, not characters: it is indexed, and an entry of an index has room for about 2,700 of them.
            raise ValueError(f"external_id has more than {MAX_EXTERNAL_ID} bytes")
        for name, maximum in (("title", MAX_TITLE), ("external_id", MAX_EXTERNAL_ID), ("source", 40), ("kind", 40)):
            text = getattr(self, name)
            if not 1 <= len(text) <= maximum or not _stays(single_line, text):
                raise ValueError(f"The {name} is one line of 1 to {maximum} characters in normal form C.")
        for name, maximum in (("subtitle", MAX_TITLE), ("description", MAX_DESCRIPTION)):
            text = getattr(self, name)
            if text is not None and not (1 <= len(text) <= maximum and _stays(clean_text, text)):
                raise ValueError(f"The {name} is clean text of 1 to {maximum} characters, or None.")
        if self.release is not None and not 1 < self.release.value.year < 9999:
            raise ValueError("The release is in the years 2 to 9998.")
        for name in ("cover_image_url", "url"):
            text = getattr(self, name)
            if text is not None and (len(text) > MAX_URL or not text.startswith(("https://", "http://"))):
                raise ValueError(f"The {name} is an http or https URL of at most {MAX_URL} characters, or None.")

    @property
    def creators(self) -> tuple[str, ...]:
        """Who made it: authors, directors, developers or the artist."""
        return self.details.creators


@dataclass(frozen=True, slots=True)
class ConnectorHealth:
    """How a source is doing."""

    configured: bool
    breaker: BreakerState
    last_success: datetime | None = None
    quota_left: int | None = None
    """Calls left in the source's own window, where it says so."""


@runtime_checkable
class Connector(Protocol):
    """A source of media items; `search` and `fetch` may raise a ProviderError, and nothing else."""

    @property
    def name(self) -> str:
        """Lower case, as it stands in URLs and in `sources`."""
        ...

    @property
    def media_types(self) -> frozenset[MediaType]:
        """What it has."""
        ...

    @property
    def configured(self) -> bool:
        """False where a key is missing: calls raise NotConfigured."""
        ...

    async def search(
        self, query: str, *, media_type: MediaType | None = None, year: int | None = None, max_results: int = 20
    ) -> list[NormalisedItem]:
        """At most `max_results` items, the best first; fewer where a later page failed, none for a foreign media type.

        Items known to be of another year are left out; those without a date stay.
        """
        ...

    async def fetch(self, external_id: str) -> NormalisedItem:
        """The one item with this id; raises ItemUnknown, without a call where the id cannot be one of the source's."""
        ...

    def health(self) -> ConnectorHealth:
        """What is known without asking the source."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class ProviderError(Exception):
    """A source did not give what was asked; `detail` is fit to be shown and holds no key."""

    def __init__(self, source: str, detail: str) -> None:
        super().__init__(f"{source} {detail}")
        self.source = source
        self.detail = detail


class ItemUnknown(ProviderError):
    """The source has no such item."""


class NotConfigured(ProviderError):
    """A key of the source is not set."""


class RateLimited(ProviderError):
    """The source asks to wait; `retry_after` is in seconds, None where it did not say."""

    def __init__(self, source: str, detail: str, retry_after: float | None = None) -> None:
        super().__init__(source, detail)
        self.retry_after = retry_after


class ProviderUnavailable(ProviderError):
    """The source could not be reached, failed, refused our key, or has failed so often that it is left alone."""


class ProviderTimeout(ProviderError):
    """The source did not answer in time."""


class ProviderAnswerInvalid(ProviderError):
    """The source's answer is not what its documentation promises: no JSON, cut off, too large, a redirect."""
