"""Which export a file is, by its columns, and its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from monocoque_media.fields import CREATORS
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
from monocoque_media.importing.guesses import Clues, failed, of_document, shown
from monocoque_media.importing.rows import LeftRow, NotAnExport, ReadRow, Row, RowRefused, RowSkipped
from monocoque_media.importing.tables import DELIMITERS, Broken, Table
from monocoque_media.importing.text import open_text

MAX_ROWS = 200_000
Reader = Callable[[int, Mapping[str, str]], ReadRow]

_HEAD = 4 * 1024


@dataclass(frozen=True, slots=True)
class Export:
    """A file that was recognised; its rows are read as they are asked for."""

    format: str
    rows: Iterator[Row]


@dataclass(frozen=True, slots=True)
class _Kind:
    """A service's CSV: the columns that tell it, and how its rows are read, or guessed at where they cannot be."""

    format: str
    label: str
    columns: frozenset[str]
    reader: Callable[[frozenset[str], str], Reader]
    clues: Clues


_KINDS = (
    _Kind(
        "goodreads",
        "Goodreads",
        goodreads.COLUMNS,
        lambda _header, _filename: goodreads.read,
        Clues("book", "Title", ("Author",), ("Year Published", "Original Publication Year")),
    ),
    _Kind(
        "storygraph",
        "The StoryGraph",
        storygraph.COLUMNS,
        lambda _header, _filename: storygraph.read,
        Clues("book", "Title", ("Authors",)),
    ),
    _Kind(
        "howlongtobeat",
        "HowLongToBeat",
        howlongtobeat.COLUMNS,
        lambda _header, _filename: howlongtobeat.read,
        Clues("game", "Title"),
    ),
    _Kind(
        "tmdb",
        "TMDB",
        tmdb.COLUMNS,
        lambda _header, filename: tmdb.reader(filename),
        Clues("Type", "Name", released=("Release Date",)),
    ),
    _Kind(
        "letterboxd",
        "Letterboxd",
        letterboxd.COLUMNS,
        letterboxd.reader,
        Clues("movie", "Name", released=("Year",)),
    ),
    _Kind(
        "openreads",
        "Openreads",
        openreads.COLUMNS,
        lambda _header, _filename: openreads.read,
        Clues("book", "title", ("author",), ("publication_year",)),
    ),
    _Kind(
        "csv",
        "our own CSV",
        own.COLUMNS,
        lambda _header, _filename: own.read_csv,
        Clues("media_type", "title", tuple(dict.fromkeys(CREATORS.values())), ("release_date",)),
    ),
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
            row = dict(zip(header, table.likely_cells(record), strict=False))
            yield failed(number, record.reason, kind.clues.of_cells(row))
            continue
        row = dict(zip(header, record, strict=True))
        try:
            yield read(number, row)
        except RowRefused as refused:
            yield failed(number, str(refused), kind.clues.of_cells(row))
        except RowSkipped as skipped:
            title = shown(row[kind.clues.title])
            yield LeftRow(number=number, status="skipped", reason=str(skipped), title=title)


def _numbered_records(first: str | Broken | None, others: Iterator[str | Broken]) -> Iterator[Row]:
    return _bounded(_record_rows(first, others))


def _record_rows(first: str | Broken | None, others: Iterator[str | Broken]) -> Iterator[Row]:
    number, record = 1, first
    while record is not None:
        if isinstance(record, Broken):
            yield failed(number, record.reason, of_document(record.text))
        else:
            try:
                yield own.read_json(number, record)
            except RowRefused as refused:
                yield failed(number, str(refused), of_document(record))
        number, record = number + 1, next(others, None)


def _bounded(rows: Iterator[Row]) -> Iterator[Row]:
    for row in rows:
        if row.number > MAX_ROWS:
            reason = f"Only {MAX_ROWS:,} rows are read at a time; put this one and those after it into another file."
            yield LeftRow(number=row.number, status="failed", reason=reason)
            return
        yield row
