"""What other modules may know of accounts."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class UserCard:
    """A person in brief; never their e-mail."""

    id: UUID
    display_name: str | None
    role: str
