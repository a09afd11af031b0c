"""What comes in and goes out."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal, Self, get_args
from uuid import UUID

from fastapi import Path
from pydantic import AfterValidator, ConfigDict, Field, Strict, model_validator
from pydantic_core import PydanticCustomError

from monocoque.types import Amount, Currency, Input, LineText, LongText, Moment, Money, Output, omitted
from monocoque_build_lists import examples
from monocoque_build_lists.problems import EXPIRY_PAST, ITEM_NAMELESS

MAX_ITEMS = 500
MAX_QUANTITY = 10_000

Status = Literal["wanted", "ordered", "received", "installed"]
STATUSES: tuple[str, ...] = get_args(Status)
Token = Annotated[str, Path(description="The token of a share.")]
Quantity = Annotated[int, Strict(), Field(ge=1, le=MAX_QUANTITY, description="Pieces, 1 to 10,000.")]


def _in_the_future(value: datetime) -> datetime:
    if value <= datetime.now(UTC):
        raise PydanticCustomError(EXPIRY_PAST.code, "Give a time in the future, or leave it out")
    return value


class BuildListWrite(Input):
    """A whole build list, as POST and PUT take it; its items have addresses of their own."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Track day",
                    "description": "Brakes first, then cooling.",
                    "car_id": "0198c5a0-a3b4-7d2f-8c1e-2b3c4d5e6f70",
                }
            ]
        }
    )

    name: LineText
    description: LongText | None = None
    car_id: UUID = Field(description="One of your cars.")


class BuildListPatch(Input):
    """What is to change; members that are left out stay, null clears what may be empty."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"description": None}]})

    name: LineText = omitted()
    description: LongText | None = omitted()
    car_id: UUID = omitted()


class BuildListRead(Output):
    """A build list without its items."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.BUILD_LIST]})

    id: UUID
    name: str
    description: str | None
    car_id: UUID | None = Field(description="Null: the car was deleted for good.")
    item_count: int
    shared: bool = Field(description="Whether its link opens now.")
    share_expires_at: datetime | None = Field(description="When the link stops to open; null: never, or not shared.")
    version: int = Field(description="Counts the changes of the items too.")
    created_at: datetime
    updated_at: datetime


class ItemWrite(Input):
    """An item: one of your parts, or anything by its name."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "Brake fluid, DOT 4", "quantity": 2, "paid": {"amount": "19.80", "currency": "EUR"}}]
        }
    )

    part_id: UUID | None = Field(None, description="One of your parts; once in a list.")
    name: LineText | None = Field(
        None, description="Needed without part_id; with it, shown instead of the part's name."
    )
    quantity: Quantity = 1
    notes: LongText | None = None
    paid: Money | None = Field(None, description="What was paid for all pieces together.")
    status: Status = "wanted"

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        if self.part_id is None and self.name is None:
            raise PydanticCustomError(ITEM_NAMELESS.code, "Give a part_id, a name, or both")
        return self


class PaidPatch(Input):
    """What is to change of what was paid; its amount or its currency alone changes that one."""

    amount: Amount = omitted()
    currency: Currency = omitted()


class ItemPatch(Input):
    """What is to change; members that are left out stay, null clears what may be empty."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ordered", "notes": None}]})

    part_id: UUID | None = omitted()
    name: LineText | None = omitted()
    quantity: Quantity = omitted()
    notes: LongText | None = omitted()
    paid: PaidPatch | None = omitted()
    status: Status = omitted()


class MoneyRead(Output):
    """An amount, as a decimal string with the places of its currency (ISO 4217)."""

    amount: str
    currency: str


class LineRead(Output):
    """What is shown of an item to anyone."""

    name: str = Field(description="The item's own, else the part's; the part's last known where it was deleted.")
    brand: str | None
    category: str | None
    part_number: str | None
    url: str | None
    quantity: int
    status: Status
    notes: str | None = Field(description="The notes of the item; never those of the part.")
    price: MoneyRead | None = Field(description="The part's, for one piece.")
    line_total: MoneyRead | None = Field(description="What was paid, else price times quantity; null where neither is.")


class ItemRead(LineRead):
    """An item of a build list; brand to url and the price are the part's, null where there is none any more."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ITEM]})

    id: UUID
    part_id: UUID | None
    paid: MoneyRead | None = Field(description="For all pieces together.")
    position: int = Field(description="Ascending in the order of the list; not without gaps.")
    version: int
    created_at: datetime
    updated_at: datetime


class ItemOrder(Input):
    """Every item of a build list, first to last."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": ["0198c5a0-f1a2-7c8e-9d3b-5f6a7b8c9d0e"]}]})

    items: Annotated[list[UUID], Field(max_length=MAX_ITEMS)]


class Sums(Output):
    """Lines added up; a line without a price counts in no total."""

    item_count: int = Field(description="Lines.")
    quantity: int = Field(description="Pieces.")
    unpriced_count: int = Field(description="Lines without a price.")
    totals: list[MoneyRead] = Field(description="One for each currency, in alphabetical order.")


class CategorySums(Sums):
    """The lines of one category."""

    category: str | None = Field(description="Null: lines without one.")


class StatusSums(Sums):
    """The lines of one status."""

    status: Status


class Summary(Sums):
    """A whole list added up, then by category (alphabetical, those without last) and by status (wanted first)."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.SUMMARY]})

    by_category: list[CategorySums]
    by_status: list[StatusSums]


class CloneWrite(Input):
    """How the copy differs: its name (unless given, the original's with "(copy)") and its car."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Track day, second car"}]})

    name: LineText = omitted()
    car_id: UUID = omitted()


class ShareWrite(Input):
    """For how long the link opens."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"expires_at": "2099-12-31T23:59:59Z"}]})

    expires_at: Annotated[Moment, AfterValidator(_in_the_future)] | None = Field(
        None, description="When the link stops to open; unless given: when it is revoked."
    )


class ShareRead(Output):
    """A new link. It is told this once: only a digest of the token is kept."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.SHARE]})

    token: str = Field(description="43 characters that nobody can guess.")
    url: str = Field(description="The list for programs; a browser that opens it gets the page.")
    page_url: str = Field(description="The page for people: the link to pass on.")
    expires_at: datetime | None


class CarRead(Output):
    """A car as a shared list shows it."""

    make: str
    model: str
    year: int
    nickname: str | None


class Document(Output):
    """A build list in one piece."""

    name: str
    description: str | None
    car: CarRead | None
    item_count: int
    totals: list[MoneyRead] = Field(description="One for each currency, in alphabetical order.")
    updated_at: datetime


class SharedBuildList(Document):
    """A build list as anyone with its link sees it."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.SHARED]})

    items: list[LineRead]


class ExportedItem(LineRead):
    """An item as its owner takes it home."""

    part_id: UUID | None = Field(description="Null too where the part was deleted; the name tells what it was.")
    paid: MoneyRead | None


class ExportedBuildList(Document):
    """A build list as its owner takes it home; each item holds what POSTing it again needs."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.EXPORTED]})

    car_id: UUID | None
    created_at: datetime
    items: list[ExportedItem]


class ExportFormat(StrEnum):
    """The forms that a build list can be taken home in."""

    MARKDOWN = "markdown"
    BBCODE = "bbcode"
    CSV = "csv"
    TEXT = "text"
    JSON = "json"
