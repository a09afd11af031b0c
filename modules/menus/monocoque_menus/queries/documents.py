"""Whole menus in one statement each: JSON made by the database, ready to be sent."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    LargeBinary,
    Uuid,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    select,
)

from monocoque.queries import Query
from monocoque.statements import NO_ROWS, iso_time, json_array, json_row, literal, parameter, utf8
from monocoque_auth.contracts import ACTIVE_USERS
from monocoque_media.contracts import ITEM_STATUSES, MEDIA_CARDS
from monocoque_menus.queries.menus import public
from monocoque_menus.queries.shaping import COURSES, ITEMS, MENUS, SLUGS, own_living_menu, shown, with_cards

_ZERO: ColumnElement[Any] = literal_column("0")
_done = (
    select(ITEM_STATUSES.c.item_id)
    .where(
        ITEM_STATUSES.c.owner_id == bindparam("reader_id", type_=Uuid),
        ITEM_STATUSES.c.item_id == MEDIA_CARDS.c.id,
        ITEM_STATUSES.c.status == literal("completed"),
    )
    .exists()
)


def _progress(done: ColumnElement[Any], total: ColumnElement[Any], *of: FromClause) -> ColumnElement[Any]:
    counted = select(func.coalesce(done, _ZERO).label("done"), func.coalesce(total, _ZERO).label("total"))
    return json_row(counted.correlate(*of)).label("progress")


def _document(chosen: Any, *, progress: bool = False, whole: bool = False) -> ColumnElement[Any]:
    """The menu in `chosen` as UTF-8 JSON; `whole` with what only its owner needs, `progress` with the reader's."""
    of_item = (ITEMS.c.id, MEDIA_CARDS.c.id.label("media_item_id")) if whole else ()
    line = json_row(select(*of_item, *shown(ITEMS), ITEMS.c.notes, ITEMS.c.position).correlate(ITEMS, MEDIA_CARDS))
    counts = (
        func.count().filter(and_(MEDIA_CARDS.c.id.is_not(None), _done)).label("done"),
        func.count(MEDIA_CARDS.c.id).label("total"),
    )
    entries = (
        select(
            ITEMS.c.course_id,
            func.count().label("item_count"),
            json_array(line, ITEMS.c.position).label("items"),
            *(counts if progress else ()),
        )
        .select_from(with_cards(ITEMS).join(COURSES, COURSES.c.id == ITEMS.c.course_id))
        .where(COURSES.c.menu_id == select(chosen.c.id).scalar_subquery())
        .group_by(ITEMS.c.course_id)
        .cte("entries")
    )
    course = json_row(
        select(
            *((COURSES.c.id,) if whole else ()),
            COURSES.c.title,
            COURSES.c.description,
            COURSES.c.position,
            func.coalesce(entries.c.item_count, _ZERO).label("item_count"),
            *((_progress(entries.c.done, entries.c.total, entries),) if progress else ()),
            func.coalesce(entries.c["items"], NO_ROWS).label("items"),
        ).correlate(COURSES, entries)
    )
    courses = (
        select(func.coalesce(json_array(course, COURSES.c.position), NO_ROWS))
        .select_from(COURSES.outerjoin(entries, entries.c.course_id == COURSES.c.id))
        .where(COURSES.c.menu_id == chosen.c.id)
        .scalar_subquery()
    )
    times = ("created_at", "published_at", "updated_at") if whole else ("published_at", "updated_at")
    done, total = (
        select(func.sum(entries.c[name])).scalar_subquery() if progress else _ZERO for name in ("done", "total")
    )
    menu = json_row(
        select(
            *(chosen.c[name] for name in ("id", "title", "description", "slug")),
            *((chosen.c.visibility,) if whole else ()),
            *(iso_time(chosen.c[name]).label(name) for name in times),
            chosen.c.item_count,
            *((_progress(done, total),) if progress else ()),
            courses.label("courses"),
        ).correlate(chosen)
    )
    return utf8(menu)


def _by_slug(*, progress: bool = False) -> Query:
    """The present slug of the public menu that has or had the slug, and the menu, unless it is to be found elsewhere.

    What the slug of a menu leads to is told only while it is public.
    """
    asked = parameter(SLUGS.c.slug)
    chosen = (
        select(*MENUS.c)
        .select_from(MENUS.join(SLUGS, SLUGS.c.menu_id == MENUS.c.id))
        .where(SLUGS.c.slug == asked, public)
        .cte("chosen")
    )
    document = case((chosen.c.slug == asked, _document(chosen, progress=progress)))
    return Query(select(chosen.c.slug, document.label("document")))


def _by_link(*, progress: bool = False) -> Query:
    """The menu that a link opens: one that is unlisted, or has been and is public now."""
    chosen = (
        select(*MENUS.c)
        .where(
            MENUS.c.link_digest == bindparam("digest", type_=LargeBinary),
            MENUS.c.visibility != literal("draft"),
            MENUS.c.deleted_at.is_(None),
            select(ACTIVE_USERS.c.id).where(ACTIVE_USERS.c.id == MENUS.c.owner_id).exists(),
        )
        .cte("chosen")
    )
    return Query(select(chosen.c.slug, _document(chosen, progress=progress).label("document")))


BY_SLUG, BY_SLUG_WITH_PROGRESS = _by_slug(), _by_slug(progress=True)
BY_LINK, BY_LINK_WITH_PROGRESS = _by_link(), _by_link(progress=True)
_own = select(*MENUS.c).where(*own_living_menu).cte("chosen")
EXPORT = Query(select(_document(_own, whole=True)).select_from(_own))
