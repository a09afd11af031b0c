"""The rules of parts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asyncpg import Record
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from monocoque.database import Executor, Transaction
from monocoque.problems import Problem
from monocoque.statements import merge_parameters, missing_or_stale
from monocoque.types import Money, new_id
from monocoque_parts import queries
from monocoque_parts.problems import NOT_FOUND
from monocoque_parts.schemas import PartPatch, PartWrite, PricePatch


async def create_part(executor: Executor, owner_id: UUID, part: PartWrite) -> Record:
    """Add a part."""
    row = await executor.first(queries.CREATE, id=new_id(), owner_id=owner_id, **_values(part))
    assert row is not None
    return row


async def find_part(executor: Executor, owner_id: UUID, part_id: UUID) -> Record:
    """The owner's part; raises a 404."""
    row = await executor.first(queries.FIND, id=part_id, owner_id=owner_id)
    if row is None:
        raise Problem(NOT_FOUND)
    return row


async def replace_part(
    executor: Executor, owner_id: UUID, part_id: UUID, part: PartWrite, versions: list[int] | None
) -> Record:
    """Set every field; raises a 404, or a 412 for another version."""
    row = await executor.first(queries.REPLACE, id=part_id, owner_id=owner_id, versions=versions, **_values(part))
    return row or await _refuse(executor, owner_id, part_id, versions)


async def merge_part(
    executor: Executor, owner_id: UUID, part_id: UUID, change: PartPatch, versions: list[int] | None
) -> Record:
    """Set the fields that were sent; raises as `replace_part`, or a 422 for half a price where there is none."""
    key = {"id": part_id, "owner_id": owner_id, "versions": versions}

    async def merge(executor: Executor, price: dict[str, Any]) -> Record:
        parameters = merge_parameters(change, queries.FIELDS, **price)
        row = await executor.first(queries.MERGE, **key, **parameters)
        return row or await _refuse(executor, owner_id, part_id, versions)

    async def merge_with_present_price(transaction: Transaction) -> Record:
        present = await transaction.first(queries.PRICE_TO_CHANGE, **key)
        if present is None:
            return await _refuse(transaction, owner_id, part_id, versions)
        return await merge(transaction, _price(_merged_price(change.price, present)))

    if "price" not in change.model_fields_set:
        return await merge(executor, {})
    if change.price is None:
        return await merge(executor, _price(None))
    if change.price.model_fields_set == PricePatch.model_fields.keys():
        return await merge(executor, _price(_merged_price(change.price, None)))
    return await executor.transact(merge_with_present_price)


async def delete_part(executor: Executor, owner_id: UUID, part_id: UUID, versions: list[int] | None) -> None:
    """Put the part aside; it can be restored until it is purged. Raises a 404 or a 412."""
    if await executor.first(queries.DELETE, id=part_id, owner_id=owner_id, versions=versions) is None:
        await _refuse(executor, owner_id, part_id, versions)


async def restore_part(executor: Executor, owner_id: UUID, part_id: UUID) -> Record:
    """Bring a deleted part back (a living one is given as it is); raises a 404."""
    row = await executor.first(queries.RESTORE, id=part_id, owner_id=owner_id)
    return row or await find_part(executor, owner_id, part_id)


def _values(part: PartWrite) -> dict[str, Any]:
    return {
        "name": part.name,
        "brand": part.brand,
        "category": part.category,
        "part_number": part.part_number,
        "url": part.url,
        "notes": part.notes,
        **_price(part.price),
    }


def _price(price: Money | None) -> dict[str, Any]:
    return {
        "price_amount": None if price is None else price.amount,
        "price_currency": None if price is None else price.currency,
    }


def _merged_price(change: PricePatch | None, present: Record | None) -> Money:
    """The price after the change; raises a validation error where it is not whole, or has too many places."""
    merged: dict[str, Any] = {}
    if present is not None and present["price_amount"] is not None:
        merged = {"amount": format(present["price_amount"], "f"), "currency": present["price_currency"]}
    if change is not None:
        merged |= change.model_dump(mode="json", exclude_unset=True)
    try:
        return Money.model_validate(merged)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**fault, "loc": ("body", "price", *fault["loc"])} for fault in faults]) from None


async def _refuse(executor: Executor, owner_id: UUID, part_id: UUID, versions: list[int] | None) -> Record:
    await missing_or_stale(executor, queries.EXISTS, NOT_FOUND, versions, id=part_id, owner_id=owner_id)
