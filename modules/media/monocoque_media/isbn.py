"""International standard book numbers (ISO 2108): their form, their check digits, and one form from the other."""

from __future__ import annotations

import re
from collections.abc import Iterable

_BLANKS = re.compile(r"[\s\u00ad\u2010-\u2015-]")
_TEN = re.compile(r"[0-9]{9}[0-9X]")
_THIRTEEN = re.compile(r"97[89][0-9]{10}")


def normalise_isbn(text: str) -> str | None:
    """The ISBN without hyphens and blanks; None unless it has 10 or 13 characters and a right check digit."""
    isbn = _BLANKS.sub("", text).upper()
    if _THIRTEEN.fullmatch(isbn) and isbn[12] == _check_thirteen(isbn[:12]):
        return isbn
    if _TEN.fullmatch(isbn) and isbn[9] == _check_ten(isbn[:9]):
        return isbn
    return None


def to_isbn_13(isbn_10: str) -> str:
    """The longer form, which every normalised ISBN-10 has."""
    stem = f"978{isbn_10[:9]}"
    return stem + _check_thirteen(stem)


def to_isbn_10(isbn_13: str) -> str | None:
    """The shorter form of a normalised ISBN-13; None where there is none (979)."""
    if not isbn_13.startswith("978"):
        return None
    return isbn_13[3:12] + _check_ten(isbn_13[3:12])


def both(texts: Iterable[str]) -> tuple[str | None, str | None]:
    """ISBN-10 and ISBN-13: the first right ones among the texts, one made from the other where only one is there."""
    found = [isbn for isbn in map(normalise_isbn, texts) if isbn]
    ten = next((isbn for isbn in found if len(isbn) == 10), None)
    thirteen = next((isbn for isbn in found if len(isbn) == 13), None)
    if ten is None and thirteen is not None:
        ten = to_isbn_10(thirteen)
    elif ten is not None and thirteen is None:
        thirteen = to_isbn_13(ten)
    return ten, thirteen


def _check_ten(stem: str) -> str:
    total = sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), stem, strict=True))
    return "0123456789X"[-total % 11]


def _check_thirteen(stem: str) -> str:
    return str(-sum((3 if place % 2 else 1) * int(digit) for place, digit in enumerate(stem)) % 10)
