"""What a row that cannot be read seems to mean, for a person to look at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from monocoque import json
from monocoque_media.fields import CREATORS
from monocoque_media.importing.rows import LeftRow
from monocoque_media.importing.tables import MAX_SHOWN
from monocoque_media.schemas.items import MediaType

_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\s]+")
_RELEASED = re.compile(r"\s*([0-9]{4})(?![0-9])")
_MEDIA_TYPES = frozenset(get_args(MediaType))
_MEMBER = re.compile(r'"(?P<name>media_type|title|release_date)"\s*:\s*(?P<value>"(?:[^"\\]|\\.)*")')


@dataclass(frozen=True, slots=True)
class Clues:
    """Which columns tell what a row is about."""

    media_type: str
    """The type of all rows, or the column that has it."""
    title: str
    creators: tuple[str, ...] = ()
    """The first that is filled counts."""
    released: tuple[str, ...] = ()

    def of_cells(self, row: Mapping[str, str]) -> dict[str, str]:
        """What the cells, by their columns, seem to mean."""
        media_type = self.media_type if self.media_type in _MEDIA_TYPES else row.get(self.media_type, "")
        return _guess(
            media_type,
            row.get(self.title, ""),
            next((text for name in self.creators if (text := ", ".join(row.get(name, "").split("\n")).strip())), ""),
            next((text for name in self.released if _RELEASED.match(text := row.get(name, ""))), ""),
        )


def of_document(text: str) -> dict[str, str]:
    """What a record of our own JSON, or the beginning of one, seems to mean."""
    try:
        value = json.loads(text)
    except ValueError:
        value = {found["name"]: _text(found["value"]) for found in _MEMBER.finditer(text[:MAX_SHOWN])}
    if not isinstance(value, dict):
        return {}
    media_type, title, released = (_plain(value.get(name)) for name in ("media_type", "title", "release_date"))
    details = value.get("details")
    made_by = details.get(CREATORS[media_type]) if isinstance(details, dict) and media_type in CREATORS else None
    creators = made_by if isinstance(made_by, list) else [made_by]
    return _guess(media_type, title, ", ".join(name for name in map(_plain, creators) if name), released)


def failed(number: int, reason: str, guess: Mapping[str, str]) -> LeftRow:
    """A row that cannot be read, with what it seems to mean."""
    return LeftRow(number=number, status="failed", reason=reason, title=guess.get("title"), guess=guess or None)


def shown(text: str) -> str | None:
    """What can be shown of a text that may be anything."""
    return _UNSHOWN.sub(" ", text[:2000]).strip()[:500] or None


def _guess(media_type: str, title: str, creators: str, released: str) -> dict[str, str]:
    kind, year = media_type.strip().lower(), _RELEASED.match(released)
    found = {
        "media_type": kind if kind in _MEDIA_TYPES else None,
        "title": shown(title),
        "creators": shown(creators),
        "release_date": None if year is None or year[1] == "0000" else year[1],
    }
    # A type alone says nothing of the row.
    return {name: value for name, value in found.items() if value is not None} if found["title"] else {}


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _text(literal: str) -> str:
    try:
        return _plain(json.loads(literal))
    except ValueError:
        return ""
