"""The statements that let entries follow an item that was merged into another."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Uuid, bindparam, select

from monocoque.queries import Query
from monocoque.statements import touched
from monocoque_media.contracts import MEDIA_CARDS
from monocoque_menus.queries.shaping import COURSES, ITEMS, MENUS, SNAPSHOT, card_columns

_old: ColumnElement[Any] = bindparam("old_id", type_=Uuid)
# In the order of their ids, so that two merges never wait for each other in a circle.
_held = (
    select(MENUS.c.id)
    .where(
        MENUS.c.id.in_(
            select(COURSES.c.menu_id)
            .select_from(COURSES.join(ITEMS, ITEMS.c.course_id == COURSES.c.id))
            .where(ITEMS.c.media_item_id == _old)
        )
    )
    .order_by(MENUS.c.id)
    .with_for_update()
    .cte("held")
)
HOLD_MENUS = Query(MENUS.update().where(MENUS.c.id == _held.c.id).values(touched(MENUS)))
MOVE_ITEMS = Query(
    ITEMS.update()
    .where(ITEMS.c.media_item_id == _old, MEDIA_CARDS.c.id == bindparam("new_id", type_=Uuid))
    .values({"media_item_id": MEDIA_CARDS.c.id, **{name: card_columns()[name] for name in SNAPSHOT}, **touched(ITEMS)})
)
