"""The menus themselves: their verbs, what they outlive, and when they were published."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from monocoque.pagination import Page
from monocoque.runtime import Runtime
from monocoque_menus import facade, jobs
from monocoque_menus.contracts import MenuCard
from monocoque_menus.schemas import MenuRead
from tests.support import Person, problem

from .conftest import Curator, age, checked


async def test_a_menu_is_made_read_replaced_changed_deleted_and_restored(owner: Person, curator: Curator) -> None:
    made = await curator.menu("Rainy Sundays", description="With tea.")
    assert (made["title"], made["description"], made["visibility"]) == ("Rainy Sundays", "With tea.", "draft")
    assert (made["course_count"], made["item_count"], made["published_at"], made["version"]) == (0, 0, None, 1)
    assert (made["url"], made["page_url"]) == (None, None)
    assert await curator.read(made) == made

    path = f"/menus/{made['id']}"
    replaced = checked(await owner.put(path, json={"title": "Foggy Mondays", "visibility": "public"}), 200, MenuRead)
    assert (replaced["title"], replaced["description"], replaced["visibility"]) == ("Foggy Mondays", None, "public")
    assert replaced["slug"] == made["slug"]
    changed = await curator.change(made, description="With rum.")
    assert (changed["title"], changed["description"], changed["version"]) == ("Foggy Mondays", "With rum.", 3)
    assert checked(await owner.put(path, json={"title": "Foggy Mondays"}), 200, MenuRead)["visibility"] == "draft"

    assert (await owner.delete(path)).status_code == 204
    problem(await owner.get(path), 404, "menus.not_found")
    problem(await owner.delete(path), 404, "menus.not_found")
    assert (await owner.get("/menus")).json()["items"] == []
    assert [row["id"] for row in (await owner.get("/menus?deleted=true")).json()["items"]] == [made["id"]]
    for _ in range(2):
        restored = checked(await owner.post(f"{path}/restore"), 200, MenuRead)
    assert await curator.read(made) == restored


async def test_the_list_of_menus_is_filtered_and_paged(owner: Person, curator: Curator) -> None:
    ids = [(await curator.menu("100% noir"))["id"], (await curator.menu("B", description="noir_too"))["id"]]
    ids.append((await curator.menu("C", visibility="public"))["id"])

    async def found(query: str) -> list[str]:
        return [row["id"] for row in checked(await owner.get(f"/menus?{query}"), 200, Page[MenuRead])["items"]]

    assert await found("") == ids[::-1]
    assert await found("visibility=public") == ids[2:]
    assert await found("q=NOIR") == [ids[1], ids[0]]
    assert await found("q=%25") == ids[:1]
    first = (await owner.get("/menus?limit=2")).json()
    assert await found(f"limit=2&cursor={first['next_cursor']}") == ids[:1]
    problem(await owner.get(f"/menus?q=x&cursor={first['next_cursor']}"), 422, "request.cursor_invalid")
    problem(await owner.get("/menus?visibility=secret"), 422, "request.invalid")


async def test_the_version_counts_changes_of_courses_and_entries_and_a_stale_one_changes_nothing(
    owner: Person, curator: Curator
) -> None:
    menu = await curator.menu()
    path = f"/menus/{menu['id']}"
    tags = ['"1"']
    course = await curator.course(menu)
    tags.append((await owner.get(path)).headers["etag"])
    item = await curator.item(menu, course)
    tags.append((await owner.get(path)).headers["etag"])
    at_course = f"{path}/courses/{course['id']}"
    for call in (
        owner.patch(f"{at_course}/items/{item['id']}", json={"notes": "Late."}),
        owner.patch(at_course, json={"title": "Tuesday"}),
        owner.delete(f"{at_course}/items/{item['id']}"),
        owner.delete(at_course),
    ):
        assert (await call).is_success
        tags.append((await owner.get(path)).headers["etag"])
    assert tags == [f'"{version}"' for version in range(1, 8)]
    assert (await owner.get(path, headers={"If-None-Match": '"7"'})).status_code == 304
    before = await curator.read(menu)
    stale = {"If-Match": '"6"'}
    for reply in (
        await owner.put(path, json={"title": "B"}, headers=stale),
        await owner.patch(path, json={"title": "B"}, headers=stale),
        await owner.patch(path, json={"slug": f"b-{uuid4().hex}"}, headers=stale),
        await owner.post(f"{path}/link", headers=stale),
        await owner.delete(path, headers=stale),
        await curator.order(menu, [], **stale),
    ):
        problem(reply, 412, "request.stale")
    assert await curator.read(menu) == before
    assert (await owner.patch(path, json={"title": "B"}, headers={"If-Match": '"7"'})).status_code == 200


async def test_a_menu_a_course_and_an_entry_are_made_once_for_one_idempotency_key(
    owner: Person, curator: Curator
) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    film = await curator.film()
    first, again = [await owner.post("/menus", json={"title": "Once"}, headers=key) for _ in range(2)]
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    problem(await owner.post("/menus", json={"title": "B"}, headers=key), 422, "request.idempotency_key_reused")
    path = f"/menus/{first.json()['id']}/courses"
    one, other = [await owner.post(path, json={"title": "Monday"}, headers=key) for _ in range(2)]
    assert one.json() == other.json()
    items = f"{path}/{one.json()['id']}/items"
    for url, body, status in (
        (items, {"media_item_id": film}, 201),
        (f"{items}:bulk", {"media_item_ids": [film], "duplicates": "allow"}, 200),
        (f"/menus/{first.json()['id']}/clone", {}, 201),
    ):
        replies = [await owner.post(url, json=body, headers=key) for _ in range(2)]
        assert [reply.status_code for reply in replies] == [status, status]
        assert replies[0].json() == replies[1].json()
    assert (await curator.read(first.json()))["item_count"] == 2
    assert len((await owner.get("/menus")).json()["items"]) == 2


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/title"),
        ({"title": ""}, "#/title"),
        ({"title": "x" * 201}, "#/title"),
        ({"title": "a\nb"}, "#/title"),
        ({"title": "\ud800"}, "#"),
        ({"title": "A", "description": "x" * 10_001}, "#/description"),
        ({"title": "A", "visibility": "secret"}, "#/visibility"),
        ({"title": "A", "visibility": None}, "#/visibility"),
        ({"title": "A", "slug": 1}, "#/slug"),
        ({"title": "A", "slug": "x" * 201}, "#/slug"),
        ({"title": "A", "published_at": "2026-01-01T00:00:00Z"}, "#/published_at"),
    ],
)
async def test_what_is_no_menu_is_refused(owner: Person, body: dict[str, Any], pointer: str) -> None:
    reply = await owner.post("/menus", content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert problem(reply, 422, "request.invalid")["errors"][0]["pointer"].startswith(pointer)
    assert (await owner.get("/menus")).json()["items"] == []


async def test_published_at_is_the_first_time_that_a_menu_was_public(curator: Curator) -> None:
    menu = await curator.menu()
    assert (await curator.change(menu, visibility="unlisted"))["published_at"] is None
    published = (await curator.change(menu, visibility="public"))["published_at"]
    assert published == (await curator.read(menu))["updated_at"]
    for visibility in ("draft", "unlisted", "public"):
        assert (await curator.change(menu, visibility=visibility))["published_at"] == published
    assert (await curator.change(menu, title="Another title"))["published_at"] == published
    made = await curator.menu(visibility="public")
    assert made["published_at"] == made["created_at"]


async def test_the_purge_drops_what_was_deleted_before_the_retention(
    owner: Person, curator: Curator, runtime: Runtime
) -> None:
    (old, _, _), (recent, _, _), (living, _, _) = [await curator.filled(1) for _ in range(3)]
    for menu in (old, recent):
        await owner.delete(f"/menus/{menu['id']}")
    await age(runtime, "monocoque_menus.menus", old["id"])
    await jobs.purge_deleted(runtime)
    async with runtime.database.connection() as connection:
        left = await connection.fetch(
            "SELECT menu_id FROM monocoque_menus.courses WHERE menu_id = ANY($1)",
            [UUID(menu["id"]) for menu in (old, recent, living)],
        )
    assert {str(row["menu_id"]) for row in left} == {recent["id"], living["id"]}
    problem(await owner.post(f"/menus/{old['id']}/restore"), 404, "menus.not_found")
    assert (await owner.post(f"/menus/{recent['id']}/restore")).json()["item_count"] == 1


async def test_other_modules_see_a_menu_in_brief(owner: Person, curator: Curator, runtime: Runtime) -> None:
    menu, _, _ = await curator.filled(2)
    assert owner.id is not None
    card = await facade.find_menu(runtime.database, owner.id, UUID(menu["id"]))
    assert card == MenuCard(UUID(menu["id"]), menu["title"], menu["slug"], "draft", 2)
    assert await facade.find_menu(runtime.database, uuid4(), UUID(menu["id"])) is None
