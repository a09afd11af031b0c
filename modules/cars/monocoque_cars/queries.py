"""Every statement of cars."""

from __future__ import annotations

import json

from sqlalchemy import Boolean, Integer, Interval, Uuid, and_, bindparam, case, func, literal_column, null, or_, select
from sqlalchemy.dialects.postgresql import insert

from monocoque.problems import FieldError
from monocoque.queries import Query
from monocoque.statements import NO_ROWS, assigned, contains, merged, optional, parameter, touched, version_expected
from monocoque_cars.models import Car
from monocoque_cars.problems import VIN_CHECK_DIGIT

FIELDS = ("make", "model", "year", "vin", "vin_check_ok", "nickname", "notes")

_cars = Car.metadata.tables["monocoque_cars.cars"]
_VIN_WARNING = FieldError("#/vin", VIN_CHECK_DIGIT.code, VIN_CHECK_DIGIT.detail).document()
_warnings = case(
    (
        _cars.c.vin_check_ok.is_(False),
        literal_column(f"'{json.dumps([_VIN_WARNING])}'::json"),
    ),
    else_=NO_ROWS,
).label("warnings")
_read = (
    _cars.c.id,
    _cars.c.make,
    _cars.c.model,
    _cars.c.year,
    _cars.c.vin,
    _cars.c.nickname,
    _cars.c.notes,
    _warnings,
    _cars.c.version,
    _cars.c.created_at,
    _cars.c.updated_at,
)
_own = (_cars.c.id == parameter(_cars.c.id), _cars.c.owner_id == parameter(_cars.c.owner_id))
_living = (*_own, _cars.c.deleted_at.is_(None))

CREATE = Query(_cars.insert().values(assigned(_cars, ("id", "owner_id", *FIELDS))).returning(*_read))
CREATE_UNLESS_TAKEN = Query(
    insert(_cars)
    .values(assigned(_cars, ("id", "owner_id", *FIELDS)))
    .on_conflict_do_nothing(
        index_elements=["owner_id", "vin"],
        index_where=and_(_cars.c.deleted_at.is_(None), _cars.c.vin.is_not(None)),
    )
    .returning(_cars.c.id)
)
FIND = Query(select(*_read).where(*_living))
LIST = Query(
    select(*_read)
    .where(
        _cars.c.owner_id == parameter(_cars.c.owner_id),
        (_cars.c.deleted_at.is_not(None)) == bindparam("deleted", type_=Boolean),
        or_(bindparam("before", type_=Uuid).is_(null()), _cars.c.id < bindparam("before", type_=Uuid)),
        optional(_cars.c.make),
        optional(_cars.c.model),
        optional(_cars.c.year),
        contains((_cars.c.make, _cars.c.model, _cars.c.nickname, _cars.c.notes, _cars.c.vin)),
    )
    .order_by(_cars.c.id.desc())
    .limit(bindparam("limit", type_=Integer))
)
REPLACE = Query(
    _cars.update()
    .where(*_living, version_expected(_cars))
    .values({**assigned(_cars, FIELDS), **touched(_cars)})
    .returning(*_read)
)
MERGE = Query(
    _cars.update()
    .where(*_living, version_expected(_cars))
    .values({**merged(_cars, FIELDS), **touched(_cars)})
    .returning(*_read)
)
DELETE = Query(
    _cars.update()
    .where(*_living, version_expected(_cars))
    .values(deleted_at=func.now(), **touched(_cars))
    .returning(_cars.c.id)
)
RESTORE = Query(
    _cars.update()
    .where(*_own, _cars.c.deleted_at.is_not(None))
    .values(deleted_at=None, **touched(_cars))
    .returning(*_read)
)
PURGE = Query(_cars.delete().where(_cars.c.deleted_at < func.now() - bindparam("retention", type_=Interval)))
EXISTS = Query(select(_cars.c.id).where(*_living))
