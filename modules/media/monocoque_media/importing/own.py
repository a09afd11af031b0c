"""Our own export, as JSON or CSV: the same records in two forms, so that what was written can be read without loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter, ValidationError

from monocoque import json
from monocoque.types import Flag, Input, ShortText
from monocoque_media.fields import DETAILS, lockable
from monocoque_media.importing import cells
from monocoque_media.importing.rows import LogEntry, ReadRow, Reference, RowRefused
from monocoque_media.schemas.items import ItemWrite
from monocoque_media.schemas.states import StateWrite
from monocoque_media.schemas.tags import name_key
from monocoque_media.schemas.values import KeptMetadata

COLUMNS = frozenset({"media_type", "title"})
"""Those that a CSV has to have; the others of CSV_COLUMNS may be left out."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_ITEM = ("media_type", "title", "subtitle", "description", "release_date", "cover_image_url", "metadata")
_DETAILS = tuple(dict.fromkeys(name for names in DETAILS.values() for name in names))
STATE = ("status", "rating", "favorite", "notes", "started_at", "finished_at", "pass_number")
CSV_COLUMNS = ("record", *_ITEM, *_DETAILS, "tags", *STATE, "log", "sources", "edited_fields", "locks", "own", "id")
LISTS = frozenset({"authors", "directors", "platforms", "developers", "publishers", "tags", "edited_fields", "locks"})
"""Columns of several lines of text, one below the other in their cell."""
DOCUMENTS = frozenset({"metadata", "log", "sources"})
"""Columns that hold JSON."""
_NUMBERS = frozenset({"page_count", "runtime", "track_number", "duration_ms", "rating", "pass_number"})
_FLAGS = {"true": True, "false": False}


FieldNames = Annotated[list[ShortText], Field(max_length=50)]


class _Kept(ItemWrite):
    """An item as the catalogue may have it: sources add to the metadata of an entry."""

    metadata: KeptMetadata = Field(default={})


class TagRecord(Input):
    """A tag, of whatever items."""

    record: Literal["tag"]
    title: ShortText


class ItemRecord(_Kept):
    """An item with what its owner made of it."""

    record: Literal["item"]
    id: UUID | None = None
    own: Flag = True
    edited_fields: FieldNames | None = None
    """Without it, what is given counts as edited, as it does of an entry that is posted."""
    locks: FieldNames = Field(default=[])
    tags: list[ShortText] = Field(default=[])
    state: StateWrite | None = None
    log: list[LogEntry] = Field(default=[])
    sources: list[Reference] = Field(default=[])


_RECORD: TypeAdapter[TagRecord | ItemRecord] = TypeAdapter(
    Annotated[TagRecord | ItemRecord, Field(discriminator="record")]
)
_ITEM_FIELDS = frozenset(ItemWrite.model_fields)
_TOLD = _ITEM_FIELDS - {"media_type", "title"}


def read_record(number: int, value: Any) -> ReadRow:
    """One record of the JSON form, read."""
    details = value.get("details") if isinstance(value, dict) else None
    if isinstance(details, dict) and details.get("isbn_13") is not None:
        # A catalogue may have got two from outside that do not belong together; the shorter follows from the longer.
        details.pop("isbn_10", None)
    record = _record(value)
    if isinstance(record, TagRecord):
        return ReadRow(number=number, item=None, tags=(record.title,))
    item = cells.validated(_Kept, **record.model_dump(include=set(_ITEM_FIELDS), exclude_unset=True))
    edited = item.given() if record.edited_fields is None else record.edited_fields
    unknown = {*edited, *record.locks} - lockable(item.media_type)
    if unknown:
        raise RowRefused(f"edited_fields and locks hold what is no field of this type: {', '.join(sorted(unknown))}.")
    row = ReadRow(
        number=number,
        item=item,
        identity=None if record.id is None else str(record.id),
        item_id=record.id,
        own=record.own,
        edited_fields=tuple(edited),
        locks=tuple(record.locks),
        state=record.state,
        tags=tuple({name_key(name): name for name in reversed(record.tags)}.values())[::-1],
        references=tuple(record.sources),
        log=tuple(record.log),
    )
    if row.identity is not None or not row.references:
        return row
    first = row.references[0]
    return replace(row, identity=f"{first.source}/{first.kind}/{first.external_id}", formerly=row)


def _record(value: Any) -> TagRecord | ItemRecord:
    """The record; what sources told of its item, and cannot be kept, is left out."""
    try:
        return _RECORD.validate_python(value)
    except ValidationError as error:
        if not isinstance(value, dict):
            raise RowRefused(cells.reason_of(error)) from None
        for fault in error.errors(include_url=False, include_input=False, include_context=False):
            if _is_told(value, *fault["loc"][1:3]):
                _leave_out(value, *fault["loc"][1:3])
    try:
        return _RECORD.validate_python(value)
    except ValidationError as error:
        raise RowRefused(cells.reason_of(error)) from None


def _is_told(record: dict[str, Any], member: Any = None, detail: Any = None) -> bool:
    """Whether a source told it: of an item of everyone's all, of one's own entry what the person did not edit."""
    edited = record.get("edited_fields")
    name = member if member != "details" else detail
    return record.get("own") is False or (isinstance(edited, list) and bool(edited) and name not in edited)


def _leave_out(record: dict[str, Any], member: Any = None, detail: Any = None) -> None:
    if member == "details" and detail is not None and isinstance(record["details"], dict):
        record["details"].pop(detail, None)
    elif member in _TOLD:
        record.pop(member, None)


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
    if "edited_fields" in row:
        found.setdefault("edited_fields", [])
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
