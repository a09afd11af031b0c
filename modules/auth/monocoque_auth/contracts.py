"""What other modules may know of accounts."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import TableClause, Uuid, column, table


@dataclass(frozen=True, slots=True)
class UserCard:
    """A person in brief; never their e-mail."""

    id: UUID
    display_name: str | None
    role: str


ACTIVE_USERS: TableClause = table("active_users", column("id", Uuid), schema="monocoque_auth")
"""A read-only view of the accounts that are not disabled, which statements of other modules may join."""

DEMO_PEOPLE = ("auth.curator", "auth.mechanic")
"""The names of the people of the demo data, for `monocoque.demo.demo_id`."""
