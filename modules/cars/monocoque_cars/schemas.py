"""What comes in and goes out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, Strict
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from monocoque.types import Input, LongText, Output, ShortText, omitted
from monocoque_cars.problems import VIN_CHECK_DIGIT, VIN_INVALID, YEAR_RANGE
from monocoque_cars.vin import normalise_vin

FIRST_YEAR = 1886
EXAMPLE: JsonDict = {
    "make": "Mazda",
    "model": "MX-5",
    "year": 1990,
    "vin": "JM1NA3518L0112345",
    "nickname": "Weekend",
    "notes": "Original paint.",
}
CAR: JsonDict = {
    "id": "0198c5a0-a3b4-7d2f-8c1e-2b3c4d5e6f70",
    **EXAMPLE,
    "warnings": [{"pointer": "#/vin", "code": VIN_CHECK_DIGIT.code, "detail": VIN_CHECK_DIGIT.detail}],
    "version": 1,
    "created_at": "2026-03-01T09:30:00Z",
    "updated_at": "2026-03-01T09:30:00Z",
}
VIN: JsonDict = {
    "vin": "JH4DC4340RS003205",
    "manufacturer": "Acura",
    "country": "Japan",
    "region": "Asia",
    "model_years": [1994, 2024],
    "check_digit": "valid",
    "check_digit_required": False,
}


def latest_year() -> int:
    """Next year: model years run ahead of the calendar."""
    return datetime.now(UTC).year + 1


def _year(value: int) -> int:
    if not FIRST_YEAR <= value <= latest_year():
        raise PydanticCustomError(
            YEAR_RANGE.code,
            "Give a year from {first} to {last}",
            {"first": FIRST_YEAR, "last": latest_year()},
        )
    return value


def _vin(value: str) -> str:
    try:
        return normalise_vin(value)
    except ValueError as error:
        raise PydanticCustomError(VIN_INVALID.code, "{reason}", {"reason": str(error)}) from None


Year = Annotated[int, Strict(), AfterValidator(_year), Field(ge=0, le=9999, description="1886 to next year.")]
Vin = Annotated[
    str,
    Strict(),
    AfterValidator(_vin),
    Field(min_length=17, max_length=30, description="17 letters and digits, without I, O and Q; kept in upper case."),
]


class CarWrite(Input):
    """A whole car, as POST and PUT take it."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    make: ShortText
    model: ShortText
    year: Year
    vin: Vin | None = None
    nickname: ShortText | None = None
    notes: LongText | None = None


class CarPatch(Input):
    """What is to change; members that are left out stay, null clears what may be empty."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"nickname": "Daily", "notes": None}]})

    make: ShortText = omitted()
    model: ShortText = omitted()
    year: Year = omitted()
    vin: Vin | None = omitted()
    nickname: ShortText | None = omitted()
    notes: LongText | None = omitted()


class Warning(Output):  # noqa: A001  the field's own term; the built-in is not used here
    """Something odd about a value that was accepted all the same."""

    pointer: str
    code: str
    detail: str


class CarRead(Output):
    """A car."""

    model_config = ConfigDict(json_schema_extra={"examples": [CAR]})

    id: UUID
    make: str
    model: str
    year: int
    vin: str | None
    nickname: str | None
    notes: str | None
    warnings: list[Warning]
    version: int
    created_at: datetime
    updated_at: datetime


class VinRead(Output):
    """What a VIN says by itself, worked out offline."""

    model_config = ConfigDict(json_schema_extra={"examples": [VIN]})

    vin: str
    manufacturer: str | None
    country: str | None
    region: str | None
    model_years: list[int] = Field(description="Candidates in ascending order: the code repeats every thirty years.")
    check_digit: Literal["valid", "invalid"]
    check_digit_required: bool
