"""Every statement of build_lists."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    FromClause,
    Integer,
    Interval,
    LargeBinary,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    column,
    func,
    literal_column,
    null,
    or_,
    select,
    tuple_,
)

from monocoque.queries import Query
from monocoque.statements import (
    NO_ROWS,
    assigned,
    contains,
    iso_time,
    json_array,
    json_object,
    json_row,
    merged,
    optional,
    parameter,
    touched,
    utf8,
    version_expected,
)
from monocoque_auth.contracts import ACTIVE_USERS
from monocoque_build_lists.models import BuildList, Item
from monocoque_cars.contracts import CAR_CARDS
from monocoque_parts.contracts import PART_CARDS

FIELDS = ("name", "description", "car_id")
ITEM_FIELDS = ("part_id", "part_name", "name", "quantity", "notes", "paid_amount", "paid_currency", "status")

_lists = BuildList.metadata.tables["monocoque_build_lists.build_lists"]
_items = Item.metadata.tables["monocoque_build_lists.items"]

_share_alive: ColumnElement[bool] = and_(
    _lists.c.share_digest.is_not(None), or_(_lists.c.share_expires_at.is_(None), _lists.c.share_expires_at > func.now())
)
_read = (
    _lists.c.id,
    _lists.c.name,
    _lists.c.description,
    _lists.c.car_id,
    _lists.c.item_count,
    _share_alive.label("shared"),
    _lists.c.share_expires_at,
    _lists.c.version,
    _lists.c.created_at,
    _lists.c.updated_at,
)
_own = (_lists.c.id == parameter(_lists.c.id), _lists.c.owner_id == parameter(_lists.c.owner_id))
_own_living = (*_own, _lists.c.deleted_at.is_(None))


def _money(amount: ColumnElement[Any], currency: ColumnElement[Any]) -> ColumnElement[Any]:
    """Money in its JSON form, or NULL where there is no amount."""
    return case((amount.is_not(None), json_object(amount=cast(amount, Text), currency=currency)))


def _with_parts(items: FromClause) -> FromClause:
    """Items joined with their parts, where those are living."""
    return items.outerjoin(PART_CARDS, PART_CARDS.c.id == items.c.part_id)


def _total_amount(items: FromClause) -> ColumnElement[Any]:
    """What was paid, else price times quantity, else NULL."""
    return func.coalesce(items.c.paid_amount, PART_CARDS.c.price_amount * items.c.quantity)


def _total_currency(items: FromClause) -> ColumnElement[Any]:
    """The currency of `_total_amount`."""
    return func.coalesce(items.c.paid_currency, PART_CARDS.c.price_currency)


def _shown(items: FromClause) -> tuple[ColumnElement[Any], ...]:
    """What is shown of an item to anyone, from `_with_parts(items)`."""
    return (
        # The item's own name, else the part's, else what the part was called when it was listed.
        func.coalesce(items.c.name, PART_CARDS.c.name, items.c.part_name).label("name"),
        PART_CARDS.c.brand,
        PART_CARDS.c.category,
        PART_CARDS.c.part_number,
        PART_CARDS.c.url,
        items.c.quantity,
        items.c.status,
        items.c.notes,
        _money(PART_CARDS.c.price_amount, PART_CARDS.c.price_currency).label("price"),
        _money(_total_amount(items), _total_currency(items)).label("line_total"),
    )


def _paid(items: FromClause) -> ColumnElement[Any]:
    """What was paid, in its JSON form."""
    return _money(items.c.paid_amount, items.c.paid_currency).label("paid")


def _item_read(items: FromClause) -> tuple[ColumnElement[Any], ...]:
    return (
        items.c.id,
        items.c.part_id,
        *_shown(items),
        _paid(items),
        items.c.position,
        items.c.version,
        items.c.created_at,
        items.c.updated_at,
    )


CREATE = Query(_lists.insert().values(assigned(_lists, ("id", "owner_id", *FIELDS))).returning(*_read))
FIND = Query(select(*_read).where(*_own_living))
LIST = Query(
    select(*_read)
    .where(
        _lists.c.owner_id == parameter(_lists.c.owner_id),
        (_lists.c.deleted_at.is_not(None)) == bindparam("deleted", type_=Boolean),
        or_(bindparam("before", type_=Uuid).is_(null()), _lists.c.id < bindparam("before", type_=Uuid)),
        optional(_lists.c.car_id),
        contains((_lists.c.name, _lists.c.description)),
    )
    .order_by(_lists.c.id.desc())
    .limit(bindparam("limit", type_=Integer))
)
REPLACE = Query(
    _lists.update()
    .where(*_own_living, version_expected(_lists))
    .values({**assigned(_lists, FIELDS), **touched(_lists)})
    .returning(*_read)
)
MERGE = Query(
    _lists.update()
    .where(*_own_living, version_expected(_lists))
    .values({**merged(_lists, FIELDS), **touched(_lists)})
    .returning(*_read)
)
DELETE = Query(
    _lists.update()
    .where(*_own_living, version_expected(_lists))
    .values(deleted_at=func.now(), **touched(_lists))
    .returning(_lists.c.id)
)
RESTORE = Query(
    _lists.update()
    .where(*_own, _lists.c.deleted_at.is_not(None))
    .values(deleted_at=None, **touched(_lists))
    .returning(*_read)
)
PURGE = Query(_lists.delete().where(_lists.c.deleted_at < func.now() - bindparam("retention", type_=Interval)))
EXISTS = Query(select(_lists.c.id).where(*_own_living))

# Locks the list's row until the transaction ends: every change of items begins with it, so that they come one by one.
TOUCH = Query(
    _lists.update()
    .where(*_own_living, version_expected(_lists))
    .values(item_count=_lists.c.item_count + bindparam("added", type_=Integer), **touched(_lists))
    .returning(*_read)
)

SHARE = Query(
    _lists.update()
    .where(*_own_living)
    .values(
        share_digest=bindparam("digest", type_=LargeBinary),
        share_expires_at=parameter(_lists.c.share_expires_at, "expires_at"),
        **touched(_lists),
    )
    .returning(_lists.c.id)
)
REVOKE = Query(
    _lists.update()
    .where(*_own_living, _lists.c.share_digest.is_not(None))
    .values(share_digest=None, share_expires_at=None, **touched(_lists))
    .returning(_lists.c.id)
)

_of_list = _items.c.list_id == parameter(_items.c.list_id)
_of_own_list = (
    _of_list,
    select(_lists.c.id)
    .where(
        _lists.c.id == _items.c.list_id,
        _lists.c.owner_id == parameter(_lists.c.owner_id),
        _lists.c.deleted_at.is_(None),
    )
    .exists(),
)
_this_item = (_items.c.id == parameter(_items.c.id), _of_list)
_added = (
    _items.insert()
    .values(
        {
            **assigned(_items, ("id", "list_id", *ITEM_FIELDS)),
            "position": select(func.coalesce(func.max(_items.c.position), literal_column("0")) + literal_column("1"))
            .where(_of_list)
            .scalar_subquery(),
        }
    )
    .returning(*_items.c)
    .cte("added")
)
_merged = (
    _items.update()
    .where(*_this_item, version_expected(_items))
    .values({**merged(_items, ITEM_FIELDS), **touched(_items)})
    .returning(*_items.c)
    .cte("merged")
)
LIST_ITEMS = Query(
    select(*_item_read(_items))
    .select_from(_with_parts(_items))
    .where(
        *_of_own_list,
        or_(bindparam("after", type_=Integer).is_(null()), _items.c.position > bindparam("after", type_=Integer)),
    )
    .order_by(_items.c.position)
    .limit(bindparam("limit", type_=Integer))
)
FIND_ITEM = Query(
    select(*_item_read(_items))
    .select_from(_with_parts(_items))
    .where(_items.c.id == parameter(_items.c.id), *_of_own_list)
)
ITEM_TO_CHANGE = Query(select(*_items.c).where(*_this_item))
# Both are run after TOUCH in the same transaction, which says whose list it is and lets nobody in between.
ADD_ITEM = Query(select(*_item_read(_added)).select_from(_with_parts(_added)))
MERGE_ITEM = Query(select(*_item_read(_merged)).select_from(_with_parts(_merged)))
DELETE_ITEM = Query(_items.delete().where(*_this_item, version_expected(_items)).returning(_items.c.id))
ITEM_IDS = Query(select(_items.c.id).where(_of_list))

_numbered = (
    func.unnest(bindparam("ids", type_=ARRAY(Uuid)))
    .table_valued(column("id", Uuid), with_ordinality="number", name="numbered")
    .render_derived()
)
REORDER = Query(
    _items.update()
    .where(_of_list, _items.c.id == _numbered.c.id, _items.c.position != _numbered.c.number)
    .values(position=_numbered.c.number, **touched(_items))
)

# Waits for a change of items that is under way, and keeps the next one out until the copy is made.
LOCK_ORIGINAL = Query(
    select(_lists.c.item_count, _lists.c.name, _lists.c.description, _lists.c.car_id)
    .where(*_own_living)
    .with_for_update(read=True)
)
CREATE_CLONE = Query(
    _lists.insert().values(assigned(_lists, ("id", "owner_id", *FIELDS, "item_count"))).returning(*_read)
)
_originals = (
    select(*_items.c, func.row_number().over(order_by=_items.c.position).label("number"))
    .where(_items.c.list_id == bindparam("original", type_=Uuid))
    .subquery("originals")
)
_COPIED = ("position", *ITEM_FIELDS)
CLONE_ITEMS = Query(
    _items.insert().from_select(
        ["id", "list_id", *_COPIED],
        select(_numbered.c.id, bindparam("list_id", type_=Uuid), *(_originals.c[name] for name in _COPIED)).where(
            _originals.c.number == _numbered.c.number
        ),
    )
)


def _document(
    *which: ColumnElement[bool],
    of_list: tuple[ColumnElement[Any], ...] = (),
    of_item: tuple[ColumnElement[Any], ...] = (),
) -> Query:
    """One statement that gives one list as UTF-8 JSON, ready to be sent, or no row."""
    chosen = select(*_lists.c).where(*which).cte("chosen")
    lines = (
        select(
            _items.c.position,
            _total_amount(_items).label("amount"),
            _total_currency(_items).label("currency"),
            json_row(select(*of_item, *_shown(_items)).correlate(_items, PART_CARDS)).label("line"),
        )
        .select_from(_with_parts(_items))
        .where(_items.c.list_id == select(chosen.c.id).scalar_subquery())
        .cte("lines")
    )
    sums = (
        select(lines.c.currency, func.sum(lines.c.amount).label("amount"))
        .where(lines.c.amount.is_not(None))
        .group_by(lines.c.currency)
        .subquery("sums")
    )
    items = select(func.coalesce(json_array(lines.c.line, lines.c.position), NO_ROWS)).scalar_subquery()
    totals = select(
        func.coalesce(json_array(_money(sums.c.amount, sums.c.currency), sums.c.currency), NO_ROWS)
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
        *(iso_time(chosen.c[extra.name]).label(extra.name) for extra in of_list),
        iso_time(chosen.c.updated_at).label("updated_at"),
        items.label("items"),
    ).subquery("whole")
    return Query(select(utf8(func.row_to_json(whole.table_valued()))))


SHARED = _document(
    _lists.c.share_digest == bindparam("digest", type_=LargeBinary),
    _share_alive,
    _lists.c.deleted_at.is_(None),
    # An account that is disabled offers nothing any more.
    select(ACTIVE_USERS.c.id).where(ACTIVE_USERS.c.id == _lists.c.owner_id).exists(),
)
EXPORT = _document(
    *_own_living,
    of_list=(_lists.c.car_id, _lists.c.created_at),
    # A part that was deleted cannot be named in another item.
    of_item=(PART_CARDS.c.id.label("part_id"), _paid(_items)),
)

CURRENCY, STATUS, CATEGORY = 1, 2, 4
"""Bits of `kind` in a row of SUMMARY: what the row does not tell apart."""

_lines = (
    select(
        PART_CARDS.c.category,
        _items.c.status,
        _total_currency(_items).label("currency"),
        _total_amount(_items).label("amount"),
        _items.c.quantity,
    )
    .select_from(_with_parts(_items))
    .where(_items.c.list_id == select(_lists.c.id).where(*_own_living).scalar_subquery())
    .subquery("lines")
)
_told_apart = (_lines.c.category, _lines.c.status, _lines.c.currency)
SUMMARY = Query(
    select(
        select(_lists.c.id).where(*_own_living).scalar_subquery().label("list_id"),
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
