"""The HTTP face of the entries of a course, mounted below the course."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Path
from starlette.responses import Response

from monocoque.conditional import ExpectedVersions
from monocoque.database import Executor
from monocoque.idempotency import CurrentOnce
from monocoque.pagination import CurrentPage, Page
from monocoque.problems import responses
from monocoque.replies import created, found, no_content
from monocoque.routing import Router
from monocoque.runtime import Db
from monocoque.security import CurrentPrincipal
from monocoque_menus import item_service
from monocoque_menus.course_routes import CourseId, MenuId
from monocoque_menus.places import page_behind, place_of
from monocoque_menus.problems import (
    COURSE_NOT_FOUND,
    ITEM_NOT_FOUND,
    MEDIA_ITEM_UNKNOWN,
    NOT_FOUND,
    TOO_MANY_ITEMS,
)
from monocoque_menus.schemas import ItemPatch, ItemRead, ItemWrite

router = Router()
ItemId = Annotated[UUID, Path(description="The id of an entry of this course.")]
_NOT_FOUND = (NOT_FOUND, COURSE_NOT_FOUND)


@router.get("", response_model=Page[ItemRead], summary="List the entries", responses=responses(*_NOT_FOUND))
async def list_items(
    menu_id: MenuId, course_id: CourseId, owner: CurrentPrincipal, db: Db, page: CurrentPage
) -> Response:
    """The entries of the course, in its order."""
    place = place_of(page)
    rows = await item_service.list_items(db, owner.user_id, menu_id, course_id, place=place, limit=page.fetch)
    return page_behind(page, place, rows)


@router.post(
    "",
    status_code=201,
    response_model=ItemRead,
    summary="Add an entry",
    responses=responses(*_NOT_FOUND, MEDIA_ITEM_UNKNOWN, TOO_MANY_ITEMS),
)
async def create_item(
    menu_id: MenuId, course_id: CourseId, item: ItemWrite, owner: CurrentPrincipal, once: CurrentOnce
) -> Response:
    """Adds something of the catalogue at the end of the course, be it in the menu already or not.

    A menu has room for 1,000 entries.
    """

    async def create(executor: Executor) -> Response:
        row = await item_service.create_item(executor, owner.user_id, menu_id, course_id, item)
        return created(row, once.location(row["id"]))

    return await once.run(owner.user_id, create)


@router.get(
    "/{item_id}",
    response_model=ItemRead,
    summary="Get an entry",
    responses=responses(*_NOT_FOUND, ITEM_NOT_FOUND),
)
async def get_item(menu_id: MenuId, course_id: CourseId, item_id: ItemId, owner: CurrentPrincipal, db: Db) -> Response:
    """One entry, with the ETag for changing it. What it shows of its media item can change without it."""
    return found(await item_service.find_item(db, owner.user_id, menu_id, course_id, item_id))


@router.patch(
    "/{item_id}",
    response_model=ItemRead,
    summary="Change an entry",
    responses=responses(*_NOT_FOUND, ITEM_NOT_FOUND, MEDIA_ITEM_UNKNOWN),
)
async def merge_item(
    menu_id: MenuId,
    course_id: CourseId,
    item_id: ItemId,
    change: ItemPatch,
    owner: CurrentPrincipal,
    db: Db,
    versions: ExpectedVersions,
) -> Response:
    """Sets the fields that are sent (RFC 7396); another media item takes the place of one that was deleted, say."""
    return found(await item_service.merge_item(db, owner.user_id, menu_id, course_id, item_id, change, versions))


@router.delete(
    "/{item_id}", status_code=204, summary="Remove an entry", responses=responses(*_NOT_FOUND, ITEM_NOT_FOUND)
)
async def delete_item(
    menu_id: MenuId, course_id: CourseId, item_id: ItemId, owner: CurrentPrincipal, db: Db, versions: ExpectedVersions
) -> Response:
    """Takes the entry out of the menu for good; those behind it move up."""
    await item_service.delete_item(db, owner.user_id, menu_id, course_id, item_id, versions)
    return no_content()
