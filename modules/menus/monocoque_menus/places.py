"""Pages of what has an order without gaps, where all that is behind something moves up when that is deleted.

A cursor names the last rows that were shown, and the list goes on behind the last of these that stands where the page
ended, or further up; where there is none of them, from the start. So a row may be shown twice, but none is left out for
what became of others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from asyncpg import Record
from starlette.responses import Response

from monocoque.pagination import Paging

# A cursor has at most 500 characters; these take about 260.
_NAMED = 4


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: the position of its last row, and the ids of the last ones, in their order."""

    position: int = 0
    shown: list[UUID] = field(default_factory=list)


def place_of(page: Paging) -> Place:
    """Where the page before ended; raises a 422 for a cursor from elsewhere."""
    values = page.position(2)
    return Place() if values is None else Place(values[0], [UUID(named) for named in values[1]])


def page_behind(page: Paging, place: Place, rows: Sequence[Record]) -> Response:
    """The reply for up to `page.fetch` rows behind the place."""
    shown = [*place.shown, *(row["id"] for row in rows[: page.limit])][-_NAMED:]
    return page.page(rows, lambda last: [last["position"], shown])
