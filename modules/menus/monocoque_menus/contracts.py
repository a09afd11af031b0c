"""What other modules may know of menus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Visibility = Literal["draft", "unlisted", "public"]


@dataclass(frozen=True, slots=True)
class MenuCard:
    """A menu in brief."""

    id: UUID
    title: str
    slug: str
    visibility: Visibility
    item_count: int
