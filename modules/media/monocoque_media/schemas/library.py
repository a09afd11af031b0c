"""What comes in and goes out: a person's library."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from monocoque.types import Output
from monocoque_media import examples
from monocoque_media.schemas.items import MediaType
from monocoque_media.schemas.states import StateRead, Status
from monocoque_media.schemas.tags import TagLabel

Sort = Literal["updated", "rating", "title", "finished"]


class LibraryItem(Output):
    """An item of the catalogue in brief."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.LIBRARY_ITEM]})

    id: UUID
    media_type: MediaType
    title: str
    subtitle: str | None
    creators: str = Field(description="Authors, directors, developers or the artist; empty where nobody is known.")
    release_date: str | None = Field(description="`1999`, `1999-05` or `1999-05-17`.")
    cover_image_url: str | None


class LibraryEntry(StateRead):
    """An item with your state and your tags."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.LIBRARY_ENTRY]})

    item: LibraryItem
    tags: list[TagLabel]


class Sums(Output):
    """Entries counted."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.SUMS]})

    count: int
    favorites: int
    rated: int
    average_rating: float | None = Field(description="Of those that are rated; null where none is.")


class StatusSums(Sums):
    """The entries of one status."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.STATUS_SUMS]})

    status: Status


class TypeSums(Sums):
    """The entries of one type."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.TYPE_SUMS]})

    media_type: MediaType


class MonthSums(Sums):
    """What was finished in one month."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.MONTH_SUMS]})

    month: str = Field(examples=["2024-05"])


class LibraryStats(Sums):
    """A whole library counted, then by status, by type, and by the month of `finished_at` (newest first)."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.STATS]})

    by_status: list[StatusSums]
    by_type: list[TypeSums]
    by_month: list[MonthSums]
