"""The fields of an item by its type: which table holds them, and which of them name its creators."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

COMMON: Final = ("title", "subtitle", "description", "release_date", "cover_image_url", "metadata")
DETAILS: Final[Mapping[str, tuple[str, ...]]] = {
    "book": ("authors", "page_count", "isbn_10", "isbn_13", "publisher", "language"),
    "movie": ("runtime", "directors", "original_title"),
    "tv": ("runtime", "directors", "original_title"),
    "game": ("platforms", "developers", "publishers"),
    "music": ("kind", "artist", "album", "track_number", "duration_ms"),
}
"""The members of `details`; `tmdb_type` of films and series says what `media_type` says already."""
ISBNS: Final = frozenset(("isbn_10", "isbn_13"))
"""The two forms of one number, which change together."""
CREATORS: Final[Mapping[str, str]] = {
    "book": "authors",
    "movie": "directors",
    "tv": "directors",
    "game": "developers",
    "music": "artist",
}


def lockable(media_type: str) -> frozenset[str]:
    """The names of the fields of an item of this type that can be edited and locked."""
    return frozenset((*COMMON, *DETAILS[media_type]))


def left_alone(edited: Iterable[str], locks: Iterable[str]) -> dict[str, list[str]]:
    """The columns that say what of an item a refresh leaves alone, and why."""
    found = {"edited_fields": {*edited}, "locks": {*locks}}
    return {name: sorted(fields) for name, fields in {**found, "locked_fields": set().union(*found.values())}.items()}


def creators_of(media_type: str, details: Mapping[str, Any]) -> str:
    """The names of an item's creators in one text, for the column `creators`."""
    value = details.get(CREATORS[media_type])
    if value is None:
        return ""
    return value if isinstance(value, str) else ", ".join(value)
