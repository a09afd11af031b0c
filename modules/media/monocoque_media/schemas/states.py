"""What comes in and goes out: where a person is with an item."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal, Self, get_args
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, Strict, model_validator
from pydantic_core import PydanticCustomError

from monocoque.types import Flag, Input, LongText, Output
from monocoque_media import examples
from monocoque_media.schemas.values import is_kept_as_it_is

Status = Literal["planned", "active", "completed", "paused", "dropped"]
STATUSES: tuple[str, ...] = get_args(Status)
MAX_PASS = 10_000


def _day(value: object) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or len(value) != 10:
        raise PydanticCustomError("date_text", 'Give a day of the calendar, such as "2024-05-17"')
    return value


def _finite(value: date) -> date:
    if not is_kept_as_it_is(value):
        raise PydanticCustomError("date_range", "The day is out of range")
    return value


Day = Annotated[date, BeforeValidator(_day), AfterValidator(_finite)]
Rating = Annotated[int, Strict(), Field(ge=0, le=100, description="0 to 100.")]


class StateWrite(Input):
    """Where you are with an item, whole."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"status": "completed", "rating": 90, "started_at": "2024-05-01", "finished_at": "2024-05-17"}]
        }
    )

    status: Status
    rating: Rating | None = None
    favorite: Flag = False
    notes: LongText | None = None
    started_at: Day | None = None
    finished_at: Day | None = None
    pass_number: Annotated[int, Strict(), Field(ge=1, le=MAX_PASS)] | None = Field(
        None, description="Which time this is; unless given, one more when what was completed or dropped begins again."
    )

    @model_validator(mode="after")
    def _ends_after_it_began(self) -> Self:
        if self.started_at is not None and self.finished_at is not None and self.finished_at < self.started_at:
            raise PydanticCustomError("media.finished_before_started", "finished_at lies before started_at")
        return self


class StateRead(Output):
    """Where you are with an item."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.STATE]})

    status: Status
    rating: int | None
    favorite: bool
    notes: str | None
    started_at: date | None
    finished_at: date | None
    pass_number: int
    version: int
    created_at: datetime
    updated_at: datetime


class LogEntryRead(Output):
    """What a state was changed to; of `removed` and `merged`, what it was."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.LOG_ENTRY]})

    id: UUID
    at: datetime
    action: Literal["set", "removed", "merged"] = Field(
        description="`merged`: this one lost to a newer one when two items became one."
    )
    status: Status
    rating: int | None
    favorite: bool
    notes: str | None
    started_at: date | None
    finished_at: date | None
    pass_number: int
