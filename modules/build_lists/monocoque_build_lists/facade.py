"""What other modules may ask of build_lists."""

from __future__ import annotations

from uuid import UUID

from monocoque.database import Executor
from monocoque_build_lists import queries
from monocoque_build_lists.contracts import BuildListCard


async def find_build_list(executor: Executor, owner_id: UUID, list_id: UUID) -> BuildListCard | None:
    """The owner's build list in brief, or None when it is not there or not theirs."""
    row = await executor.first(queries.FIND, id=list_id, owner_id=owner_id)
    if row is None:
        return None
    return BuildListCard(row["id"], row["name"], row["car_id"], row["item_count"])
