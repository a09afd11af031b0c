"""What the tests of menus share: one person's menus, made and read over the API."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from pydantic import BaseModel

from monocoque.pagination import Page
from monocoque.runtime import Runtime
from monocoque_menus.schemas import CourseRead, ItemRead, MenuRead, PublicMenu
from tests import support
from tests.support import Person

# What a model may leave out is left out of both.
checked = partial(support.checked, exclude_unset=True)


class Curator:
    """Somebody who makes menus; every reply is checked against the model that documents it."""

    def __init__(self, person: Person) -> None:
        self.person = person

    async def film(self, title: str | None = None, **fields: Any) -> str:
        """The id of a new film in the catalogue."""
        body = {"media_type": "movie", "title": title or f"Film {uuid4().hex}", **fields}
        reply = await self.person.post("/media/items", json=body)
        assert reply.status_code == 201, reply.text
        return str(reply.json()["id"])

    async def menu(self, title: str | None = None, **fields: Any) -> dict[str, Any]:
        """A new menu, of a title that nobody else has unless told which."""
        reply = await self.person.post("/menus", json={"title": title or f"Menu {uuid4().hex}", **fields})
        body: dict[str, Any] = checked(reply, 201, MenuRead)
        assert reply.headers["location"] == f"/api/v1/menus/{body['id']}"
        assert reply.headers["etag"] == '"1"'
        return body

    async def read(self, menu: dict[str, Any]) -> dict[str, Any]:
        body: dict[str, Any] = checked(await self.person.get(f"/menus/{menu['id']}"), 200, MenuRead)
        return body

    async def change(self, menu: dict[str, Any], **fields: Any) -> dict[str, Any]:
        body: dict[str, Any] = checked(await self.person.patch(f"/menus/{menu['id']}", json=fields), 200, MenuRead)
        return body

    async def course(self, menu: dict[str, Any], title: str = "Monday", **fields: Any) -> dict[str, Any]:
        """A new course."""
        path = f"/menus/{menu['id']}/courses"
        reply = await self.person.post(path, json={"title": title, **fields})
        body: dict[str, Any] = checked(reply, 201, CourseRead)
        assert reply.headers["location"] == f"/api/v1{path}/{body['id']}"
        assert body["item_count"] == 0
        return body

    async def item(
        self, menu: dict[str, Any], course: dict[str, Any], film: str | None = None, **fields: Any
    ) -> dict[str, Any]:
        """A new entry, of a new film unless told which."""
        path = f"/menus/{menu['id']}/courses/{course['id']}/items"
        reply = await self.person.post(path, json={"media_item_id": film or await self.film(), **fields})
        body: dict[str, Any] = checked(reply, 201, ItemRead)
        assert reply.headers["location"] == f"/api/v1{path}/{body['id']}"
        return body

    async def filled(
        self, *counts: int, **fields: Any
    ) -> tuple[dict[str, Any], list[dict[str, Any]], list[list[dict[str, Any]]]]:
        """A menu with a course for each count that has so many entries of one film; its courses, and their entries."""
        film = await self.film()
        menu = await self.menu(**fields)
        courses = [await self.course(menu, f"Course {number}") for number in range(len(counts))]
        items = [
            [await self.item(menu, course, film, notes=f"{place}/{number}") for number in range(count)]
            for place, (course, count) in enumerate(zip(courses, counts, strict=True))
        ]
        return await self.read(menu), courses, items

    async def courses(self, menu: dict[str, Any]) -> list[dict[str, Any]]:
        """Every course, in order, without gaps."""
        found = await self._all(f"/menus/{menu['id']}/courses", CourseRead)
        assert [course["position"] for course in found] == list(range(1, len(found) + 1))
        return found

    async def items(self, menu: dict[str, Any], course: dict[str, Any]) -> list[dict[str, Any]]:
        """Every entry of a course, in order, without gaps."""
        found = await self._all(f"/menus/{menu['id']}/courses/{course['id']}/items", ItemRead)
        assert [item["position"] for item in found] == list(range(1, len(found) + 1))
        return found

    async def arrangement(self, menu: dict[str, Any]) -> list[tuple[str, list[str]]]:
        """The id of each course with those of its entries; the counts agree with them."""
        courses = await self.courses(menu)
        found = [(course["id"], [item["id"] for item in await self.items(menu, course)]) for course in courses]
        assert [course["item_count"] for course in courses] == [len(items) for _, items in found]
        body = await self.read(menu)
        assert (body["course_count"], body["item_count"]) == (len(found), sum(len(items) for _, items in found))
        return found

    async def order(
        self, menu: dict[str, Any], arrangement: list[tuple[str, list[str]]], **headers: str
    ) -> httpx.Response:
        body = {"courses": [{"id": course_id, "items": items} for course_id, items in arrangement]}
        return await self.person.put(f"/menus/{menu['id']}/order", json=body, headers=headers)

    async def move(self, item_id: str, course_id: str, before: str | None = None, **headers: str) -> httpx.Response:
        body = {"course_id": course_id, "before": before}
        return await self.person.post(f"/menus/course-items/{item_id}/move", json=body, headers=headers)

    async def public(self, address: str, **query: str) -> dict[str, Any]:
        """What anyone reads."""
        reply = await self.person.client.get(f"/public/menus/{address}", params=query)
        body: dict[str, Any] = checked(reply, 200, PublicMenu)
        return body

    async def _all(self, path: str, model: type[BaseModel]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            query = {"limit": "100"} if cursor is None else {"limit": "100", "cursor": cursor}
            page = checked(await self.person.get(path, params=query), 200, Page[model])  # type: ignore[valid-type]
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found


def token_of(menu: dict[str, Any]) -> str:
    """The token of the link of an unlisted menu."""
    return str(menu["url"]).rpartition("/")[2]


async def age(runtime: Runtime, table: str, row_id: str) -> None:
    """Let it look deleted longer ago than the retention time."""
    async with runtime.database.connection() as connection:
        await connection.execute(
            f"UPDATE {table} SET deleted_at = now() - interval '400 days' WHERE id = $1", UUID(row_id)
        )


@pytest.fixture
def curator(owner: Person) -> Curator:
    return Curator(owner)


@pytest.fixture
def other_curator(stranger: Person) -> Curator:
    return Curator(stranger)
