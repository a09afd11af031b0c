"""The statements of the demo data."""

from __future__ import annotations

from sqlalchemy import ARRAY, Uuid, bindparam, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from monocoque.queries import Query
from monocoque.statements import assigned, parameter
from monocoque_media.models import Import
from monocoque_media.queries.shaping import IMPORT_ROWS, ITEM_TAGS, ITEMS, SOURCES, STATE_LOG, STATES, TAGS

# Where the person has a tag of this name, that is theirs and stays as it is.
ADD_TAG = Query(
    insert(TAGS)
    .values(assigned(TAGS, ("id", "owner_id", "name", "name_key")))
    .on_conflict_do_nothing(index_elements=["owner_id", "name_key"])
    .returning(TAGS.c.id)
)
TAG = Query(
    insert(ITEM_TAGS)
    .from_select(
        ["tag_id", "item_id"],
        select(TAGS.c.id, parameter(ITEM_TAGS.c.item_id)).where(TAGS.c.id == parameter(ITEM_TAGS.c.tag_id)),
    )
    .on_conflict_do_nothing()
)

_IMPORTS = Import.metadata.tables["monocoque_media.imports"]
_people = bindparam("people", type_=ARRAY(Uuid))
_held = bindparam("held", type_=ARRAY(Uuid))
_merged = ITEMS.alias("merged")
_strangers = (
    select(STATES.c.item_id).where(STATES.c.item_id == ITEMS.c.id, STATES.c.owner_id != func.all(_people)),
    select(STATE_LOG.c.id).where(STATE_LOG.c.item_id == ITEMS.c.id, STATE_LOG.c.owner_id != func.all(_people)),
    select(ITEM_TAGS.c.item_id)
    .select_from(ITEM_TAGS.join(TAGS, TAGS.c.id == ITEM_TAGS.c.tag_id))
    .where(ITEM_TAGS.c.item_id == ITEMS.c.id, TAGS.c.owner_id != func.all(_people)),
    select(IMPORT_ROWS.c.item_id)
    .select_from(IMPORT_ROWS.join(_IMPORTS, _IMPORTS.c.id == IMPORT_ROWS.c.import_id))
    .where(IMPORT_ROWS.c.item_id == ITEMS.c.id, _IMPORTS.c.owner_id != func.all(_people)),
    select(_merged.c.id).where(
        _merged.c.merged_into == ITEMS.c.id,
        or_(_merged.c.created_by.is_(None), _merged.c.created_by != func.all(_people)),
    ),
    # A source knows it by now, so it is the catalogue's.
    select(SOURCES.c.id).where(SOURCES.c.item_id == ITEMS.c.id),
)
# What nobody else makes anything of, of what the people have entered.
DELETE_ITEMS = Query(
    ITEMS.delete().where(
        or_(ITEMS.c.id == func.any(bindparam("ids", type_=ARRAY(Uuid))), ITEMS.c.created_by == func.any(_people)),
        ITEMS.c.id != func.all(_held),
        *(~found.exists() for found in _strangers),
    )
)
