"""What other modules may ask of parts."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from monocoque.database import Executor
from monocoque_parts import queries
from monocoque_parts.contracts import PartCard


async def find_part(executor: Executor, owner_id: UUID, part_id: UUID) -> PartCard | None:
    """The owner's part in brief, or None when it is not there or not theirs."""
    return (await find_parts(executor, owner_id, (part_id,))).get(part_id)


async def find_parts(executor: Executor, owner_id: UUID, part_ids: Iterable[UUID]) -> dict[UUID, PartCard]:
    """Those of the parts that are there and the owner's, in brief, by their ids."""
    rows = await executor.all(queries.CARDS, owner_id=owner_id, ids=list(part_ids))
    return {row["id"]: PartCard(**dict(row.items())) for row in rows}
