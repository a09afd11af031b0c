"""What other modules may know of parts."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Numeric, String, TableClause, Uuid, column, table


@dataclass(frozen=True, slots=True)
class PartCard:
    """A part in brief; never its notes. The price has both an amount and an ISO 4217 currency, or neither."""

    id: UUID
    name: str
    brand: str | None
    category: str | None
    part_number: str | None
    url: str | None
    price_amount: Decimal | None
    price_currency: str | None


PART_CARDS: TableClause = table(
    "part_cards",
    column("id", Uuid),
    column("owner_id", Uuid),
    column("name", String),
    column("brand", String),
    column("category", String),
    column("part_number", String),
    column("url", String),
    column("price_amount", Numeric),
    column("price_currency", String),
    schema="monocoque_parts",
)
"""A read-only view of the living parts that statements of other modules may join; kept stable by the migrations."""
