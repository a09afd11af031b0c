"""The rules of the courses of a menu.

Every change of courses locks the row of their menu first, so that the changes of one menu come one by one: its counts,
its order and its version always fit what it holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn
from uuid import UUID

from asyncpg import Record

from monocoque.database import Executor, Transaction
from monocoque.problems import Problem, invalid
from monocoque.statements import merge_parameters, missing_or_stale
from monocoque.types import new_id
from monocoque_menus.places import Place
from monocoque_menus.problems import COURSE_NOT_FOUND, NOT_FOUND, TOO_MANY_COURSES
from monocoque_menus.queries import courses as queries
from monocoque_menus.queries import menus as menu_queries
from monocoque_menus.schemas import MAX_COURSES, CoursePatch, CourseWrite
from monocoque_menus.service import hold, touch


async def list_courses(
    executor: Executor, owner_id: UUID, menu_id: UUID, *, place: Place, limit: int
) -> Sequence[Record]:
    """Courses in their order, those behind the place; raises a 404."""
    rows = await executor.all(
        queries.LIST, menu_id=menu_id, owner_id=owner_id, limit=limit, position=place.position, shown=place.shown
    )
    if not rows:
        await check_menu(executor, owner_id, menu_id)
    return rows


async def find_course(executor: Executor, owner_id: UUID, menu_id: UUID, course_id: UUID) -> Record:
    """One course of the owner's menu; raises a 404."""
    row = await executor.first(queries.FIND, id=course_id, menu_id=menu_id, owner_id=owner_id)
    if row is None:
        await check_menu(executor, owner_id, menu_id)
        raise Problem(COURSE_NOT_FOUND)
    return row


async def create_course(executor: Executor, owner_id: UUID, menu_id: UUID, course: CourseWrite) -> Record:
    """Add a course at the end; raises a 404, or a 422 for a full menu."""

    async def create(transaction: Transaction) -> Record:
        menu = await touch(transaction, owner_id, menu_id, courses=1)
        if menu["course_count"] > MAX_COURSES:
            raise invalid("#", TOO_MANY_COURSES, TOO_MANY_COURSES.detail)
        row = await transaction.first(queries.ADD, id=new_id(), menu_id=menu_id, **course.model_dump())
        assert row is not None
        return row

    return await executor.transact(create)


async def merge_course(
    executor: Executor,
    owner_id: UUID,
    menu_id: UUID,
    course_id: UUID,
    change: CoursePatch,
    versions: list[int] | None,
) -> Record:
    """Set the fields that were sent; raises a 404 or a 412."""

    async def merge(transaction: Transaction) -> Record:
        await touch(transaction, owner_id, menu_id)
        parameters = merge_parameters(change, queries.FIELDS)
        row = await transaction.first(queries.MERGE, id=course_id, menu_id=menu_id, versions=versions, **parameters)
        return row or await _refuse(transaction, owner_id, menu_id, course_id, versions)

    return await executor.transact(merge)


async def delete_course(
    executor: Executor, owner_id: UUID, menu_id: UUID, course_id: UUID, versions: list[int] | None
) -> None:
    """Take the course out, its entries with it; raises a 404 or a 412."""

    async def delete(transaction: Transaction) -> None:
        await hold(transaction, owner_id, menu_id)
        gone = await transaction.first(queries.DELETE, id=course_id, menu_id=menu_id, versions=versions)
        gone = gone or await _refuse(transaction, owner_id, menu_id, course_id, versions)
        await touch(transaction, owner_id, menu_id, courses=-1, items=-gone["item_count"])

    await executor.transact(delete)


async def check_menu(executor: Executor, owner_id: UUID, menu_id: UUID) -> None:
    """Raise a 404 unless the menu is the owner's and living."""
    if await executor.first(menu_queries.EXISTS, id=menu_id, owner_id=owner_id) is None:
        raise Problem(NOT_FOUND)


async def check_course(executor: Executor, owner_id: UUID, menu_id: UUID, course_id: UUID) -> None:
    """Raise a 404 unless this is a course of a living menu of the owner's."""
    if await executor.first(queries.EXISTS, id=course_id, menu_id=menu_id, owner_id=owner_id) is None:
        await check_menu(executor, owner_id, menu_id)
        raise Problem(COURSE_NOT_FOUND)


async def _refuse(
    transaction: Transaction, owner_id: UUID, menu_id: UUID, course_id: UUID, versions: list[int] | None
) -> NoReturn:
    """Say why a change touched no course of a menu that is locked: it is not there, or of another version."""
    ids = {"id": course_id, "menu_id": menu_id, "owner_id": owner_id}
    await missing_or_stale(transaction, queries.EXISTS, COURSE_NOT_FOUND, versions, **ids)
