"""What becomes of entries when two items of the catalogue become one."""

from __future__ import annotations

from monocoque.database import Transaction
from monocoque_media.contracts import ItemsMerged
from monocoque_menus.queries import merging as queries


async def follow_merge(transaction: Transaction, merged: ItemsMerged) -> None:
    """Let every entry of the old item be one of the new, in everybody's menus; where both were, both stay.

    Their notes and places differ, and what is in a menu twice is for its owner to say.
    """
    both = {"old_id": merged.old_id, "new_id": merged.new_id}
    if await transaction.run(queries.HOLD_MENUS, old_id=merged.old_id):
        await transaction.run(queries.MOVE_ITEMS, **both)
