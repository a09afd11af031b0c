"""The rules of build lists, their sharing and their copies."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Record

from monocoque.database import Executor, Transaction
from monocoque.problems import Problem, invalid
from monocoque.statements import merge_parameters, missing_or_stale
from monocoque.types import new_id
from monocoque_build_lists import queries
from monocoque_build_lists.problems import CAR_UNKNOWN, NOT_FOUND, SHARE_NOT_FOUND
from monocoque_build_lists.schemas import BuildListPatch, BuildListWrite, CloneWrite
from monocoque_cars.facade import find_car

NAME_LENGTH = 200
_COPY = " (copy)"
_TOKEN_BYTES = 32
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


async def create_build_list(executor: Executor, owner_id: UUID, build_list: BuildListWrite) -> Record:
    """Add a list; raises a 422 for a car that is not the owner's."""
    await _check_car(executor, owner_id, build_list.car_id)
    row = await executor.first(queries.CREATE, id=new_id(), owner_id=owner_id, **_values(build_list))
    assert row is not None
    return row


async def find_build_list(executor: Executor, owner_id: UUID, list_id: UUID) -> Record:
    """The owner's list; raises a 404."""
    row = await executor.first(queries.FIND, id=list_id, owner_id=owner_id)
    if row is None:
        raise Problem(NOT_FOUND)
    return row


async def replace_build_list(
    executor: Executor, owner_id: UUID, list_id: UUID, build_list: BuildListWrite, versions: list[int] | None
) -> Record:
    """Set every field; raises a 404, a 412 for another version, a 422 for a car that is not the owner's."""
    await _check_car(executor, owner_id, build_list.car_id, list_id=list_id)
    row = await executor.first(queries.REPLACE, id=list_id, owner_id=owner_id, versions=versions, **_values(build_list))
    return row or await refuse(executor, owner_id, list_id, versions)


async def merge_build_list(
    executor: Executor, owner_id: UUID, list_id: UUID, change: BuildListPatch, versions: list[int] | None
) -> Record:
    """Set the fields that were sent; raises as `replace_build_list`."""
    if "car_id" in change.model_fields_set:
        await _check_car(executor, owner_id, change.car_id, list_id=list_id)
    parameters = merge_parameters(change, queries.FIELDS)
    row = await executor.first(queries.MERGE, id=list_id, owner_id=owner_id, versions=versions, **parameters)
    return row or await refuse(executor, owner_id, list_id, versions)


async def delete_build_list(executor: Executor, owner_id: UUID, list_id: UUID, versions: list[int] | None) -> None:
    """Put the list aside; it can be restored until it is purged. Raises a 404 or a 412."""
    if await executor.first(queries.DELETE, id=list_id, owner_id=owner_id, versions=versions) is None:
        await refuse(executor, owner_id, list_id, versions)


async def restore_build_list(executor: Executor, owner_id: UUID, list_id: UUID) -> Record:
    """Bring a deleted list back (a living one is given as it is); raises a 404."""
    row = await executor.first(queries.RESTORE, id=list_id, owner_id=owner_id)
    return row or await find_build_list(executor, owner_id, list_id)


async def clone_build_list(executor: Executor, owner_id: UUID, list_id: UUID, wish: CloneWrite) -> Record:
    """Copy the list and its items, but no share; raises a 404, or a 422 for a car that is not the owner's."""

    async def clone(transaction: Transaction) -> Record:
        original = await transaction.first(queries.LOCK_ORIGINAL, id=list_id, owner_id=owner_id)
        if original is None:
            raise Problem(NOT_FOUND)
        car_id = original["car_id"]
        if "car_id" in wish.model_fields_set:
            await _check_car(transaction, owner_id, wish.car_id)
            car_id = wish.car_id
        copy = await transaction.first(
            queries.CREATE_CLONE,
            id=new_id(),
            owner_id=owner_id,
            name=wish.name or copy_name(original["name"]),
            description=original["description"],
            car_id=car_id,
            item_count=original["item_count"],
        )
        assert copy is not None
        ids = [new_id() for _ in range(original["item_count"])]
        await transaction.run(queries.CLONE_ITEMS, original=list_id, list_id=copy["id"], ids=ids)
        return copy

    return await executor.transact(clone)


def copy_name(name: str) -> str:
    """`name (copy)`, shortened to fit."""
    return name[: NAME_LENGTH - len(_COPY)].rstrip() + _COPY


async def share_build_list(executor: Executor, owner_id: UUID, list_id: UUID, expires_at: datetime | None) -> str:
    """A new token, which is kept nowhere; the one before stops to open the list. Raises a 404."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    shared = await executor.first(
        queries.SHARE, id=list_id, owner_id=owner_id, digest=_digest(token), expires_at=expires_at
    )
    if shared is None:
        raise Problem(NOT_FOUND)
    return token


async def revoke_share(executor: Executor, owner_id: UUID, list_id: UUID) -> None:
    """Let no token open the list; nothing happens where there is none. Raises a 404."""
    if await executor.first(queries.REVOKE, id=list_id, owner_id=owner_id) is None:
        await find_build_list(executor, owner_id, list_id)


async def find_shared(executor: Executor, token: str) -> bytes:
    """What the token opens, as JSON; raises the same 404 whatever the reason why it opens nothing."""
    found: bytes | None = None
    if _TOKEN.fullmatch(token):
        found = await executor.value(queries.SHARED, digest=_digest(token))
    if found is None:
        raise Problem(SHARE_NOT_FOUND)
    return found


async def export_build_list(executor: Executor, owner_id: UUID, list_id: UUID) -> bytes:
    """The whole list as JSON; raises a 404."""
    found: bytes | None = await executor.value(queries.EXPORT, id=list_id, owner_id=owner_id)
    if found is None:
        raise Problem(NOT_FOUND)
    return found


async def _check_car(executor: Executor, owner_id: UUID, car_id: UUID, *, list_id: UUID | None = None) -> None:
    """Raise a 422 unless this is one of the owner's cars; before that a 404 where the list to change is not theirs."""
    if await find_car(executor, owner_id, car_id) is None:
        if list_id is not None and await executor.first(queries.EXISTS, id=list_id, owner_id=owner_id) is None:
            raise Problem(NOT_FOUND)
        raise invalid("#/car_id", CAR_UNKNOWN, CAR_UNKNOWN.detail)


async def refuse(executor: Executor, owner_id: UUID, list_id: UUID, versions: list[int] | None) -> Record:
    """Say why a change touched no list: a 404, or a 412 where other versions were expected."""
    await missing_or_stale(executor, queries.EXISTS, NOT_FOUND, versions, id=list_id, owner_id=owner_id)


def _values(build_list: BuildListWrite) -> dict[str, Any]:
    return {"name": build_list.name, "description": build_list.description, "car_id": build_list.car_id}


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("ascii")).digest()
