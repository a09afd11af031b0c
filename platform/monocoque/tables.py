"""Tables: the naming convention that every module shares, the base class, and the shell's own tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, Index, Integer, LargeBinary, MetaData, String, Uuid, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
SHELL_SCHEMA = "monocoque"

metadata = MetaData(naming_convention=NAMING)
"""One for all modules, so that foreign keys may cross; each chain compares its own schema only."""


class Table(SQLModel):
    """Base of every table class: `class Car(Table, table=True)`."""

    metadata: ClassVar[MetaData] = metadata


def timestamp(*, nullable: bool = False, default_now: bool = False) -> Any:
    """A timestamptz column."""
    extra: dict[str, Any] = {"server_default": func.now()} if default_now else {}
    return Field(default=None, sa_type=DateTime(timezone=True), nullable=nullable, sa_column_kwargs=extra)


def row_version() -> Any:
    """The column `version` behind a row's ETag: 1 for a new row, one more with each change."""
    return Field(default=None, sa_type=Integer, nullable=False, sa_column_kwargs={"server_default": "1"})


class IdempotencyRecord(Table, table=True):
    """A reply kept for 24 hours under the key that its request carried."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "expires_at"), Index(None, "owner_id"), {"schema": SHELL_SCHEMA})

    scope: UUID = Field(sa_column=Column(Uuid, primary_key=True), description="Made of who sent the key and where to.")
    key: str = Field(sa_column=Column(String(200), primary_key=True))
    owner_id: UUID = Field(sa_column=Column(Uuid, nullable=False))
    fingerprint: bytes = Field(
        sa_column=Column(LargeBinary, nullable=False), description="Keyed digest of query and body: another gets a 422."
    )
    status: int = Field(sa_column=Column(Integer, nullable=False))
    headers: Any = Field(sa_column=Column(JSONB, nullable=False))
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    expires_at: datetime = timestamp()


class Revocation(Table, table=True):
    """A session whose access tokens no longer count, kept until the last of them has expired."""

    __tablename__ = "revocations"
    __table_args__ = (Index(None, "expires_at"), {"schema": SHELL_SCHEMA})

    session_id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    expires_at: datetime = timestamp()


__all__ = [
    "NAMING",
    "SHELL_SCHEMA",
    "CheckConstraint",
    "IdempotencyRecord",
    "Revocation",
    "Table",
    "metadata",
    "row_version",
    "timestamp",
]
