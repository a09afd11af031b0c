"""Goodreads: the library export, of 24 or 31 columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from monocoque_media.importing import cells
from monocoque_media.importing.rows import ReadRow, RowRefused
from monocoque_media.schemas.items import ItemWrite
from monocoque_media.schemas.states import StateWrite

COLUMNS = frozenset({"Book Id", "Title", "Author", "My Rating", "Date Read", "Bookshelves", "Exclusive Shelf"})

_SHELVES = {
    "to-read": "planned",
    "currently-reading": "active",
    "read": "completed",
    "did-not-finish": "dropped",
    "dnf": "dropped",
    "abandoned": "dropped",
    "gave-up": "dropped",
    "unfinished": "dropped",
    "on-hold": "paused",
    "paused": "paused",
}
_SUFFIX = re.compile(r"(?i)\s*(?:[js]r\.?|[js]nr\.?|ii|iii|iv|ph\.?\s?d\.?|m\.?d\.?|esq\.?)\s*")


def read(number: int, row: Mapping[str, str]) -> ReadRow:
    """One book. What is in a shelf of one's own making has been read when it has a date, and is planned otherwise."""
    shelf = row["Exclusive Shelf"].strip()
    shelves = [name for name in (*row["Bookshelves"].split(","), shelf) if name.strip() not in _SHELVES]
    if cells.count(row.get("Owned Copies", ""), "Owned Copies"):
        shelves.append("owned")
    finished = cells.day(row["Date Read"], "Date Read")
    state = cells.validated(
        StateWrite,
        status=_SHELVES.get(shelf) or ("completed" if finished else "planned"),
        # 0 stars stand for no rating.
        rating=cells.rating(row["My Rating"], 5, "My Rating") or None,
        notes=cells.paragraphs(
            cells.from_html(row.get("My Review", "")), cells.from_html(row.get("Private Notes", ""))
        ),
        finished_at=finished,
        pass_number=cells.passes(row.get("Read Count", ""), "Read Count"),
    )
    read_row = ReadRow(
        number=number,
        item=_item(row, cells.unique([row["Author"], *_people(row.get("Additional Authors", ""))])),
        identity=cells.line(row["Book Id"]),
        state=state,
        tags=cells.tags(shelves),
    )
    formerly = cells.names(f"{row['Author']},{row.get('Additional Authors', '')}")
    return read_row if formerly == read_row.creators else replace(read_row, formerly=_with(read_row, row, formerly))


def _with(read_row: ReadRow, row: Mapping[str, str], authors: list[str]) -> ReadRow | None:
    try:
        return replace(read_row, item=_item(row, authors))
    except RowRefused:
        return None


def _people(text: str) -> list[str]:
    """Names divided by commas; what follows some names after a comma is no name of its own."""
    found: list[str] = []
    for part in text.split(","):
        if found and _SUFFIX.fullmatch(part):
            found[-1] += f",{part}"
        else:
            found.append(part)
    return found


def _item(row: Mapping[str, str], authors: list[str]) -> ItemWrite:
    edition = cells.year(row.get("Year Published", ""), "Year Published")
    original = cells.year(row.get("Original Publication Year", ""), "Original Publication Year")
    metadata: dict[str, Any] = {}
    if original is not None and original != edition:
        metadata["original_publication_year"] = original
    binding = cells.line(row.get("Binding", ""))
    if binding is not None:
        metadata["binding"] = binding
    return cells.validated(
        ItemWrite,
        media_type="book",
        title=cells.title(row["Title"]),
        release_date=cells.release_year(edition, original),
        metadata=metadata,
        details={
            "authors": authors,
            "page_count": cells.count(row.get("Number of Pages", ""), "Number of Pages"),
            "publisher": cells.line(row.get("Publisher", "")),
            **cells.isbns(row.get("ISBN", ""), row.get("ISBN13", "")),
        },
    )
