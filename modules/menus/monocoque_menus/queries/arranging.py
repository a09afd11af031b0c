"""The statements of the order of a menu, all run after the menu was locked.

Each sets what it sets in one UPDATE: the unique positions are looked at when all are as they will be.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Integer, Uuid, bindparam, case, column, func, literal_column, or_, select

from monocoque.queries import Query
from monocoque.statements import touched
from monocoque_menus.queries.courses import of_menu
from monocoque_menus.queries.shaping import COURSES, ITEMS, MENUS, numbered

_items_of_menu = ITEMS.c.course_id.in_(select(COURSES.c.id).where(of_menu))

ARRANGEMENT = Query(
    select(COURSES.c.id.label("course_id"), ITEMS.c.id.label("item_id"))
    .select_from(COURSES.outerjoin(ITEMS, ITEMS.c.course_id == COURSES.c.id))
    .where(of_menu)
)
_courses = numbered("courses")
ORDER_COURSES = Query(
    COURSES.update()
    .where(of_menu, COURSES.c.id == _courses.c.course, COURSES.c.position != _courses.c.number)
    .values(position=_courses.c.number, **touched(COURSES))
)
_places = (
    func.unnest(
        bindparam("items", type_=ARRAY(Uuid)),
        bindparam("item_courses", type_=ARRAY(Uuid)),
        bindparam("positions", type_=ARRAY(Integer)),
    )
    .table_valued(column("item", Uuid), column("course", Uuid), column("position", Integer), name="places")
    .render_derived()
)
ORDER_ITEMS = Query(
    ITEMS.update()
    .where(
        ITEMS.c.id == _places.c.item,
        or_(ITEMS.c.course_id != _places.c.course, ITEMS.c.position != _places.c.position),
    )
    .values(course_id=_places.c.course, position=_places.c.position, **touched(ITEMS))
)

_moved: ColumnElement[Any] = bindparam("id", type_=Uuid)
_course: ColumnElement[Any] = bindparam("course_id", type_=Uuid)
_before: ColumnElement[Any] = bindparam("before", type_=Uuid)
# Which of the owner's menus an entry is in; the rest is looked at when that is locked.
MENU_OF = Query(
    select(MENUS.c.id)
    .select_from(ITEMS.join(COURSES, COURSES.c.id == ITEMS.c.course_id).join(MENUS, MENUS.c.id == COURSES.c.menu_id))
    .where(
        ITEMS.c.id == bindparam("item_id", type_=Uuid),
        MENUS.c.owner_id == bindparam("owner_id", type_=Uuid),
        MENUS.c.deleted_at.is_(None),
    )
)
_anchor = ITEMS.alias("anchor")
_has_before = select(_anchor.c.id).where(_anchor.c.id == _before, _anchor.c.course_id == _course).exists()
# The course that the entry is in, and whether there is the place that it is to go to.
PLACE = Query(
    select(
        ITEMS.c.course_id,
        select(COURSES.c.id).where(COURSES.c.id == _course, of_menu).exists().label("has_course"),
        _has_before.label("has_before"),
    ).where(ITEMS.c.id == _moved, _items_of_menu)
)
_goes_to = case((ITEMS.c.id == _moved, _course), else_=ITEMS.c.course_id)
_key = case(
    (
        ITEMS.c.id == _moved,
        func.coalesce(
            select(_anchor.c.position).where(_anchor.c.id == _before).scalar_subquery(), literal_column("2147483647")
        ),
    ),
    else_=ITEMS.c.position,
)
_ranked = (
    select(
        ITEMS.c.id,
        _goes_to.label("course_id"),
        func.row_number().over(partition_by=_goes_to, order_by=(_key, ITEMS.c.id != _moved)).label("position"),
    )
    .where(or_(ITEMS.c.course_id == _course, ITEMS.c.course_id == bindparam("from_course", type_=Uuid)))
    .subquery("ranked")
)
MOVE = Query(
    ITEMS.update()
    .where(
        ITEMS.c.id == _ranked.c.id,
        or_(ITEMS.c.course_id != _ranked.c.course_id, ITEMS.c.position != _ranked.c.position),
    )
    .values(course_id=_ranked.c.course_id, position=_ranked.c.position, **touched(ITEMS))
)
