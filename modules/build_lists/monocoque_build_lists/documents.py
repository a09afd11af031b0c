"""The statements that draw up a whole list: its summary, its export, and what a share shows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from monocoque.queries import Query
from monocoque_build_lists.queries import (
    ITEMS,
    LISTS,
    json_object,
    money,
    own_living,
    paid,
    share_alive,
    shown,
    total_amount,
    total_currency,
    with_parts,
)
from monocoque_cars.contracts import CAR_CARDS
from monocoque_parts.contracts import PART_CARDS

_NO_ROWS: ColumnElement[Any] = literal_column("'[]'::json")


def _row(selected: Any) -> ColumnElement[Any]:
    """The one row of a selection as a JSON object without blanks."""
    row = selected.subquery("shown")
    return select(func.row_to_json(row.table_valued())).scalar_subquery()


def _document(
    *which: ColumnElement[bool],
    of_list: tuple[ColumnElement[Any], ...] = (),
    of_item: tuple[ColumnElement[Any], ...] = (),
) -> Query:
    """One statement that gives one list as UTF-8 JSON, ready to be sent, or no row."""
    chosen = select(*LISTS.c).where(*which).cte("chosen")
    lines = (
        select(
            ITEMS.c.position,
            total_amount(ITEMS).label("amount"),
            total_currency(ITEMS).label("currency"),
            _row(select(*of_item, *shown(ITEMS)).correlate(ITEMS, PART_CARDS)).label("line"),
        )
        .select_from(with_parts(ITEMS))
        .where(ITEMS.c.list_id == select(chosen.c.id).scalar_subquery())
        .cte("lines")
    )
    sums = (
        select(lines.c.currency, func.sum(lines.c.amount).label("amount"))
        .where(lines.c.amount.is_not(None))
        .group_by(lines.c.currency)
        .subquery("sums")
    )
    items = select(func.coalesce(_array(lines.c.line, lines.c.position), _NO_ROWS)).scalar_subquery()
    totals = select(
        func.coalesce(_array(money(sums.c.amount, sums.c.currency), sums.c.currency), _NO_ROWS)
    ).scalar_subquery()
    car = select(
        json_object(
            make=CAR_CARDS.c.make, model=CAR_CARDS.c.model, year=CAR_CARDS.c.year, nickname=CAR_CARDS.c.nickname
        )
    ).where(CAR_CARDS.c.id == chosen.c.car_id)
    whole = select(
        chosen.c.name,
        chosen.c.description,
        car.scalar_subquery().label("car"),
        chosen.c.item_count,
        totals.label("totals"),
        *(chosen.c[extra.name] for extra in of_list),
        chosen.c.updated_at,
        items.label("items"),
    ).subquery("whole")
    return Query(select(func.convert_to(cast(func.row_to_json(whole.table_valued()), Text), literal_column("'UTF8'"))))


def _array(value: ColumnElement[Any], order: ColumnElement[Any]) -> ColumnElement[Any]:
    """The rows' values as a JSON array, in order; NULL where there is no row."""
    return func.array_to_json(func.array_agg(aggregate_order_by(value, order)))


SHARED = _document(
    LISTS.c.share_digest == bindparam("digest", type_=LargeBinary), share_alive, LISTS.c.deleted_at.is_(None)
)
EXPORT = _document(*own_living, of_list=(LISTS.c.car_id, LISTS.c.created_at), of_item=(ITEMS.c.part_id, paid(ITEMS)))

CURRENCY, STATUS, CATEGORY = 1, 2, 4
"""Bits of `kind` in a row of SUMMARY: what the row does not tell apart."""

_lines = (
    select(
        PART_CARDS.c.category,
        ITEMS.c.status,
        total_currency(ITEMS).label("currency"),
        total_amount(ITEMS).label("amount"),
        ITEMS.c.quantity,
    )
    .select_from(with_parts(ITEMS))
    .where(ITEMS.c.list_id == select(LISTS.c.id).where(*own_living).scalar_subquery())
    .subquery("lines")
)
_told_apart = (_lines.c.category, _lines.c.status, _lines.c.currency)
SUMMARY = Query(
    select(
        select(LISTS.c.id).where(*own_living).scalar_subquery().label("list_id"),
        func.grouping(*_told_apart).label("kind"),
        *_told_apart,
        func.count().label("item_count"),
        func.coalesce(func.sum(_lines.c.quantity), literal_column("0")).label("quantity"),
        func.count().filter(_lines.c.amount.is_(None)).label("unpriced_count"),
        func.sum(_lines.c.amount).label("amount"),
    )
    .group_by(
        func.grouping_sets(
            tuple_(_lines.c.category, _lines.c.currency),
            tuple_(_lines.c.category),
            tuple_(_lines.c.status, _lines.c.currency),
            tuple_(_lines.c.status),
            tuple_(_lines.c.currency),
            literal_column("()"),
        )
    )
    .order_by(_lines.c.category.nulls_last(), _lines.c.status, _lines.c.currency)
)
