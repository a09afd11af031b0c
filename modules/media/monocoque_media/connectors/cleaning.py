"""From whatever a vendor sends to values that we keep: each takes anything, and gives None or nothing for nonsense."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from monocoque_media.contracts import MAX_DESCRIPTION, MAX_INT, MAX_NAME, MAX_NAMES, MAX_TITLE, MAX_URL, PartialDate

_UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_BLANK = re.compile(r"\s+")
_BREAK = re.compile(r"</(?:p|div|li|ul|ol|h[1-6])\s*>|<br\s*/?>", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:a|p|br|b|i|u|em|strong|small|sup|sub|ul|ol|li|div|span|h[1-6])(?:\s[^<>]*)?/?>", re.IGNORECASE
)
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?(?:[T ].*)?", re.DOTALL)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOST = re.compile(r"[a-z0-9.-]+", re.IGNORECASE)
_MOST_MARKS = 30


def line(value: Any, maximum: int = MAX_TITLE) -> str | None:
    """One line of text in normal form C, cut to `maximum`; None for blanks and for what is no text."""
    if not isinstance(value, str):
        return None
    # Cut roughly first, so that a long text costs no more than a short one.
    text = _composed(_UNSAFE.sub(" ", value[: maximum * 4]))
    return _BLANK.sub(" ", text).strip()[:maximum].rstrip() or None


def text(value: Any, maximum: int = MAX_DESCRIPTION) -> str | None:
    """As `line`, on any number of lines."""
    if not isinstance(value, str):
        return None
    return _composed(_UNSAFE.sub("", value[: maximum * 4])).strip()[:maximum].rstrip() or None


def _composed(value: str) -> str:
    """In normal form C, with at most as many marks on a letter as text may have; sorting more takes minutes."""
    if value.isascii():
        return value
    kept, marks = [], 0
    for character in value:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MOST_MARKS:
            kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept))


def plain(value: Any, maximum: int = MAX_DESCRIPTION) -> str | None:
    """As `text`, for what may be simple HTML: tags go, paragraphs and breaks become lines, entities characters."""
    if not isinstance(value, str):
        return None
    stripped = _TAG.sub("", _BREAK.sub("\n", value[: maximum * 4]))
    return text(html.unescape(stripped), maximum)


def name(value: Any) -> str | None:
    """A name: a text, or the `name` of an object; an id alone is none."""
    return line(value.get("name") if isinstance(value, dict) else value, MAX_NAME)


def names(value: Any) -> tuple[str, ...]:
    """The different names in a list, or a single one, in order."""
    return unique(name(entry) for entry in entries(value))


def unique(found: Iterable[str | None]) -> tuple[str, ...]:
    """Without doubles and gaps, at most as many as we keep."""
    return tuple(dict.fromkeys(entry for entry in found if entry))[:MAX_NAMES]


def entries(value: Any) -> list[Any]:
    """A list, or the single thing that stands where a list of one should; nothing for blanks and null."""
    if isinstance(value, list):
        return value
    if value is None or (isinstance(value, str) and not value.strip()):
        return []
    return [value]


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects among `entries`."""
    return [entry for entry in entries(value) if isinstance(entry, dict)]


def whole(value: Any, low: int = 1, high: int = MAX_INT) -> int | None:
    """A whole number, also as text; None out of bounds."""
    if isinstance(value, str):
        digits = value.strip()
        if not digits.isascii() or not digits.isdigit() or len(digits) > 18:
            return None
        value = int(digits)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if low <= value <= high else None


def number(value: Any, low: float = 0, high: float = 1e9) -> float | None:
    """A number, to three places; None out of bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return round(float(value), 3) if low <= value <= high else None


def partial_date(value: Any) -> PartialDate | None:
    """`YYYY`, `YYYY-MM` or `YYYY-MM-DD` as precise as it is true: 2012-00-00 is 2012, 2021-02-30 is February 2021."""
    match = _DATE.fullmatch(value.strip()) if isinstance(value, str) else None
    # 0001-01-01 is a common word for nothing, and the driver takes it, like 9999-12-31, for an infinity.
    if match is None or match[1] in {"0000", "0001", "9999"}:
        return None
    year, month, day = int(match[1]), int(match[2] or 0), int(match[3] or 0)
    if not 1 <= month <= 12:
        return PartialDate(date(year, 1, 1), "year")
    try:
        return PartialDate(date(year, month, day), "day")
    except ValueError:
        return PartialDate(date(year, month, 1), "month")


def day_of(value: Any) -> date | None:
    """The day of a moment in Unix seconds, in UTC; None outside the years 2 to 9998."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e12 < value < 1e12:
        return None
    try:
        day = (_EPOCH + timedelta(seconds=value)).date()
    except OverflowError:
        return None
    return day if 1 < day.year < 9999 else None


def url(value: Any, *, https: bool = False) -> str | None:
    """An http or https URL with a host, without sign-in; `//host` gets https, and with `https` http does too."""
    if not isinstance(value, str):
        return None
    found = value.strip()
    if found.startswith("//"):
        found = f"https:{found}"
    elif https and found[:7].lower() == "http://":
        found = f"https://{found[7:]}"
    if len(found) > MAX_URL or not found.isprintable() or " " in found:
        return None
    try:
        parts = urlsplit(found)
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or "@" in parts.netloc or not _HOST.fullmatch(parts.hostname or ""):
        return None
    return parts.scheme + found[len(parts.scheme) :]


def pattern(value: Any, expected: re.Pattern[str]) -> str | None:
    """Text that is exactly of a form, such as a vendor's id."""
    return value if isinstance(value, str) and expected.fullmatch(value) else None
