"""The tables of build_lists."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Index, LargeBinary, Numeric, UniqueConstraint, text
from sqlmodel import Field

from monocoque.tables import CheckConstraint, Table, row_version, timestamp

SCHEMA = "monocoque_build_lists"


class BuildList(Table, table=True):
    """A list of one owner; its version also counts the changes of its items.

    `share_digest` is the SHA-256 of the share token: who reads the table can open no shared list with it.
    """

    __tablename__ = "build_lists"
    __table_args__ = (
        CheckConstraint("item_count >= 0", name="item_count"),
        CheckConstraint("octet_length(share_digest) = 32", name="share_digest"),
        CheckConstraint("share_expires_at IS NULL OR share_digest IS NOT NULL", name="share_expires_at"),
        Index("ix_build_lists_owner_id_id", "owner_id", "id"),
        Index("ix_build_lists_car_id", "car_id"),
        Index("ix_build_lists_deleted_at", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
        Index("uq_build_lists_share_digest", "share_digest", unique=True),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    owner_id: UUID = Field(foreign_key="monocoque_auth.users.id", ondelete="CASCADE")
    car_id: UUID | None = Field(default=None, foreign_key="monocoque_cars.cars.id", ondelete="SET NULL")
    name: str = Field(max_length=200)
    description: str | None = Field(default=None, max_length=10_000)
    item_count: int = Field(sa_column_kwargs={"server_default": "0"})
    share_digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    share_expires_at: datetime | None = timestamp(nullable=True)
    version: int = row_version()
    created_at: datetime = timestamp(default_now=True)
    updated_at: datetime = timestamp(default_now=True)
    deleted_at: datetime | None = timestamp(nullable=True)


class Item(Table, table=True):
    """A line of a list. `part_name` is the part's name when it was listed, so that the line outlives the part."""

    __tablename__ = "items"
    __table_args__ = (
        CheckConstraint("name IS NOT NULL OR part_name IS NOT NULL", name="name"),
        CheckConstraint("quantity BETWEEN 1 AND 10000", name="quantity"),
        CheckConstraint("status IN ('wanted', 'ordered', 'received', 'installed')", name="status"),
        CheckConstraint("(paid_amount IS NULL) = (paid_currency IS NULL)", name="paid_whole"),
        CheckConstraint("paid_amount BETWEEN 0 AND 9999999999.9999", name="paid_amount"),
        CheckConstraint("paid_currency ~ '^[A-Z]{3}$'", name="paid_currency"),
        UniqueConstraint("list_id", "part_id", name="uq_items_list_id_part_id"),
        # Deferrable means: checked at the end of a statement, so that one UPDATE can set a whole new order.
        UniqueConstraint(
            "list_id", "position", name="uq_items_list_id_position", deferrable=True, initially="IMMEDIATE"
        ),
        Index("ix_items_part_id", "part_id"),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    list_id: UUID = Field(foreign_key=f"{SCHEMA}.build_lists.id", ondelete="CASCADE")
    part_id: UUID | None = Field(default=None, foreign_key="monocoque_parts.parts.id", ondelete="SET NULL")
    position: int
    name: str | None = Field(default=None, max_length=200)
    part_name: str | None = Field(default=None, max_length=200)
    quantity: int
    status: str = Field(max_length=10)
    notes: str | None = Field(default=None, max_length=10_000)
    # Without a fixed scale, so that an amount keeps the decimal places of its currency.
    paid_amount: Decimal | None = Field(default=None, sa_type=Numeric)
    paid_currency: str | None = Field(default=None, max_length=3)
    version: int = row_version()
    created_at: datetime = timestamp(default_now=True)
    updated_at: datetime = timestamp(default_now=True)
