"""What other modules may ask of menus."""

from __future__ import annotations

from uuid import UUID

from monocoque.database import Executor
from monocoque_menus.contracts import MenuCard
from monocoque_menus.queries import menus as queries


async def find_menu(executor: Executor, owner_id: UUID, menu_id: UUID) -> MenuCard | None:
    """The owner's menu in brief, or None when it is not there or not theirs."""
    row = await executor.first(queries.FIND, id=menu_id, owner_id=owner_id)
    if row is None:
        return None
    return MenuCard(row["id"], row["title"], row["slug"], row["visibility"], row["item_count"])
