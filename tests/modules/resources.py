"""The owned resources that answer to the same verbs, as the shared tests see them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from pydantic import BaseModel

from monocoque.pagination import Page
from monocoque_cars.schemas import CarRead
from monocoque_cars.vin import check_digit_ok
from monocoque_parts.schemas import PartRead
from tests.support import Person


def new_vin() -> str:
    """A VIN whose check digit fits, different each time."""
    random = Random(uuid4().int)
    start = "1F" + "".join(random.choices("ABCDEFGHJKLMNPRSTUVWXYZ", k=6))
    end = "".join(random.choices("123456789", k=8))
    return next(start + digit + end for digit in "0123456789X" if check_digit_ok(start + digit + end))


@dataclass(frozen=True)
class Resource:
    """One kind of thing that a person owns: where it is, and what belongs in it."""

    name: str
    model: type[BaseModel]
    whole: Callable[[], dict[str, Any]]
    """A body with every field, unlike any before in what must be unique."""
    least: dict[str, Any]
    """A body with the required fields alone."""
    change: dict[str, Any]
    """A merge patch that changes every kind of field."""
    texts: dict[str, int]
    """The text fields, and how long each may be."""
    searched: tuple[str, ...]
    filtered: tuple[str, ...]
    hostile: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """JSON literals that a field which is no text must refuse, by the field."""

    @property
    def path(self) -> str:
        return f"/{self.name}"

    @property
    def not_found(self) -> str:
        return f"{self.name}.not_found"

    @property
    def optional(self) -> set[str]:
        return self.whole().keys() - self.least.keys()

    def at(self, resource_id: object) -> str:
        return f"{self.path}/{resource_id}"

    async def create(self, person: Person, **values: Any) -> dict[str, Any]:
        """One more of the person's, as the reply describes it."""
        reply = await person.post(self.path, json={**self.least, **values})
        assert reply.status_code == 201, reply.text
        return self.read(reply)

    def read(self, reply: httpx.Response) -> dict[str, Any]:
        """The body of a reply, after holding it to the documented model: every member, no other, of the right type."""
        self.model.model_validate_json(reply.content, strict=True, extra="forbid")
        found: dict[str, Any] = reply.json()
        assert found.keys() == self.model.model_fields.keys()
        return found

    def read_page(self, reply: httpx.Response) -> list[dict[str, Any]]:
        """The items of a page, after holding it to the documented model."""
        assert reply.status_code == 200, reply.text
        Page[self.model].model_validate_json(reply.content, strict=True, extra="forbid")  # type: ignore[name-defined]
        found: list[dict[str, Any]] = reply.json()["items"]
        return found

    async def listed(self, person: Person, **query: Any) -> list[str]:
        """The ids on the first page of the person's."""
        return [item["id"] for item in self.read_page(await person.get(self.path, params=query))]

    def __str__(self) -> str:
        return self.name


_NO_NUMBERS = ("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e-400")

CARS = Resource(
    name="cars",
    model=CarRead,
    whole=lambda: {
        "make": "Mazda",
        "model": "MX-5",
        "year": 1990,
        "vin": new_vin(),
        "nickname": "Weekend",
        "notes": "Original paint.\nTwo keys.",
    },
    least={"make": "Saab", "model": "900", "year": 1986},
    change={"model": "MX-5 Miata", "year": 1991, "nickname": None, "notes": "Repainted."},
    texts={"make": 100, "model": 100, "nickname": 100, "notes": 10_000},
    searched=("make", "model", "nickname", "notes"),
    filtered=("make", "model"),
    hostile={
        "year": ("true", '"1990"', "1990.5", "[]", "{}", "1885", "2200", "-1", str(10**30), *_NO_NUMBERS),
        "vin": ("true", "1", "[]", '"1M8GDM9AXKP04278"', '"1M8GDM9AXKP04278I"', '"1M8GDM9AXKP04278O"', '"\\ud800"'),
    },
)

PARTS = Resource(
    name="parts",
    model=PartRead,
    whole=lambda: {
        "name": "Front brake pads",
        "brand": "Brembo",
        "category": "Brakes",
        "part_number": "P 49 038",
        "url": "https://shop.example.com/pads/p49038?size=1#fit",
        "notes": "Fits the 1.6 only.\nTwo in the box.",
        "price": {"amount": "129.90", "currency": "EUR"},
    },
    least={"name": "Oil filter"},
    change={"name": "Rear brake pads", "brand": None, "price": {"amount": "99.00", "currency": "USD"}},
    texts={"name": 200, "brand": 100, "category": 100, "part_number": 100, "notes": 10_000},
    searched=("name", "brand", "category", "part_number", "notes"),
    filtered=("brand", "category"),
    hostile={
        "url": ("true", "1", '"no address"', '"ftp://example.com/"', '"\\u0000"', '"https://a.example/\\ud800"'),
        "price": (
            "true",
            "1",
            '"129.90"',
            "[]",
            '{"amount": 129.90, "currency": "EUR"}',
            '{"amount": true, "currency": "EUR"}',
            '{"amount": "NaN", "currency": "EUR"}',
            '{"amount": "1", "currency": 978}',
            '{"amount": "1", "currency": "EUR", "note": "x"}',
            '{"amount": "\\ud800", "currency": "EUR"}',
            '{"amount": "1", "currency": "\\ud800\\u0000x"}',
            f'{{"amount": "{10**30}", "currency": "EUR"}}',
            *(f'{{"amount": {number}, "currency": "EUR"}}' for number in _NO_NUMBERS),
        ),
    },
)

RESOURCES = (CARS, PARTS)

each_resource = pytest.mark.parametrize("resource", RESOURCES, ids=str)


def same(given: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether a reply gives back what was sent."""
    return given == {name: found[name] for name in given}


def is_newer(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Whether the second reply describes a later version of the same thing."""
    return (
        UUID(first["id"]) == UUID(second["id"])
        and first["created_at"] == second["created_at"]
        and second["version"] > first["version"]
        and second["updated_at"] > first["updated_at"]
    )
