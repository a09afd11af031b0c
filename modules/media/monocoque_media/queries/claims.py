"""Claims: which process asks a source for something, and what came of it; each statement is committed by itself."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Interval, bindparam, func, null, or_, select
from sqlalchemy.dialects.postgresql import JSONB, insert

from monocoque.queries import Query
from monocoque.statements import parameter
from monocoque_media.models import SCHEMA, Claim

CLAIMS = Claim.metadata.tables[f"{SCHEMA}.claims"]

_mine = (CLAIMS.c.key == parameter(CLAIMS.c.key), CLAIMS.c.holder == parameter(CLAIMS.c.holder))
_until: ColumnElement[Any] = func.now() + bindparam("hold", type_=Interval)
_new = insert(CLAIMS).values(key=parameter(CLAIMS.c.key), holder=parameter(CLAIMS.c.holder), expires_at=_until)

# Gives the holder's id, or no row where another one's claim stands; one that is settled stands in nobody's way.
TAKE = Query(
    _new.on_conflict_do_update(
        index_elements=["key"],
        set_={"holder": _new.excluded.holder, "expires_at": _new.excluded.expires_at, "outcome": null()},
        where=or_(CLAIMS.c.outcome.is_not(None), CLAIMS.c.expires_at < func.now()),
    ).returning(CLAIMS.c.holder)
)
# The outcome of a claim that stands, NULL while it is asked; no row where there is none any more.
LOOK = Query(select(CLAIMS.c.outcome).where(CLAIMS.c.key == parameter(CLAIMS.c.key), CLAIMS.c.expires_at >= func.now()))
SETTLE = Query(CLAIMS.update().where(*_mine).values(outcome=bindparam("outcome", type_=JSONB), expires_at=_until))
RELEASE = Query(CLAIMS.delete().where(*_mine))
PURGE = Query(CLAIMS.delete().where(CLAIMS.c.expires_at < func.now()))
