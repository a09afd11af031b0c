"""Two items that are the same work become one."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from asyncpg import Record

from monocoque.database import Executor, Transaction
from monocoque.problems import invalid
from monocoque.types import new_id
from monocoque_media import item_service
from monocoque_media.contracts import ItemsMerged, MergeHandler
from monocoque_media.problems import MERGE_REFUSED
from monocoque_media.queries import merging as queries


async def merge_items(
    executor: Executor, user_id: UUID, old_id: UUID, new_id_: UUID, handlers: Sequence[MergeHandler] = ()
) -> Record:
    """Move everything that hangs on the old item to the new one, which keeps its own fields, and give that.

    Of two states of one person the newer stays, and both are logged; a tag or a source that both have stays once.
    The handlers of other modules run in the same transaction: when one of them fails, nothing has happened.
    Raises a 404, a 308 for an old item that was merged before, a 422 unless the other is a living one of its type.
    """

    async def merge(transaction: Transaction) -> Record:
        await transaction.all(queries.WAIT)
        await _check(transaction, old_id, new_id_)
        both = {"old_id": old_id, "new_id": new_id_}
        # First of all, since the log lets its rows go only where their item leads to.
        await transaction.run(queries.LEAD_ON, **both)
        await transaction.run(queries.LEAD_EARLIER_ON, **both)
        await transaction.run(queries.MOVE_SOURCES, **both)
        await transaction.run(queries.COPY_TAGS, **both)
        await transaction.run(queries.DROP_TAGS, old_id=old_id)
        await transaction.run(queries.MOVE_LOG, **both)
        await _merge_states(transaction, old_id, new_id_)
        await transaction.run(queries.MOVE_IMPORT_ROWS, **both)
        await transaction.run(queries.TOUCH, new_id=new_id_)
        merged = ItemsMerged(old_id, new_id_)
        for handle in handlers:
            await handle(transaction, merged)
        return await item_service.find_item(transaction, user_id, new_id_, is_admin=True)

    return await executor.transact(merge)


async def _check(transaction: Transaction, old_id: UUID, into: UUID) -> None:
    if old_id == into:
        raise invalid("#/into", MERGE_REFUSED, "An item cannot be merged into itself.")
    rows = {row["id"]: row for row in await transaction.all(queries.HOLD_BOTH, old_id=old_id, new_id=into)}
    old, new = rows.get(old_id), rows.get(into)
    if old is None or old["deleted_at"] is not None:
        await item_service.refuse(transaction, old_id, below="/merge")
    if new is None or new["deleted_at"] is not None:
        raise invalid("#/into", MERGE_REFUSED, "There is no such item, or it was deleted, or merged into another.")
    if old["media_type"] != new["media_type"]:
        raise invalid("#/into", MERGE_REFUSED, "The two items are of different types.")


async def _merge_states(transaction: Transaction, old_id: UUID, into: UUID) -> None:
    both = {"old_id": old_id, "new_id": into}
    twice = await transaction.all(queries.HOLD_TWICE, **both)
    if twice:
        await transaction.run(queries.LOG_TWICE, **both, ids=[new_id() for _ in twice])
        await transaction.run(queries.DROP_OLDER, **both)
    await transaction.run(queries.MOVE_STATES, **both)
