"""The statements of the demo data."""

from __future__ import annotations

from sqlalchemy import ARRAY, String, Uuid, bindparam, func, select

from monocoque.queries import Query
from monocoque_menus.queries.shaping import COURSES, ITEMS, MENUS, SLUGS

_people = bindparam("people", type_=ARRAY(Uuid))
_theirs = select(MENUS.c.id).where(MENUS.c.owner_id == func.any(_people))

HELD_BY_OTHERS = Query(
    select(ITEMS.c.media_item_id)
    .distinct()
    .select_from(ITEMS.join(COURSES, COURSES.c.id == ITEMS.c.course_id).join(MENUS, MENUS.c.id == COURSES.c.menu_id))
    .where(MENUS.c.owner_id != func.all(_people), ITEMS.c.media_item_id.is_not(None))
)
# Slugs outlive their menus, so that nobody else ever gets them; these go first, while it is known whose they are.
DELETE_SLUGS = Query(SLUGS.delete().where(SLUGS.c.menu_id.in_(_theirs)))
# Those that the demo's menus left when they went with an account, not by a reset.
DELETE_LEFT_SLUGS = Query(
    SLUGS.delete().where(SLUGS.c.menu_id.is_(None), SLUGS.c.slug == func.any(bindparam("slugs", type_=ARRAY(String))))
)
DELETE_MENUS = Query(MENUS.delete().where(MENUS.c.owner_id == func.any(_people)))
