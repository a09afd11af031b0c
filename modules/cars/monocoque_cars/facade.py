"""What other modules may ask of cars."""

from __future__ import annotations

from uuid import UUID

from monocoque.database import Executor
from monocoque_cars import queries
from monocoque_cars.contracts import CarCard


async def find_car(executor: Executor, owner_id: UUID, car_id: UUID) -> CarCard | None:
    """The owner's car in brief, or None when it is not there or not theirs."""
    row = await executor.first(queries.FIND, id=car_id, owner_id=owner_id)
    if row is None:
        return None
    return CarCard(row["id"], row["make"], row["model"], row["year"], row["nickname"])
