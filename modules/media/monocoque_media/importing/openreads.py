"""Openreads: the CSV export."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from monocoque_media.importing import cells
from monocoque_media.importing.rows import ReadRow, RowRefused, RowSkipped
from monocoque_media.schemas.items import ItemWrite
from monocoque_media.schemas.states import MAX_PASS, StateWrite

COLUMNS = frozenset({"title", "author", "status", "favourite", "deleted", "publication_year", "olid", "readings"})

_STATUSES = {"planned": "planned", "in_progress": "active", "finished": "completed", "abandoned": "dropped"}


def read(number: int, row: Mapping[str, str]) -> ReadRow:
    """One book; those in the bin are left out."""
    if row["deleted"].strip() == "true":
        raise RowSkipped("The book is in the bin.")
    status = _STATUSES.get(row["status"].strip())
    if status is None:
        raise RowRefused(f"status is none of {', '.join(_STATUSES)}.")
    item = cells.validated(
        ItemWrite,
        media_type="book",
        title=cells.title(row["title"]),
        subtitle=cells.line(row.get("subtitle", "")),
        description=cells.paragraphs(row.get("description", "")),
        release_date=cells.release_year(cells.year(row["publication_year"], "publication_year")),
        details={
            "authors": _authors(row["author"]),
            "page_count": cells.count(row.get("pages", ""), "pages"),
            **cells.isbns(row.get("isbn", "")),
        },
    )
    begin, end, times = _readings(row["readings"])
    state = cells.validated(
        StateWrite,
        status=status,
        rating=cells.rating(row.get("rating", ""), 5, "rating") or None,
        favorite=row["favourite"].strip() == "true",
        notes=cells.paragraphs(row.get("my_review", ""), row.get("notes", "")),
        started_at=begin,
        finished_at=end,
        pass_number=times,
    )
    return ReadRow(number=number, item=item, state=state, tags=cells.tags(row.get("tags", "").split("|||||")))


def _authors(text: str) -> list[str]:
    """Names divided by commas; "Smith, Mark" is one."""
    several = all(" " in part.strip() for part in text.split(","))
    return cells.names(text, "," if several else "\n")


def _readings(text: str) -> tuple[date | None, date | None, int]:
    """First and last day of the last reading, and how many there are: `start|end|minutes;start|end|minutes`."""
    spans = []
    for part in text.split(";")[:MAX_PASS]:
        if part.strip(" |"):
            begin, _, rest = part.partition("|")
            spans.append((cells.day(begin, "readings"), cells.day(rest.partition("|")[0], "readings")))
    last = max(spans, key=lambda span: span[1] or span[0] or date.min, default=(None, None))
    return *last, max(1, len(spans))
