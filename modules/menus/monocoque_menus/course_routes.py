"""The HTTP face of the courses of a menu, mounted below the menu."""

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
from monocoque.replies import JsonReply, created, found, no_content
from monocoque.routing import Router
from monocoque.runtime import Db
from monocoque.security import CurrentPrincipal
from monocoque_menus import bulk_service, course_service
from monocoque_menus.places import page_behind, place_of
from monocoque_menus.problems import (
    COURSE_NOT_FOUND,
    DUPLICATE,
    MEDIA_ITEM_UNKNOWN,
    NOT_FOUND,
    TOO_MANY_COURSES,
    TOO_MANY_ITEMS,
)
from monocoque_menus.schemas import BulkReport, BulkWrite, CoursePatch, CourseRead, CourseWrite

router = Router()
MenuId = Annotated[UUID, Path(description="The id of one of your menus.")]
CourseId = Annotated[UUID, Path(description="The id of a course of this menu.")]


@router.get("", response_model=Page[CourseRead], summary="List the courses", responses=responses(NOT_FOUND))
async def list_courses(menu_id: MenuId, owner: CurrentPrincipal, db: Db, page: CurrentPage) -> Response:
    """The courses of the menu, in its order."""
    place = place_of(page)
    rows = await course_service.list_courses(db, owner.user_id, menu_id, place=place, limit=page.fetch)
    return page_behind(page, place, rows)


@router.post(
    "",
    status_code=201,
    response_model=CourseRead,
    summary="Add a course",
    responses=responses(NOT_FOUND, TOO_MANY_COURSES),
)
async def create_course(menu_id: MenuId, course: CourseWrite, owner: CurrentPrincipal, once: CurrentOnce) -> Response:
    """Adds an empty course at the end of the menu, which has room for 100."""

    async def create(executor: Executor) -> Response:
        row = await course_service.create_course(executor, owner.user_id, menu_id, course)
        return created(row, once.location(row["id"]))

    return await once.run(owner.user_id, create)


@router.get(
    "/{course_id}",
    response_model=CourseRead,
    summary="Get a course",
    responses=responses(NOT_FOUND, COURSE_NOT_FOUND),
)
async def get_course(menu_id: MenuId, course_id: CourseId, owner: CurrentPrincipal, db: Db) -> Response:
    """One course, with the ETag for changing it. Its count of entries can change without it."""
    return found(await course_service.find_course(db, owner.user_id, menu_id, course_id))


@router.patch(
    "/{course_id}",
    response_model=CourseRead,
    summary="Change a course",
    responses=responses(NOT_FOUND, COURSE_NOT_FOUND),
)
async def merge_course(
    menu_id: MenuId,
    course_id: CourseId,
    change: CoursePatch,
    owner: CurrentPrincipal,
    db: Db,
    versions: ExpectedVersions,
) -> Response:
    """Sets the fields that are sent (RFC 7396)."""
    return found(await course_service.merge_course(db, owner.user_id, menu_id, course_id, change, versions))


@router.delete(
    "/{course_id}", status_code=204, summary="Remove a course", responses=responses(NOT_FOUND, COURSE_NOT_FOUND)
)
async def delete_course(
    menu_id: MenuId, course_id: CourseId, owner: CurrentPrincipal, db: Db, versions: ExpectedVersions
) -> Response:
    """Takes the course and its entries out of the menu for good; those behind it move up."""
    await course_service.delete_course(db, owner.user_id, menu_id, course_id, versions)
    return no_content()


@router.post(
    "/{course_id}/items:bulk",
    response_model=BulkReport,
    summary="Add many entries",
    responses=responses(NOT_FOUND, COURSE_NOT_FOUND, MEDIA_ITEM_UNKNOWN, DUPLICATE, TOO_MANY_ITEMS),
)
async def add_items(
    menu_id: MenuId,
    course_id: CourseId,
    wish: BulkWrite,
    owner: CurrentPrincipal,
    db: Db,
    once: CurrentOnce,
) -> Response:
    """Adds what is named, or what a search of the catalogue finds, at the end of the course: all of it or nothing."""
    stored = await once.stored(owner.user_id)
    if stored is not None:
        return stored
    wanted = await bulk_service.find_wanted(db, wish)

    async def add(executor: Executor) -> Response:
        return JsonReply(await bulk_service.add_items(executor, owner.user_id, menu_id, course_id, wish, wanted))

    return await once.run(owner.user_id, add)
