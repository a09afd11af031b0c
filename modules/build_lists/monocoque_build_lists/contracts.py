"""What other modules may know of build_lists."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class BuildListCard:
    """A build list in brief; `car_id` is None for a list whose car was purged."""

    id: UUID
    name: str
    car_id: UUID | None
    item_count: int
