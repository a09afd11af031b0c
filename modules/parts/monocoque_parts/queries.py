"""Every statement of parts."""

from __future__ import annotations

from dataclasses import fields

from sqlalchemy import (
    ARRAY,
    Boolean,
    Integer,
    Interval,
    Text,
    Uuid,
    bindparam,
    case,
    cast,
    func,
    null,
    or_,
    select,
)

from monocoque.queries import Query
from monocoque.statements import assigned, contains, json_object, merged, optional, parameter, touched, version_expected
from monocoque_parts.contracts import PART_CARDS, PartCard
from monocoque_parts.models import Part

FIELDS = ("name", "brand", "category", "part_number", "url", "notes", "price_amount", "price_currency")

_parts = Part.metadata.tables["monocoque_parts.parts"]
_price = case(
    (
        _parts.c.price_amount.is_not(None),
        json_object(amount=cast(_parts.c.price_amount, Text), currency=_parts.c.price_currency),
    ),
).label("price")
_read = (
    _parts.c.id,
    _parts.c.name,
    _parts.c.brand,
    _parts.c.category,
    _parts.c.part_number,
    _parts.c.url,
    _parts.c.notes,
    _price,
    _parts.c.version,
    _parts.c.created_at,
    _parts.c.updated_at,
)
_own = (_parts.c.id == parameter(_parts.c.id), _parts.c.owner_id == parameter(_parts.c.owner_id))
_living = (*_own, _parts.c.deleted_at.is_(None))

CREATE = Query(_parts.insert().values(assigned(_parts, ("id", "owner_id", *FIELDS))).returning(*_read))
FIND = Query(select(*_read).where(*_living))
LIST = Query(
    select(*_read)
    .where(
        _parts.c.owner_id == parameter(_parts.c.owner_id),
        (_parts.c.deleted_at.is_not(None)) == bindparam("deleted", type_=Boolean),
        or_(bindparam("before", type_=Uuid).is_(null()), _parts.c.id < bindparam("before", type_=Uuid)),
        optional(_parts.c.brand),
        optional(_parts.c.category),
        contains((_parts.c.name, _parts.c.brand, _parts.c.category, _parts.c.part_number, _parts.c.notes)),
    )
    .order_by(_parts.c.id.desc())
    .limit(bindparam("limit", type_=Integer))
)
REPLACE = Query(
    _parts.update()
    .where(*_living, version_expected(_parts))
    .values({**assigned(_parts, FIELDS), **touched(_parts)})
    .returning(*_read)
)
PRICE_TO_CHANGE = Query(
    select(_parts.c.price_amount, _parts.c.price_currency)
    .where(*_living, version_expected(_parts))
    .with_for_update(key_share=True)
)
MERGE = Query(
    _parts.update()
    .where(*_living, version_expected(_parts))
    .values({**merged(_parts, FIELDS), **touched(_parts)})
    .returning(*_read)
)
DELETE = Query(
    _parts.update()
    .where(*_living, version_expected(_parts))
    .values(deleted_at=func.now(), **touched(_parts))
    .returning(_parts.c.id)
)
RESTORE = Query(
    _parts.update()
    .where(*_own, _parts.c.deleted_at.is_not(None))
    .values(deleted_at=None, **touched(_parts))
    .returning(*_read)
)
PURGE = Query(_parts.delete().where(_parts.c.deleted_at < func.now() - bindparam("retention", type_=Interval)))
EXISTS = Query(select(_parts.c.id).where(*_living))
CARDS = Query(
    select(*(PART_CARDS.c[field.name] for field in fields(PartCard))).where(
        PART_CARDS.c.owner_id == parameter(PART_CARDS.c.owner_id),
        PART_CARDS.c.id == func.any(bindparam("ids", type_=ARRAY(Uuid))),
    )
)
