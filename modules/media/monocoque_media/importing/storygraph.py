"""The StoryGraph: the library export."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from monocoque_media.importing import cells
from monocoque_media.importing.rows import ReadRow, RowRefused
from monocoque_media.schemas.items import ItemWrite
from monocoque_media.schemas.states import StateWrite

COLUMNS = frozenset({"Title", "Authors", "ISBN/UID", "Read Status", "Star Rating"})

_STATUSES = {
    "to-read": "planned",
    "currently-reading": "active",
    "read": "completed",
    "did-not-finish": "dropped",
    "paused": "paused",
}
_DAY = r"[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}"
_SPAN = re.compile(rf"\s*({_DAY})?\s*-\s*({_DAY})?\s*|\s*({_DAY})\s*")


def read(number: int, row: Mapping[str, str]) -> ReadRow:
    """One book."""
    status = _STATUSES.get(row["Read Status"].strip())
    if status is None:
        raise RowRefused(f"Read Status is none of {', '.join(_STATUSES)}.")
    binding = cells.line(row.get("Format", ""))
    item = cells.validated(
        ItemWrite,
        media_type="book",
        title=cells.title(row["Title"]),
        details={"authors": cells.names(row["Authors"]), **cells.isbns(row["ISBN/UID"])},
        metadata={} if binding is None else {"binding": binding},
    )
    started, finished = _last_span(row.get("Dates Read", ""))
    state = cells.validated(
        StateWrite,
        status=status,
        rating=cells.rating(row["Star Rating"], 5, "Star Rating") or None,
        notes=cells.paragraphs(cells.from_html(row.get("Review", ""))),
        started_at=started,
        finished_at=cells.day(row.get("Last Date Read", ""), "Last Date Read") or finished,
        pass_number=cells.passes(row.get("Read Count", ""), "Read Count"),
    )
    shelves = row.get("Tags", "").split(",")
    if row.get("Owned?", "").strip().lower() == "yes":
        shelves.append("owned")
    identity = cells.line(row["ISBN/UID"])
    return ReadRow(number=number, item=item, identity=identity, state=state, tags=cells.tags(shelves))


def _last_span(text: str) -> tuple[date | None, date | None]:
    """The last of `2021/05/10-2021/05/14, ...`, by its last day."""
    found: list[tuple[date | None, date | None]] = []
    for part in text.split(","):
        match = _SPAN.fullmatch(part)
        if match is None:
            if part.strip():
                raise RowRefused("Dates Read holds something else than dates such as 2021/05/10-2021/05/14.")
            continue
        begin, end, only = (cells.day(group or "", "Dates Read") for group in match.groups())
        found.append((begin, end or only))
    return max(found, key=lambda span: span[1] or span[0] or date.min, default=(None, None))
