"""HowLongToBeat: the export of one's games."""

from __future__ import annotations

from collections.abc import Mapping

from monocoque_media.importing import cells
from monocoque_media.importing.rows import ReadRow
from monocoque_media.schemas.items import ItemWrite
from monocoque_media.schemas.states import StateWrite

COLUMNS = frozenset({"Title", "Platform", "Playing", "Backlog", "Replay", "Completed", "Retired"})

# The first that is marked counts: what was completed may be in the backlog again.
_MARKS = (
    ("Playing", "active"),
    ("Replay", "active"),
    ("Retired", "dropped"),
    ("Completed", "completed"),
    ("Backlog", "planned"),
)
_LISTS = ("Custom-1", "Custom-2", "Custom-3", "Custom-4", "Custom-5")
_NOTES = ("General Notes", "Review Notes", "Retired Notes")


def read(number: int, row: Mapping[str, str]) -> ReadRow:
    """One game on one platform."""
    platform = cells.line(row["Platform"])
    item = cells.validated(
        ItemWrite,
        media_type="game",
        title=cells.title(row["Title"]),
        details={"platforms": [] if platform is None else [platform]},
    )
    state = cells.validated(
        StateWrite,
        status=next((status for column, status in _MARKS if row[column].strip()), "planned"),
        # 0 stands for a game that was not reviewed.
        rating=cells.rating(row.get("Review", ""), 100, "Review") or None,
        notes=cells.paragraphs(*(row.get(column, "") for column in _NOTES)),
        started_at=cells.day(row.get("Start Date", ""), "Start Date"),
        finished_at=cells.day(row.get("Completion Date", ""), "Completion Date"),
        pass_number=2 if row["Replay"].strip() else 1,
    )
    tags = cells.tags(name for name in _LISTS if row.get(name, "").strip())
    return ReadRow(number=number, item=item, state=state, tags=tags, again=True)
