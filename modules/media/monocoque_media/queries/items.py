"""The statements of the items themselves."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Date,
    Integer,
    Interval,
    String,
    Uuid,
    bindparam,
    case,
    func,
    null,
    or_,
    select,
)

from monocoque.queries import Query
from monocoque.statements import assigned, json_object, merged, parameter, touched
from monocoque_media.fields import DETAILS
from monocoque_media.queries.shaping import (
    DETAIL_TABLES,
    ITEM_TAGS,
    ITEMS,
    SOURCES,
    STATES,
    TAGS,
    detail_object,
    details_of,
    item_columns,
    json_list,
    own_tags,
    state_columns,
)

FIELDS = (
    "title",
    "subtitle",
    "description",
    "release_date",
    "release_precision",
    "cover_image_url",
    "metadata",
    "creators",
    "locked_fields",
    "edited_fields",
    "locks",
)

_user: ColumnElement[Any] = bindparam("user_id", type_=Uuid)
_this = ITEMS.c.id == parameter(ITEMS.c.id)
living = ITEMS.c.deleted_at.is_(None)
_read = item_columns(ITEMS, _user, details_of(ITEMS))


def detail_names(media_type: str) -> tuple[str, ...]:
    """The columns of the table of details; of films and series with the type that TMDB gives them."""
    return (*(("tmdb_type",) if media_type in {"movie", "tv"} else ()), *DETAILS[media_type])


def _create(media_type: str) -> Query:
    """The item and its details in one statement; nobody sees one without the other."""
    table = DETAIL_TABLES[media_type]
    made = (
        ITEMS.insert()
        .values({**assigned(ITEMS, ("id", "media_type", *FIELDS)), "created_by": _user})
        .returning(*ITEMS.c)
        .cte("made")
    )
    names = detail_names(media_type)
    values = select(made.c.id, *(parameter(table.c[name]) for name in names))
    details = table.insert().from_select(["item_id", *names], values).returning(*table.c).cte("details")
    return Query(select(*item_columns(made, _user, detail_object(media_type, details))).select_from(made, details))


CREATE = {media_type: _create(media_type) for media_type in DETAIL_TABLES}
FIND = Query(select(*_read).where(_this, living))


def _asked(name: str, value: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((bindparam(f"with_{name}", type_=Boolean), value)).label(name)


_source = {name: SOURCES.c[name] for name in ("source", "kind", "external_id", "url", "fetched_at")}
_sources = (
    select(
        json_list(
            case(
                (bindparam("with_raw", type_=Boolean), json_object(**_source, raw_payload=SOURCES.c.raw_payload)),
                else_=json_object(**_source),
            ),
            SOURCES.c.id,
        )
    )
    .where(SOURCES.c.item_id == ITEMS.c.id)
    .scalar_subquery()
)
_state = (
    select(json_object(**state_columns(STATES)))
    .where(STATES.c.item_id == ITEMS.c.id, STATES.c.owner_id == _user)
    .scalar_subquery()
)
FIND_WITH = Query(
    select(
        *_read, _asked("sources", _sources), _asked("tags", own_tags(ITEMS.c.id, _user)), _asked("state", _state)
    ).where(_this, living)
)
WHERE_TO = Query(select(ITEMS.c.merged_into).where(_this, ITEMS.c.merged_into.is_not(None)))
EXISTS = Query(select(ITEMS.c.id).where(_this, living))

_before = bindparam("before", type_=Uuid)
_pattern = bindparam("pattern", type_=String)
_creator = bindparam("creator", type_=Uuid)
_first_day, _last_day = bindparam("first_day", type_=Date), bindparam("last_day", type_=Date)
_list = (
    select(*_read)
    .where(
        living,
        or_(_before.is_(null()), ITEMS.c.id < _before),
        or_(_creator.is_(null()), ITEMS.c.created_by == _creator),
        or_(_first_day.is_(null()), ITEMS.c.release_date.between(_first_day, _last_day)),
    )
    .order_by(ITEMS.c.id.desc())
    .limit(bindparam("limit", type_=Integer))
)
_typed = ITEMS.c.media_type == parameter(ITEMS.c.media_type)
# As the trigram indexes have it; a pattern that may be NULL would keep a cached plan from using them.
_matching = or_(
    func.lower(ITEMS.c.title).like(func.lower(_pattern), escape="\\"),
    func.lower(ITEMS.c.creators).like(func.lower(_pattern), escape="\\"),
)
LIST = {
    (False, False): Query(_list),
    (True, False): Query(_list.where(_typed)),
    (False, True): Query(_list.where(_matching)),
    (True, True): Query(_list.where(_typed, _matching)),
}
"""By whether a type and whether a pattern is given."""

# Keeps changes, merges and new states of the item waiting until the transaction ends.
HOLD = Query(
    select(
        ITEMS.c.id,
        ITEMS.c.media_type,
        ITEMS.c.metadata,
        ITEMS.c.edited_fields,
        ITEMS.c.locks,
        ITEMS.c.created_by,
        ITEMS.c.merged_into,
        ITEMS.c.deleted_at,
        ITEMS.c.version,
    )
    .where(_this)
    .with_for_update()
)
MERGE = Query(ITEMS.update().where(_this, living).values({**merged(ITEMS, FIELDS), **touched(ITEMS)}))


def _merge_details(media_type: str) -> Query:
    table, names = DETAIL_TABLES[media_type], DETAILS[media_type]
    return Query(table.update().where(table.c.item_id == bindparam("id", type_=Uuid)).values(merged(table, names)))


MERGE_DETAILS = {media_type: _merge_details(media_type) for media_type in DETAIL_TABLES}
SET_LOCKS = Query(
    ITEMS.update()
    .where(_this, living)
    .values({**assigned(ITEMS, ("edited_fields", "locks", "locked_fields")), **touched(ITEMS)})
)
DELETE = Query(ITEMS.update().where(_this, living).values(deleted_at=func.now(), **touched(ITEMS)))
RESTORE = Query(ITEMS.update().where(_this).values(deleted_at=None, **touched(ITEMS)))
_others_states = select(STATES.c.item_id).where(
    STATES.c.item_id == bindparam("id", type_=Uuid), STATES.c.owner_id != _user
)
_others_tags = (
    select(ITEM_TAGS.c.item_id)
    .select_from(ITEM_TAGS.join(TAGS, TAGS.c.id == ITEM_TAGS.c.tag_id))
    .where(ITEM_TAGS.c.item_id == bindparam("id", type_=Uuid), TAGS.c.owner_id != _user)
)
IN_USE = Query(select(or_(_others_states.exists(), _others_tags.exists())))
PURGE = Query(
    ITEMS.delete().where(
        ITEMS.c.deleted_at < func.now() - bindparam("retention", type_=Interval), ITEMS.c.merged_into.is_(None)
    )
)
_cards = select(
    ITEMS.c.id,
    ITEMS.c.media_type,
    ITEMS.c.title,
    ITEMS.c.release_date,
    ITEMS.c.release_precision,
    ITEMS.c.cover_image_url,
    ITEMS.c.creators,
).where(ITEMS.c.id == func.any(bindparam("ids", type_=ARRAY(Uuid))), living)
CARDS = Query(_cards)
# In the order of their ids, as merges hold them, so that nobody waits in a circle.
HOLD_CARDS = Query(_cards.order_by(ITEMS.c.id).with_for_update(read=True, key_share=True))
