"""What other modules may know of cars."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Integer, String, TableClause, Uuid, column, table


@dataclass(frozen=True, slots=True)
class CarCard:
    """A car in brief; never its VIN or its notes."""

    id: UUID
    make: str
    model: str
    year: int
    nickname: str | None


CAR_CARDS: TableClause = table(
    "car_cards",
    column("id", Uuid),
    column("owner_id", Uuid),
    column("make", String),
    column("model", String),
    column("year", Integer),
    column("nickname", String),
    schema="monocoque_cars",
)
"""A read-only view of the living cars that statements of other modules may join; kept stable by the migrations."""
