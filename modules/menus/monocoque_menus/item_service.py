"""The rules of the entries of a course.

Every change locks the row of the menu first, as those of courses do. What is entered is held in the catalogue even
before that, in the order in which a merge of two items locks: else the two would wait for each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn
from uuid import UUID

from asyncpg import Record

from monocoque.database import Executor, Transaction
from monocoque.problems import Problem, invalid
from monocoque.statements import merge_parameters, missing_or_stale
from monocoque.types import new_id
from monocoque_media.contracts import MediaCard
from monocoque_media.facade import hold_items
from monocoque_menus.course_service import check_course
from monocoque_menus.places import Place
from monocoque_menus.problems import COURSE_NOT_FOUND, ITEM_NOT_FOUND, MEDIA_ITEM_UNKNOWN, TOO_MANY_ITEMS
from monocoque_menus.queries import items as queries
from monocoque_menus.schemas import MAX_ITEMS, ItemPatch, ItemWrite
from monocoque_menus.service import hold, touch


async def list_items(
    executor: Executor, owner_id: UUID, menu_id: UUID, course_id: UUID, *, place: Place, limit: int
) -> Sequence[Record]:
    """Entries in the order of the course, those behind the place; raises a 404."""
    rows = await executor.all(
        queries.LIST,
        course_id=course_id,
        menu_id=menu_id,
        owner_id=owner_id,
        limit=limit,
        position=place.position,
        shown=place.shown,
    )
    if not rows:
        await check_course(executor, owner_id, menu_id, course_id)
    return rows


async def find_item(executor: Executor, owner_id: UUID, menu_id: UUID, course_id: UUID, item_id: UUID) -> Record:
    """One entry of the course; raises a 404."""
    row = await executor.first(queries.FIND, id=item_id, course_id=course_id, menu_id=menu_id, owner_id=owner_id)
    if row is None:
        await check_course(executor, owner_id, menu_id, course_id)
        raise Problem(ITEM_NOT_FOUND)
    return row


async def create_item(executor: Executor, owner_id: UUID, menu_id: UUID, course_id: UUID, item: ItemWrite) -> Record:
    """Add an entry at the end; raises a 404, a 422 for what is not in the catalogue or a full menu."""

    async def create(transaction: Transaction) -> Record:
        media_item_id = item.media_item_id
        cards = await hold_items(transaction, [media_item_id])
        menu = await touch(transaction, owner_id, menu_id, items=1)
        if media_item_id not in cards:
            await check_course(transaction, owner_id, menu_id, course_id)
            raise _unknown()
        row = await transaction.first(
            queries.ADD,
            id=new_id(),
            course_id=course_id,
            menu_id=menu_id,
            media_item_id=media_item_id,
            notes=item.notes,
            **snapshot(cards[media_item_id]),
        )
        if row is None:
            raise Problem(COURSE_NOT_FOUND)
        if menu["item_count"] > MAX_ITEMS:
            raise invalid("#", TOO_MANY_ITEMS, TOO_MANY_ITEMS.detail)
        return row

    return await executor.transact(create)


async def merge_item(
    executor: Executor,
    owner_id: UUID,
    menu_id: UUID,
    course_id: UUID,
    item_id: UUID,
    change: ItemPatch,
    versions: list[int] | None,
) -> Record:
    """Set the fields that were sent; raises a 404, a 412, a 422 for what is not in the catalogue."""

    async def merge(transaction: Transaction) -> Record:
        another = "media_item_id" in change.model_fields_set
        cards = await hold_items(transaction, [change.media_item_id]) if another else {}
        await touch(transaction, owner_id, menu_id)
        if another and change.media_item_id not in cards:
            await find_item(transaction, owner_id, menu_id, course_id, item_id)
            raise _unknown()
        derived = snapshot(cards[change.media_item_id]) if another else {}
        parameters = merge_parameters(change, queries.FIELDS, **derived)
        row = await transaction.first(
            queries.MERGE, id=item_id, course_id=course_id, menu_id=menu_id, versions=versions, **parameters
        )
        return row or await _refuse(transaction, owner_id, menu_id, course_id, item_id, versions)

    return await executor.transact(merge)


async def delete_item(
    executor: Executor, owner_id: UUID, menu_id: UUID, course_id: UUID, item_id: UUID, versions: list[int] | None
) -> None:
    """Take the entry out; raises a 404 or a 412."""

    async def delete(transaction: Transaction) -> None:
        await hold(transaction, owner_id, menu_id)
        ids = {"id": item_id, "course_id": course_id, "menu_id": menu_id}
        if await transaction.first(queries.DELETE, **ids, versions=versions) is None:
            await _refuse(transaction, owner_id, menu_id, course_id, item_id, versions)
        await touch(transaction, owner_id, menu_id, items=-1)

    await executor.transact(delete)


def snapshot(card: MediaCard) -> dict[str, Any]:
    """What an entry keeps of its media item."""
    return {
        "title": card.title,
        "media_type": card.media_type,
        "year": None if card.release_date is None else card.release_date.year,
        "cover_image_url": card.cover_image_url,
        "creators": card.creators,
    }


def _unknown() -> Problem:
    return invalid("#/media_item_id", MEDIA_ITEM_UNKNOWN, MEDIA_ITEM_UNKNOWN.detail)


async def _refuse(
    transaction: Transaction,
    owner_id: UUID,
    menu_id: UUID,
    course_id: UUID,
    item_id: UUID,
    versions: list[int] | None,
) -> NoReturn:
    """Say why a change touched no entry of a menu that is locked: it is not there, or of another version."""
    await check_course(transaction, owner_id, menu_id, course_id)
    ids = {"id": item_id, "course_id": course_id, "menu_id": menu_id, "owner_id": owner_id}
    await missing_or_stale(transaction, queries.FIND, ITEM_NOT_FOUND, versions, **ids)
