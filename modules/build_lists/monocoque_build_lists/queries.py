"""Every statement of build_lists; those that draw up a whole list are in documents.py."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
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
)

from monocoque.queries import Query
from monocoque.statements import assigned, contains, merged, optional, parameter, touched, version_expected
from monocoque_build_lists.models import BuildList, Item
from monocoque_parts.contracts import PART_CARDS

FIELDS = ("name", "description", "car_id")
ITEM_FIELDS = ("part_id", "part_name", "name", "quantity", "notes", "paid_amount", "paid_currency", "status")

LISTS = BuildList.metadata.tables["monocoque_build_lists.build_lists"]
ITEMS = Item.metadata.tables["monocoque_build_lists.items"]

share_alive: ColumnElement[bool] = and_(
    LISTS.c.share_digest.is_not(None), or_(LISTS.c.share_expires_at.is_(None), LISTS.c.share_expires_at > func.now())
)
_read = (
    LISTS.c.id,
    LISTS.c.name,
    LISTS.c.description,
    LISTS.c.car_id,
    LISTS.c.item_count,
    share_alive.label("shared"),
    LISTS.c.share_expires_at,
    LISTS.c.version,
    LISTS.c.created_at,
    LISTS.c.updated_at,
)
_own = (LISTS.c.id == parameter(LISTS.c.id), LISTS.c.owner_id == parameter(LISTS.c.owner_id))
own_living = (*_own, LISTS.c.deleted_at.is_(None))


def json_object(**members: ColumnElement[Any]) -> ColumnElement[Any]:
    """A JSON object of these members; their names go into the statement, so they are ours alone."""
    pairs = [part for name, value in members.items() for part in (literal_column(f"'{name}'"), value)]
    return func.json_build_object(*pairs, type_=JSON)


def money(amount: ColumnElement[Any], currency: ColumnElement[Any]) -> ColumnElement[Any]:
    """Money in its JSON form, or NULL where there is no amount."""
    return case((amount.is_not(None), json_object(amount=cast(amount, Text), currency=currency)))


def with_parts(items: FromClause) -> FromClause:
    """Items joined with their parts, where those are living."""
    return items.outerjoin(PART_CARDS, PART_CARDS.c.id == items.c.part_id)


def shown_name(items: FromClause) -> ColumnElement[Any]:
    """The item's own name, else the part's, else what the part was called when it was listed."""
    return func.coalesce(items.c.name, PART_CARDS.c.name, items.c.part_name)


def total_amount(items: FromClause) -> ColumnElement[Any]:
    """What was paid, else price times quantity, else NULL."""
    return func.coalesce(items.c.paid_amount, PART_CARDS.c.price_amount * items.c.quantity)


def total_currency(items: FromClause) -> ColumnElement[Any]:
    """The currency of `total_amount`."""
    return func.coalesce(items.c.paid_currency, PART_CARDS.c.price_currency)


def shown(items: FromClause) -> tuple[ColumnElement[Any], ...]:
    """What is shown of an item to anyone, from `with_parts(items)`."""
    return (
        shown_name(items).label("name"),
        PART_CARDS.c.brand,
        PART_CARDS.c.category,
        PART_CARDS.c.part_number,
        PART_CARDS.c.url,
        items.c.quantity,
        items.c.status,
        items.c.notes,
        money(PART_CARDS.c.price_amount, PART_CARDS.c.price_currency).label("price"),
        money(total_amount(items), total_currency(items)).label("line_total"),
    )


def paid(items: FromClause) -> ColumnElement[Any]:
    """What was paid, in its JSON form."""
    return money(items.c.paid_amount, items.c.paid_currency).label("paid")


def _item_read(items: FromClause) -> tuple[ColumnElement[Any], ...]:
    return (
        items.c.id,
        items.c.part_id,
        *shown(items),
        paid(items),
        items.c.position,
        items.c.version,
        items.c.created_at,
        items.c.updated_at,
    )


CREATE = Query(LISTS.insert().values(assigned(LISTS, ("id", "owner_id", *FIELDS))).returning(*_read))
FIND = Query(select(*_read).where(*own_living))
LIST = Query(
    select(*_read)
    .where(
        LISTS.c.owner_id == parameter(LISTS.c.owner_id),
        (LISTS.c.deleted_at.is_not(None)) == bindparam("deleted", type_=Boolean),
        or_(bindparam("before", type_=Uuid).is_(null()), LISTS.c.id < bindparam("before", type_=Uuid)),
        optional(LISTS.c.car_id),
        contains((LISTS.c.name, LISTS.c.description)),
    )
    .order_by(LISTS.c.id.desc())
    .limit(bindparam("limit", type_=Integer))
)
REPLACE = Query(
    LISTS.update()
    .where(*own_living, version_expected(LISTS))
    .values({**assigned(LISTS, FIELDS), **touched(LISTS)})
    .returning(*_read)
)
MERGE = Query(
    LISTS.update()
    .where(*own_living, version_expected(LISTS))
    .values({**merged(LISTS, FIELDS), **touched(LISTS)})
    .returning(*_read)
)
DELETE = Query(
    LISTS.update()
    .where(*own_living, version_expected(LISTS))
    .values(deleted_at=func.now(), **touched(LISTS))
    .returning(LISTS.c.id)
)
RESTORE = Query(
    LISTS.update()
    .where(*_own, LISTS.c.deleted_at.is_not(None))
    .values(deleted_at=None, **touched(LISTS))
    .returning(*_read)
)
PURGE = Query(LISTS.delete().where(LISTS.c.deleted_at < func.now() - bindparam("retention", type_=Interval)))
EXISTS = Query(select(LISTS.c.id).where(*own_living))

# Locks the list's row until the transaction ends: every change of items begins with it, so that they come one by one.
TOUCH = Query(
    LISTS.update()
    .where(*own_living, version_expected(LISTS))
    .values(item_count=LISTS.c.item_count + bindparam("added", type_=Integer), **touched(LISTS))
    .returning(*_read)
)

SHARE = Query(
    LISTS.update()
    .where(*own_living)
    .values(
        share_digest=bindparam("digest", type_=LargeBinary),
        share_expires_at=parameter(LISTS.c.share_expires_at, "expires_at"),
        **touched(LISTS),
    )
    .returning(LISTS.c.id)
)
REVOKE = Query(
    LISTS.update()
    .where(*own_living, LISTS.c.share_digest.is_not(None))
    .values(share_digest=None, share_expires_at=None, **touched(LISTS))
    .returning(LISTS.c.id)
)

_of_list = ITEMS.c.list_id == parameter(ITEMS.c.list_id)
_of_own_list = (
    _of_list,
    select(LISTS.c.id)
    .where(LISTS.c.id == ITEMS.c.list_id, LISTS.c.owner_id == parameter(LISTS.c.owner_id), LISTS.c.deleted_at.is_(None))
    .exists(),
)
_this_item = (ITEMS.c.id == parameter(ITEMS.c.id), _of_list)
_added = (
    ITEMS.insert()
    .values(
        {
            **assigned(ITEMS, ("id", "list_id", *ITEM_FIELDS)),
            "position": select(func.coalesce(func.max(ITEMS.c.position), literal_column("0")) + literal_column("1"))
            .where(_of_list)
            .scalar_subquery(),
        }
    )
    .returning(*ITEMS.c)
    .cte("added")
)
_merged = (
    ITEMS.update()
    .where(*_this_item, version_expected(ITEMS))
    .values({**merged(ITEMS, ITEM_FIELDS), **touched(ITEMS)})
    .returning(*ITEMS.c)
    .cte("merged")
)
LIST_ITEMS = Query(
    select(*_item_read(ITEMS))
    .select_from(with_parts(ITEMS))
    .where(
        *_of_own_list,
        or_(bindparam("after", type_=Integer).is_(null()), ITEMS.c.position > bindparam("after", type_=Integer)),
    )
    .order_by(ITEMS.c.position)
    .limit(bindparam("limit", type_=Integer))
)
FIND_ITEM = Query(
    select(*_item_read(ITEMS)).select_from(with_parts(ITEMS)).where(ITEMS.c.id == parameter(ITEMS.c.id), *_of_own_list)
)
ITEM_TO_CHANGE = Query(select(*ITEMS.c).where(*_this_item))
# Both are run after TOUCH in the same transaction, which says whose list it is and lets nobody in between.
ADD_ITEM = Query(select(*_item_read(_added)).select_from(with_parts(_added)))
MERGE_ITEM = Query(select(*_item_read(_merged)).select_from(with_parts(_merged)))
DELETE_ITEM = Query(ITEMS.delete().where(*_this_item, version_expected(ITEMS)).returning(ITEMS.c.id))
ITEM_IDS = Query(select(ITEMS.c.id).where(_of_list))

_numbered = (
    func.unnest(bindparam("ids", type_=ARRAY(Uuid)))
    .table_valued(column("id", Uuid), with_ordinality="number", name="numbered")
    .render_derived()
)
REORDER = Query(
    ITEMS.update()
    .where(_of_list, ITEMS.c.id == _numbered.c.id, ITEMS.c.position != _numbered.c.number)
    .values(position=_numbered.c.number, **touched(ITEMS))
)

# Waits for a change of items that is under way, and keeps the next one out until the copy is made.
LOCK_ORIGINAL = Query(
    select(LISTS.c.item_count, LISTS.c.name, LISTS.c.description, LISTS.c.car_id)
    .where(*own_living)
    .with_for_update(read=True)
)
CREATE_CLONE = Query(
    LISTS.insert().values(assigned(LISTS, ("id", "owner_id", *FIELDS, "item_count"))).returning(*_read)
)
_originals = (
    select(*ITEMS.c, func.row_number().over(order_by=ITEMS.c.position).label("number"))
    .where(ITEMS.c.list_id == bindparam("original", type_=Uuid))
    .subquery("originals")
)
_COPIED = ("position", *ITEM_FIELDS)
CLONE_ITEMS = Query(
    ITEMS.insert().from_select(
        ["id", "list_id", *_COPIED],
        select(_numbered.c.id, bindparam("list_id", type_=Uuid), *(_originals.c[name] for name in _COPIED)).where(
            _originals.c.number == _numbered.c.number
        ),
    )
)
