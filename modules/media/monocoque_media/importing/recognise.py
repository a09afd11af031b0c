"""Which export a file is, by its columns, and its rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from monocoque import json
from monocoque_media.importing import (
    documents,
    goodreads,
    howlongtobeat,
    letterboxd,
    openreads,
    own,
    storygraph,
    tmdb,
)
from monocoque_media.importing.rows import LeftRow, NotAnExport, ReadRow, Row, RowRefused, RowSkipped
from monocoque_media.importing.tables import DELIMITERS, Broken, Table
from monocoque_media.importing.text import open_text

MAX_ROWS = 200_000
Reader = Callable[[int, Mapping[str, str]], ReadRow]

_HEAD = 4 * 1024
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\s]+")


@dataclass(frozen=True, slots=True)
class Export:
    """A file that was recognised; its rows are read as they are asked for."""

    format: str
    rows: Iterator[Row]


@dataclass(frozen=True, slots=True)
class _Kind:
    """A service's CSV: the columns that tell it, and where the title and the creators of a row are, for a guess."""

    format: str
    label: str
    columns: frozenset[str]
    reader: Callable[[frozenset[str], str], Reader]
    title: str
    creators: str | None = None


_KINDS = (
    _Kind("goodreads", "Goodreads", goodreads.COLUMNS, lambda _h, _f: goodreads.read, "Title", "Author"),
    _Kind("storygraph", "The StoryGraph", storygraph.COLUMNS, lambda _h, _f: storygraph.read, "Title", "Authors"),
    _Kind("howlongtobeat", "HowLongToBeat", howlongtobeat.COLUMNS, lambda _h, _f: howlongtobeat.read, "Title"),
    _Kind("tmdb", "TMDB", tmdb.COLUMNS, lambda _header, filename: tmdb.reader(filename), "Name"),
    _Kind("letterboxd", "Letterboxd", letterboxd.COLUMNS, letterboxd.reader, "Name"),
    _Kind("openreads", "Openreads", openreads.COLUMNS, lambda _h, _f: openreads.read, "title", "author"),
    _Kind("csv", "our own CSV", own.COLUMNS, lambda _h, _f: own.read_csv, "title", "authors"),
)


def open_export(file: BinaryIO, filename: str) -> Export:
    """Recognise a file; raises NotAnExport, which says what was expected."""
    text = open_text(file)
    head = text.read(_HEAD).lstrip()
    text = open_text(file)
    if head.startswith(("{", "[")):
        records = documents.records(text)
        # The first record is read now, so that a document of another kind is refused at once.
        first = next(records, None)
        return Export("json", _numbered_records(first, records))
    for delimiter in DELIMITERS:
        table = Table(text, delimiter)
        header = [name.strip() for name in table.header]
        for kind in _KINDS:
            if kind.columns <= set(header):
                read = kind.reader(frozenset(header), filename)
                return Export(kind.format, _bounded(_rows(table, header, kind, read)))
        text = open_text(file)
    raise NotAnExport(_expected())


def _expected() -> str:
    lines = [f"{kind.label} ({', '.join(sorted(kind.columns))})" for kind in _KINDS]
    return f"The file is no export that can be read here. Known by their columns: {'; '.join(lines)}; and our own JSON."


def _rows(table: Table, header: list[str], kind: _Kind, read: Reader) -> Iterator[Row]:
    number = 0
    for record in table.records():
        if isinstance(record, list) and not any(cell.strip() for cell in record):
            continue
        number += 1
        if isinstance(record, Broken):
            yield LeftRow(number=number, status="failed", reason=record.reason)
            continue
        row = dict(zip(header, record, strict=True))
        try:
            yield read(number, row)
        except RowRefused as refused:
            guess = _guess(row, kind)
            title = guess.get("title")
            yield LeftRow(number=number, status="failed", reason=str(refused), title=title, guess=guess or None)
        except RowSkipped as skipped:
            title = _shown(row[kind.title])
            yield LeftRow(number=number, status="skipped", reason=str(skipped), title=title)


def _guess(row: Mapping[str, str], kind: _Kind) -> dict[str, Any]:
    found = {"title": _shown(row[kind.title]), "creators": _shown(row.get(kind.creators or "", ""))}
    return {name: value for name, value in found.items() if value is not None}


def _shown(text: str) -> str | None:
    """What can be shown of a text that may be anything."""
    return _UNSHOWN.sub(" ", text[:2000]).strip()[:500] or None


def _numbered_records(first: str | Broken | None, others: Iterator[str | Broken]) -> Iterator[Row]:
    return _bounded(_record_rows(first, others))


def _record_rows(first: str | Broken | None, others: Iterator[str | Broken]) -> Iterator[Row]:
    number, record = 1, first
    while record is not None:
        if isinstance(record, Broken):
            yield LeftRow(number=number, status="failed", reason=record.reason)
        else:
            try:
                yield own.read_json(number, record)
            except RowRefused as refused:
                yield LeftRow(number=number, status="failed", reason=str(refused), **_of_document(record))
        number, record = number + 1, next(others, None)


def _of_document(record: str) -> dict[str, Any]:
    try:
        value = json.loads(record)
    except ValueError:
        return {}
    title = value.get("title") if isinstance(value, dict) else None
    shown = _shown(title) if isinstance(title, str) else None
    return {"title": shown, "guess": {"title": shown}} if shown is not None else {}


def _bounded(rows: Iterator[Row]) -> Iterator[Row]:
    for row in rows:
        if row.number > MAX_ROWS:
            reason = f"Only {MAX_ROWS:,} rows are read at a time; put this one and those after it into another file."
            yield LeftRow(number=row.number, status="failed", reason=reason)
            return
        yield row
