"""What the statements of menus have in common: the tables, and the forms that their rows take in replies."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    Integer,
    Table,
    TableValuedAlias,
    Uuid,
    bindparam,
    case,
    cast,
    column,
    func,
    literal_column,
    select,
)

from monocoque.statements import literal, parameter
from monocoque_media.contracts import MEDIA_CARDS
from monocoque_menus.models import Menu

_tables = Menu.metadata.tables
MENUS, SLUGS = _tables["monocoque_menus.menus"], _tables["monocoque_menus.slugs"]
COURSES, ITEMS = _tables["monocoque_menus.courses"], _tables["monocoque_menus.course_items"]

SNAPSHOT = ("title", "media_type", "year", "cover_image_url", "creators")
"""What an entry keeps of its media item."""

own_menu = (MENUS.c.id == parameter(MENUS.c.id), MENUS.c.owner_id == parameter(MENUS.c.owner_id))
own_living_menu = (*own_menu, MENUS.c.deleted_at.is_(None))


def menu_columns(menus: FromClause) -> tuple[ColumnElement[Any], ...]:
    """A menu as its owner reads it, with what its link is computed from."""
    names = ("id", "title", "description", "slug", "visibility", "link_nonce", "link_digest", "published_at")
    counts = ("course_count", "item_count", "version", "created_at", "updated_at")
    return tuple(menus.c[name] for name in (*names, *counts))


def with_cards(items: FromClause) -> FromClause:
    """Entries joined with their media items, where those are living."""
    return items.outerjoin(MEDIA_CARDS, MEDIA_CARDS.c.id == items.c.media_item_id)


def card_columns() -> dict[str, ColumnElement[Any]]:
    """What an entry keeps of its media item, from MEDIA_CARDS."""
    year = cast(func.date_part(literal("year"), MEDIA_CARDS.c.release_date), Integer)
    return {name: year if name == "year" else MEDIA_CARDS.c[name] for name in SNAPSHOT}


def shown(items: FromClause) -> tuple[ColumnElement[Any], ...]:
    """What an entry shows of its media item, from `with_cards(items)`: as it is now, else as it was when entered."""
    return tuple(
        case((MEDIA_CARDS.c.id.is_not(None), value), else_=items.c[name]).label(name)
        for name, value in card_columns().items()
    )


def item_columns(items: FromClause) -> tuple[ColumnElement[Any], ...]:
    """An entry as its owner reads it, from `with_cards(items)`."""
    return (
        items.c.id,
        items.c.course_id,
        MEDIA_CARDS.c.id.label("media_item_id"),
        *shown(items),
        items.c.notes,
        items.c.position,
        items.c.version,
        items.c.created_at,
        items.c.updated_at,
    )


def entry_count(courses: FromClause) -> ColumnElement[Any]:
    """How many entries a course has."""
    return select(func.count()).select_from(ITEMS).where(ITEMS.c.course_id == courses.c.id).scalar_subquery()


def course_columns(courses: FromClause) -> tuple[ColumnElement[Any], ...]:
    """A course as its owner reads it."""
    return (
        courses.c.id,
        courses.c.title,
        courses.c.description,
        courses.c.position,
        entry_count(courses).label("item_count"),
        courses.c.version,
        courses.c.created_at,
        courses.c.updated_at,
    )


def behind(rows: Table, parent: str) -> ColumnElement[bool]:
    """What stands behind a `Place`: the last of the rows in `shown` that is not further down than `position`."""
    named = rows.alias("named")
    last = select(func.max(named.c.position)).where(
        named.c[parent] == parameter(rows.c[parent]),
        named.c.id == func.any(bindparam("shown", type_=ARRAY(Uuid))),
        named.c.position <= parameter(rows.c.position),
    )
    return rows.c.position > func.coalesce(last.scalar_subquery(), literal_column("0"))


def numbered(*names: str) -> TableValuedAlias:
    """Rows made of arrays of ids, each a parameter of its name, with their `number` from 1."""
    arrays = [bindparam(name, type_=ARRAY(Uuid)) for name in names]
    columns = [column(name.removesuffix("s"), Uuid) for name in names]
    return func.unnest(*arrays).table_valued(*columns, with_ordinality="number", name="numbered").render_derived()
