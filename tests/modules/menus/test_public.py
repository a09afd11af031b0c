"""What anyone may read: public menus by their slug, unlisted ones by their link, drafts not at all."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import httpx
import pytest

from monocoque.runtime import Runtime
from monocoque_auth.administration import set_disabled
from monocoque_menus.schemas import PublicMenu
from tests.support import Person, problem

from .conftest import Curator, checked, token_of


async def test_a_public_menu_is_read_without_sign_in_courses_and_entries_in_order(
    client: httpx.AsyncClient, curator: Curator, owner: Person
) -> None:
    menu = await curator.menu("A week of noir", description="One an evening.", visibility="public")
    first, second = await curator.course(menu, "Monday", description="Vienna."), await curator.course(menu, "Tuesday")
    third_man = await curator.film(
        "The Third Man",
        release_date="1949-08-31",
        cover_image_url="https://covers.example.com/3.jpg",
        details={"directors": ["Carol Reed"]},
    )
    await curator.item(menu, first, third_man, notes="Listen for the zither.")
    await curator.item(menu, first, await curator.film("Laura"))
    menu = await curator.read(menu)
    body = await curator.public(menu["slug"])
    for name in ("published_at", "updated_at"):
        assert datetime.fromisoformat(body.pop(name)) == datetime.fromisoformat(menu[name])
    assert body == {
        "id": menu["id"],
        "title": "A week of noir",
        "description": "One an evening.",
        "slug": menu["slug"],
        "item_count": 2,
        "courses": [
            {
                "title": "Monday",
                "description": "Vienna.",
                "position": 1,
                "item_count": 2,
                "items": [
                    {
                        "title": "The Third Man",
                        "media_type": "movie",
                        "year": 1949,
                        "cover_image_url": "https://covers.example.com/3.jpg",
                        "creators": "Carol Reed",
                        "notes": "Listen for the zither.",
                        "position": 1,
                    },
                    {
                        "title": "Laura",
                        "media_type": "movie",
                        "year": None,
                        "cover_image_url": None,
                        "creators": "",
                        "notes": None,
                        "position": 2,
                    },
                ],
            },
            {"title": "Tuesday", "description": None, "position": 2, "item_count": 0, "items": []},
        ],
    }
    reply = await client.get(f"/public/menus/{menu['slug']}")
    everything = reply.text + str(reply.headers)
    for private in (owner.email, str(owner.id), first["id"], second["id"], third_man):
        assert private not in everything
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["cache-control"] == "public, no-cache"
    assert reply.headers["vary"] == "Accept"
    assert (await client.get(f"/public/menus/{menu['slug']}", headers=owner.headers)).content == reply.content


async def test_an_empty_menu_is_a_menu(curator: Curator) -> None:
    body = await curator.public((await curator.menu(visibility="public"))["slug"])
    assert (body["courses"], body["item_count"]) == ([], 0)


async def test_a_current_copy_is_not_sent_again_until_anything_shown_changes(
    client: httpx.AsyncClient, owner: Person, curator: Curator
) -> None:
    menu = await curator.menu(visibility="public")
    course, other = await curator.course(menu), await curator.course(menu)
    film = await curator.film()
    item, last = await curator.item(menu, course, film), await curator.item(menu, course)
    path, address = f"/menus/{menu['id']}", f"/public/menus/{menu['slug']}"
    for change in (
        owner.patch(f"/media/items/{film}", json={"title": "Another title"}),
        owner.patch(f"{path}/courses/{course['id']}/items/{item['id']}", json={"notes": "Late."}),
        owner.patch(f"{path}/courses/{course['id']}", json={"description": "Vienna."}),
        owner.patch(path, json={"description": "One an evening."}),
        curator.move(item["id"], other["id"]),
        owner.delete(f"{path}/courses/{course['id']}/items/{last['id']}"),
    ):
        tag = (await client.get(address)).headers["etag"]
        same = await client.get(address, headers={"If-None-Match": f'"other", W/{tag}'})
        assert (same.status_code, same.content) == (304, b"")
        assert (same.headers["etag"], same.headers["cache-control"]) == (tag, "public, no-cache")
        assert (await change).is_success
        reply = await client.get(address, headers={"If-None-Match": tag})
        assert reply.status_code == 200
        assert reply.headers["etag"] != tag


async def test_what_a_disabled_account_published_opens_again_when_it_is_enabled(
    client: httpx.AsyncClient, owner: Person, curator: Curator, other_curator: Curator, runtime: Runtime
) -> None:
    public, unlisted = await curator.menu(visibility="public"), await curator.menu(visibility="unlisted")
    theirs = await other_curator.menu(visibility="public")
    addresses = [f"/public/menus/{public['slug']}", f"/public/menus/{token_of(unlisted)}"]
    await set_disabled(runtime, owner.email, disabled=True)
    for address in addresses:
        problem(await client.get(address), 404, "menus.not_public")
    assert (await client.get(f"/public/menus/{theirs['slug']}")).status_code == 200
    await set_disabled(runtime, owner.email, disabled=False)
    assert [(await client.get(address)).status_code for address in addresses] == [200, 200]


async def test_what_a_deleted_account_published_is_gone(
    client: httpx.AsyncClient, stranger: Person, other_curator: Curator
) -> None:
    menu = await other_curator.menu(visibility="public")
    assert (await stranger.delete("/auth/me")).status_code == 204
    problem(await client.get(f"/public/menus/{menu['slug']}"), 404, "menus.not_public")


async def test_progress_is_done_of_total_for_each_course_and_the_readers_alone(
    client: httpx.AsyncClient, owner: Person, curator: Curator, stranger: Person, other_curator: Curator
) -> None:
    menu = await curator.menu(visibility="public")
    first, second, _ = [await curator.course(menu, f"Course {number}") for number in range(3)]
    films = [await curator.film() for _ in range(4)]
    for course, film in (
        (first, films[0]),
        (first, films[1]),
        (second, films[0]),
        (second, films[2]),
        (second, films[3]),
    ):
        await curator.item(menu, course, film)
    for person, film, status in (
        (stranger, films[0], "completed"),
        (stranger, films[1], "active"),
        (stranger, films[3], "completed"),
        (owner, films[2], "completed"),
    ):
        assert (await person.put(f"/media/items/{film}/state", json={"status": status})).status_code == 200
    # What is gone from the catalogue can be completed by nobody, so it does not count.
    gone = await curator.film()
    await curator.item(menu, second, gone)
    assert (await owner.delete(f"/media/items/{gone}")).status_code == 204

    async def progress(person: Person, address: str = menu["slug"]) -> list[tuple[int, int]]:
        reply = await person.get(f"/public/menus/{address}", params={"include": "progress"})
        assert reply.headers["cache-control"] == "private, no-cache"
        assert reply.headers["vary"] == "Accept, Authorization"
        body = checked(reply, 200, PublicMenu)
        return [(part["progress"]["done"], part["progress"]["total"]) for part in (body, *body["courses"])]

    assert await progress(stranger) == [(3, 5), (1, 2), (2, 3), (0, 0)]
    assert await progress(owner) == [(1, 5), (0, 2), (1, 3), (0, 0)]
    plain = await client.get(f"/public/menus/{menu['slug']}", headers=stranger.headers)
    assert "progress" not in plain.json()
    assert all("progress" not in course for course in plain.json()["courses"])
    for headers in ({}, {"Authorization": "Bearer nonsense"}):
        reply = await client.get(f"/public/menus/{menu['slug']}?include=progress", headers=headers)
        problem(reply, 401, "auth.unauthenticated")
        assert reply.headers["cache-control"] == "no-store"
    problem(await owner.get(f"/public/menus/{menu['slug']}?include=everything"), 422, "request.invalid")
    unlisted = await curator.change(menu, visibility="unlisted")
    assert await progress(stranger, token_of(unlisted)) == [(3, 5), (1, 2), (2, 3), (0, 0)]


@pytest.mark.parametrize("include", [None, "progress"])
@pytest.mark.parametrize("visibility", ["public", "unlisted"])
async def test_reading_a_menu_takes_one_statement(
    owner: Person,
    curator: Curator,
    runtime: Runtime,
    monkeypatch: pytest.MonkeyPatch,
    include: str | None,
    visibility: str,
) -> None:
    menu, _, _ = await curator.filled(2, 0, 1, visibility=visibility)
    statements = []
    for name in ("all", "first", "value", "run", "transact"):
        original = getattr(runtime.database, name)

        def counted(*arguments: Any, _original: Any = original, **parameters: Any) -> Any:
            statements.append(arguments)
            return _original(*arguments, **parameters)

        monkeypatch.setattr(runtime.database, name, counted)
    address = menu["url"].rpartition("/")[2]
    reply = await owner.get(f"/public/menus/{address}", params=None if include is None else {"include": include})
    assert reply.status_code == 200
    assert len(statements) == 1


async def test_readers_see_a_menu_before_or_after_a_change_and_nothing_between(
    client: httpx.AsyncClient, curator: Curator
) -> None:
    menu, _, _ = await curator.filled(3, 3, visibility="public")
    arrangement = await curator.arrangement(menu)
    swapped = [(arrangement[1][0], arrangement[0][1]), (arrangement[0][0], arrangement[1][1])]

    async def read() -> None:
        for _ in range(10):
            body = (await client.get(f"/public/menus/{menu['slug']}")).json()
            assert [course["position"] for course in body["courses"]] == [1, 2]
            for course in body["courses"]:
                assert [item["position"] for item in course["items"]] == [1, 2, 3]
                assert len({item["notes"][0] for item in course["items"]}) == 1

    async def change() -> None:
        for order in (swapped, arrangement) * 3:
            assert (await curator.order(menu, order)).status_code == 200

    await asyncio.gather(read(), change(), read())
