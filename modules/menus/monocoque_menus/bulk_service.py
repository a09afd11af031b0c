"""Adding many entries at once: all of them in one statement, or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from monocoque.database import Database, Executor, Transaction
from monocoque.problems import FieldError, Problem
from monocoque.types import new_id
from monocoque_media.contracts import MediaCard
from monocoque_media.facade import hold_items, search_items
from monocoque_menus.course_service import check_course
from monocoque_menus.item_service import snapshot
from monocoque_menus.problems import DUPLICATE, MEDIA_ITEM_UNKNOWN, TOO_MANY_ITEMS
from monocoque_menus.queries import items as queries
from monocoque_menus.schemas import MAX_ITEMS, BulkWrite
from monocoque_menus.service import hold, touch

_SHOWN_ERRORS = 50


async def find_wanted(database: Database, wish: BulkWrite) -> list[UUID]:
    """The items that are to be added: those named, or those that the search finds."""
    if wish.search is None:
        return wish.media_item_ids or []
    search = wish.search
    return await search_items(database, search.q, media_type=search.type, year=search.year, limit=search.limit)


async def add_items(
    executor: Executor, owner_id: UUID, menu_id: UUID, course_id: UUID, wish: BulkWrite, wanted: Sequence[UUID]
) -> dict[str, Any]:
    """Add the items at the end of the course, in this order, and report on each.

    Raises a 404; a 422 for what is not in the catalogue, or a menu that has no room for all of them; a 409 for what is
    in the menu already, or named twice, where that is to be rejected. What a search found and is gone is left out.
    """

    async def add(transaction: Transaction) -> dict[str, Any]:
        cards = await hold_items(transaction, wanted)
        menu = await hold(transaction, owner_id, menu_id)
        await check_course(transaction, owner_id, menu_id, course_id)
        found = _known(wish, wanted, cards)
        rows = await transaction.all(queries.MEDIA_OF_MENU, menu_id=menu_id, ids=found)
        present = {row["media_item_id"] for row in rows}
        report = _report(wish, found, cards, present)
        added = [line for line in report if line["id"] is not None]
        if menu["item_count"] + len(added) > MAX_ITEMS:
            detail = f"There is room for {MAX_ITEMS - menu['item_count']} more."
            raise Problem(TOO_MANY_ITEMS, errors=[FieldError(_named_in(wish), TOO_MANY_ITEMS.code, detail)])
        if added:
            await transaction.run(queries.ADD_ALL, course_id=course_id, **_columns(added, cards))
            await touch(transaction, owner_id, menu_id, items=len(added))
        return {"added": len(added), "skipped": len(report) - len(added), "items": report}

    return await executor.transact(add)


def _known(wish: BulkWrite, wanted: Sequence[UUID], cards: dict[UUID, MediaCard]) -> list[UUID]:
    """Those that are in the catalogue; raises a 422 where one that was named is not."""
    unknown = [place for place, item_id in enumerate(wanted) if item_id not in cards]
    if unknown and wish.media_item_ids is not None:
        detail = MEDIA_ITEM_UNKNOWN.detail
        errors = [FieldError(f"#/media_item_ids/{place}", MEDIA_ITEM_UNKNOWN.code, detail) for place in unknown]
        raise Problem(MEDIA_ITEM_UNKNOWN, errors=errors[:_SHOWN_ERRORS])
    return [item_id for item_id in wanted if item_id in cards]


def _report(
    wish: BulkWrite, found: Sequence[UUID], cards: dict[UUID, MediaCard], present: set[UUID]
) -> list[dict[str, Any]]:
    """What becomes of each; raises a 409 for duplicates that are to be rejected."""
    seen = set(present)
    report = []
    errors = []
    for place, item_id in enumerate(found):
        title = cards[item_id].title
        twice = item_id in seen
        seen.add(item_id)
        if twice and wish.duplicates == "reject":
            pointer = f"{_named_in(wish)}/{place}" if wish.search is None else _named_in(wish)
            errors.append(FieldError(pointer, DUPLICATE.code, f"{title}: in the menu already, or named before."))
        added = not twice or wish.duplicates == "allow"
        status = "added" if added else "skipped"
        entry = {"media_item_id": item_id, "title": title, "status": status, "id": new_id() if added else None}
        report.append(entry)
    if errors:
        raise Problem(DUPLICATE, errors=errors[:_SHOWN_ERRORS])
    return report


def _named_in(wish: BulkWrite) -> str:
    """The member that says what is to be added."""
    return "#/media_item_ids" if wish.search is None else "#/search"


def _columns(added: Sequence[dict[str, Any]], cards: dict[UUID, MediaCard]) -> dict[str, list[Any]]:
    """The new rows, as a list for each column."""
    media = [line["media_item_id"] for line in added]
    kept = [snapshot(cards[item_id]) for item_id in media]
    columns = {name: [row[name] for row in kept] for name in kept[0]}
    return {"ids": [line["id"] for line in added], "media_item_ids": media, **columns}
