"""The rules of states: where a person is with an item, and how they came there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn
from uuid import UUID

from asyncpg import Record

from monocoque.conditional import there_already
from monocoque.database import Executor
from monocoque.problems import PRECONDITION_FAILED, Problem
from monocoque.types import new_id
from monocoque_media import item_service
from monocoque_media.problems import STATE_NOT_FOUND
from monocoque_media.queries import items as item_queries
from monocoque_media.queries import states as queries
from monocoque_media.schemas.states import StateWrite


async def put_state(
    executor: Executor,
    owner_id: UUID,
    item_id: UUID,
    state: StateWrite,
    versions: list[int] | None,
    *,
    only_new: bool = False,
) -> Record:
    """Set the whole state and log it; one that is as it was stays as it is, and is not logged.

    Raises a 404 or a 308 for the item, and a 412 unless the state has one of `versions`, or where there is one and only
    a new one was to be set.
    """
    parameters = {"owner_id": owner_id, "item_id": item_id, **state.model_dump()}
    if only_new:
        # What has to be new can have no version yet.
        row = None if versions else await executor.first(queries.CREATE, log_id=new_id(), **parameters)
    elif versions is None:
        row = await executor.first(queries.PUT, log_id=new_id(), **parameters)
    else:
        row = await executor.first(queries.REPLACE, log_id=new_id(), versions=versions, **parameters)
    if row is not None:
        return row
    if only_new:
        await _check_item(executor, item_id)
        raise there_already()
    present = await executor.first(queries.FIND, owner_id=owner_id, item_id=item_id)
    if present is None:
        await _check_item(executor, item_id)
        raise Problem(PRECONDITION_FAILED)
    if versions is not None and present["version"] not in versions:
        raise Problem(PRECONDITION_FAILED)
    return present


async def find_state(executor: Executor, owner_id: UUID, item_id: UUID) -> Record:
    """The owner's state; raises a 404, or a 308 for an item that was merged."""
    row = await executor.first(queries.FIND, owner_id=owner_id, item_id=item_id)
    return row or await _refuse(executor, item_id)


async def delete_state(executor: Executor, owner_id: UUID, item_id: UUID, versions: list[int] | None) -> None:
    """Remove the state and log what it was; raises a 404, a 308 or a 412."""
    removed = await executor.first(
        queries.DELETE, owner_id=owner_id, item_id=item_id, versions=versions, log_id=new_id()
    )
    if removed is None:
        await find_state(executor, owner_id, item_id)
        raise Problem(PRECONDITION_FAILED)


async def list_log(
    executor: Executor, owner_id: UUID, item_id: UUID, *, before: UUID | None, limit: int
) -> Sequence[Record]:
    """The log of the owner's state, newest first, those below the id `before`; raises a 404 or a 308."""
    rows = await executor.all(queries.LOG, owner_id=owner_id, item_id=item_id, before=before, limit=limit)
    if not rows or await executor.first(item_queries.EXISTS, id=item_id) is None:
        # No cursor: it is of the old address, and the log of the other item begins anew.
        await _check_item(executor, item_id, below="/state/log", query=f"?limit={limit - 1}")
    return rows


async def _check_item(executor: Executor, item_id: UUID, below: str = "/state", query: str = "") -> None:
    if await executor.first(item_queries.EXISTS, id=item_id) is None:
        await item_service.refuse(executor, item_id, below=below, query=query)


async def _refuse(executor: Executor, item_id: UUID) -> NoReturn:
    await _check_item(executor, item_id)
    raise Problem(STATE_NOT_FOUND)
