"""The values of an item's fields, as a client sends them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, Strict, StringConstraints, TypeAdapter
from pydantic_core import PydanticCustomError

from monocoque import json
from monocoque.types import MAX_INT, clean_text, single_line
from monocoque_media.isbn import normalise_isbn

MAX_LABEL = 50
MAX_NAMES = 100
MAX_METADATA = 10_000
"""Bytes of the metadata that is sent at once."""
MAX_KEPT_METADATA = 512 * 1024
"""Bytes of the metadata that an item may come to hold, from sources and people together."""
_METADATA_DEPTH = 8
_SAFE_INT = 2**63 - 1
_SMALLEST = 1e-100  # the database writes numbers out, and all the noughts of smaller ones
_RELEASE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_PRECISIONS = ("year", "month", "day")


def parse_release(text: str) -> tuple[date, str]:
    """The first day of `1999`, `1999-05` or `1999-05-17`, and its precision; raises a ValueError."""
    match = _RELEASE.fullmatch(text)
    if match is None:
        raise ValueError("no release date")
    given = [int(part) for part in match.groups() if part is not None]
    day = date(*given, *[1] * (3 - len(given)))
    if not is_kept_as_it_is(day):
        raise ValueError("no release date")
    return day, _PRECISIONS[len(given) - 1]


def is_kept_as_it_is(day: date) -> bool:
    """False for the first and the last day that Python knows: the driver takes them for infinities."""
    return date.min < day < date.max


def _release(value: str) -> str:
    try:
        parse_release(value)
    except ValueError:
        raise PydanticCustomError(
            "media.release_date", 'Give a year, a month or a day of the calendar: "1999", "1999-05" or "1999-05-17"'
        ) from None
    return value


def _isbn(value: str) -> str:
    isbn = normalise_isbn(value)
    if isbn is None:
        raise PydanticCustomError(
            "media.isbn_invalid", "Give 10 or 13 digits (the last of 10 may be X) with a right check digit"
        )
    return isbn


def _isbn_of(length: int) -> AfterValidator:
    def check(value: str) -> str:
        isbn = _isbn(value)
        if len(isbn) != length:
            raise PydanticCustomError("media.isbn_invalid", "Give {length} digits here", {"length": length})
        return isbn

    return AfterValidator(check)


def _link(value: str) -> str:
    try:
        parts = urlsplit(value)
        whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
    except ValueError:
        whole = False
    if not whole or " " in value:
        raise PydanticCustomError("media.url_invalid", "Give an address that begins with https:// or http://")
    return value


def _metadata(number: Callable[[float], bool]) -> AfterValidator:
    """Metadata that can be kept; `number` says which numbers can."""
    return AfterValidator(lambda value: _plain(value, _METADATA_DEPTH, number))


def _up_to(most: int) -> AfterValidator:
    def check(value: dict[str, Any]) -> dict[str, Any]:
        if len(json.dumps(value)) > most:
            raise PydanticCustomError("media.metadata_size", "Metadata has at most {most} bytes", {"most": most})
        return value

    return AfterValidator(check)


def _comes_back(number: float) -> bool:
    """Whether a JSONB column gives the number back as it was sent."""
    if isinstance(number, int):
        # One may be too large to be compared with a float.
        return -_SAFE_INT <= number <= _SAFE_INT
    return number == 0 or _SMALLEST <= abs(number) < _SAFE_INT


def _was_kept(number: float) -> bool:
    """Whether the number may be our own: sources, and earlier versions, may have told what is refused today."""
    return -(2**63) <= number < 2**64 if isinstance(number, int) else math.isfinite(number)


def _plain(value: Any, depth: int, number: Callable[[float], bool]) -> Any:
    """The value as PostgreSQL can keep it; raises for what is too deep, no number, or no text."""
    if isinstance(value, str):
        return clean_text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        if not number(value):
            raise PydanticCustomError(
                "media.metadata_number", "Numbers in metadata lie within 64 bits, and are zero or not too close to it"
            )
        return value
    if not depth:
        raise PydanticCustomError(
            "media.metadata_depth", "Metadata has at most {most} levels", {"most": _METADATA_DEPTH}
        )
    if isinstance(value, list):
        return [_plain(entry, depth - 1, number) for entry in value]
    return {clean_text(name): _plain(entry, depth - 1, number) for name, entry in value.items()}


def _cleaned(check: Callable[[str], str]) -> BeforeValidator:
    """Checked and normalised before the length counts, as in the shell's own types."""
    return BeforeValidator(lambda value: check(value.strip(" \t\r\n")) if isinstance(value, str) else value)


TitleText = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=500), _cleaned(single_line)]
NameText = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=500), _cleaned(single_line)]
LabelText = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=MAX_LABEL), _cleaned(single_line)]
ReferenceText = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=2000), _cleaned(clean_text)]
LanguageTag = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=35), _cleaned(single_line)]
Names = Annotated[list[NameText], Field(max_length=MAX_NAMES)]
Whole = Annotated[int, Strict(), Field(ge=1, le=MAX_INT)]
DescriptionText = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=20_000), _cleaned(clean_text)]
ReleaseDate = Annotated[
    str,
    Strict(),
    AfterValidator(_release),
    Field(max_length=10, examples=["1999", "1999-05", "1999-05-17"], description="As precise as it is known."),
]
Link = Annotated[
    str,
    Strict(),
    StringConstraints(min_length=1, max_length=2000),
    AfterValidator(_link),
    _cleaned(single_line),
]
Metadata = Annotated[
    dict[str, Any],
    _metadata(_comes_back),
    _up_to(MAX_METADATA),
    Field(description="Anything else worth keeping, at most 10,000 bytes."),
]
Isbn10 = Annotated[str, Strict(), Field(max_length=30), _isbn_of(10)]
Isbn13 = Annotated[str, Strict(), Field(max_length=30), _isbn_of(13)]
KeptMetadata = Annotated[dict[str, Any], _metadata(_was_kept), _up_to(MAX_KEPT_METADATA)]
"""As the catalogue may have it, and an export of ours tells it."""
MERGED_METADATA: TypeAdapter[dict[str, Any]] = TypeAdapter(Annotated[dict[str, Any], _up_to(MAX_KEPT_METADATA)])
"""What is there already with what was sent, and checked, set in it."""
