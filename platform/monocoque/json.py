"""JSON as the project writes it: orjson, decimals as strings, UUIDs and times in their ISO forms."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel

loads = orjson.loads
Fragment = orjson.Fragment


def _default(value: object) -> object:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Decimal):
        # str() gives large round numbers an exponent.
        return format(value, "f")
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, frozenset | set):
        return sorted(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def dumps(value: Any) -> bytes:
    """UTF-8 JSON; raises TypeError for what has none."""
    return orjson.dumps(value, _default)


def dump_text(value: Any) -> str:
    """JSON as text, the form in which PostgreSQL takes it."""
    return dumps(value).decode()
