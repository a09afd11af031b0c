"""The statements of a person's library: their states, joined with the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Double,
    Integer,
    String,
    Uuid,
    bindparam,
    cast,
    func,
    literal_column,
    null,
    or_,
    select,
    tuple_,
)

from monocoque.queries import Query
from monocoque.statements import json_object, literal, optional, parameter
from monocoque_media.queries.shaping import ITEM_TAGS, ITEMS, STATES, TAGS, own_tags, release_text, state_columns

_owner = parameter(STATES.c.owner_id)
_of_owner = (STATES.c.owner_id == _owner, ITEMS.c.deleted_at.is_(None))
_tag: ColumnElement[Any] = bindparam("tag", type_=Uuid)
_tagged = (
    select(ITEM_TAGS.c.item_id)
    .select_from(ITEM_TAGS.join(TAGS, TAGS.c.id == ITEM_TAGS.c.tag_id))
    .where(ITEM_TAGS.c.item_id == STATES.c.item_id, ITEM_TAGS.c.tag_id == _tag, TAGS.c.owner_id == _owner)
)
_lowest: ColumnElement[Any] = bindparam("rating_min", type_=Integer)
_highest: ColumnElement[Any] = bindparam("rating_max", type_=Integer)
_favorite: ColumnElement[Any] = bindparam("favorite", type_=Boolean)
_first_day, _last_day = bindparam("first_day", type_=Date), bindparam("last_day", type_=Date)
_item = json_object(
    id=ITEMS.c.id,
    media_type=ITEMS.c.media_type,
    title=ITEMS.c.title,
    subtitle=ITEMS.c.subtitle,
    creators=ITEMS.c.creators,
    release_date=release_text(ITEMS),
    cover_image_url=ITEMS.c.cover_image_url,
)
# Made whole by the database, which costs the process less than reading a page column by column.
_entry = json_object(item=_item, **state_columns(STATES), tags=own_tags(STATES.c.item_id, STATES.c.owner_id))
KEY_LENGTH = 60
"""Characters of a title that its place in the order depends on; a cursor holds them."""
_UNRATED: ColumnElement[Any] = literal_column("-1")
# The day before this one is what asyncpg takes for minus infinity.
_UNFINISHED: ColumnElement[Any] = literal_column("DATE '0001-01-02'")


@dataclass(frozen=True, slots=True)
class _Order:
    """A value to sort by, with the type of its parameter; the item's id decides between equals."""

    value: ColumnElement[Any]
    kind: Any
    descending: bool


_ORDERS = {
    "updated": _Order(STATES.c.updated_at, DateTime(timezone=True), descending=True),
    "rating": _Order(func.coalesce(STATES.c.rating, _UNRATED), Integer(), descending=True),
    "title": _Order(func.left(func.lower(ITEMS.c.title), literal_column(str(KEY_LENGTH))), String(), descending=False),
    "finished": _Order(func.coalesce(STATES.c.finished_at, _UNFINISHED), Date(), descending=True),
}


def _list(order: _Order) -> Query:
    place = tuple_(order.value, STATES.c.item_id)
    last_id: ColumnElement[Any] = bindparam("last_id", type_=Uuid)
    last = tuple_(bindparam("last_value", type_=order.kind), last_id)
    columns = (order.value, STATES.c.item_id)
    return Query(
        select(
            _entry.label("entry"),
            order.value.label("place"),
            STATES.c.item_id.label("place_id"),
        )
        .select_from(STATES.join(ITEMS, ITEMS.c.id == STATES.c.item_id))
        .where(
            *_of_owner,
            or_(last_id.is_(null()), place < last if order.descending else place > last),
            optional(STATES.c.status),
            optional(ITEMS.c.media_type),
            or_(_favorite.is_(null()), STATES.c.favorite == _favorite),
            or_(_lowest.is_(null()), STATES.c.rating >= _lowest),
            or_(_highest.is_(null()), STATES.c.rating <= _highest),
            or_(_tag.is_(null()), _tagged.exists()),
            or_(_first_day.is_(null()), ITEMS.c.release_date.between(_first_day, _last_day)),
        )
        .order_by(*(column.desc() if order.descending else column for column in columns))
        .limit(bindparam("limit", type_=Integer))
    )


LIST = {name: _list(order) for name, order in _ORDERS.items()}

STATUS, TYPE, MONTH = 4, 2, 1
"""Bits of `kind` in a row of STATS: what the row does not tell apart."""
_entries = (
    select(
        STATES.c.status,
        ITEMS.c.media_type,
        func.to_char(STATES.c.finished_at, literal("YYYY-MM")).label("month"),
        STATES.c.rating,
        STATES.c.favorite,
    )
    .select_from(STATES.join(ITEMS, ITEMS.c.id == STATES.c.item_id))
    .where(*_of_owner)
    .subquery("entries")
)
_told_apart = (_entries.c.status, _entries.c.media_type, _entries.c.month)
STATS = Query(
    select(
        func.grouping(*_told_apart).label("kind"),
        *_told_apart,
        func.count().label("count"),
        func.count().filter(_entries.c.favorite).label("favorites"),
        func.count(_entries.c.rating).label("rated"),
        cast(func.round(func.avg(_entries.c.rating), 2), Double).label("average_rating"),
    )
    .group_by(
        func.grouping_sets(
            tuple_(_entries.c.status),
            tuple_(_entries.c.media_type),
            tuple_(_entries.c.month),
            literal_column("()"),
        )
    )
    .order_by(_entries.c.month.desc(), func.count().desc(), _entries.c.media_type)
)
