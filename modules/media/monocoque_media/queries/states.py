"""The statements of states and their log."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Uuid,
    and_,
    bindparam,
    case,
    func,
    null,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import insert

from monocoque.queries import Query
from monocoque.statements import literal, parameter, touched, version_expected
from monocoque_media.queries.shaping import ITEMS, STATE_FIELDS, STATE_LOG, STATES, state_columns

_LOGGED = ("owner_id", "item_id", *STATE_FIELDS)
_mine = (STATES.c.item_id == parameter(STATES.c.item_id), STATES.c.owner_id == parameter(STATES.c.owner_id))
_read = state_columns(STATES)


def _logging(change: CTE, action: str) -> Query:
    """The changed row, after a log entry was made of it: both or neither, in one statement.

    Its number and its time come after those of every change that this one waited for.
    """
    fixed = (bindparam("log_id", type_=Uuid), func.clock_timestamp(), literal(action))
    entry = select(*fixed, *(change.c[name] for name in _LOGGED))
    logged = STATE_LOG.insert().from_select(["id", "at", "action", *_LOGGED], entry).cte("logged")
    return Query(select(*state_columns(change).values()).add_cte(logged))


def _begun_again(before: ColumnElement[Any], after: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(
        before.in_([literal("completed"), literal("dropped")]), after.in_([literal("active"), literal("planned")])
    )


def _pass_number(after: ColumnElement[Any]) -> ColumnElement[Any]:
    """The given one; else the present one, one more when what had ended begins again (the last stays the last)."""
    return func.coalesce(
        parameter(STATES.c.pass_number),
        case(
            (_begun_again(STATES.c.status, after), func.least(STATES.c.pass_number + 1, 10_000)),
            else_=STATES.c.pass_number,
        ),
    )


_PLAIN = tuple(name for name in STATE_FIELDS if name != "pass_number")


def _changed(values: dict[str, ColumnElement[Any]]) -> ColumnElement[bool]:
    """Whether anything is new: a state that is put again as it is stays as it is, and is not logged."""
    return tuple_(*(STATES.c[name] for name in values)).is_distinct_from(tuple_(*values.values()))


def next_version(owner_id: ColumnElement[Any], item_id: ColumnElement[Any]) -> ColumnElement[Any]:
    """A version that no state of this person and item had before: each change so far has a row in the log.

    A state that is removed and set again must not come back under an ETag that stood for another one.
    """
    entries = select(func.count() + 1).where(STATE_LOG.c.owner_id == owner_id, STATE_LOG.c.item_id == item_id)
    return entries.scalar_subquery()


# The share lock keeps the item from being deleted or merged before this is committed, and waits for who is at it.
_item: Select[Any] = (
    select(
        parameter(STATES.c.owner_id),
        ITEMS.c.id,
        *(parameter(STATES.c[name]) for name in _PLAIN),
        func.coalesce(parameter(STATES.c.pass_number), 1),
        next_version(parameter(STATES.c.owner_id), ITEMS.c.id),
    )
    .where(ITEMS.c.id == bindparam("item_id", type_=Uuid), ITEMS.c.deleted_at.is_(None))
    .with_for_update(read=True, key_share=True)
)
_new = insert(STATES).from_select(["owner_id", "item_id", *_PLAIN, "pass_number", "version"], _item)
_replacing = {**{name: _new.excluded[name] for name in _PLAIN}, "pass_number": _pass_number(_new.excluded.status)}
CREATE = _logging(_new.on_conflict_do_nothing().returning(*STATES.c).cte("put"), "set")
PUT = _logging(
    _new.on_conflict_do_update(
        index_elements=["owner_id", "item_id"],
        set_={**_replacing, **touched(STATES)},
        where=_changed(_replacing),
    )
    .returning(*STATES.c)
    .cte("put"),
    "set",
)
_setting = {
    **{name: parameter(STATES.c[name]) for name in _PLAIN},
    "pass_number": _pass_number(parameter(STATES.c.status)),
}
_living = select(ITEMS.c.id).where(ITEMS.c.id == STATES.c.item_id, ITEMS.c.deleted_at.is_(None)).exists()
REPLACE = _logging(
    STATES.update()
    .where(*_mine, version_expected(STATES), _changed(_setting), _living)
    .values({**_setting, **touched(STATES)})
    .returning(*STATES.c)
    .cte("put"),
    "set",
)
DELETE = _logging(
    STATES.delete().where(*_mine, version_expected(STATES), _living).returning(*STATES.c).cte("removed"), "removed"
)
FIND = Query(select(*_read.values()).where(*_mine, _living))


def _entries(log: FromClause) -> tuple[ColumnElement[Any], ...]:
    return (log.c.id, log.c.at, log.c.action, *(log.c[name] for name in STATE_FIELDS))


_before = bindparam("before", type_=Uuid)
_earlier = STATE_LOG.alias("earlier")
LOG = Query(
    select(*_entries(STATE_LOG))
    .where(
        STATE_LOG.c.item_id == parameter(STATE_LOG.c.item_id),
        STATE_LOG.c.owner_id == parameter(STATE_LOG.c.owner_id),
        or_(
            _before.is_(null()),
            STATE_LOG.c.number < select(_earlier.c.number).where(_earlier.c.id == _before).scalar_subquery(),
        ),
    )
    .order_by(STATE_LOG.c.number.desc())
    .limit(bindparam("limit", type_=Integer))
)
