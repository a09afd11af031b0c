"""A person's library: its pages, and what it adds up to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from asyncpg import Record

from monocoque.database import Executor
from monocoque_media.queries import library as queries
from monocoque_media.queries.library import MONTH, STATUS, TYPE
from monocoque_media.schemas.states import STATUSES

_READERS: dict[str, Callable[[Any], Any]] = {
    "updated": datetime.fromisoformat,
    "rating": int,
    "title": str,
    "finished": date.fromisoformat,
}
_SUMS = ("count", "favorites", "rated", "average_rating")


async def list_entries(
    executor: Executor, owner_id: UUID, *, sort: str, after: Sequence[Any] | None, limit: int, **filters: Any
) -> list[Record]:
    """Entries in order, those behind the place `after`: each as JSON, with its place."""
    last_value, last_id = (None, None) if after is None else (_READERS[sort](after[0]), UUID(after[1]))
    return await executor.all(
        queries.LIST[sort], owner_id=owner_id, last_value=last_value, last_id=last_id, limit=limit, **filters
    )


async def count_library(executor: Executor, owner_id: UUID) -> dict[str, Any]:
    """The whole library counted, then by status, by type and by month, by the database."""
    rows = await executor.all(queries.STATS, owner_id=owner_id)
    groups: dict[int, list[Any]] = {STATUS | TYPE | MONTH: [], TYPE | MONTH: [], STATUS | MONTH: [], STATUS | TYPE: []}
    for row in rows:
        groups[row["kind"]].append(row)
    whole, by_status, by_type, by_month = groups.values()
    by_status.sort(key=lambda row: STATUSES.index(row["status"]))
    return {
        **_sums(whole[0]),
        "by_status": [{"status": row["status"], **_sums(row)} for row in by_status],
        "by_type": [{"media_type": row["media_type"], **_sums(row)} for row in by_type],
        "by_month": [{"month": row["month"], **_sums(row)} for row in by_month if row["month"] is not None],
    }


def _sums(row: Any) -> dict[str, Any]:
    return {name: row[name] for name in _SUMS}
