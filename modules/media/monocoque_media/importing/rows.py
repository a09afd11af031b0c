"""What a row of an export says, in our terms."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from monocoque import json
from monocoque.types import Input, Moment
from monocoque_media.fields import CREATORS
from monocoque_media.schemas.items import ItemWrite, MusicDetails
from monocoque_media.schemas.states import StateWrite
from monocoque_media.schemas.values import LabelText, ReferenceText


class Reference(Input):
    """An id that a source of the catalogue has for an item."""

    source: LabelText
    kind: LabelText
    external_id: ReferenceText


class LogEntry(StateWrite):
    """What a state was changed to, and when."""

    at: Moment
    action: Literal["set", "removed", "merged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRow:
    """A row that could be read."""

    number: int
    item: ItemWrite | None
    """None where the row only names a tag."""
    identity: str | None = None
    """What the exporting service calls this item: another file of the same person means the same item by it."""
    item_id: UUID | None = None
    """Our own id of the item, in our own exports."""
    own: bool = False
    """Whether the item was the exporting person's own entry."""
    edited_fields: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()
    state: StateWrite | None = None
    again: bool = False
    """Whether a later day of completion means that the item was gone through once more."""
    tags: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    log: tuple[LogEntry, ...] = ()
    """The log of the state, in our own exports."""
    formerly: ReadRow | None = None
    """The row as an earlier version read it, where that differs: by it the row is known again too."""

    @property
    def title(self) -> str:
        return self.item.title if self.item is not None else self.tags[0]

    @property
    def creators(self) -> list[str]:
        """Authors, directors, developers or the artist."""
        if self.item is None:
            return []
        found = getattr(self.item.details, CREATORS[self.item.media_type])
        return [found] if isinstance(found, str) else list(found or ())

    @property
    def isbn(self) -> str | None:
        """The ISBN of a book, in its longer form."""
        return None if self.item is None else getattr(self.item.details, "isbn_13", None)

    @property
    def kind(self) -> str | None:
        """Whether it is a track or an album, where the row says so."""
        details = None if self.item is None else self.item.details
        return details.kind if isinstance(details, MusicDetails) and "kind" in details.model_fields_set else None

    @property
    def year(self) -> int | None:
        """The year of the release."""
        released = None if self.item is None else self.item.release_date
        return None if released is None else int(released[:4])

    def digest(self) -> bytes:
        """32 bytes that stand for everything that the row says, wherever in the file it is."""
        said = (
            *(self.item, self.identity, self.item_id, self.own, self.edited_fields, self.locks),
            *(self.state, self.tags, self.references, self.log),
        )
        return hashlib.sha256(json.dumps(said)).digest()

    def guess(self) -> dict[str, str]:
        """What the row was read as, as in a LeftRow."""
        if self.item is None:
            return {"title": self.title}
        found = {
            "media_type": self.item.media_type,
            "title": self.title,
            "creators": ", ".join(self.creators),
            "release_date": self.item.release_date,
        }
        return {name: value for name, value in found.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftRow:
    """A row from which nothing is taken: broken, or no business of ours."""

    number: int
    status: Literal["failed", "skipped"]
    reason: str
    title: str | None = None
    guess: Mapping[str, str] | None = None
    """What it seems to mean: `media_type`, `title`, `creators`, `release_date`, as far as they can be told."""


Row = ReadRow | LeftRow


class RowRefused(ValueError):
    """A row cannot be read; the message says why."""


class RowSkipped(Exception):
    """A row is none of our business; the message says why."""


class NotAnExport(ValueError):
    """The file is none that can be imported; the message says what was expected."""
