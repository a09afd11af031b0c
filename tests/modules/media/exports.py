"""Small files in the forms of other services, and the recorded ones where they are at hand."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from monocoque_media.importing.recognise import open_export
from monocoque_media.importing.rows import LeftRow, ReadRow, Row

GOODREADS_HEADER = (
    "Book Id,Title,Author,Author l-f,Additional Authors,ISBN,ISBN13,My Rating,Average Rating,Publisher,Binding,"
    "Number of Pages,Year Published,Original Publication Year,Date Read,Date Added,Bookshelves,"
    "Bookshelves with positions,Exclusive Shelf,My Review,Spoiler,Private Notes,Read Count,Owned Copies"
)


def goodreads(*rows: str) -> bytes:
    """A library export with these lines."""
    return "\n".join([GOODREADS_HEADER, *rows, ""]).encode()


def goodreads_row(number: int, title: str, **values: str) -> str:
    """A line of it; `values` by the column's name, with underscores for blanks."""
    given = {"Book Id": str(number), "Title": title, "Author": "Ann Author", "My Rating": "0"}
    given |= {"Exclusive Shelf": "read", "ISBN": '=""', "ISBN13": '=""', "Read Count": "1", "Owned Copies": "0"}
    given |= {name.replace("_", " "): value for name, value in values.items()}
    return ",".join('"' + given.get(name, "").replace('"', '""') + '"' for name in GOODREADS_HEADER.split(","))


def read(content: bytes, filename: str = "export.csv") -> tuple[str, list[Row]]:
    """What a file is recognised as, and its rows."""
    export = open_export(io.BytesIO(content), filename)
    return export.format, list(export.rows)


def only(rows: Iterable[Row]) -> ReadRow:
    """The one row, which could be read."""
    (row,) = rows
    assert isinstance(row, ReadRow), row
    return row


def reason(row: Row) -> str:
    """Why nothing is taken from a row."""
    assert isinstance(row, LeftRow), row
    return row.reason


def state_of(row: ReadRow) -> dict[str, Any]:
    """What a row says of the person, without what it leaves open."""
    assert row.state is not None
    return {name: value for name, value in row.state.model_dump(mode="json").items() if value not in (None, False)}


RECORDED = (
    "goodreads_export_2022_24_columns.csv",
    "goodreads_export_31_columns.csv",
    "goodreads_export_duplicates.csv",
    "howlongtobeat_export.csv",
    "letterboxd_diary.csv",
    "letterboxd_ratings.csv",
    "letterboxd_watched.csv",
    "letterboxd_watchlist_empty.csv",
    "openreads_export.csv",
    "storygraph_export.csv",
    "tmdb_ratings_export.csv",
    "tmdb_watchlist_export.csv",
)
each_recorded = pytest.mark.parametrize("name", RECORDED)


def recorded(name: str) -> bytes:
    """A recorded export; skips where the recordings are not at hand."""
    repository = Path(__file__).resolve().parents[3]
    folder = Path(os.environ.get("MONOCOQUE_TEST_FIXTURES") or repository.parent / "shared" / "fixtures")
    path = folder / "imports" / name
    if not path.is_file():
        pytest.skip("[elsewhere] the recorded files are not beside this checkout; set MONOCOQUE_TEST_FIXTURES")
    return path.read_bytes()
