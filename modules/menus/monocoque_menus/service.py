"""The rules of menus, their slugs and their copies."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asyncpg import Record

from monocoque.database import Executor, Transaction
from monocoque.problems import FieldError, Problem, invalid
from monocoque.statements import merge_parameters, missing_or_stale
from monocoque.types import new_id
from monocoque_media.facade import hold_items
from monocoque_menus.links import Links
from monocoque_menus.problems import NOT_FOUND, SLUG_EMPTY, SLUG_RESERVED, SLUG_TAKEN
from monocoque_menus.queries import documents
from monocoque_menus.queries import menus as queries
from monocoque_menus.schemas import CloneWrite, MenuPatch, MenuWrite
from monocoque_menus.slugs import RESERVED, candidates, slug_of

TITLE_LENGTH = 200
_COPY = " (copy)"


async def create_menu(executor: Executor, owner_id: UUID, menu: MenuWrite, links: Links) -> Record:
    """Add a menu, with a slug made from its title unless it brings one.

    Raises a 422 for a slug that cannot be, a 409 for one that is taken.
    """
    return await _create(
        executor,
        [_checked(menu.slug)] if menu.slug is not None else candidates(menu.title),
        links,
        owner_id=owner_id,
        title=menu.title,
        description=menu.description,
        visibility=menu.visibility,
        course_count=0,
        item_count=0,
    )


async def find_menu(executor: Executor, owner_id: UUID, menu_id: UUID) -> Record:
    """The owner's menu; raises a 404."""
    row = await executor.first(queries.FIND, id=menu_id, owner_id=owner_id)
    if row is None:
        raise Problem(NOT_FOUND)
    return row


async def replace_menu(
    executor: Executor, owner_id: UUID, menu_id: UUID, menu: MenuWrite, versions: list[int] | None
) -> Record:
    """Set every field, but keep the slug unless another is given; raises as `merge_menu`."""
    whole = menu.model_dump(exclude={"slug"} if menu.slug is None else set())
    return await merge_menu(executor, owner_id, menu_id, MenuPatch(**whole), versions)


async def merge_menu(
    executor: Executor, owner_id: UUID, menu_id: UUID, change: MenuPatch, versions: list[int] | None
) -> Record:
    """Set the fields that were sent; raises a 404, a 412 for another version, and for the slug as `create_menu`.

    The slug that was before leads to the new one; no other menu ever gets it.
    """
    if "slug" not in change.model_fields_set:
        return await _merge(executor, owner_id, menu_id, change, versions)
    slug = slug_of(change.slug)

    async def merge(transaction: Transaction) -> Record:
        row = await _merge(transaction, owner_id, menu_id, change, versions, slug=slug)
        _check(slug)
        if await transaction.first(queries.CLAIM, slug=slug, menu_id=menu_id) is None:
            raise _taken()
        return row

    return await executor.transact(merge)


async def delete_menu(executor: Executor, owner_id: UUID, menu_id: UUID, versions: list[int] | None) -> None:
    """Put the menu aside; it can be restored until it is purged. Raises a 404 or a 412."""
    if await executor.first(queries.DELETE, id=menu_id, owner_id=owner_id, versions=versions) is None:
        await refuse(executor, owner_id, menu_id, versions)


async def restore_menu(executor: Executor, owner_id: UUID, menu_id: UUID) -> Record:
    """Bring a deleted menu back (a living one is given as it is); raises a 404."""
    row = await executor.first(queries.RESTORE, id=menu_id, owner_id=owner_id)
    return row or await find_menu(executor, owner_id, menu_id)


async def renew_link(
    executor: Executor, owner_id: UUID, menu_id: UUID, links: Links, versions: list[int] | None
) -> Record:
    """Give the menu another link; the one before stops to open it. Raises a 404 or a 412."""
    link = links.new(menu_id)
    row = await executor.first(queries.SET_LINK, id=menu_id, owner_id=owner_id, versions=versions, **link)
    return row or await refuse(executor, owner_id, menu_id, versions)


async def clone_menu(executor: Executor, owner_id: UUID, menu_id: UUID, wish: CloneWrite, links: Links) -> Record:
    """A draft with the same courses and entries, of the owner's menu or anyone's public one; raises a 404."""

    async def clone(transaction: Transaction) -> Record:
        whose = {"id": menu_id, "owner_id": owner_id}
        # As whoever enters something does: first what is entered, then the menu.
        media = await transaction.all(queries.MEDIA_OF_ORIGINAL, **whose)
        await hold_items(transaction, [row["media_item_id"] for row in media])
        original = await transaction.first(queries.LOCK_ORIGINAL, **whose)
        if original is None:
            raise Problem(NOT_FOUND)
        title = wish.title or copy_title(original["title"])
        counts = {"course_count": original["course_count"], "item_count": original["item_count"]}
        copy = await _create(
            transaction,
            candidates(title),
            links,
            owner_id=owner_id,
            title=title,
            description=original["description"],
            visibility="draft",
            **counts,
        )
        courses = [new_id() for _ in range(counts["course_count"])]
        items = [new_id() for _ in range(counts["item_count"])]
        await transaction.run(queries.CLONE_COURSES, original=menu_id, menu_id=copy["id"], courses=courses)
        await transaction.run(queries.CLONE_ITEMS, original=menu_id, courses=courses, items=items)
        return copy

    return await executor.transact(clone)


def copy_title(title: str) -> str:
    """`title (copy)`, shortened to fit."""
    return title[: TITLE_LENGTH - len(_COPY)].rstrip() + _COPY


async def export_menu(executor: Executor, owner_id: UUID, menu_id: UUID) -> bytes:
    """The whole menu as JSON; raises a 404."""
    found: bytes | None = await executor.value(documents.EXPORT, id=menu_id, owner_id=owner_id)
    if found is None:
        raise Problem(NOT_FOUND)
    return found


async def refuse(executor: Executor, owner_id: UUID, menu_id: UUID, versions: list[int] | None) -> Record:
    """Say why a change touched no menu: a 404, or a 412 where other versions were expected."""
    await missing_or_stale(executor, queries.EXISTS, NOT_FOUND, versions, id=menu_id, owner_id=owner_id)


async def hold(transaction: Transaction, owner_id: UUID, menu_id: UUID) -> Record:
    """Lock the menu, and give its count of entries; raises a 404."""
    row = await transaction.first(queries.HOLD, id=menu_id, owner_id=owner_id)
    if row is None:
        raise Problem(NOT_FOUND)
    return row


async def touch(
    executor: Executor,
    owner_id: UUID,
    menu_id: UUID,
    *,
    versions: list[int] | None = None,
    courses: int = 0,
    items: int = 0,
) -> Record:
    """Lock the menu and count a change of it, with so many more courses and entries; raises a 404 or a 412."""
    row = await executor.first(
        queries.TOUCH, id=menu_id, owner_id=owner_id, versions=versions, courses=courses, items=items
    )
    return row or await refuse(executor, owner_id, menu_id, versions)


async def _create(executor: Executor, slugs: Any, links: Links, **values: Any) -> Record:
    menu_id = new_id()
    link = links.new(menu_id)
    for slug in slugs:
        row = await executor.first(queries.CREATE, id=menu_id, slug=slug, **link, **values)
        if row is not None:
            return row
    raise _taken()


async def _merge(
    executor: Executor, owner_id: UUID, menu_id: UUID, change: MenuPatch, versions: list[int] | None, **derived: Any
) -> Record:
    parameters = merge_parameters(change, queries.FIELDS, **derived)
    row = await executor.first(queries.MERGE, id=menu_id, owner_id=owner_id, versions=versions, **parameters)
    return row or await refuse(executor, owner_id, menu_id, versions)


def _checked(text: str) -> str:
    slug = slug_of(text)
    _check(slug)
    return slug


def _check(slug: str) -> None:
    """Raise a 422 for a slug that no menu can have."""
    if not slug:
        raise invalid("#/slug", SLUG_EMPTY, SLUG_EMPTY.detail)
    if slug in RESERVED:
        raise invalid("#/slug", SLUG_RESERVED, SLUG_RESERVED.detail)


def _taken() -> Problem:
    return Problem(SLUG_TAKEN, errors=[FieldError("#/slug", SLUG_TAKEN.code, SLUG_TAKEN.detail)])
