"""The rules of cars."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asyncpg import Record

from monocoque.database import Executor
from monocoque.problems import Problem
from monocoque.statements import merge_parameters, missing_or_stale
from monocoque.types import new_id
from monocoque_cars import queries
from monocoque_cars.problems import NOT_FOUND
from monocoque_cars.schemas import CarPatch, CarWrite
from monocoque_cars.vin import check_digit_ok


async def create_car(executor: Executor, owner_id: UUID, car: CarWrite) -> Record:
    """Add a car; raises a 409 (by constraint) when one of the owner's cars has its VIN."""
    row = await executor.first(queries.CREATE, id=new_id(), owner_id=owner_id, **_values(car))
    assert row is not None
    return row


async def find_car(executor: Executor, owner_id: UUID, car_id: UUID) -> Record:
    """The owner's car; raises a 404."""
    row = await executor.first(queries.FIND, id=car_id, owner_id=owner_id)
    if row is None:
        raise Problem(NOT_FOUND)
    return row


async def replace_car(
    executor: Executor, owner_id: UUID, car_id: UUID, car: CarWrite, versions: list[int] | None
) -> Record:
    """Set every field; raises a 404, a 412 for another version, a 409 for a VIN that is taken."""
    row = await executor.first(queries.REPLACE, id=car_id, owner_id=owner_id, versions=versions, **_values(car))
    return row or await _refuse(executor, owner_id, car_id, versions)


async def merge_car(
    executor: Executor, owner_id: UUID, car_id: UUID, change: CarPatch, versions: list[int] | None
) -> Record:
    """Set the fields that were sent; raises as `replace_car`."""
    derived: dict[str, Any] = {"vin_check_ok": _check(change.vin)} if "vin" in change.model_fields_set else {}
    parameters = merge_parameters(change, queries.FIELDS, **derived)
    row = await executor.first(queries.MERGE, id=car_id, owner_id=owner_id, versions=versions, **parameters)
    return row or await _refuse(executor, owner_id, car_id, versions)


async def delete_car(executor: Executor, owner_id: UUID, car_id: UUID, versions: list[int] | None) -> None:
    """Put the car aside; it can be restored until it is purged. Raises a 404 or a 412."""
    if await executor.first(queries.DELETE, id=car_id, owner_id=owner_id, versions=versions) is None:
        await _refuse(executor, owner_id, car_id, versions)


async def restore_car(executor: Executor, owner_id: UUID, car_id: UUID) -> Record:
    """Bring a deleted car back (a living one is given as it is); raises a 404, a 409 for a VIN taken meanwhile."""
    row = await executor.first(queries.RESTORE, id=car_id, owner_id=owner_id)
    return row or await find_car(executor, owner_id, car_id)


def _values(car: CarWrite) -> dict[str, Any]:
    return {
        "make": car.make,
        "model": car.model,
        "year": car.year,
        "vin": car.vin,
        "vin_check_ok": _check(car.vin),
        "nickname": car.nickname,
        "notes": car.notes,
    }


def _check(vin: str | None) -> bool | None:
    return None if vin is None else check_digit_ok(vin)


async def _refuse(executor: Executor, owner_id: UUID, car_id: UUID, versions: list[int] | None) -> Record:
    await missing_or_stale(executor, queries.EXISTS, NOT_FOUND, versions, id=car_id, owner_id=owner_id)
