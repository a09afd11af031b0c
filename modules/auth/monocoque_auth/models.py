"""The tables of auth."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary
from sqlmodel import Field

from monocoque.tables import CheckConstraint, Table, row_version, timestamp

SCHEMA = "monocoque_auth"


class User(Table, table=True):
    """A person with an account; `email_key` is what makes an e-mail unique without regard to case."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("role IN ('user', 'admin')", name="role"),
        Index("uq_users_email_key", "email_key", unique=True),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    email: str = Field(max_length=254)
    email_key: str = Field(max_length=800)
    password_hash: str = Field(max_length=200)
    display_name: str | None = Field(default=None, max_length=100)
    role: str = Field(max_length=32, sa_column_kwargs={"server_default": "user"})
    version: int = row_version()
    created_at: datetime = timestamp(default_now=True)
    updated_at: datetime = timestamp(default_now=True)
    disabled_at: datetime | None = timestamp(nullable=True)


class Session(Table, table=True):
    """One sign-in and the family of refresh tokens that came of it; `generation` is that of the newest tokens."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index("ix_sessions_user_id_id", "user_id", "id"),
        Index("ix_sessions_expires_at", "expires_at"),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    user_id: UUID = Field(foreign_key="monocoque_auth.users.id", ondelete="CASCADE")
    generation: int = Field(sa_column_kwargs={"server_default": "0"})
    user_agent: str | None = Field(default=None, max_length=200)
    address: str | None = Field(default=None, max_length=64)
    created_at: datetime = timestamp(default_now=True)
    last_used_at: datetime = timestamp(default_now=True)
    expires_at: datetime = timestamp()
    revoked_at: datetime | None = timestamp(nullable=True)


class RefreshToken(Table, table=True):
    """The digest of a refresh token; those of one generation are used up together.

    `repeats` counts the answers that it got within the grace after its use.
    """

    __tablename__ = "refresh_tokens"
    __table_args__ = (
        Index("ix_refresh_tokens_session_id_generation", "session_id", "generation"),
        Index("ix_refresh_tokens_expires_at", "expires_at"),
        {"schema": SCHEMA},
    )

    digest: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    session_id: UUID = Field(
        sa_column=Column(ForeignKey("monocoque_auth.sessions.id", ondelete="CASCADE"), nullable=False)
    )
    generation: int = Field(sa_column=Column(Integer, nullable=False))
    repeats: int = Field(sa_column=Column(Integer, server_default="0", nullable=False))
    issued_at: datetime = timestamp(default_now=True)
    expires_at: datetime = timestamp()
    used_at: datetime | None = timestamp(nullable=True)


class LoginAttempt(Table, table=True):
    """Sign-ins under way or failed, counted by account and by address until the window closes.

    `key` is a digest, so that the table names neither people nor places.
    """

    __tablename__ = "login_attempts"
    __table_args__ = (Index("ix_login_attempts_window_ends_at", "window_ends_at"), {"schema": SCHEMA})

    key: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    failures: int = Field(sa_column=Column(Integer, nullable=False))
    window_ends_at: datetime = timestamp()
