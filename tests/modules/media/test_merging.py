"""Merging: two items that are the same work become one, whole or not at all, and the old address leads on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin
from uuid import UUID

import pytest
from fastapi import FastAPI

from monocoque.database import Transaction
from monocoque_media import merge_service
from monocoque_media.contracts import ITEMS_MERGED, ItemsMerged
from monocoque_media.facade import find_items
from monocoque_media.jobs import purge_deleted
from monocoque_media.schemas.items import ItemRead
from tests.modules.media.catalogue import NOWHERE, add_tag, enter, held, make_admin, met, pages, set_state
from tests.support import Person, problem, sign_up


@pytest.fixture
async def admin(app: FastAPI, stranger: Person) -> Person:
    return await make_admin(app, stranger)


async def merge(admin: Person, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return held(ItemRead, await admin.post(f"/media/items/{old['id']}/merge", json={"into": new["id"]}))


async def add_source(app: FastAPI, item: dict[str, Any], external_id: str) -> None:
    async with app.state.runtime.database.connection() as connection:
        await connection.execute(
            "INSERT INTO monocoque_media.sources (id, item_id, source, kind, external_id, raw_payload) "
            "VALUES (gen_random_uuid(), $1, 'test', 'volume', $2, '{}')",
            item["id"],
            external_id,
        )


async def test_states_tags_and_sources_move(app: FastAPI, owner: Person, admin: Person) -> None:
    old, new = await enter(owner), await enter(owner)
    await set_state(owner, old, notes="Mine", status="completed")
    both, one = await add_tag(owner, "Both"), await add_tag(owner, "One")
    for path in (f"{old['id']}/tags/{both['id']}", f"{new['id']}/tags/{both['id']}", f"{old['id']}/tags/{one['id']}"):
        assert (await owner.put(f"/media/items/{path}")).status_code == 204
    await add_source(app, old, old["id"])
    await add_source(app, new, new["id"])
    merged = await merge(admin, old, new)
    assert (merged["id"], merged["title"], merged["version"]) == (new["id"], new["title"], 2)
    item = (await owner.get(f"/media/items/{new['id']}", params={"include": "state,tags,sources"})).json()
    assert item["state"]["notes"] == "Mine"
    assert [tag["name"] for tag in item["tags"]] == ["Both", "One"]
    assert {source["external_id"] for source in item["sources"]} == {old["id"], new["id"]}
    assert (await owner.get(f"/media/tags/{both['id']}")).json()["item_count"] == 1
    log = await pages(owner, f"/media/items/{new['id']}/state/log")
    assert [(entry["action"], entry["status"]) for entry in log] == [("set", "completed")]
    assert [entry["item"]["id"] for entry in await pages(owner, "/media/library")] == [new["id"]]


@pytest.mark.parametrize("newer", ["old", "new"])
async def test_of_two_states_the_newer_stays_and_both_are_logged(owner: Person, admin: Person, newer: str) -> None:
    old, new = await enter(owner), await enter(owner)
    older, younger = (new, old) if newer == "old" else (old, new)
    await set_state(owner, older, status="paused", rating=1)
    await set_state(owner, younger, status="completed", rating=90)
    await set_state(admin, old, status="planned")
    await merge(admin, old, new)
    path = f"/media/items/{new['id']}/state"
    assert (await owner.get(path)).json()["rating"] == 90
    log = await pages(owner, f"{path}/log")
    assert [(entry["action"], entry["rating"]) for entry in log[:2]] == [("set", 90), ("merged", 1)]
    assert sorted((entry["action"], entry["rating"]) for entry in log[2:]) == [("set", 1), ("set", 90)]
    assert [entry["action"] for entry in await pages(admin, f"{path}/log")] == ["set"]


async def test_the_old_address_leads_to_the_new_one(owner: Person, admin: Person) -> None:
    old, middle, new = [await enter(owner) for _ in range(3)]
    tag = await add_tag(owner, "Mine")
    await merge(admin, old, middle)
    await merge(admin, middle, new)
    calls: list[tuple[str, str, dict[str, Any] | None]] = [
        ("GET", "", None),
        ("PATCH", "", {"title": "x"}),
        ("DELETE", "", None),
        ("POST", "/restore", None),
        ("PUT", "/locks", {"fields": []}),
        ("GET", "/state", None),
        ("PUT", "/state", {"status": "active"}),
        ("DELETE", "/state", None),
        ("GET", "/state/log?limit=7", None),
        ("PUT", f"/tags/{tag['id']}", None),
        ("DELETE", f"/tags/{tag['id']}", None),
    ]
    for item in (old, middle):
        for method, below, body in calls:
            path = f"/media/items/{item['id']}{below}"
            reply = await owner.call(method, path, **({} if body is None else {"json": body}))
            problem(reply, 308, "media.merged")
            assert urljoin(path, reply.headers["location"]) == f"/media/items/{new['id']}{below}"
    reply = await owner.get(f"/media/items/{old['id']}", params={"include": "tags,state"})
    assert reply.headers["location"] == f"{new['id']}?include=state,tags"
    reply = await owner.get(f"/media/items/{old['id']}", follow_redirects=True)
    assert (reply.status_code, reply.json()["id"]) == (200, new["id"])
    assert old["id"] not in [item["id"] for item in await pages(owner, "/media/items", created_by="me")]


async def test_what_cannot_be_merged_is_refused(owner: Person, admin: Person) -> None:
    book, other, game, gone = await enter(owner), await enter(owner), await enter(owner, "game"), await enter(owner)
    assert (await owner.delete(f"/media/items/{gone['id']}")).status_code == 204
    path = f"/media/items/{book['id']}/merge"
    problem(await owner.post(path, json={"into": other["id"]}), 403, "request.forbidden")
    for into in (book["id"], game["id"], gone["id"], NOWHERE):
        refused = problem(await admin.post(path, json={"into": into}), 422, "media.merge_refused")
        assert refused["errors"][0]["pointer"] == "#/into"
    for old in (gone["id"], NOWHERE):
        reply = await admin.post(f"/media/items/{old}/merge", json={"into": book["id"]})
        problem(reply, 404, "media.not_found")
    await merge(admin, book, other)
    problem(await admin.post(path, json={"into": other["id"]}), 308, "media.merged")
    assert (await owner.get(f"/media/items/{other['id']}")).json()["version"] == 2


async def test_two_merges_at_once_leave_one_item(owner: Person, admin: Person) -> None:
    for _ in range(5):
        one, two = await enter(owner), await enter(owner)
        paths = [(one, two), (two, one)] * 5
        replies = await asyncio.gather(
            *(admin.post(f"/media/items/{old['id']}/merge", json={"into": new["id"]}) for old, new in paths)
        )
        assert sorted(reply.status_code for reply in replies) == [200] + [308] * 4 + [422] * 5
        living = [await owner.get(f"/media/items/{item['id']}") for item in (one, two)]
        assert sorted(reply.status_code for reply in living) == [200, 308]


async def test_a_merge_waits_for_one_that_it_would_cross(
    app: FastAPI, owner: Person, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier, old, new = [await enter(owner) for _ in range(3)]
    await merge(admin, earlier, old)
    check, checked, crossing = merge_service._check, [], []

    async def check_and_be_crossed(transaction: Transaction, old_id: UUID, into: UUID) -> None:
        checked.append(str(old_id))
        await check(transaction, old_id, into)
        # This merge holds what the other wants, and has yet to change what the other would hold by then.
        path = f"/media/items/{earlier['id']}/merge"
        crossing.append(asyncio.create_task(admin.post(path, json={"into": new["id"]})))
        async with app.state.runtime.database.connection() as connection:
            await met(
                connection,
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() "
                "AND wait_event_type = 'Lock')",
            )

    monkeypatch.setattr(merge_service, "_check", check_and_be_crossed)
    await merge(admin, old, new)
    problem(await crossing[0], 308, "media.merged")
    # Neither had to begin anew, as who is in a circle of locks has to.
    assert checked == [old["id"], earlier["id"]]


async def test_states_and_tags_that_are_set_meanwhile_are_not_lost(app: FastAPI, owner: Person, admin: Person) -> None:
    old, new = await enter(owner), await enter(owner)
    people = [await sign_up(owner.client) for _ in range(8)]
    tags = [await add_tag(person, "Mine") for person in people]

    async def keep(person: Person, tag: dict[str, Any]) -> None:
        path = f"/media/items/{old['id']}"
        for below, body in ((f"/tags/{tag['id']}", None), ("/state", {"status": "active"})):
            options: dict[str, Any] = {} if body is None else {"json": body}
            reply = await person.put(f"{path}{below}", **options)
            if reply.status_code == 308:
                reply = await person.put(f"/media/items/{new['id']}{below}", **options)
            assert reply.status_code in {200, 204}, reply.text

    work = [keep(person, tag) for person, tag in zip(people, tags, strict=True)]
    await asyncio.gather(*work[:4], merge(admin, old, new), *work[4:])
    for person in people:
        reply = await person.get(f"/media/items/{new['id']}", params={"include": "state,tags"})
        assert (reply.json()["state"]["status"], len(reply.json()["tags"])) == ("active", 1)
    async with app.state.runtime.database.connection() as connection:
        for table in ("user_item_states", "item_tags", "state_log", "sources"):
            left = await connection.fetchval(
                f"SELECT count(*) FROM monocoque_media.{table} WHERE item_id = $1",
                old["id"],
            )
            assert left == 0, table


@pytest.fixture
def heard(app: FastAPI) -> Iterator[list[ItemsMerged]]:
    """What a module that follows merges was told; it refuses items called `Refused`."""
    found: list[ItemsMerged] = []

    async def follow(transaction: Transaction, merged: ItemsMerged) -> None:
        cards = await find_items(transaction, [merged.old_id, merged.new_id])
        assert list(cards) == [merged.new_id]
        found.append(merged)
        if cards[merged.new_id].title == "Refused":
            raise RuntimeError("not these")

    resources = app.state.runtime.resources
    before = resources[ITEMS_MERGED]
    resources[ITEMS_MERGED] = (*before, follow)
    yield found
    resources[ITEMS_MERGED] = before


async def test_another_module_follows_in_the_same_transaction(
    owner: Person, admin: Person, heard: list[ItemsMerged]
) -> None:
    old, new, refused = await enter(owner), await enter(owner), await enter(owner, title="Refused")
    await set_state(owner, old)
    problem(await admin.post(f"/media/items/{old['id']}/merge", json={"into": refused["id"]}), 500, "server.error")
    assert (await owner.get(f"/media/items/{old['id']}/state")).status_code == 200
    problem(await owner.get(f"/media/items/{refused['id']}/state"), 404, "media.state_not_found")
    await merge(admin, old, new)
    assert heard[1:] == [ItemsMerged(UUID(old["id"]), UUID(new["id"]))]


async def test_a_merged_item_is_not_purged_and_not_restored(app: FastAPI, owner: Person, admin: Person) -> None:
    old, new = await enter(owner), await enter(owner)
    await merge(admin, old, new)
    async with app.state.runtime.database.connection() as connection:
        await connection.execute(
            "UPDATE monocoque_media.items SET deleted_at = deleted_at - interval '400 days' WHERE id = $1", old["id"]
        )
    await purge_deleted(app.state.runtime)
    problem(await owner.get(f"/media/items/{old['id']}"), 308, "media.merged")
    problem(await owner.post(f"/media/items/{old['id']}/restore"), 308, "media.merged")
