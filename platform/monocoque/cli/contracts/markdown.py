"""Pieces of Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """The lines of a table."""
    names = tuple(head)
    yield f"| {' | '.join(names)} |"
    yield f"| {' | '.join('---' for _ in names)} |"
    for row in rows:
        yield f"| {' | '.join(_cell(cell) for cell in row)} |"


def _cell(text: str) -> str:
    """Text that stays within its cell: no bar that ends it, no asterisk that makes the rest italic."""
    parts = text.replace("|", "\\|").split("`")
    return "`".join(part if place % 2 else re.sub(r"(?<!\*)\*(?!\*)", r"\\*", part) for place, part in enumerate(parts))
