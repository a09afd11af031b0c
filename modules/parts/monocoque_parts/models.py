"""The tables of parts."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Index, Numeric, text
from sqlmodel import Field

from monocoque.tables import CheckConstraint, Table, row_version, timestamp

SCHEMA = "monocoque_parts"


class Part(Table, table=True):
    """A part of one owner; a row with `deleted_at` can be restored until it is purged."""

    __tablename__ = "parts"
    __table_args__ = (
        CheckConstraint("(price_amount IS NULL) = (price_currency IS NULL)", name="price_whole"),
        CheckConstraint("price_amount BETWEEN 0 AND 9999999999.9999", name="price_amount"),
        CheckConstraint("price_currency ~ '^[A-Z]{3}$'", name="price_currency"),
        Index("ix_parts_owner_id_id", "owner_id", "id"),
        Index("ix_parts_deleted_at", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    owner_id: UUID = Field(foreign_key="monocoque_auth.users.id", ondelete="CASCADE")
    name: str = Field(max_length=200)
    brand: str | None = Field(default=None, max_length=100)
    category: str | None = Field(default=None, max_length=100)
    part_number: str | None = Field(default=None, max_length=100)
    url: str | None = Field(default=None, max_length=2000)
    notes: str | None = Field(default=None, max_length=10_000)
    # Without a fixed scale, so that an amount keeps the decimal places of its currency.
    price_amount: Decimal | None = Field(default=None, sa_type=Numeric)
    price_currency: str | None = Field(default=None, max_length=3)
    version: int = row_version()
    created_at: datetime = timestamp(default_now=True)
    updated_at: datetime = timestamp(default_now=True)
    deleted_at: datetime | None = timestamp(nullable=True)
