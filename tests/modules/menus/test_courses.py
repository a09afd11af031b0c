"""Courses and entries: what they may be, their places, and what holds when many change them at once."""

from __future__ import annotations

import asyncio
import json
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest

from monocoque.database import Database, Executor, Transaction
from monocoque.queries import Query
from monocoque.runtime import Runtime
from monocoque_menus.schemas import MAX_COURSES, MAX_ITEMS, CourseRead, ItemRead
from tests.support import Person, problem

from .conftest import Curator, checked


async def fill(runtime: Runtime, course: dict[str, Any], count: int) -> None:
    """Put `count` entries into an empty course, past the API for speed."""
    async with runtime.database.connection() as connection, connection.transaction():
        await connection.execute(
            "INSERT INTO monocoque_menus.course_items (id, course_id, position, title, media_type, creators) "
            "SELECT gen_random_uuid(), $1, n, 'Film ' || n, 'movie', '' FROM generate_series(1, $2) n",
            UUID(course["id"]),
            count,
        )
        await connection.execute(
            "UPDATE monocoque_menus.menus SET item_count = item_count + $2 "
            "WHERE id = (SELECT menu_id FROM monocoque_menus.courses WHERE id = $1)",
            UUID(course["id"]),
            count,
        )


async def test_a_course_is_made_read_changed_and_removed(owner: Person, curator: Curator) -> None:
    menu = await curator.menu()
    course = await curator.course(menu, "Monday", description="Vienna.")
    assert (course["title"], course["description"], course["position"]) == ("Monday", "Vienna.", 1)
    assert (course["item_count"], course["version"]) == (0, 1)
    path = f"/menus/{menu['id']}/courses/{course['id']}"
    # Its count of entries can change without its version, so a copy is never said to be current.
    assert checked(await owner.get(path, headers={"If-None-Match": '"1"'}), 200, CourseRead) == course
    changed = checked(await owner.patch(path, json={"description": None}), 200, CourseRead)
    assert (changed["title"], changed["description"], changed["version"]) == ("Monday", None, 2)
    for reply in (
        await owner.patch(path, json={"title": "B"}, headers={"If-Match": '"1"'}),
        await owner.delete(path, headers={"If-Match": '"1"'}),
    ):
        problem(reply, 412, "request.stale")
    assert await curator.courses(menu) == [changed]
    assert (await owner.delete(path, headers={"If-Match": '"2"'})).status_code == 204
    for reply in (await owner.get(path), await owner.patch(path, json={}), await owner.delete(path)):
        problem(reply, 404, "menus.course_not_found")
    assert await curator.arrangement(menu) == []


async def test_an_entry_shows_its_media_item_and_is_made_changed_and_removed(owner: Person, curator: Curator) -> None:
    menu = await curator.menu()
    course = await curator.course(menu)
    film = await curator.film("Laura", release_date="1944", details={"directors": ["Otto Preminger"]})
    item = await curator.item(menu, course, film, notes="At nine.")
    shown = {name: item[name] for name in ("media_item_id", "title", "media_type", "year", "creators", "notes")}
    assert shown == {
        "media_item_id": film,
        "title": "Laura",
        "media_type": "movie",
        "year": 1944,
        "creators": "Otto Preminger",
        "notes": "At nine.",
    }
    path = f"/menus/{menu['id']}/courses/{course['id']}/items/{item['id']}"
    assert checked(await owner.get(path), 200, ItemRead) == item
    another = await curator.film("Gilda", release_date="1946-03-14")
    changed = checked(await owner.patch(path, json={"media_item_id": another}), 200, ItemRead)
    assert (changed["title"], changed["year"], changed["notes"]) == ("Gilda", 1946, "At nine.")
    cleared = checked(await owner.patch(path, json={"notes": None}, headers={"If-Match": '"2"'}), 200, ItemRead)
    assert (cleared["title"], cleared["notes"], cleared["version"]) == ("Gilda", None, 3)
    for reply in (
        await owner.patch(path, json={"notes": "x"}, headers={"If-Match": '"2"'}),
        await owner.delete(path, headers={"If-Match": '"2"'}),
    ):
        problem(reply, 412, "request.stale")
    assert await curator.items(menu, course) == [cleared]
    assert (await owner.delete(path)).status_code == 204
    for reply in (await owner.get(path), await owner.patch(path, json={}), await owner.delete(path)):
        problem(reply, 404, "menus.item_not_found")
    assert await curator.arrangement(menu) == [(course["id"], [])]


async def test_what_is_taken_out_leaves_no_gap(owner: Person, curator: Curator) -> None:
    menu, courses, items = await curator.filled(3, 1, 2)
    path = f"/menus/{menu['id']}/courses"
    await owner.delete(f"{path}/{courses[0]['id']}/items/{items[0][0]['id']}")
    await owner.delete(f"{path}/{courses[1]['id']}")
    added = await curator.course(menu, "Last")
    last = await curator.item(menu, courses[0])
    assert (added["position"], last["position"]) == (3, 3)
    assert await curator.arrangement(menu) == [
        (courses[0]["id"], [items[0][1]["id"], items[0][2]["id"], last["id"]]),
        (courses[2]["id"], [item["id"] for item in items[2]]),
        (added["id"], []),
    ]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/media_item_id"),
        ({"media_item_id": "x"}, "#/media_item_id"),
        ({"media_item_id": None}, "#/media_item_id"),
        ({"media_item_id": str(uuid4()), "notes": ""}, "#/notes"),
        ({"media_item_id": str(uuid4()), "notes": "\ud800"}, "#"),
        ({"media_item_id": str(uuid4()), "position": 1}, "#/position"),
        ({"media_item_id": str(uuid4()), "title": "Laura"}, "#/title"),
    ],
)
async def test_what_is_no_entry_is_refused(owner: Person, curator: Curator, body: dict[str, Any], pointer: str) -> None:
    menu, [course], _ = await curator.filled(0)
    path = f"/menus/{menu['id']}/courses/{course['id']}/items"
    reply = await owner.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert problem(reply, 422, "request.invalid")["errors"][0]["pointer"].startswith(pointer)
    assert await curator.read(menu) == menu


async def test_only_what_is_in_the_catalogue_can_be_entered(owner: Person, curator: Curator) -> None:
    menu, [course], [[item]] = await curator.filled(1)
    gone = await curator.film()
    await owner.delete(f"/media/items/{gone}")
    path = f"/menus/{menu['id']}/courses/{course['id']}/items"
    for media_item_id in (gone, str(uuid4())):
        for reply in (
            await owner.post(path, json={"media_item_id": media_item_id}),
            await owner.patch(f"{path}/{item['id']}", json={"media_item_id": media_item_id}),
        ):
            document = problem(reply, 422, "menus.media_item_unknown")
            assert [error["pointer"] for error in document["errors"]] == ["#/media_item_id"]
    assert await curator.read(menu) == menu
    assert await curator.items(menu, course) == [item]


async def test_an_item_may_be_in_a_menu_more_than_once(curator: Curator) -> None:
    menu = await curator.menu()
    course, film = await curator.course(menu), await curator.film()
    for _ in range(2):
        await curator.item(menu, course, film)
    assert [item["media_item_id"] for item in await curator.items(menu, course)] == [film, film]


async def test_what_is_of_another_menu_or_course_is_not_there(owner: Person, curator: Curator) -> None:
    mine, [course, sibling], [[item], _] = await curator.filled(1, 0)
    other, [foreign], [[stray]] = await curator.filled(1)
    before = await curator.read(mine), await curator.read(other)
    film = await curator.film()
    courses = f"/menus/{mine['id']}/courses"
    of_course: list[tuple[str, str, Any]] = [
        ("GET", "", None),
        ("PATCH", "", {"title": "B"}),
        ("DELETE", "", None),
        ("GET", "/items", None),
        ("POST", "/items", {"media_item_id": film}),
        ("POST", "/items:bulk", {"media_item_ids": [film]}),
        ("GET", f"/items/{stray['id']}", None),
        ("PATCH", f"/items/{stray['id']}", {"notes": "x"}),
        ("DELETE", f"/items/{stray['id']}", None),
    ]
    for method, rest, body in of_course:
        reply = await owner.call(method, f"{courses}/{foreign['id']}{rest}", json=body)
        problem(reply, 404, "menus.course_not_found")
    for at, item_id in ((course, stray["id"]), (sibling, item["id"])):
        for method, body in (("GET", None), ("PATCH", {"notes": "x"}), ("DELETE", None)):
            reply = await owner.call(method, f"{courses}/{at['id']}/items/{item_id}", json=body)
            problem(reply, 404, "menus.item_not_found")
    empty = await curator.menu()
    alone = await curator.course(empty)
    for at, code in ((alone, "menus.item_not_found"), (foreign, "menus.course_not_found")):
        reply = await owner.delete(f"/menus/{empty['id']}/courses/{at['id']}/items/{item['id']}")
        problem(reply, 404, code)
    # Where it is to go counts before what it is.
    reply = await owner.post(f"{courses}/{foreign['id']}/items", json={"media_item_id": str(uuid4())})
    problem(reply, 404, "menus.course_not_found")
    reply = await owner.patch(f"{courses}/{sibling['id']}/items/{item['id']}", json={"media_item_id": str(uuid4())})
    problem(reply, 404, "menus.item_not_found")
    assert (await curator.read(mine), await curator.read(other)) == before


async def test_a_change_asks_the_database_no_more_than_it_must(
    owner: Person, curator: Curator, monkeypatch: pytest.MonkeyPatch
) -> None:
    menu, [course, _], [[item, _], _] = await curator.filled(2, 1)
    film = await curator.film()
    asked: list[str] = []
    for kind, name in product((Database, Transaction), ("all", "first", "value", "run")):
        original = getattr(kind, name)

        def counted(executor: Executor, query: Query, _original: Any = original, **parameters: Any) -> Any:
            asked.append(query.sql)
            return _original(executor, query, **parameters)

        monkeypatch.setattr(kind, name, counted)
    at_course = f"/menus/{menu['id']}/courses/{course['id']}"
    calls: list[tuple[str, str, Any, int]] = [
        ("POST", "/menus", {"title": "Slow Sundays", "visibility": "unlisted"}, 1),
        ("POST", f"{at_course}/items", {"media_item_id": film}, 3),
        ("PATCH", f"{at_course}/items/{item['id']}", {"notes": "Late."}, 2),
        ("PATCH", f"{at_course}/items/{item['id']}", {"media_item_id": film}, 3),
        ("DELETE", f"{at_course}/items/{item['id']}", None, 3),
        ("PATCH", at_course, {"title": "Tuesday"}, 2),
        ("DELETE", at_course, None, 3),
    ]
    for method, path, body, most in calls:
        asked.clear()
        assert (await owner.call(method, path, json=body)).is_success
        assert len(asked) == most, asked
    assert [len(items) for _, items in await curator.arrangement(menu)] == [1]


async def test_courses_and_entries_come_in_their_order_page_by_page(owner: Person, curator: Curator) -> None:
    menu, courses, items = await curator.filled(5, 0, 0)
    for path, wanted in (
        (f"/menus/{menu['id']}/courses", courses),
        (f"/menus/{menu['id']}/courses/{courses[0]['id']}/items", items[0]),
    ):
        seen: list[str] = []
        query: dict[str, Any] = {"limit": 2}
        while True:
            reply = await owner.get(path, params=query)
            seen += [row["id"] for row in reply.json()["items"]]
            assert ("link" in reply.headers) == bool(reply.json()["next_cursor"])
            if not reply.json()["next_cursor"]:
                break
            query["cursor"] = reply.json()["next_cursor"]
        assert seen == [row["id"] for row in wanted]
        problem(await owner.get(path, params={"cursor": "AAAA"}), 422, "request.cursor_invalid")


async def test_a_menu_has_at_most_100_courses_however_many_come_at_once(owner: Person, curator: Curator) -> None:
    menu = await curator.menu()
    path = f"/menus/{menu['id']}/courses"
    for _ in range(MAX_COURSES - 2):
        assert (await owner.post(path, json={"title": "Evening"})).status_code == 201
    replies = await asyncio.gather(*(owner.post(path, json={"title": "Late"}) for _ in range(6)))
    assert sorted(reply.status_code for reply in replies) == [201] * 2 + [422] * 4
    for reply in replies:
        if reply.status_code == 422:
            document = problem(reply, 422, "menus.too_many_courses")
            assert [error["pointer"] for error in document["errors"]] == ["#"]
    assert len(await curator.courses(menu)) == MAX_COURSES


async def test_a_menu_has_at_most_1000_entries_however_many_come_at_once(
    owner: Person, curator: Curator, runtime: Runtime
) -> None:
    menu, [course, other], _ = await curator.filled(0, 0)
    await fill(runtime, course, MAX_ITEMS - 3)
    film = await curator.film()
    path = f"/menus/{menu['id']}/courses/{other['id']}/items"
    replies = await asyncio.gather(
        *(owner.post(path, json={"media_item_id": film}) for _ in range(5)),
        owner.post(f"{path}:bulk", json={"media_item_ids": [film] * 4, "duplicates": "allow"}),
    )
    assert sorted(reply.status_code for reply in replies) == [201] * 3 + [422] * 3
    for reply in replies:
        if reply.status_code == 422:
            document = problem(reply, 422, "menus.too_many_items")
            assert document["errors"][0]["pointer"] in {"#", "#/media_item_ids"}
    arrangement = await curator.arrangement(menu)
    assert sum(len(items) for _, items in arrangement) == MAX_ITEMS
    assert (await curator.order(menu, [(at, items[::-1]) for at, items in arrangement[::-1]])).status_code == 200
    clone = (await owner.post(f"/menus/{menu['id']}/clone")).json()
    assert clone["item_count"] == MAX_ITEMS
    await owner.delete(f"/menus/{menu['id']}/courses/{course['id']}")
    assert (await curator.item(menu, other, film))["position"] == 4
    assert (await curator.read(menu))["item_count"] == 4


async def test_changes_of_all_kinds_at_once_lose_and_double_nothing(owner: Person, curator: Curator) -> None:
    menu, courses, items = await curator.filled(4, 4, 2)
    film = await curator.film()
    path = f"/menus/{menu['id']}/courses"
    first, second, third = (course["id"] for course in courses)
    replies = await asyncio.gather(
        *(owner.post(f"{path}/{first}/items", json={"media_item_id": film}) for _ in range(4)),
        *(owner.delete(f"{path}/{first}/items/{item['id']}") for item in items[0][:2]),
        *(curator.move(item["id"], first) for item in items[1]),
        owner.post(path, json={"title": "New"}),
        owner.post(f"{path}/{second}/items:bulk", json={"media_item_ids": [film, film], "duplicates": "allow"}),
        owner.delete(f"{path}/{third}"),
        owner.post(f"/menus/{menu['id']}/clone"),
    )
    assert {reply.status_code for reply in replies} <= {200, 201, 204}
    found = dict(await curator.arrangement(menu))
    assert set(found) == {first, second, replies[-4].json()["id"]}
    kept = {item["id"] for item in [*items[0][2:], *items[1]]} | {reply.json()["id"] for reply in replies[:4]}
    assert set(found[first]) == kept
    assert len(found[second]) == 2
    await curator.arrangement(replies[-1].json())
