"""The statement of which menus hold an item of the catalogue."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Integer, Uuid, bindparam, null, or_, select

from monocoque.queries import Query
from monocoque.statements import json_array, json_row, parameter
from monocoque_media.contracts import MEDIA_CARDS
from monocoque_menus.queries.shaping import COURSES, ITEMS, MENUS

_before: ColumnElement[Any] = bindparam("before", type_=Uuid)
_entry = json_row(
    select(ITEMS.c.id, ITEMS.c.course_id, COURSES.c.title.label("course"), ITEMS.c.position).correlate(ITEMS, COURSES)
)
LIST = Query(
    select(
        MENUS.c.id,
        MENUS.c.title,
        MENUS.c.slug,
        MENUS.c.visibility,
        json_array(_entry, COURSES.c.position, ITEMS.c.position).label("entries"),
    )
    .select_from(
        ITEMS.join(MEDIA_CARDS, MEDIA_CARDS.c.id == ITEMS.c.media_item_id)
        .join(COURSES, COURSES.c.id == ITEMS.c.course_id)
        .join(MENUS, MENUS.c.id == COURSES.c.menu_id)
    )
    .where(
        ITEMS.c.media_item_id == bindparam("item_id", type_=Uuid),
        MENUS.c.owner_id == parameter(MENUS.c.owner_id),
        MENUS.c.deleted_at.is_(None),
        or_(_before.is_(null()), MENUS.c.id < _before),
    )
    .group_by(MENUS.c.id)
    .order_by(MENUS.c.id.desc())
    .limit(bindparam("limit", type_=Integer))
)
