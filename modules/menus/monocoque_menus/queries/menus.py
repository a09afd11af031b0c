"""The statements of the menus themselves, their slugs and their copies."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    Interval,
    LargeBinary,
    Uuid,
    and_,
    bindparam,
    case,
    func,
    null,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import insert

from monocoque.queries import Query
from monocoque.statements import contains, literal, merged, optional, parameter, touched, version_expected
from monocoque_auth.contracts import ACTIVE_USERS
from monocoque_menus.queries.shaping import (
    COURSES,
    ITEMS,
    MENUS,
    SLUGS,
    SNAPSHOT,
    menu_columns,
    numbered,
    own_living_menu,
    own_menu,
)

FIELDS = ("title", "description", "visibility", "slug")
_LINK = ("link_nonce", "link_digest")

_read = menu_columns(MENUS)


def _published(visibility: ColumnElement[Any], before: ColumnElement[Any]) -> ColumnElement[Any]:
    """When it was first public: once told, it stays."""
    return case((visibility == literal("public"), func.coalesce(before, func.now())), else_=before)


# The slug is claimed and the menu made in one statement; where somebody has the slug, no menu is made.
_claimed = (
    insert(SLUGS)
    .values(slug=parameter(SLUGS.c.slug), menu_id=bindparam("id", type_=Uuid))
    .on_conflict_do_nothing()
    .returning(SLUGS.c.slug)
    .cte("claimed")
)
_given = ("id", "owner_id", "title", "description", "visibility", *_LINK)
_counts = ("course_count", "item_count")
_made = (
    MENUS.insert()
    .from_select(
        [*_given, *_counts, "slug", "published_at"],
        select(
            *(parameter(MENUS.c[name]) for name in (*_given, *_counts)),
            _claimed.c.slug,
            _published(parameter(MENUS.c.visibility), null()),
        ),
    )
    .returning(*MENUS.c)
    .cte("made")
)
CREATE = Query(select(*menu_columns(_made)))
# Gives the slug where it was free, or has been this menu's before.
CLAIM = Query(
    (_new := insert(SLUGS).values(slug=parameter(SLUGS.c.slug), menu_id=bindparam("menu_id", type_=Uuid)))
    .on_conflict_do_update(
        index_elements=["slug"],
        set_={"menu_id": _new.excluded.menu_id},
        where=SLUGS.c.menu_id == _new.excluded.menu_id,
    )
    .returning(SLUGS.c.slug)
)
FIND = Query(select(*_read).where(*own_living_menu))
EXISTS = Query(select(MENUS.c.id).where(*own_living_menu))
LIST = Query(
    select(*_read)
    .where(
        MENUS.c.owner_id == parameter(MENUS.c.owner_id),
        (MENUS.c.deleted_at.is_not(None)) == bindparam("deleted", type_=Boolean),
        or_(bindparam("before", type_=Uuid).is_(null()), MENUS.c.id < bindparam("before", type_=Uuid)),
        optional(MENUS.c.visibility),
        contains((MENUS.c.title, MENUS.c.description)),
    )
    .order_by(MENUS.c.id.desc())
    .limit(bindparam("limit", type_=Integer))
)
_merged = merged(MENUS, FIELDS)
MERGE = Query(
    MENUS.update()
    .where(*own_living_menu, version_expected(MENUS))
    .values({**_merged, "published_at": _published(_merged["visibility"], MENUS.c.published_at), **touched(MENUS)})
    .returning(*_read)
)
DELETE = Query(
    MENUS.update()
    .where(*own_living_menu, version_expected(MENUS))
    .values(deleted_at=func.now(), **touched(MENUS))
    .returning(MENUS.c.id)
)
RESTORE = Query(
    MENUS.update()
    .where(*own_menu, MENUS.c.deleted_at.is_not(None))
    .values(deleted_at=None, **touched(MENUS))
    .returning(*_read)
)
PURGE = Query(MENUS.delete().where(MENUS.c.deleted_at < func.now() - bindparam("retention", type_=Interval)))
SET_LINK = Query(
    MENUS.update()
    .where(*own_living_menu, version_expected(MENUS))
    .values({name: bindparam(name, type_=LargeBinary) for name in _LINK} | touched(MENUS))
    .returning(*_read)
)

# Both lock the menu's row until the transaction ends: every change of courses or entries begins with one of them, so
# that such changes come one by one.
HOLD = Query(select(MENUS.c.item_count).where(*own_living_menu).with_for_update())
TOUCH = Query(
    MENUS.update()
    .where(*own_living_menu, version_expected(MENUS))
    .values(
        course_count=MENUS.c.course_count + bindparam("courses", type_=Integer),
        item_count=MENUS.c.item_count + bindparam("items", type_=Integer),
        **touched(MENUS),
    )
    .returning(*_read)
)

public: ColumnElement[bool] = and_(
    MENUS.c.visibility == literal("public"),
    MENUS.c.deleted_at.is_(None),
    # An account that is disabled offers nothing any more.
    select(ACTIVE_USERS.c.id).where(ACTIVE_USERS.c.id == MENUS.c.owner_id).exists(),
)
_original_to_copy = (
    MENUS.c.id == parameter(MENUS.c.id),
    or_(and_(MENUS.c.owner_id == parameter(MENUS.c.owner_id), MENUS.c.deleted_at.is_(None)), public),
)
# What a copy will hold: to be held in the catalogue before the original is locked.
MEDIA_OF_ORIGINAL = Query(
    select(ITEMS.c.media_item_id)
    .distinct()
    .select_from(ITEMS.join(COURSES, COURSES.c.id == ITEMS.c.course_id).join(MENUS, MENUS.c.id == COURSES.c.menu_id))
    .where(*_original_to_copy, ITEMS.c.media_item_id.is_not(None))
)
# Waits for a change of the menu that is under way, and keeps the next one out until the copy is made.
LOCK_ORIGINAL = Query(
    select(MENUS.c.title, MENUS.c.description, MENUS.c.course_count, MENUS.c.item_count)
    .where(*_original_to_copy)
    .with_for_update(read=True)
)
_original = bindparam("original", type_=Uuid)
_courses = (
    select(COURSES.c.id, func.row_number().over(order_by=COURSES.c.position).label("number"))
    .where(COURSES.c.menu_id == _original)
    .subquery("originals")
)
_new_courses = numbered("courses")
_COPIED_COURSE = ("title", "description", "position")
CLONE_COURSES = Query(
    COURSES.insert().from_select(
        ["id", "menu_id", *_COPIED_COURSE],
        select(
            _new_courses.c.course, bindparam("menu_id", type_=Uuid), *(COURSES.c[name] for name in _COPIED_COURSE)
        ).where(COURSES.c.id == _courses.c.id, _courses.c.number == _new_courses.c.number),
    )
)
_items = (
    select(
        ITEMS.c.id,
        _courses.c.number.label("course_number"),
        func.row_number().over(order_by=(_courses.c.number, ITEMS.c.position)).label("number"),
    )
    .where(ITEMS.c.course_id == _courses.c.id)
    .subquery("originals_of_items")
)
_new_items = numbered("items")
_target = numbered("courses").alias("target")
_COPIED_ITEM = ("media_item_id", "position", "notes", *SNAPSHOT)
CLONE_ITEMS = Query(
    ITEMS.insert().from_select(
        ["id", "course_id", *_COPIED_ITEM],
        select(_new_items.c.item, _target.c.course, *(ITEMS.c[name] for name in _COPIED_ITEM)).where(
            ITEMS.c.id == _items.c.id,
            _items.c.number == _new_items.c.number,
            _items.c.course_number == _target.c.number,
        ),
    )
)
