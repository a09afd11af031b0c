"""What the tests of build lists share: one person's cars, parts and lists, made and read over the API."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from monocoque.pagination import Page
from monocoque_build_lists.schemas import BuildListRead, ItemRead, SharedBuildList, ShareRead, Summary
from tests.support import Person, checked

VIN = "JM1NA3518L0112345"


class Garage:
    """What a person keeps; every reply is checked against the model that documents it."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self._any_car: str | None = None

    async def car(self, **fields: Any) -> str:
        """The id of a new car."""
        reply = await self.person.post("/cars", json={"make": "Mazda", "model": "MX-5", "year": 1990, **fields})
        assert reply.status_code == 201, reply.text
        return str(reply.json()["id"])

    async def any_car(self) -> str:
        """The id of a car, the same one each time."""
        if self._any_car is None:
            self._any_car = await self.car()
        return self._any_car

    async def part(self, name: str = "Front brake pads", **fields: Any) -> str:
        """The id of a new part."""
        reply = await self.person.post("/parts", json={"name": name, **fields})
        assert reply.status_code == 201, reply.text
        return str(reply.json()["id"])

    async def new_list(self, name: str = "Track day", **fields: Any) -> str:
        """The id of a new list, for `any_car` unless told for which."""
        fields = {"name": name, **fields}
        if "car_id" not in fields:
            fields["car_id"] = await self.any_car()
        reply = await self.person.post("/build-lists", json=fields)
        body = checked(reply, 201, BuildListRead)
        assert reply.headers["location"] == f"/api/v1/build-lists/{body['id']}"
        return str(body["id"])

    async def read(self, list_id: str) -> dict[str, Any]:
        body: dict[str, Any] = checked(await self.person.get(f"/build-lists/{list_id}"), 200, BuildListRead)
        return body

    async def item(self, list_id: str, **fields: Any) -> dict[str, Any]:
        """A new item."""
        path = f"/build-lists/{list_id}/items"
        reply = await self.person.post(path, json=fields)
        body: dict[str, Any] = checked(reply, 201, ItemRead)
        assert reply.headers["location"] == f"/api/v1{path}/{body['id']}"
        return body

    async def items(self, list_id: str) -> list[dict[str, Any]]:
        """Every item, in order."""
        found: list[dict[str, Any]] = []
        path: str | None = f"/build-lists/{list_id}/items?limit=100"
        while path:
            page = checked(await self.person.get(path), 200, Page[ItemRead])
            found += page["items"]
            cursor = page["next_cursor"]
            path = f"/build-lists/{list_id}/items?limit=100&cursor={cursor}" if cursor else None
        return found

    async def order(self, list_id: str, ids: list[str], **headers: str) -> httpx.Response:
        return await self.person.put(f"/build-lists/{list_id}/items/order", json={"items": ids}, headers=headers)

    async def summary(self, list_id: str) -> dict[str, Any]:
        body: dict[str, Any] = checked(await self.person.get(f"/build-lists/{list_id}/summary"), 200, Summary)
        return body

    async def share(self, list_id: str, **fields: Any) -> str:
        """The token of a new share."""
        reply = await self.person.post(f"/build-lists/{list_id}/share", json=fields)
        return str(checked(reply, 201, ShareRead)["token"])

    async def shared(self, token: str) -> dict[str, Any]:
        """What anyone sees."""
        reply = await self.person.client.get(f"/public/build-lists/{token}")
        body: dict[str, Any] = checked(reply, 200, SharedBuildList)
        return body


@pytest.fixture
def garage(owner: Person) -> Garage:
    return Garage(owner)


@pytest.fixture
def their_garage(stranger: Person) -> Garage:
    return Garage(stranger)
