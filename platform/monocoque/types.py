"""Input types that the database never has to refuse: bounded, normalised, strict."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError
from uuid_utils.compat import uuid7

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]")
# Category Cc but for tab, line feed and carriage return.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_MOST_MARKS = 30
MAX_INT = 2**31 - 1


class Input(BaseModel):
    """What a client sends: unknown members are errors."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Output(BaseModel):
    """What a client gets; describes the reply in the API reference."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


def omitted() -> Any:
    """The default of a PATCH member: left out, the value stays. Which were sent is in `model_fields_set`."""
    return Field(default_factory=lambda: None)


def clean_text(value: str) -> str:
    """NFC text without NUL, lone surrogates and control characters; raises a pydantic error."""
    if value.isascii() and value.isprintable():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("text_surrogate", "Text must be valid Unicode, without lone surrogates") from None
    if _CONTROL.search(value):
        raise PydanticCustomError("text_control", "Text must not contain control characters")
    if value.isascii():
        return value
    if _marks_in_a_row(value) > _MOST_MARKS:
        raise PydanticCustomError(
            "text_marks", "A letter must not carry more than {most} combining marks", {"most": _MOST_MARKS}
        )
    return unicodedata.normalize("NFC", value)


def _marks_in_a_row(value: str) -> int:
    """The longest run of combining marks, as far as it matters.

    Normalisation sorts each run in a time that grows with its square: a body of nothing else would take minutes, and
    everybody's requests with it. UAX 15 (stream-safe text) sees no use for more than 30.
    """
    longest = run = 0
    for character in value:
        run = run + 1 if unicodedata.combining(character) else 0
        if run > longest:
            longest = run
            if longest > _MOST_MARKS:
                break
    return longest


def single_line(value: str) -> str:
    """As `clean_text`, on one line."""
    value = clean_text(value)
    if any(character in value for character in "\n\r\u2028\u2029\x85"):
        raise PydanticCustomError("text_line_break", "Text must be on one line")
    return value


def _text(check: Callable[[str], str]) -> BeforeValidator:
    """Check and normalise before the length counts: the normal form may be longer than what was sent."""
    return BeforeValidator(lambda value: check(value.strip(" \t\r\n")) if isinstance(value, str) else value)


def _aware(value: object) -> object:
    if isinstance(value, datetime) or (isinstance(value, str) and len(value) <= 40 and _DATE.match(value)):
        return value
    raise PydanticCustomError("datetime_text", "Give an ISO 8601 date and time with an offset")


def _to_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise PydanticCustomError("timezone_aware", "Give the offset from UTC too, such as Z or +02:00")
    try:
        return value.astimezone(UTC)
    except (OverflowError, ValueError):
        raise PydanticCustomError("datetime_range", "The time is out of range") from None


ShortText = Annotated[
    str,
    Strict(),
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    _text(single_line),
]
"""A line of 1 to 100 characters."""
LineText = Annotated[
    str,
    Strict(),
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    _text(single_line),
]
"""A line of 1 to 200 characters."""
LongText = Annotated[
    str,
    Strict(),
    StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000),
    _text(clean_text),
]
"""Text of 1 to 10,000 characters on any number of lines."""
SearchText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), _text(single_line)]
"""A search or filter value of 1 to 200 characters."""
Count = Annotated[int, Strict(), Field(ge=1, le=1_000_000)]
"""A whole number from 1 to 1,000,000."""
Moment = Annotated[datetime, BeforeValidator(_aware), AfterValidator(_to_utc)]
"""A point in time with its offset, kept as UTC."""
Flag = Annotated[bool, Strict()]
Id = Annotated[UUID, Path(description="The id of the resource.")]


def new_id() -> UUID:
    """A UUIDv7: unique, and sorted by the time it was made."""
    return uuid7()


def _amount(value: object) -> object:
    if not isinstance(value, str) or len(value) > 20:
        raise PydanticCustomError("decimal_text", 'Give the amount as text, such as "129.90"')
    whole, point, fraction = value.partition(".")
    if not (whole.isascii() and whole.isdigit() and (not point or (fraction.isascii() and fraction.isdigit()))):
        raise PydanticCustomError("decimal_text", 'Give digits with at most one decimal point, such as "129.90"')
    return value


Amount = Annotated[
    Decimal,
    BeforeValidator(_amount, json_schema_input_type=str),
    Field(
        ge=0, le=Decimal("9999999999.9999"), max_digits=14, decimal_places=4, allow_inf_nan=False, examples=["129.90"]
    ),
]


_NO_MINOR = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
_THREE_MINOR = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
_CODES = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP
CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF
IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD
MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB
RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD
UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
CURRENCIES = frozenset(_CODES.split())
"""ISO 4217 codes of the currencies in circulation."""


def minor_digits(currency: str) -> int:
    """Decimal places of a currency, by ISO 4217."""
    if currency in _NO_MINOR:
        return 0
    return 3 if currency in _THREE_MINOR else 2


def _currency(value: str) -> str:
    code = value.upper()
    if not value.isascii() or code not in CURRENCIES:
        raise PydanticCustomError("currency_unknown", "Give an ISO 4217 currency code, such as EUR")
    return code


Currency = Annotated[str, Strict(), AfterValidator(_currency), Field(min_length=3, max_length=3, examples=["EUR"])]


class Money(Input):
    """An amount, as a decimal string, in a currency."""

    amount: Amount
    currency: Currency

    @model_validator(mode="after")
    def _has_the_places_of_its_currency(self) -> Self:
        digits = minor_digits(self.currency)
        rounded = self.amount.quantize(Decimal(1).scaleb(-digits))
        if rounded != self.amount:
            raise PydanticCustomError(
                "money_places", "{currency} has {digits} decimal places", {"currency": self.currency, "digits": digits}
            )
        self.amount = rounded
        return self
