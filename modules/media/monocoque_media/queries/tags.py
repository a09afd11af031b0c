"""The statements of tags."""

from __future__ import annotations

from sqlalchemy import Integer, String, Uuid, bindparam, func, null, or_, select
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
    .label("item_count")
)
_read = (TAGS.c.id, TAGS.c.name, _count, TAGS.c.version, TAGS.c.created_at, TAGS.c.updated_at)
_mine = TAGS.c.owner_id == parameter(TAGS.c.owner_id)
_own = (TAGS.c.id == parameter(TAGS.c.id), _mine)
_after = bindparam("after", type_=String)

CREATE = Query(TAGS.insert().values(assigned(TAGS, ("id", "owner_id", "name", "name_key"))).returning(*_read))
FIND = Query(select(*_read).where(*_own))
LIST = Query(
    select(*_read)
    .where(_mine, or_(_after.is_(null()), TAGS.c.name_key > _after))
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
