"""The rules of the items of a build list.

Every change of items locks the row of their list first, so that the changes of one list come one by one: its count,
its order and its version always fit its items.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from asyncpg import Record
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from monocoque.database import Executor, Transaction
from monocoque.problems import FieldError, Problem, invalid
from monocoque.statements import merge_parameters, missing_or_stale
from monocoque.types import Money, new_id
from monocoque_build_lists import queries
from monocoque_build_lists.problems import (
    ITEM_NAMELESS,
    ITEM_NOT_FOUND,
    NOT_FOUND,
    ORDER_MISMATCH,
    PART_UNKNOWN,
    TOO_MANY_ITEMS,
)
from monocoque_build_lists.queries import CATEGORY, CURRENCY, STATUS
from monocoque_build_lists.schemas import MAX_ITEMS, STATUSES, ItemPatch, ItemWrite, PaidPatch
from monocoque_build_lists.service import refuse
from monocoque_parts.facade import find_part

_COUNTS = ("item_count", "quantity", "unpriced_count")
_CATEGORIES, _STATUSES, _WHOLE = STATUS | CURRENCY, CATEGORY | CURRENCY, CATEGORY | STATUS | CURRENCY
_SHOWN_ERRORS = 50


async def list_items(
    executor: Executor, owner_id: UUID, list_id: UUID, *, after: int | None, limit: int
) -> Sequence[Record]:
    """Items in the order of the list, those behind position `after`; raises a 404."""
    rows = await executor.all(queries.LIST_ITEMS, list_id=list_id, owner_id=owner_id, after=after, limit=limit)
    if not rows and await executor.first(queries.EXISTS, id=list_id, owner_id=owner_id) is None:
        raise Problem(NOT_FOUND)
    return rows


async def find_item(executor: Executor, owner_id: UUID, list_id: UUID, item_id: UUID) -> Record:
    """One item of the owner's list; raises a 404."""
    row = await executor.first(queries.FIND_ITEM, id=item_id, list_id=list_id, owner_id=owner_id)
    if row is None:
        if await executor.first(queries.EXISTS, id=list_id, owner_id=owner_id) is None:
            raise Problem(NOT_FOUND)
        raise Problem(ITEM_NOT_FOUND)
    return row


async def create_item(executor: Executor, owner_id: UUID, list_id: UUID, item: ItemWrite) -> Record:
    """Add an item at the end.

    Raises a 404, a 409 (by constraint) for a part that is listed, a 422 for one that is not the owner's or a full list.
    """

    async def create(transaction: Transaction) -> Record:
        build_list = await _touch(transaction, owner_id, list_id, added=1)
        if build_list["item_count"] > MAX_ITEMS:
            raise invalid("#", TOO_MANY_ITEMS, TOO_MANY_ITEMS.detail)
        row = await transaction.first(
            queries.ADD_ITEM,
            id=new_id(),
            list_id=list_id,
            part_id=item.part_id,
            part_name=await _part_name(transaction, owner_id, item.part_id),
            name=item.name,
            quantity=item.quantity,
            notes=item.notes,
            status=item.status,
            **_paid(item.paid),
        )
        assert row is not None
        return row

    return await executor.transact(create)


async def merge_item(
    executor: Executor, owner_id: UUID, list_id: UUID, item_id: UUID, change: ItemPatch, versions: list[int] | None
) -> Record:
    """Set the fields that were sent; raises a 404, a 412, else as `create_item`, and a 422 for an item left nameless.

    An item whose part is taken away keeps the part's name.
    """

    async def merge(transaction: Transaction) -> Record:
        await _touch(transaction, owner_id, list_id)
        present = await transaction.first(queries.ITEM_TO_CHANGE, id=item_id, list_id=list_id)
        if present is None:
            raise Problem(ITEM_NOT_FOUND)
        derived: dict[str, Any] = {}
        if "part_id" in change.model_fields_set and change.part_id is not None:
            derived["part_name"] = await _part_name(transaction, owner_id, change.part_id)
        if "paid" in change.model_fields_set:
            derived |= _paid(_merged_paid(change.paid, present))
        if "name" in change.model_fields_set and not (change.name or derived.get("part_name") or present["part_name"]):
            raise invalid("#/name", ITEM_NAMELESS, "An item without a part needs a name.")
        parameters = merge_parameters(change, queries.ITEM_FIELDS, **derived)
        row = await transaction.first(queries.MERGE_ITEM, id=item_id, list_id=list_id, versions=versions, **parameters)
        return row or await _refuse_item(transaction, owner_id, list_id, item_id, versions)

    return await executor.transact(merge)


async def delete_item(
    executor: Executor, owner_id: UUID, list_id: UUID, item_id: UUID, versions: list[int] | None
) -> None:
    """Take the item out; raises a 404 or a 412."""

    async def delete(transaction: Transaction) -> None:
        await _touch(transaction, owner_id, list_id, added=-1)
        if await transaction.first(queries.DELETE_ITEM, id=item_id, list_id=list_id, versions=versions) is None:
            await _refuse_item(transaction, owner_id, list_id, item_id, versions)

    await executor.transact(delete)


async def order_items(
    executor: Executor, owner_id: UUID, list_id: UUID, ids: list[UUID], versions: list[int] | None
) -> Record:
    """Put the items in this order and give the list; raises a 404, a 412, a 422 unless it names each exactly once."""

    async def order(transaction: Transaction) -> Record:
        build_list = await _touch(transaction, owner_id, list_id, versions=versions)
        present = {row["id"] for row in await transaction.all(queries.ITEM_IDS, list_id=list_id)}
        errors = order_errors(ids, present)
        if errors:
            raise Problem(ORDER_MISMATCH, errors=errors)
        await transaction.run(queries.REORDER, list_id=list_id, ids=ids)
        return build_list

    return await executor.transact(order)


def order_errors(ids: Iterable[UUID], present: set[UUID]) -> list[FieldError]:
    """What keeps `ids` from being an order of `present`: strangers, repetitions, and how many are missing."""
    errors = []
    seen: set[UUID] = set()
    for place, item_id in enumerate(ids):
        if item_id not in present:
            errors.append(FieldError(f"#/items/{place}", ITEM_NOT_FOUND.code, "This is no item of this list."))
        elif item_id in seen:
            errors.append(FieldError(f"#/items/{place}", ORDER_MISMATCH.code, "This item was named before."))
        seen.add(item_id)
    del errors[_SHOWN_ERRORS:]
    missing = len(present - seen)
    if missing:
        errors.append(
            FieldError("#/items", ORDER_MISMATCH.code, f"Items of the list that are missing here: {missing}.")
        )
    return errors


async def summarise(executor: Executor, owner_id: UUID, list_id: UUID) -> dict[str, Any]:
    """Totals of the whole list, by category and by status, added up by the database; raises a 404."""
    rows = await executor.all(queries.SUMMARY, id=list_id, owner_id=owner_id)
    if rows[0]["list_id"] is None:
        raise Problem(NOT_FOUND)
    sums: dict[tuple[int, str | None, str | None], dict[str, Any]] = {
        (row["kind"], row["category"], row["status"]): {**{name: row[name] for name in _COUNTS}, "totals": []}
        for row in rows
        if row["kind"] & CURRENCY
    }
    for row in rows:
        if row["currency"] is not None:
            total = {"amount": row["amount"], "currency": row["currency"]}
            sums[row["kind"] | CURRENCY, row["category"], row["status"]]["totals"].append(total)
    by_category = [
        {"category": category, **group} for (kind, category, _), group in sums.items() if kind == _CATEGORIES
    ]
    statuses = [{"status": status, **group} for (kind, _, status), group in sums.items() if kind == _STATUSES]
    by_status = sorted(statuses, key=lambda group: STATUSES.index(group["status"]))
    return {**sums[_WHOLE, None, None], "by_category": by_category, "by_status": by_status}


async def _touch(
    transaction: Transaction, owner_id: UUID, list_id: UUID, *, added: int = 0, versions: list[int] | None = None
) -> Record:
    row = await transaction.first(queries.TOUCH, id=list_id, owner_id=owner_id, versions=versions, added=added)
    return row or await refuse(transaction, owner_id, list_id, versions)


async def _part_name(executor: Executor, owner_id: UUID, part_id: UUID | None) -> str | None:
    if part_id is None:
        return None
    part = await find_part(executor, owner_id, part_id)
    if part is None:
        raise invalid("#/part_id", PART_UNKNOWN, PART_UNKNOWN.detail)
    return part.name


def _paid(paid: Money | None) -> dict[str, Any]:
    return {
        "paid_amount": None if paid is None else paid.amount,
        "paid_currency": None if paid is None else paid.currency,
    }


def _merged_paid(change: PaidPatch | None, present: Record) -> Money | None:
    """What was paid after the change; raises a validation error where it is not whole, or has too many places."""
    if change is None:
        return None
    merged: dict[str, Any] = {}
    if present["paid_amount"] is not None:
        merged = {"amount": format(present["paid_amount"], "f"), "currency": present["paid_currency"]}
    try:
        return Money.model_validate(merged | change.model_dump(mode="json", exclude_unset=True))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**fault, "loc": ("body", "paid", *fault["loc"])} for fault in faults]) from None


async def _refuse_item(
    executor: Executor, owner_id: UUID, list_id: UUID, item_id: UUID, versions: list[int] | None
) -> Record:
    ids = {"id": item_id, "list_id": list_id, "owner_id": owner_id}
    await missing_or_stale(executor, queries.FIND_ITEM, ITEM_NOT_FOUND, versions, **ids)
