"""The rules of tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from asyncpg import Record

from monocoque.database import Executor
from monocoque.problems import Problem
from monocoque.statements import missing_or_stale
from monocoque.types import new_id
from monocoque_media import item_service
from monocoque_media.problems import TAG_NOT_FOUND
from monocoque_media.queries import items as item_queries
from monocoque_media.queries import tags as queries
from monocoque_media.schemas.tags import name_key

# Of a longer key a cursor, which has to stay short, takes the beginning, and the tag that has the rest.
_IN_CURSOR = 50


async def create_tag(executor: Executor, owner_id: UUID, name: str) -> Record:
    """Add a tag; raises a 409 (by constraint) when the owner has one of this name."""
    row = await executor.first(queries.CREATE, id=new_id(), owner_id=owner_id, name=name, name_key=name_key(name))
    assert row is not None
    return row


async def find_tag(executor: Executor, owner_id: UUID, tag_id: UUID) -> Record:
    """The owner's tag; raises a 404."""
    row = await executor.first(queries.FIND, id=tag_id, owner_id=owner_id)
    if row is None:
        raise Problem(TAG_NOT_FOUND)
    return row


async def list_tags(executor: Executor, owner_id: UUID, *, after: Sequence[str] | None, limit: int) -> Sequence[Record]:
    """The owner's tags by name, each with its `name_key`, those behind the `place_of` one of them."""
    key, *rest = after or (None,)
    last_id = UUID(rest[0]) if rest else None
    return await executor.all(queries.LIST, owner_id=owner_id, after=key, after_id=last_id, limit=limit)


def place_of(tag: Mapping[str, Any]) -> list[Any]:
    """Where a listed tag stands, as short as a cursor has to be."""
    key: str = tag["name_key"]
    return [key] if len(key) <= _IN_CURSOR else [key[:_IN_CURSOR], tag["id"]]


async def rename_tag(executor: Executor, owner_id: UUID, tag_id: UUID, name: str, versions: list[int] | None) -> Record:
    """Give the tag another name; raises a 404, a 412 for another version, a 409 for a name that is taken."""
    row = await executor.first(
        queries.RENAME, id=tag_id, owner_id=owner_id, name=name, name_key=name_key(name), versions=versions
    )
    if row is None:
        await missing_or_stale(executor, queries.FIND, TAG_NOT_FOUND, versions, id=tag_id, owner_id=owner_id)
    return row


async def delete_tag(executor: Executor, owner_id: UUID, tag_id: UUID, versions: list[int] | None) -> None:
    """Drop the tag, and take it off every item; raises a 404 or a 412."""
    if await executor.first(queries.DELETE, id=tag_id, owner_id=owner_id, versions=versions) is None:
        await missing_or_stale(executor, queries.FIND, TAG_NOT_FOUND, versions, id=tag_id, owner_id=owner_id)


async def attach_tag(executor: Executor, owner_id: UUID, item_id: UUID, tag_id: UUID) -> None:
    """Put the tag on the item, where it may be already; raises a 404 or a 308 for the item, a 404 for the tag."""
    if not await executor.run(queries.ATTACH, id=tag_id, owner_id=owner_id, item_id=item_id):
        await _check_both(executor, owner_id, item_id, tag_id)


async def detach_tag(executor: Executor, owner_id: UUID, item_id: UUID, tag_id: UUID) -> None:
    """Take the tag off the item, where it may not be; raises as `attach_tag`."""
    if not await executor.run(queries.DETACH, id=tag_id, owner_id=owner_id, item_id=item_id):
        await _check_both(executor, owner_id, item_id, tag_id)


async def _check_both(executor: Executor, owner_id: UUID, item_id: UUID, tag_id: UUID) -> None:
    if await executor.first(item_queries.EXISTS, id=item_id) is None:
        await item_service.refuse(executor, item_id, below=f"/tags/{tag_id}")
    await find_tag(executor, owner_id, tag_id)
