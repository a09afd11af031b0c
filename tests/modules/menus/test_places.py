"""Pages of courses and of entries: what becomes of others between one page and the next leaves none of them out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.requests import Request

from monocoque.pagination import Paging
from tests.support import problem

from .conftest import Curator


class Shelf:
    """A menu of six courses, or a course of six entries: c0 to c5."""

    def __init__(
        self, curator: Curator, path: str, ids: list[str], order: Callable[[list[str]], Awaitable[Any]]
    ) -> None:
        self.person, self.path, self.ids, self._order = curator.person, path, ids, order

    async def page(self, limit: int = 3, cursor: str | None = None) -> tuple[str, str | None]:
        """What stands on a page, by number, and the cursor of the next."""
        query = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        body = (await self.person.get(self.path, params=query)).json()
        return "".join(str(self.ids.index(row["id"])) for row in body["items"]), body["next_cursor"]

    async def delete(self, *numbers: int) -> None:
        for number in numbers:
            assert (await self.person.delete(f"{self.path}/{self.ids[number]}")).status_code == 204

    async def order(self, numbers: Sequence[int]) -> None:
        reply = await self._order([self.ids[number] for number in numbers])
        assert reply.status_code == 200, reply.text


@pytest.fixture(params=["courses", "items"])
async def shelf(request: pytest.FixtureRequest, curator: Curator) -> Shelf:
    menu, courses, items = await curator.filled(*([0] * 6 if request.param == "courses" else [6]))
    path = f"/menus/{menu['id']}/courses"
    if request.param == "courses":
        ids = [course["id"] for course in courses]
        return Shelf(curator, path, ids, lambda given: curator.order(menu, [(each, []) for each in given]))
    course = courses[0]["id"]
    ids = [item["id"] for item in items[0]]
    return Shelf(curator, f"{path}/{course}/items", ids, lambda given: curator.order(menu, [(course, given)]))


@pytest.mark.parametrize(
    ("deleted", "left"),
    [
        ([0], "345"),
        ([0, 1], "345"),
        # The last that was shown itself, and what was before it.
        ([2], "345"),
        ([2, 0], "345"),
        ([1, 2], "345"),
        ([3], "45"),
        # Nothing is left that the cursor knows of: then it begins again.
        ([0, 1, 2], "345"),
    ],
)
async def test_what_is_deleted_between_two_pages_leaves_none_out(shelf: Shelf, deleted: list[int], left: str) -> None:
    first, cursor = await shelf.page()
    assert first == "012"
    await shelf.delete(*deleted)
    assert await shelf.page(cursor=cursor) == (left, None)


@pytest.mark.parametrize(
    ("order", "left"),
    [
        ([5, 0, 1, 2, 3, 4], "234"),
        ([2, 0, 1, 3, 4, 5], "345"),
        ([0, 1, 3, 4, 5, 2], "3452"),
        ([1, 0, 2, 3, 4, 5], "345"),
        ([3, 4, 5, 0, 1, 2], "345012"),
    ],
)
async def test_what_is_put_elsewhere_between_two_pages_leaves_no_other_out(
    shelf: Shelf, order: list[int], left: str
) -> None:
    _, cursor = await shelf.page()
    await shelf.order(order)
    assert (await shelf.page(limit=6, cursor=cursor))[0] == left


async def test_whoever_deletes_what_each_page_shows_sees_everything_once(shelf: Shelf) -> None:
    seen, cursor = await shelf.page(limit=1)
    while cursor is not None:
        # Every second stays, so that the cursor does know something.
        await shelf.delete(*([int(seen[-1])] if int(seen[-1]) % 2 else []))
        shown, cursor = await shelf.page(limit=1, cursor=cursor)
        seen += shown
    assert seen == "012345"


async def test_a_cursor_of_another_form_is_refused(shelf: Shelf, app: FastAPI) -> None:
    scope = {"type": "http", "app": app, "path": f"/api/v1{shelf.path}", "query_string": b"", "headers": []}
    page = Paging(Request(scope).scope, 1, None).page([{"position": 1}] * 2, lambda row: [row["position"]])
    cursor = page.headers["link"].rpartition("cursor=")[2].partition(">")[0]
    problem(await shelf.person.get(shelf.path, params={"cursor": cursor}), 422, "request.cursor_invalid")
