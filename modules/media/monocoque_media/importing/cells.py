"""From the text of a cell to a value; what cannot be read is a RowRefused that says why.

What a title or a note may hold is checked where all input is, by the schemas.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from datetime import date
from typing import Any

from pydantic import BaseModel, ValidationError

from monocoque.types import MAX_INT
from monocoque_media.importing.rows import RowRefused
from monocoque_media.isbn import normalise_isbn
from monocoque_media.schemas.states import MAX_PASS
from monocoque_media.schemas.tags import name_key

MAX_TAGS = 100

_BLANKS = re.compile(r"[ \t\r\n\u00a0]+")
_DATE = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?![0-9])")
_NUMBER = re.compile(r"[0-9]{1,9}(?:[.,][0-9]{1,6})?")
_YEAR = re.compile(r"-?[0-9]{1,5}")
_BREAK = re.compile(r"(?i)<br\s*/?>|</p>\s*(?:<p[^>]*>)?|</div>\s*(?:<div[^>]*>)?")
_TAG = re.compile(r"(?i)</?(?:p|div|i|b|em|strong|u|a|span|blockquote)(?:\s[^<>]{0,1000})?>")


def validated[M: BaseModel](model: type[M], **values: Any) -> M:
    """The model of these values, those that are None left out."""
    try:
        return model.model_validate({name: value for name, value in values.items() if value is not None})
    except ValidationError as error:
        raise RowRefused(reason_of(error)) from None


def reason_of(error: ValidationError) -> str:
    """The first few things that are wrong, in a sentence each; never the values."""
    lines = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False)[:3]:
        place = ".".join(str(step) for step in problem["loc"])
        message = str(problem["msg"]).removeprefix("Value error, ").partition(", input")[0].rstrip(".")
        lines.append(f"{place}: {message}." if place else f"{message}.")
    return " ".join(lines)[:900]


def line(text: str) -> str | None:
    """One line with single blanks, or None where the cell is empty."""
    return _BLANKS.sub(" ", text).strip() or None


def title(text: str) -> str:
    """The title, which every row needs."""
    found = line(text)
    if found is None:
        raise RowRefused("The row has no title.")
    return found


def paragraphs(*texts: str) -> str | None:
    """The texts one below the other, or None where all are empty."""
    kept = [found for text in texts if (found := text.replace("\r\n", "\n").strip(" \t\r\n"))]
    return "\n\n".join(kept) or None


def from_html(text: str) -> str:
    """Text of which the few HTML tags that such sites use are taken away."""
    if "<" in text or "&" in text:
        text = html.unescape(_TAG.sub("", _BREAK.sub("\n", text)))
    return text


def names(text: str, separator: str = ",") -> list[str]:
    """Names in their order, none twice."""
    return unique(text.split(separator))


def unique(texts: Iterable[str]) -> list[str]:
    """Those that are not empty, each in one line and once."""
    return list(dict.fromkeys(name for text in texts if (name := line(text)) is not None))


def tags(texts: Iterable[str]) -> tuple[str, ...]:
    """Tags in their order, none twice whatever its case, and as long as they are."""
    found: dict[str, str] = {}
    for text in texts:
        name = line(text)
        if name is not None:
            found.setdefault(name_key(name), name)
    if len(found) > MAX_TAGS:
        raise RowRefused(f"The row has {len(found):,} tags; {MAX_TAGS} is the most.")
    return tuple(found.values())


def day(text: str, column: str) -> date | None:
    """A date as `2020/08/23` or `2020-08-23`, without the time after it; None where empty or not whole."""
    found = text.strip()
    if not found or found == "--":
        return None
    match = _DATE.match(found)
    if match is None:
        raise RowRefused(f"{column} is no date such as 2024-12-31.")
    year, month, number = (int(part) for part in match.groups())
    if not (year and month and number):
        return None
    try:
        return date(year, month, number)
    except ValueError:
        raise RowRefused(f"{column} is no day of the calendar.") from None


def release_day(text: str, column: str) -> str | None:
    """A date as precise as its zeros leave it: `2012-00-00` is `2012`."""
    found = text.strip()
    if not found:
        return None
    match = _DATE.match(found)
    if match is None:
        raise RowRefused(f"{column} is no date such as 2024-12-31.")
    year, month, number = match.groups()
    if not int(month):
        return year
    return f"{year}-{int(month):02}-{int(number):02}" if int(number) else f"{year}-{int(month):02}"


def year(text: str, column: str) -> int | None:
    """A year, negative before the common era; None where empty or 0."""
    found = text.strip()
    if not found:
        return None
    if _YEAR.fullmatch(found) is None:
        raise RowRefused(f"{column} is no year.")
    return int(found) or None


def release_year(*years: int | None) -> str | None:
    """The first of the years that a calendar date can have."""
    return next((f"{found:04}" for found in years if found is not None and 1 <= found <= 9999), None)


def rating(text: str, best: float, column: str) -> int | None:
    """0 to `best` as 0 to 100; None where empty."""
    found = text.strip()
    if not found or found == "--":
        return None
    value = float(found.replace(",", ".")) if _NUMBER.fullmatch(found) else -1.0
    if not 0 <= value <= best:
        raise RowRefused(f"{column} is no number from 0 to {best:g}.")
    return round(value * 100 / best)


def count(text: str, column: str) -> int | None:
    """A whole number; None where empty or 0."""
    found = text.strip()
    if not found:
        return None
    if not (found.isascii() and found.isdigit()) or len(found) > 10 or int(found) > MAX_INT:
        raise RowRefused(f"{column} is no whole number that can be kept.")
    return int(found) or None


def passes(text: str, column: str) -> int:
    """How many times something was gone through, at least once."""
    return min(count(text, column) or 1, MAX_PASS)


def isbns(*texts: str) -> dict[str, str]:
    """`isbn_10` and `isbn_13` among the texts (`="9780140449334"` included); what is none is left aside."""
    found: dict[str, str] = {}
    for text in texts:
        isbn = normalise_isbn(text.strip().removeprefix("=").strip('"'))
        if isbn is not None:
            found.setdefault(f"isbn_{len(isbn)}", isbn)
    # Of two that do not belong together the longer is the newer.
    return {"isbn_13": found["isbn_13"]} if "isbn_13" in found else found
