"""The statements of the export: what one person owns, page by page, each row ready as JSON."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    String,
    Text,
    Uuid,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    null,
    select,
    union,
)

from monocoque.queries import Query
from monocoque.statements import NO_ROWS, json_object, literal
from monocoque_media.fields import DETAILS
from monocoque_media.queries.shaping import (
    DETAIL_TABLES,
    ITEM_TAGS,
    ITEMS,
    SOURCES,
    STATE_FIELDS,
    STATE_LOG,
    STATES,
    TAGS,
    json_list,
    release_text,
)

_owner = bindparam("owner_id", type_=Uuid)
_after = bindparam("after", type_=Uuid)
_limit = bindparam("limit", type_=Integer)

TAG_NAMES = Query(
    select(TAGS.c.name, TAGS.c.name_key)
    .where(TAGS.c.owner_id == _owner, TAGS.c.name_key > bindparam("after", type_=String))
    .order_by(TAGS.c.name_key)
    .limit(_limit)
)

# Each branch gives no more than the page needs, so that a page costs the same wherever it is.
_mine = union(
    *(
        select(branch.subquery().c[0].label("id"))
        for branch in (
            select(ITEMS.c.id)
            .where(ITEMS.c.created_by == _owner, ITEMS.c.id > _after)
            .order_by(ITEMS.c.id)
            .limit(_limit),
            select(STATES.c.item_id)
            .where(STATES.c.owner_id == _owner, STATES.c.item_id > _after)
            .order_by(STATES.c.item_id)
            .limit(_limit),
            select(STATE_LOG.c.item_id)
            .distinct()
            .where(STATE_LOG.c.owner_id == _owner, STATE_LOG.c.item_id > _after)
            .order_by(STATE_LOG.c.item_id)
            .limit(_limit),
            select(ITEM_TAGS.c.item_id)
            .distinct()
            .select_from(ITEM_TAGS.join(TAGS, TAGS.c.id == ITEM_TAGS.c.tag_id))
            .where(TAGS.c.owner_id == _owner, ITEM_TAGS.c.item_id > _after)
            .order_by(ITEM_TAGS.c.item_id)
            .limit(_limit),
        )
    )
).subquery("mine")
_page = select(_mine.c.id).order_by(_mine.c.id).limit(_limit).cte("page")

_own = func.coalesce(ITEMS.c.created_by == _owner, literal_column("false"))
_details = case(
    *(
        (
            ITEMS.c.media_type == literal(media_type),
            select(json_object(**{name: table.c[name] for name in DETAILS[media_type]}))
            .where(table.c.item_id == ITEMS.c.id)
            .scalar_subquery(),
        )
        for media_type, table in DETAIL_TABLES.items()
    )
)
_tags = (
    select(json_list(TAGS.c.name, TAGS.c.name_key))
    .select_from(ITEM_TAGS.join(TAGS, TAGS.c.id == ITEM_TAGS.c.tag_id))
    .where(ITEM_TAGS.c.item_id == ITEMS.c.id, TAGS.c.owner_id == _owner)
    .scalar_subquery()
)
_state = (
    select(json_object(**{name: STATES.c[name] for name in STATE_FIELDS}))
    .where(STATES.c.item_id == ITEMS.c.id, STATES.c.owner_id == _owner)
    .scalar_subquery()
)
SHORT_LOG = 10
"""Entries of a log that comes with its record; a longer one is asked for by itself, in pages."""
_entry = json_object(at=STATE_LOG.c.at, action=STATE_LOG.c.action, **{name: STATE_LOG.c[name] for name in STATE_FIELDS})
_logged = (STATE_LOG.c.item_id == ITEMS.c.id, STATE_LOG.c.owner_id == _owner)
_log = select(json_list(_entry, STATE_LOG.c.number)).where(*_logged).scalar_subquery()
_has_long_log = select(STATE_LOG.c.id).where(*_logged).offset(literal_column(str(SHORT_LOG))).correlate(ITEMS).exists()
LOG = Query(
    select(STATE_LOG.c.number, cast(_entry, Text).label("entry"))
    .where(
        STATE_LOG.c.item_id == bindparam("item_id", type_=Uuid),
        STATE_LOG.c.owner_id == _owner,
        STATE_LOG.c.number > bindparam("after", type_=BigInteger),
    )
    .order_by(STATE_LOG.c.number)
    .limit(_limit)
)
_sources = (
    select(
        json_list(
            json_object(source=SOURCES.c.source, kind=SOURCES.c.kind, external_id=SOURCES.c.external_id), SOURCES.c.id
        )
    )
    .where(SOURCES.c.item_id == ITEMS.c.id)
    .scalar_subquery()
)
# What a source told of an item is its own; of the person's entries everything is theirs.
_metadata = case((_own, ITEMS.c.metadata), else_=literal_column("'{}'::jsonb"))


def _of_own(names: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((_own, names), else_=NO_ROWS)


_record = json_object(
    record=literal("item"),
    id=ITEMS.c.id,
    own=_own,
    media_type=ITEMS.c.media_type,
    title=ITEMS.c.title,
    subtitle=ITEMS.c.subtitle,
    description=ITEMS.c.description,
    release_date=release_text(ITEMS),
    cover_image_url=ITEMS.c.cover_image_url,
    metadata=_metadata,
    details=_details,
    edited_fields=_of_own(func.to_json(ITEMS.c.edited_fields)),
    locks=_of_own(func.to_json(ITEMS.c.locks)),
    sources=_sources,
    tags=_tags,
    state=_state,
    log=case((_has_long_log, NO_ROWS), else_=_log),
)
RECORDS = Query(
    select(
        _page.c.id,
        case((ITEMS.c.id.is_not(None), cast(_record, Text)), else_=null()).label("record"),
        _has_long_log.label("has_long_log"),
    )
    .select_from(_page.outerjoin(ITEMS, (ITEMS.c.id == _page.c.id) & ITEMS.c.deleted_at.is_(None)))
    .order_by(_page.c.id)
)
