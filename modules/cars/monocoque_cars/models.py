"""The tables of cars."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field

from monocoque.tables import CheckConstraint, Table, row_version, timestamp

SCHEMA = "monocoque_cars"


class Car(Table, table=True):
    """A car of one owner; a row with `deleted_at` can be restored until it is purged."""

    __tablename__ = "cars"
    __table_args__ = (
        CheckConstraint("year BETWEEN 1886 AND 2200", name="year"),
        CheckConstraint("vin ~ '^[A-HJ-NPR-Z0-9]{17}$'", name="vin"),
        Index("ix_cars_owner_id_id", "owner_id", "id"),
        Index(
            "uq_cars_owner_id_vin",
            "owner_id",
            "vin",
            unique=True,
            postgresql_where=text("deleted_at IS NULL AND vin IS NOT NULL"),
        ),
        Index("ix_cars_deleted_at", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    owner_id: UUID = Field(foreign_key="monocoque_auth.users.id", ondelete="CASCADE")
    make: str = Field(max_length=100)
    model: str = Field(max_length=100)
    year: int
    vin: str | None = Field(default=None, max_length=17)
    vin_check_ok: bool | None = Field(default=None, description="Whether the VIN's check digit fits; null without VIN.")
    nickname: str | None = Field(default=None, max_length=100)
    notes: str | None = Field(default=None, max_length=10_000)
    version: int = row_version()
    created_at: datetime = timestamp(default_now=True)
    updated_at: datetime = timestamp(default_now=True)
    deleted_at: datetime | None = timestamp(nullable=True)
