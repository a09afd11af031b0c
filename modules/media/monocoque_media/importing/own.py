"""Our own export, as JSON or CSV: the same records in two forms, so that what was written can be read without loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter, ValidationError

from monocoque import json
from monocoque.types import Flag, Input, ShortText
from monocoque_media.fields import DETAILS
from monocoque_media.importing import cells
from monocoque_media.importing.rows import LogEntry, ReadRow, Reference, RowRefused
from monocoque_media.schemas.items import ItemWrite
from monocoque_media.schemas.states import StateWrite

COLUMNS = frozenset({"media_type", "title"})
"""Those that a CSV has to have; the others of CSV_COLUMNS may be left out."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_ITEM = ("media_type", "title", "subtitle", "description", "release_date", "cover_image_url", "metadata")
_DETAILS = tuple(dict.fromkeys(name for names in DETAILS.values() for name in names))
STATE = ("status", "rating", "favorite", "notes", "started_at", "finished_at", "pass_number")
CSV_COLUMNS = ("record", *_ITEM, *_DETAILS, "tags", *STATE, "log", "sources", "locked_fields", "own", "id")
LISTS = frozenset({"authors", "directors", "platforms", "developers", "publishers", "tags", "locked_fields"})
"""Columns of several lines of text, one below the other in their cell."""
DOCUMENTS = frozenset({"metadata", "log", "sources"})
"""Columns that hold JSON."""
_NUMBERS = frozenset({"page_count", "runtime", "track_number", "duration_ms", "rating", "pass_number"})
_FLAGS = {"true": True, "false": False}


class TagRecord(Input):
    """A tag, of whatever items."""

    record: Literal["tag"]
    title: ShortText


class ItemRecord(ItemWrite):
    """An item with what its owner made of it."""

    record: Literal["item"]
    id: UUID | None = None
    own: Flag = True
    locked_fields: Annotated[list[ShortText], Field(max_length=50)] = Field(default=[])
    tags: Annotated[list[ShortText], Field(max_length=1000)] = Field(default=[])
    state: StateWrite | None = None
    log: list[LogEntry] = Field(default=[])
    sources: Annotated[list[Reference], Field(max_length=1000)] = Field(default=[])


_RECORD: TypeAdapter[TagRecord | ItemRecord] = TypeAdapter(
    Annotated[TagRecord | ItemRecord, Field(discriminator="record")]
)
_ITEM_FIELDS = frozenset(ItemWrite.model_fields)


def read_record(number: int, value: Any) -> ReadRow:
    """One record of the JSON form, read."""
    details = value.get("details") if isinstance(value, dict) else None
    if isinstance(details, dict) and details.get("isbn_13") is not None:
        # A catalogue may have got two from outside that do not belong together; the shorter follows from the longer.
        details.pop("isbn_10", None)
    try:
        record = _RECORD.validate_python(value)
    except ValidationError as error:
        raise RowRefused(cells.reason_of(error)) from None
    if isinstance(record, TagRecord):
        return ReadRow(number=number, item=None, tags=(record.title,))
    given = record.model_dump(include=set(_ITEM_FIELDS), exclude_unset=True)
    return ReadRow(
        number=number,
        item=cells.validated(ItemWrite, **given),
        identity=None if record.id is None else str(record.id),
        item_id=record.id,
        own=record.own,
        locked_fields=tuple(record.locked_fields),
        state=record.state,
        tags=tuple({name.casefold(): name for name in reversed(record.tags)}.values())[::-1],
        references=tuple(record.sources),
        log=tuple(record.log),
    )


def read_json(number: int, text: str) -> ReadRow:
    """One record of the JSON form."""
    try:
        value = json.loads(text)
    except ValueError:
        raise RowRefused("The record is no JSON.") from None
    return read_record(number, value)


def read_csv(number: int, row: Mapping[str, str]) -> ReadRow:
    """One record of the CSV form."""
    found = {name: value for name in CSV_COLUMNS if (value := _value(name, row.get(name, ""))) is not None}
    if found.setdefault("record", "item") == "tag":
        return read_record(number, {name: found[name] for name in ("record", "title") if name in found})
    if "title" not in found:
        raise RowRefused("The row has no title.")
    details = {name: found.pop(name) for name in _DETAILS if name in found}
    state = {name: found.pop(name) for name in STATE if name in found}
    if state and "status" not in state:
        raise RowRefused("The row says something of a state, such as a rating, and so needs a status.")
    return read_record(number, {**found, **({"details": details} if details else {}), "state": state or None})


def _value(column: str, cell: str) -> Any:
    text = from_csv_text(cell)
    if not text:
        return None
    if column in LISTS:
        return text.split("\n")
    if column in DOCUMENTS:
        try:
            return json.loads(text)
        except ValueError:
            raise RowRefused(f"{column} is no JSON.") from None
    if column in _NUMBERS and text.isascii() and text.isdigit() and len(text) <= 10:
        return int(text)
    return _FLAGS.get(text.lower(), text) if column in {"favorite", "own"} else text


def to_csv_text(text: str) -> str:
    """A cell that spreadsheets take for text; `from_csv_text` gives the text back.

    An apostrophe goes before what could begin a formula, and before an apostrophe, so that it is known again.
    """
    return f"'{text}" if _is_marked(text) else text


def from_csv_text(cell: str) -> str:
    """The text that `to_csv_text` made a cell of."""
    return cell[1:] if cell.startswith("'") and _is_marked(cell[1:]) else cell


def _is_marked(text: str) -> bool:
    return text.startswith(("'", *_FORMULA)) or text.lstrip().startswith(_FORMULA)
