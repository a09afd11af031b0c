"""Menus and the catalogue: entries outlive their items, follow merges, and are found from the item."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urljoin
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from monocoque.pagination import Page
from monocoque.runtime import Runtime
from monocoque_media.jobs import purge_deleted as purge_media
from monocoque_menus.schemas import HoldingMenu
from tests.conftest import AppFactory, client_of
from tests.support import Person, problem, sign_up

from .conftest import Curator, age, checked

SHOWN = ("title", "media_type", "year", "cover_image_url", "creators")


@pytest.fixture
async def admin(app: FastAPI, client: httpx.AsyncClient) -> Person:
    person = await sign_up(client)
    async with app.state.runtime.database.connection() as connection:
        await connection.execute("UPDATE monocoque_auth.users SET role = 'admin' WHERE id = $1", person.id)
    await person.login()
    return person


def shown(item: dict[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in SHOWN}


async def merge(admin: Person, old: str, new: str) -> None:
    reply = await admin.post(f"/media/items/{old}/merge", json={"into": new})
    assert reply.status_code == 200, reply.text


async def test_an_entry_shows_its_item_as_it_is_and_outlives_it_as_it_was(
    owner: Person, curator: Curator, runtime: Runtime
) -> None:
    menu = await curator.menu(visibility="public")
    course = await curator.course(menu)
    cover = "https://covers.example.com/laura.jpg"
    film = await curator.film(
        "Laura", release_date="1944", cover_image_url=cover, details={"directors": ["Otto Preminger"]}
    )
    entered = shown(await curator.item(menu, course, film))
    assert entered == {
        "title": "Laura",
        "media_type": "movie",
        "year": 1944,
        "cover_image_url": cover,
        "creators": "Otto Preminger",
    }

    async def now() -> tuple[str | None, dict[str, Any]]:
        [item] = await curator.items(menu, course)
        [public] = (await curator.public(menu["slug"]))["courses"][0]["items"]
        assert shown(public) == shown(item)
        return item["media_item_id"], shown(item)

    await owner.patch(f"/media/items/{film}", json={"title": "Laura (1944)", "cover_image_url": None})
    current = {**entered, "title": "Laura (1944)", "cover_image_url": None}
    assert await now() == (film, current)
    await owner.delete(f"/media/items/{film}")
    assert await now() == (None, entered)
    await owner.post(f"/media/items/{film}/restore")
    assert await now() == (film, current)
    await owner.delete(f"/media/items/{film}")
    await age(runtime, "monocoque_media.items", film)
    await purge_media(runtime)
    assert await now() == (None, entered)
    # What is gone can be replaced.
    [item] = await curator.items(menu, course)
    another = await curator.film("Laura")
    path = f"/menus/{menu['id']}/courses/{course['id']}/items/{item['id']}"
    assert (await owner.patch(path, json={"media_item_id": another})).json()["media_item_id"] == another


async def test_entries_follow_a_merge_in_everybodys_menus(
    curator: Curator, other_curator: Curator, admin: Person, runtime: Runtime
) -> None:
    old, new = await curator.film("Laura", release_date="1945"), await curator.film("Laura", release_date="1944")
    mine, theirs = await curator.menu(visibility="public"), await other_curator.menu()
    my_course, their_course = await curator.course(mine), await other_curator.course(theirs)
    # Where both were, both stay: they have notes of their own, and what is twice in a menu is for its owner to say.
    for film, notes in ((old, "a"), (new, "b"), (old, "c")):
        await curator.item(mine, my_course, film, notes=notes)
    await other_curator.item(theirs, their_course, old)
    untouched, _, _ = await curator.filled(1)
    deleted = await curator.menu()
    await curator.item(deleted, await curator.course(deleted), old)
    await curator.person.delete(f"/menus/{deleted['id']}")
    before = await curator.read(mine), await other_curator.read(theirs)
    await merge(admin, old, new)
    items = await curator.items(mine, my_course)
    assert [(item["media_item_id"], item["year"], item["notes"]) for item in items] == [
        (new, 1944, "a"),
        (new, 1944, "b"),
        (new, 1944, "c"),
    ]
    assert [item["version"] for item in items] == [2, 1, 2]
    [their_item] = await other_curator.items(theirs, their_course)
    assert their_item["media_item_id"] == new
    after = await curator.read(mine), await other_curator.read(theirs)
    assert [menu["version"] for menu in after] == [menu["version"] + 1 for menu in before]
    assert await curator.read(untouched) == untouched
    async with runtime.database.connection() as connection:
        left = await connection.fetch(
            "SELECT title, year FROM monocoque_menus.course_items WHERE media_item_id = $1", UUID(old)
        )
        kept = await connection.fetch(
            "SELECT DISTINCT year FROM monocoque_menus.course_items WHERE media_item_id = $1", UUID(new)
        )
    assert left == []
    # What is kept for when the item is gone is that of the item that the entry is of now.
    assert [row["year"] for row in kept] == [1944]


async def test_a_merge_that_fails_moves_no_entry(curator: Curator, admin: Person) -> None:
    old = await curator.film()
    menu = await curator.menu()
    course = await curator.course(menu)
    item = await curator.item(menu, course, old)
    reply = await admin.post(f"/media/items/{old}/merge", json={"into": str(uuid4())})
    problem(reply, 422, "media.merge_refused")
    assert await curator.items(menu, course) == [item]


async def test_what_is_entered_while_two_items_are_merged_is_not_left_behind(
    curator: Curator, other_curator: Curator, admin: Person, runtime: Runtime
) -> None:
    menu, [course], _ = await curator.filled(0)
    theirs, [their_course], _ = await other_curator.filled(0)
    for _ in range(4):
        old, new = await curator.film(), await curator.film()
        mine = f"/menus/{menu['id']}/courses/{course['id']}/items"
        other = f"/menus/{theirs['id']}/courses/{their_course['id']}/items"
        work = [
            curator.person.post(mine, json={"media_item_id": old}),
            other_curator.person.post(f"{other}:bulk", json={"media_item_ids": [new, old], "duplicates": "allow"}),
            other_curator.person.post(other, json={"media_item_id": old}),
            curator.person.post(f"{mine}:bulk", json={"media_item_ids": [old]}),
            curator.person.post(f"/menus/{menu['id']}/clone"),
        ]
        await asyncio.gather(*work[:3], merge(admin, old, new), *work[3:])
        async with runtime.database.connection() as connection:
            left = await connection.fetchval(
                "SELECT count(*) FROM monocoque_menus.course_items WHERE media_item_id = $1", UUID(old)
            )
        assert left == 0


async def test_merges_that_meet_in_the_same_menus_both_happen(curator: Curator, admin: Person) -> None:
    menus = [await curator.menu() for _ in range(3)]
    courses = [await curator.course(menu) for menu in menus]
    films = [await curator.film() for _ in range(6)]
    for menu, course in zip(menus, courses, strict=True):
        for film in films[:3]:
            await curator.item(menu, course, film)
    await asyncio.gather(*(merge(admin, old, new) for old, new in zip(films[:3], films[3:], strict=True)))
    for menu, course in zip(menus, courses, strict=True):
        assert [item["media_item_id"] for item in await curator.items(menu, course)] == films[3:]


async def test_an_item_tells_which_of_my_menus_hold_it(
    owner: Person, curator: Curator, other_curator: Curator, admin: Person
) -> None:
    film = await curator.film()
    first, second, deleted = [await curator.menu(visibility=visibility) for visibility in ("public", "draft", "draft")]
    await other_curator.item(theirs := await other_curator.menu(visibility="public"),
                             await other_curator.course(theirs), film)  # fmt: skip
    monday, tuesday = await curator.course(first, "Monday"), await curator.course(first, "Tuesday")
    places = [
        await curator.item(first, tuesday, film),
        await curator.item(first, monday),
        await curator.item(first, monday, film),
    ]
    alone = await curator.course(second, "Alone")
    last = await curator.item(second, alone, film)
    await curator.item(deleted, await curator.course(deleted), film)
    await owner.delete(f"/menus/{deleted['id']}")
    path = f"/media/items/{film}/menus"
    [newer, older] = checked(await owner.get(path), 200, Page[HoldingMenu])["items"]
    assert (newer["id"], older["id"]) == (second["id"], first["id"])
    assert {name: older[name] for name in ("title", "slug", "visibility")} == {
        name: first[name] for name in ("title", "slug", "visibility")
    }
    assert older["entries"] == [
        {"id": places[2]["id"], "course_id": monday["id"], "course": "Monday", "position": 2},
        {"id": places[0]["id"], "course_id": tuesday["id"], "course": "Tuesday", "position": 1},
    ]
    assert [entry["id"] for entry in newer["entries"]] == [last["id"]]
    page = (await owner.get(path, params={"limit": 1})).json()
    rest = (await owner.get(path, params={"limit": 1, "cursor": page["next_cursor"]})).json()
    assert [menu["id"] for menu in (*page["items"], *rest["items"])] == [second["id"], first["id"]]
    assert (await admin.get(path)).json()["items"] == []

    another = await curator.film()
    await merge(admin, film, another)
    reply = await owner.get(path, params={"limit": 1})
    problem(reply, 308, "media.merged")
    assert urljoin(path, reply.headers["location"]) == f"/media/items/{another}/menus?limit=1"
    followed = await owner.get(path, params={"limit": 1}, follow_redirects=True)
    assert [menu["id"] for menu in followed.json()["items"]] == [second["id"]]
    assert len((await owner.get(path, follow_redirects=True)).json()["items"]) == 2
    await owner.delete(f"/media/items/{another}")
    for gone in (another, str(uuid4())):
        problem(await owner.get(f"/media/items/{gone}/menus"), 404, "media.not_found")
    problem(await owner.client.get(path), 401, "auth.unauthenticated")


async def test_without_menus_media_does_not_know_of_them(
    worker_database_url: str, make_app: AppFactory, owner: Person, curator: Curator
) -> None:
    film = await curator.film()
    app = await make_app(worker_database_url, modules_disabled="menus")
    async with client_of(app) as client:
        assert (await client.get(f"/media/items/{film}", headers=owner.headers)).status_code == 200
        for path in (f"/media/items/{film}/menus", "/menus", "/public/menus/a-week-of-noir"):
            problem(await client.get(path, headers=owner.headers), 404, "request.not_found")
    assert not [path for path in app.openapi()["paths"] if "menus" in path]
