"""What comes in and goes out."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AnyHttpUrl, ConfigDict, Field, Strict, StringConstraints, TypeAdapter
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from monocoque.types import Amount, Currency, Input, LineText, LongText, Money, Output, ShortText, omitted, single_line
from monocoque_parts.problems import URL_CREDENTIALS, URL_INVALID

EXAMPLE: JsonDict = {
    "name": "Front brake pads",
    "brand": "Brembo",
    "category": "Brakes",
    "part_number": "P 49 038",
    "url": "https://shop.example.com/pads/p49038",
    "notes": "Fits the 1.6 only.",
    "price": {"amount": "129.90", "currency": "EUR"},
}
PART: JsonDict = {
    "id": "0198c5a0-c5d6-7a4b-9e2f-3c4d5e6f7081",
    **EXAMPLE,
    "version": 1,
    "created_at": "2026-03-01T09:30:00Z",
    "updated_at": "2026-03-01T09:30:00Z",
}

_URL = TypeAdapter(AnyHttpUrl)
# Parsers differ over these (white space and backslashes most of all), so that what one of them checked is not where
# another goes; RFC 3986 has none of them.
_NOT_IN_A_URL = re.compile(r'[\s\\<>"^`{|}]')
_AUTHORITY = re.compile(r"https?://([^/?#]+)", re.IGNORECASE)


def _url(value: str) -> str:
    authority = _AUTHORITY.match(value)
    if authority is None or _NOT_IN_A_URL.search(value):
        raise _not_a_url()
    if "@" in authority[1]:
        raise PydanticCustomError(URL_CREDENTIALS.code, "Leave the user name and the password out of the address")
    try:
        _URL.validate_python(value)
    except ValueError:
        raise _not_a_url() from None
    return value


def _not_a_url() -> PydanticCustomError:
    return PydanticCustomError(URL_INVALID.code, "Give a whole web address, such as https://shop.example.com/pads")


Url = Annotated[
    str,
    Strict(),
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2000),
    AfterValidator(single_line),
    AfterValidator(_url),
    Field(description="An http or https address, kept as it was sent.", examples=["https://shop.example.com/pads"]),
]


class PartWrite(Input):
    """A whole part, as POST and PUT take it."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    name: LineText
    brand: ShortText | None = None
    category: ShortText | None = None
    part_number: ShortText | None = None
    url: Url | None = None
    notes: LongText | None = None
    price: Money | None = None


class PricePatch(Input):
    """What is to change of a price; its amount or its currency alone changes that one."""

    amount: Amount = omitted()
    currency: Currency = omitted()


class PartPatch(Input):
    """What is to change; members that are left out stay, null clears what may be empty."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"price": {"amount": "119.00"}, "notes": None}]})

    name: LineText = omitted()
    brand: ShortText | None = omitted()
    category: ShortText | None = omitted()
    part_number: ShortText | None = omitted()
    url: Url | None = omitted()
    notes: LongText | None = omitted()
    price: PricePatch | None = omitted()


class Price(Output):
    """An amount, as a decimal string with the places of its currency (ISO 4217)."""

    amount: str
    currency: str


class PartRead(Output):
    """A part."""

    model_config = ConfigDict(json_schema_extra={"examples": [PART]})

    id: UUID
    name: str
    brand: str | None
    category: str | None
    part_number: str | None
    url: str | None
    notes: str | None
    price: Price | None
    version: int
    created_at: datetime
    updated_at: datetime
