"""The export of everything that a person owns, as one stream that never holds more than a page."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from monocoque import json
from monocoque.database import Executor
from monocoque_media.importing.documents import FORMAT, VERSION
from monocoque_media.importing.own import CSV_COLUMNS, DOCUMENTS, LISTS, STATE, to_csv_text
from monocoque_media.importing.tables import MAX_RECORD
from monocoque_media.queries import exports as queries

PAGE = 200
LOG_PAGE = 50
LONGEST = MAX_RECORD // 4
"""Characters of the log in a record: quotation marks are doubled in a CSV, and a record has more than its log."""
_FIRST = UUID(int=0)


async def as_json(executor: Executor, owner_id: UUID) -> AsyncIterator[bytes]:
    """One document, a record on each line."""
    head = {"format": FORMAT, "version": VERSION, "exported_at": datetime.now(UTC)}
    yield json.dumps(head)[:-1] + b',"records":[\n'
    first = True
    async for records in _records(executor, owner_id):
        lines = b",\n".join(record.encode() for record in records)
        yield lines if first else b",\n" + lines
        first = False
    yield b"\n]}\n"


async def as_csv(executor: Executor, owner_id: UUID) -> AsyncIterator[bytes]:
    """RFC 4180 with a header line; no cell is taken for a formula, and each is read again as it was."""
    yield _table([CSV_COLUMNS])
    async for records in _records(executor, owner_id):
        yield _table([_row(json.loads(record)) for record in records])


def table(records: Iterable[Mapping[str, Any]]) -> str:
    """The CSV of some records."""
    return _table([CSV_COLUMNS, *map(_row, records)]).decode()


FORMS: Mapping[str, tuple[str, Callable[[Executor, UUID], AsyncIterator[bytes]]]] = {
    "json": ("application/json", as_json),
    "csv": ("text/csv; charset=utf-8", as_csv),
}
"""By the name of a form: its media type, and how it is written."""


async def _records(executor: Executor, owner_id: UUID) -> AsyncIterator[list[str]]:
    """The person's tags, then their items, in pages: each its own statement, so that a slow reader holds nothing."""
    key = ""
    while tags := await executor.all(queries.TAG_NAMES, owner_id=owner_id, after=key, limit=PAGE):
        yield [json.dump_text({"record": "tag", "title": row["name"]}) for row in tags]
        key = tags[-1]["name_key"]
    last = _FIRST
    while rows := await executor.all(queries.RECORDS, owner_id=owner_id, after=last, limit=PAGE):
        last = rows[-1]["id"]
        records: list[str] = []
        for row in rows:
            # What was deleted is on a page, but no more than that.
            if row["record"] is not None and row["has_long_log"]:
                async for part in _with_log(executor, owner_id, row["record"]):
                    yield [part]
            elif row["record"] is not None:
                records.append(row["record"])
        if records:
            yield records


async def _with_log(executor: Executor, owner_id: UUID, record: str) -> AsyncIterator[str]:
    """The record with its log, or several where an import could not read it at once, with a part of the log each.

    The last one has the state, so that nothing that was logged before comes to be logged after it.
    """
    whole = json.loads(record)
    earlier = {**whole, "tags": [], "state": None}
    part: list[str] = []
    size = 0
    last = 0
    while rows := await executor.all(
        queries.LOG, owner_id=owner_id, item_id=UUID(whole["id"]), after=last, limit=LOG_PAGE
    ):
        last = rows[-1]["number"]
        for row in rows:
            if part and size + len(row["entry"]) > LONGEST:
                yield _with(earlier, part)
                part, size = [], 0
            part.append(row["entry"])
            size += len(row["entry"])
    yield _with(whole, part)


def _with(record: Mapping[str, Any], log: list[str]) -> str:
    return json.dump_text({**record, "log": [json.Fragment(entry) for entry in log]})


def _table(rows: list[Any]) -> bytes:
    target = io.StringIO(newline="")
    csv.writer(target).writerows(rows)
    return target.getvalue().encode()


def _row(record: Mapping[str, Any]) -> list[str]:
    values = {**record, **(record.get("details") or {})}
    state = record.get("state") or {}
    values.update({name: state.get(name) for name in STATE})
    return [_cell(name, values.get(name)) for name in CSV_COLUMNS]


def _cell(column: str, value: Any) -> str:
    if value is None or value in ([], {}):
        return ""
    if column in DOCUMENTS:
        return json.dump_text(value)
    if column in LISTS:
        return to_csv_text("\n".join(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return to_csv_text(str(value))
