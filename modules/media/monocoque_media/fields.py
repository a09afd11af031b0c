"""The fields of an item by its type: which table holds them, and which of them name its creators."""

from __future__ import annotations

from collections.abc import Mapping
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
CREATORS: Final[Mapping[str, str]] = {
    "book": "authors",
    "movie": "directors",
    "tv": "directors",
    "game": "developers",
    "music": "artist",
}


def lockable(media_type: str) -> frozenset[str]:
    """The names that `locked_fields` of an item of this type may hold."""
    return frozenset((*COMMON, *DETAILS[media_type]))


def creators_of(media_type: str, details: Mapping[str, Any]) -> str:
    """The names of an item's creators in one text, for the column `creators`."""
    value = details.get(CREATORS[media_type])
    if value is None:
        return ""
    return value if isinstance(value, str) else ", ".join(value)
