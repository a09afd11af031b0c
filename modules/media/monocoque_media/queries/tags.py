"""The statements of tags."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Integer, String, Uuid, bindparam, func, literal_column, null, or_, select
from sqlalchemy.dialects.postgresql import insert

from monocoque.queries import Query
from monocoque.statements import assigned, parameter, touched, version_expected
from monocoque_media.queries.shaping import ITEM_TAGS, ITEMS, TAGS

_count = (
    select(func.count())
    .select_from(ITEM_TAGS.join(ITEMS, ITEMS.c.id == ITEM_TAGS.c.item_id))
    .where(ITEM_TAGS.c.tag_id == TAGS.c.id, ITEMS.c.deleted_at.is_(None))
    .correlate(TAGS)
    .scalar_subquery()
)


def _columns(item_count: ColumnElement[int]) -> tuple[ColumnElement[Any], ...]:
    counted = item_count.label("item_count")
    return (TAGS.c.id, TAGS.c.name, counted, TAGS.c.version, TAGS.c.created_at, TAGS.c.updated_at)


_read = _columns(_count)
_mine = TAGS.c.owner_id == parameter(TAGS.c.owner_id)
_own = (TAGS.c.id == parameter(TAGS.c.id), _mine)

# A new tag has no items; nor would a count in an INSERT be of the tag's own, since it finds no row to go by.
CREATE = Query(
    TAGS.insert()
    .values(assigned(TAGS, ("id", "owner_id", "name", "name_key")))
    .returning(*_columns(literal_column("0", Integer)))
)
FIND = Query(select(*_read).where(*_own))
_after = bindparam("after", type_=String)
_last = TAGS.alias("last")
# Behind the last tag of the page before, by its whole key; where it has another name by now, or is gone, behind the
# beginning of the key that it had.
_last_key = (
    select(_last.c.name_key)
    .where(
        _last.c.id == bindparam("after_id", type_=Uuid),
        _last.c.owner_id == parameter(TAGS.c.owner_id),
        func.starts_with(_last.c.name_key, _after),
    )
    .scalar_subquery()
)
LIST = Query(
    select(*_read, TAGS.c.name_key)
    .where(_mine, or_(_after.is_(null()), TAGS.c.name_key > func.coalesce(_last_key, _after)))
    .order_by(TAGS.c.name_key)
    .limit(bindparam("limit", type_=Integer))
)
RENAME = Query(
    TAGS.update()
    .where(*_own, version_expected(TAGS))
    .values({**assigned(TAGS, ("name", "name_key")), **touched(TAGS)})
    .returning(*_read)
)
DELETE = Query(TAGS.delete().where(*_own, version_expected(TAGS)).returning(TAGS.c.id))

# Share locks on both: neither is deleted nor merged before this is committed.
_both = (
    select(TAGS.c.id, ITEMS.c.id)
    .select_from(TAGS.join(ITEMS, ITEMS.c.id == bindparam("item_id", type_=Uuid)))
    .where(*_own, ITEMS.c.deleted_at.is_(None))
    .with_for_update(read=True, key_share=True)
)
ATTACH = Query(insert(ITEM_TAGS).from_select(["tag_id", "item_id"], _both).on_conflict_do_nothing())
DETACH = Query(
    ITEM_TAGS.delete().where(
        ITEM_TAGS.c.tag_id == TAGS.c.id,
        ITEM_TAGS.c.item_id == bindparam("item_id", type_=Uuid),
        *_own,
    )
)
