"""The statements that make two items one; run in this order in one transaction, with both items held."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Uuid,
    and_,
    bindparam,
    case,
    column,
    func,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert

from monocoque.queries import Query
from monocoque.statements import literal, touched
from monocoque_media.queries.shaping import IMPORT_ROWS, ITEM_TAGS, ITEMS, SOURCES, STATE_FIELDS, STATE_LOG, STATES
from monocoque_media.queries.sources import LOCK_SPACE, LOCK_STRIPES
from monocoque_media.queries.states import next_version

_old: ColumnElement[Any] = bindparam("old_id", type_=Uuid)
_new: ColumnElement[Any] = bindparam("new_id", type_=Uuid)

# One merge at a time: what leads to the old item changes too, and which items those are is only known with both held.
WAIT = Query(text(f"SELECT pg_advisory_xact_lock({LOCK_SPACE}, {LOCK_STRIPES})"))
# In the order of their ids, so that two merges of the same items never wait for each other in a circle.
HOLD_BOTH = Query(
    select(ITEMS.c.id, ITEMS.c.media_type, ITEMS.c.merged_into, ITEMS.c.deleted_at)
    .where(or_(ITEMS.c.id == _old, ITEMS.c.id == _new))
    .order_by(ITEMS.c.id)
    .with_for_update()
)
LEAD_ON = Query(
    ITEMS.update().where(ITEMS.c.id == _old).values(merged_into=_new, deleted_at=func.now(), **touched(ITEMS))
)
# What was merged into the old item before leads straight to the new one.
LEAD_EARLIER_ON = Query(ITEMS.update().where(ITEMS.c.merged_into == _old).values(merged_into=_new))
TOUCH = Query(ITEMS.update().where(ITEMS.c.id == _new).values(touched(ITEMS)))
MOVE_SOURCES = Query(SOURCES.update().where(SOURCES.c.item_id == _old).values(item_id=_new))
COPY_TAGS = Query(
    insert(ITEM_TAGS)
    .from_select(
        ["tag_id", "item_id", "created_at"],
        select(ITEM_TAGS.c.tag_id, _new, ITEM_TAGS.c.created_at).where(ITEM_TAGS.c.item_id == _old),
    )
    .on_conflict_do_nothing()
)
DROP_TAGS = Query(ITEM_TAGS.delete().where(ITEM_TAGS.c.item_id == _old))
MOVE_IMPORT_ROWS = Query(IMPORT_ROWS.update().where(IMPORT_ROWS.c.item_id == _old).values(item_id=_new))
MOVE_LOG = Query(STATE_LOG.update().where(STATE_LOG.c.item_id == _old).values(item_id=_new))

_other = STATES.alias("other")
_twice = and_(
    STATES.c.owner_id == _other.c.owner_id,
    or_(
        and_(STATES.c.item_id == _old, _other.c.item_id == _new),
        and_(STATES.c.item_id == _new, _other.c.item_id == _old),
    ),
)
_older = tuple_(STATES.c.updated_at, STATES.c.item_id) < tuple_(_other.c.updated_at, _other.c.item_id)
HOLD_TWICE = Query(
    select(STATES.c.owner_id)
    .select_from(STATES.join(_other, _twice))
    .order_by(STATES.c.owner_id, STATES.c.item_id)
    .with_for_update(of=STATES)
)
# Of each person with two states both are logged: the older as lost, then the newer as the one that counts.
_both = (
    select(
        *(STATES.c[name] for name in ("owner_id", *STATE_FIELDS)),
        case((_older, literal("merged")), else_=literal("set")).label("action"),
        func.row_number().over(order_by=(STATES.c.owner_id, STATES.c.updated_at, STATES.c.item_id)).label("number"),
    )
    .select_from(STATES.join(_other, _twice))
    .subquery("both_states")
)
_ids = (
    func.unnest(bindparam("ids", type_=ARRAY(Uuid)))
    .table_valued(column("id", Uuid), with_ordinality="number", name="ids")
    .render_derived()
)
LOG_TWICE = Query(
    STATE_LOG.insert().from_select(
        ["id", "item_id", "at", "owner_id", *STATE_FIELDS, "action"],
        select(
            *(_ids.c.id, _new, func.clock_timestamp()),
            *(_both.c[name] for name in ("owner_id", *STATE_FIELDS)),
            _both.c.action,
        )
        .where(_ids.c.number == _both.c.number)
        .order_by(_both.c.number),
    )
)
DROP_OLDER = Query(STATES.delete().where(_twice, _older))
MOVE_STATES = Query(
    STATES.update().where(STATES.c.item_id == _old).values(item_id=_new, version=next_version(STATES.c.owner_id, _new))
)
