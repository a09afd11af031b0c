"""What the statements of media have in common: the tables, and the forms that their rows take in replies."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    FromClause,
    Table,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from monocoque.statements import NO_ROWS, json_object, literal
from monocoque_media.fields import DETAILS
from monocoque_media.models import MediaItem

_tables = MediaItem.metadata.tables
_SCHEMA = "monocoque_media"


def _table(name: str) -> Table:
    return _tables[f"{_SCHEMA}.{name}"]


ITEMS, SOURCES = _table("items"), _table("sources")
TAGS, ITEM_TAGS = _table("tags"), _table("item_tags")
STATES, STATE_LOG = _table("user_item_states"), _table("state_log")
IMPORT_ROWS = _table("import_rows")
DETAIL_TABLES: dict[str, Table] = {
    "book": _table("book_items"),
    "movie": _table("movie_items"),
    "tv": _table("movie_items"),
    "game": _table("game_items"),
    "music": _table("music_items"),
}


def json_list(value: ColumnElement[Any], order: ColumnElement[Any]) -> ColumnElement[Any]:
    """The values of all rows as a JSON array, in order; empty where there is no row."""
    return func.coalesce(func.json_agg(aggregate_order_by(value, order)), NO_ROWS, type_=JSON)


def release_text(items: FromClause) -> ColumnElement[Any]:
    """`1999`, `1999-05` or `1999-05-17`, as precise as it is known."""
    form = case(
        (items.c.release_precision == literal("year"), literal("YYYY")),
        (items.c.release_precision == literal("month"), literal("YYYY-MM")),
        else_=literal("YYYY-MM-DD"),
    )
    return func.to_char(items.c.release_date, form)


def detail_object(media_type: str, details: FromClause) -> ColumnElement[Any]:
    """The details of an item of this type, from their row."""
    names = (*(("tmdb_type",) if media_type in {"movie", "tv"} else ()), *DETAILS[media_type])
    return json_object(**{name: details.c[name] for name in names})


def details_of(items: FromClause) -> ColumnElement[Any]:
    """The details of an item of any type, from the table of its type."""
    return case(
        *(
            (
                items.c.media_type == literal(media_type),
                select(detail_object(media_type, table)).where(table.c.item_id == items.c.id).scalar_subquery(),
            )
            for media_type, table in DETAIL_TABLES.items()
        )
    )


def item_columns(
    items: FromClause, user_id: ColumnElement[Any], details: ColumnElement[Any]
) -> tuple[ColumnElement[Any], ...]:
    """An item as it is read by the user; the parameter `is_admin` says whether they see who entered what."""
    own = items.c.created_by == user_id
    return (
        items.c.id,
        items.c.media_type,
        items.c.title,
        items.c.subtitle,
        items.c.description,
        release_text(items).label("release_date"),
        items.c.cover_image_url,
        cast(items.c.metadata, JSON).label("metadata"),
        details.label("details"),
        items.c.locked_fields,
        items.c.edited_fields,
        items.c.locks,
        case((or_(own, bindparam("is_admin", type_=Boolean)), items.c.created_by)).label("created_by"),
        func.coalesce(own, literal_column("false")).label("own"),
        items.c.version,
        items.c.created_at,
        items.c.updated_at,
    )


def own_tags(item_id: ColumnElement[Any], owner_id: ColumnElement[Any]) -> ColumnElement[Any]:
    """The owner's tags on an item, by name, as a JSON array."""
    return (
        select(json_list(json_object(id=TAGS.c.id, name=TAGS.c.name), TAGS.c.name_key))
        .select_from(ITEM_TAGS.join(TAGS, TAGS.c.id == ITEM_TAGS.c.tag_id))
        .where(ITEM_TAGS.c.item_id == item_id, TAGS.c.owner_id == owner_id)
        .scalar_subquery()
    )


STATE_FIELDS = ("status", "rating", "favorite", "notes", "started_at", "finished_at", "pass_number")


def state_columns(states: FromClause) -> dict[str, ColumnElement[Any]]:
    """A state as it is read."""
    return {name: states.c[name] for name in (*STATE_FIELDS, "version", "created_at", "updated_at")}
