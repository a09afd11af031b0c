"""The statements of entries. Those that change one are run after the menu was locked, which says whose it is."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Text,
    Uuid,
    bindparam,
    column,
    func,
    literal_column,
    select,
)

from monocoque.queries import Query
from monocoque.statements import merged, parameter, touched, version_expected
from monocoque_menus.queries.courses import of_menu, of_own_menu
from monocoque_menus.queries.shaping import COURSES, ITEMS, SNAPSHOT, behind, item_columns, with_cards

FIELDS = ("media_item_id", "notes", *SNAPSHOT)

_of_course = ITEMS.c.course_id == parameter(ITEMS.c.course_id)
_of_own_course = (
    _of_course,
    select(COURSES.c.id).where(COURSES.c.id == ITEMS.c.course_id, *of_own_menu).exists(),
)
_course_of_menu = (COURSES.c.id == parameter(ITEMS.c.course_id), of_menu)
_this = (ITEMS.c.id == parameter(ITEMS.c.id), ITEMS.c.course_id.in_(select(COURSES.c.id).where(*_course_of_menu)))
_last: ColumnElement[Any] = (
    select(func.coalesce(func.max(ITEMS.c.position), literal_column("0"))).where(_of_course).scalar_subquery()
)
LIST = Query(
    select(*item_columns(ITEMS))
    .select_from(with_cards(ITEMS))
    .where(
        *_of_own_course,
        behind(ITEMS, "course_id"),
    )
    .order_by(ITEMS.c.position)
    .limit(bindparam("limit", type_=Integer))
)
FIND = Query(
    select(*item_columns(ITEMS))
    .select_from(with_cards(ITEMS))
    .where(ITEMS.c.id == parameter(ITEMS.c.id), *_of_own_course)
)
_given = ("id", *FIELDS)
_added = (
    ITEMS.insert()
    .from_select(
        [*_given, "course_id", "position"],
        select(*(parameter(ITEMS.c[name]) for name in _given), COURSES.c.id, _last + literal_column("1")).where(
            *_course_of_menu
        ),
    )
    .returning(*ITEMS.c)
    .cte("added")
)
ADD = Query(select(*item_columns(_added)).select_from(with_cards(_added)))
_merged = (
    ITEMS.update()
    .where(*_this, version_expected(ITEMS))
    .values({**merged(ITEMS, FIELDS), **touched(ITEMS)})
    .returning(*ITEMS.c)
    .cte("merged")
)
MERGE = Query(select(*item_columns(_merged)).select_from(with_cards(_merged)))
# Both in one statement: the unique positions are looked at when all are as they will be.
_gone = ITEMS.delete().where(*_this, version_expected(ITEMS)).returning(ITEMS.c.course_id, ITEMS.c.position).cte("gone")
_moved_up = (
    ITEMS.update()
    .where(ITEMS.c.course_id == _gone.c.course_id, ITEMS.c.position > _gone.c.position)
    .values(position=ITEMS.c.position - literal_column("1"), **touched(ITEMS))
    .cte("moved_up")
)
DELETE = Query(select(_gone.c.position).add_cte(_moved_up))

MEDIA_OF_MENU = Query(
    select(ITEMS.c.media_item_id)
    .select_from(ITEMS.join(COURSES, COURSES.c.id == ITEMS.c.course_id))
    .where(
        COURSES.c.menu_id == parameter(COURSES.c.menu_id),
        ITEMS.c.media_item_id == func.any(bindparam("ids", type_=ARRAY(Uuid))),
    )
)
_KEPT: dict[str, Any] = {name: Integer() if name == "year" else Text() for name in SNAPSHOT}
_new = (
    func.unnest(
        bindparam("ids", type_=ARRAY(Uuid)),
        bindparam("media_item_ids", type_=ARRAY(Uuid)),
        *(bindparam(name, type_=ARRAY(kind)) for name, kind in _KEPT.items()),
    )
    .table_valued(
        column("id", Uuid),
        column("media_item_id", Uuid),
        *(column(name, kind) for name, kind in _KEPT.items()),
        with_ordinality="number",
        name="new",
    )
    .render_derived()
)
ADD_ALL = Query(
    ITEMS.insert().from_select(
        ["id", "course_id", "media_item_id", *SNAPSHOT, "position"],
        select(
            _new.c.id,
            parameter(ITEMS.c.course_id),
            _new.c.media_item_id,
            *(_new.c[name] for name in SNAPSHOT),
            _last + _new.c.number,
        ),
    )
)
