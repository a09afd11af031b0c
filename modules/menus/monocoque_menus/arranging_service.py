"""The order of a menu: the whole of it at once, or one entry a step.

Both lock the row of the menu first: of two at once the second sees what the first has left, or is told that it came
too late where it expected a version.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from asyncpg import Record

from monocoque.database import Executor, Transaction
from monocoque.problems import FieldError, Problem, invalid
from monocoque_menus.problems import COURSE_NOT_FOUND, ITEM_NOT_FOUND, ORDER_MISMATCH, PLACE_UNKNOWN
from monocoque_menus.queries import arranging as queries
from monocoque_menus.schemas import CourseOrder, MenuOrder, MoveWrite
from monocoque_menus.service import touch

_SHOWN_ERRORS = 50


async def order_menu(
    executor: Executor, owner_id: UUID, menu_id: UUID, order: MenuOrder, versions: list[int] | None
) -> Record:
    """Arrange courses and entries so, and give the menu.

    Raises a 404, a 412, a 422 unless each course and each entry of the menu is named exactly once.
    """

    async def arrange(transaction: Transaction) -> Record:
        menu = await touch(transaction, owner_id, menu_id, versions=versions)
        rows = await transaction.all(queries.ARRANGEMENT, menu_id=menu_id)
        items = {row["item_id"] for row in rows if row["item_id"] is not None}
        errors = order_errors(order.courses, {row["course_id"] for row in rows}, items)
        if errors:
            raise Problem(ORDER_MISMATCH, errors=errors)
        places = [
            (item_id, course.id, position)
            for course in order.courses
            for position, item_id in enumerate(course.items, 1)
        ]
        await transaction.run(queries.ORDER_COURSES, menu_id=menu_id, courses=[course.id for course in order.courses])
        await transaction.run(
            queries.ORDER_ITEMS,
            items=[item_id for item_id, _, _ in places],
            item_courses=[course_id for _, course_id, _ in places],
            positions=[position for _, _, position in places],
        )
        return menu

    return await executor.transact(arrange)


def order_errors(courses: list[CourseOrder], present_courses: set[UUID], present_items: set[UUID]) -> list[FieldError]:
    """What keeps this from being an order of what is there: strangers, repetitions, and how many are missing."""
    seen_courses: set[UUID] = set()
    seen_items: set[UUID] = set()
    errors: list[FieldError] = []
    for place, course in enumerate(courses):
        at = f"#/courses/{place}"
        if course.id not in present_courses:
            errors.append(FieldError(f"{at}/id", COURSE_NOT_FOUND.code, "This is no course of this menu."))
        elif course.id in seen_courses:
            errors.append(FieldError(f"{at}/id", ORDER_MISMATCH.code, "This course was named before."))
        seen_courses.add(course.id)
        errors.extend(_item_errors(f"{at}/items", course.items, present_items, seen_items))
    del errors[_SHOWN_ERRORS:]
    for what, missing in (
        ("Courses", len(present_courses - seen_courses)),
        ("Entries", len(present_items - seen_items)),
    ):
        if missing:
            detail = f"{what} of the menu that are missing here: {missing}."
            errors.append(FieldError("#/courses", ORDER_MISMATCH.code, detail))
    return errors


def _item_errors(at: str, items: list[UUID], present: set[UUID], seen: set[UUID]) -> Iterator[FieldError]:
    for place, item_id in enumerate(items):
        if item_id not in present:
            yield FieldError(f"{at}/{place}", ITEM_NOT_FOUND.code, "This is no entry of this menu.")
        elif item_id in seen:
            yield FieldError(f"{at}/{place}", ORDER_MISMATCH.code, "This entry was named before.")
        seen.add(item_id)


async def move_item(
    executor: Executor, owner_id: UUID, item_id: UUID, move: MoveWrite, versions: list[int] | None
) -> Record:
    """Put one entry elsewhere in its menu, and give the menu; raises a 404, a 412, a 422 for a place that is not."""

    async def step(transaction: Transaction) -> Record:
        menu_id = await transaction.value(queries.MENU_OF, item_id=item_id, owner_id=owner_id)
        if menu_id is None:
            raise Problem(ITEM_NOT_FOUND)
        menu = await touch(transaction, owner_id, menu_id, versions=versions)
        target = {"menu_id": menu_id, "id": item_id, "course_id": move.course_id, "before": move.before}
        place = await transaction.first(queries.PLACE, **target)
        if place is None:
            raise Problem(ITEM_NOT_FOUND)
        if not place["has_course"]:
            raise invalid("#/course_id", PLACE_UNKNOWN, "This is no course of the menu that the entry is in.")
        if move.before is not None and not place["has_before"]:
            raise invalid("#/before", PLACE_UNKNOWN, "There is no such entry in that course.")
        del target["menu_id"]
        await transaction.run(queries.MOVE, **target, from_course=place["course_id"])
        return menu

    return await executor.transact(step)
