"""What a row of an export says, in our terms."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from monocoque import json
from monocoque.types import Input, LongText, Moment
from monocoque_media.fields import CREATORS
from monocoque_media.schemas.items import ItemWrite
from monocoque_media.schemas.states import StateWrite
from monocoque_media.schemas.values import NameText


class Reference(Input):
    """An id that a source of the catalogue has for an item."""

    source: Annotated[NameText, Field(max_length=50)]
    kind: Annotated[NameText, Field(max_length=50)]
    external_id: Annotated[LongText, Field(max_length=2000)]


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
