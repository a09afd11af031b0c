"""States: where a person is with an item, and a log of every step that nobody can change."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI

from monocoque.types import new_id
from monocoque_media.schemas.states import LogEntryRead, StateRead
from tests.modules.media.catalogue import NOWHERE, STATE, enter, held, held_page, met, pages, set_state
from tests.support import Person, problem

WAITING = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"


async def test_a_state_is_set_read_and_removed(owner: Person) -> None:
    path = f"/media/items/{(await enter(owner))['id']}/state"
    problem(await owner.get(path), 404, "media.state_not_found")
    problem(await owner.delete(path), 404, "media.state_not_found")
    put = held(StateRead, await owner.put(path, json=STATE))
    assert {name: put[name] for name in STATE} == STATE
    reply = await owner.get(path)
    assert (held(StateRead, reply), reply.headers["etag"]) == (put, '"1"')
    emptied = held(StateRead, await owner.put(path, json={"status": "dropped"}))
    assert [emptied[name] for name in ("rating", "favorite", "notes", "started_at", "finished_at")] == [
        None,
        False,
        None,
        None,
        None,
    ]
    assert (await owner.delete(path)).status_code == 204
    problem(await owner.get(path), 404, "media.state_not_found")


async def test_a_state_put_again_as_it_is_changes_and_logs_nothing(owner: Person) -> None:
    path = f"/media/items/{(await enter(owner))['id']}/state"
    first = await owner.put(path, json=STATE)
    again = await owner.put(path, json=STATE)
    conditional = await owner.put(path, json=STATE, headers={"If-Match": first.headers["etag"]})
    assert (again.json(), conditional.json()) == (first.json(), first.json())
    assert len(await pages(owner, f"{path}/log")) == 1


async def test_a_stale_state_is_not_overwritten(owner: Person) -> None:
    path = f"/media/items/{(await enter(owner))['id']}/state"
    problem(await owner.put(path, json=STATE, headers={"If-Match": '"1"'}), 412, "request.stale")
    await owner.put(path, json={"status": "active"})
    changed = await owner.put(path, json=STATE, headers={"If-Match": '"1"'})
    assert held(StateRead, changed)["version"] == 2
    problem(await owner.put(path, json={"status": "paused"}, headers={"If-Match": '"1"'}), 412, "request.stale")
    problem(await owner.delete(path, headers={"If-Match": '"1"'}), 412, "request.stale")
    assert (await owner.delete(path, headers={"If-Match": '"2"'})).status_code == 204


async def test_only_a_new_state_is_set_where_that_is_asked_for(owner: Person) -> None:
    path = f"/media/items/{(await enter(owner))['id']}/state"
    only_new = {"If-None-Match": "*"}
    puts = (owner.put(path, json={**STATE, "rating": rating}, headers=only_new) for rating in range(10))
    replies = await asyncio.gather(*puts)
    [first] = [reply.json() for reply in replies if reply.status_code == 200]
    refused = [problem(reply, 412, "request.stale") for reply in replies if reply.status_code != 200]
    assert len(refused) == 9
    assert {error["pointer"] for body in refused for error in body["errors"]} == {"header/If-None-Match"}
    assert (await owner.get(path)).json() == first
    assert len(await pages(owner, f"{path}/log")) == 1
    assert (await owner.delete(path)).status_code == 204
    both = {**only_new, "If-Match": f'"{first["version"]}"'}
    problem(await owner.put(path, json=STATE, headers=both), 412, "request.stale")
    assert (await owner.put(path, json=STATE, headers=only_new)).status_code == 200
    problem(await owner.put(path, json=STATE, headers={"If-None-Match": '"1"'}), 422, "request.invalid")
    nowhere = f"/media/items/{NOWHERE}/state"
    problem(await owner.put(nowhere, json=STATE, headers=only_new), 404, "media.not_found")


async def test_an_etag_never_comes_back_for_another_state(owner: Person) -> None:
    path = f"/media/items/{(await enter(owner))['id']}/state"
    tags = []
    for status in ("planned", "active", "paused"):
        tags.append((await owner.put(path, json={"status": status})).headers["etag"])
        await owner.delete(path)
    assert len(set(tags)) == 3
    await owner.put(path, json={"status": "dropped"})
    assert (await owner.get(path, headers={"If-None-Match": ", ".join(tags)})).status_code == 200


async def test_beginning_again_is_another_pass(owner: Person) -> None:
    item = await enter(owner)
    statuses = ("planned", "active", "paused", "active", "completed", "active", "dropped", "planned", "completed")
    passes = [(await set_state(owner, item, status=status))["pass_number"] for status in statuses]
    assert passes == [1, 1, 1, 1, 1, 2, 2, 3, 3]
    assert (await set_state(owner, item, status="active", pass_number=7))["pass_number"] == 7
    assert (await set_state(owner, item, status="completed", pass_number=10_000))["pass_number"] == 10_000
    assert (await set_state(owner, item, status="active"))["pass_number"] == 10_000


async def test_every_change_is_in_the_log_also_the_removal(owner: Person, stranger: Person) -> None:
    item = await enter(owner)
    path = f"/media/items/{item['id']}/state"
    assert held_page(LogEntryRead, await owner.get(f"{path}/log")) == []
    await set_state(owner, item, notes="first")
    await owner.put(path, json=STATE)
    await owner.delete(path)
    await set_state(stranger, item)
    log = held_page(LogEntryRead, await owner.get(f"{path}/log"))
    assert [(entry["action"], entry["status"], entry["notes"]) for entry in log] == [
        ("removed", "completed", STATE["notes"]),
        ("set", "completed", STATE["notes"]),
        ("set", "active", "first"),
    ]
    assert {name: log[0][name] for name in STATE} == STATE
    assert await pages(owner, f"{path}/log", limit=1) == log
    assert len(await pages(stranger, f"{path}/log")) == 1
    problem(await owner.get(f"/media/items/{NOWHERE}/state/log"), 404, "media.not_found")


async def test_nobody_rewrites_the_log_not_even_in_sql(app: FastAPI, owner: Person) -> None:
    item, other = await enter(owner), await enter(owner)
    await set_state(owner, item)
    async with app.state.runtime.database.connection() as connection:
        for statement in (
            "UPDATE monocoque_media.state_log SET status = 'dropped' WHERE item_id = $1",
            "UPDATE monocoque_media.state_log SET at = now() WHERE item_id = $1",
            f"UPDATE monocoque_media.state_log SET item_id = '{other['id']}' WHERE item_id = $1",
            "DELETE FROM monocoque_media.state_log WHERE item_id = $1",
        ):
            with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
                await connection.execute(statement, item["id"])
    assert len(await pages(owner, f"/media/items/{item['id']}/state/log")) == 1


async def test_the_log_goes_with_its_owner(app: FastAPI, owner: Person, stranger: Person) -> None:
    item = await enter(stranger)
    for person in (owner, stranger):
        await set_state(person, item)
    assert (await owner.delete("/auth/me")).status_code == 204
    async with app.state.runtime.database.connection() as connection:
        left = await connection.fetch("SELECT owner_id FROM monocoque_media.state_log WHERE item_id = $1", item["id"])
    assert [row["owner_id"] for row in left] == [stranger.id]


async def test_states_set_at_once_are_one_state_and_all_are_logged(owner: Person) -> None:
    path = f"/media/items/{(await enter(owner))['id']}/state"
    puts = [
        owner.put(path, json={"status": "active", "rating": rating}) for rating in range(10)
    ]  # as many as the pool has connections
    replies = await asyncio.gather(*puts)
    assert {reply.status_code for reply in replies} == {200}
    assert sorted(reply.json()["version"] for reply in replies) == list(range(1, 11))
    log = await pages(owner, f"{path}/log", limit=3)
    written = sorted((reply.json()["version"], reply.json()["rating"]) for reply in replies)
    assert [entry["rating"] for entry in reversed(log)] == [rating for _, rating in written]
    assert [entry["at"] for entry in log] == sorted((entry["at"] for entry in log), reverse=True)
    same = await asyncio.gather(*(owner.put(path, json={"status": "paused"}) for _ in range(10)))
    assert {reply.json()["version"] for reply in same} == {11}


async def test_the_log_tells_in_which_order_states_came_though_one_began_earlier(app: FastAPI, owner: Person) -> None:
    item = await enter(owner)
    path = f"/media/items/{item['id']}/state"
    await set_state(owner, item)
    database = app.state.runtime.database
    async with database.connection() as connection, database.connection() as watching:
        async with connection.transaction():
            await connection.execute(
                "SELECT FROM monocoque_media.user_item_states WHERE item_id = $1 FOR UPDATE", item["id"]
            )
            waiting = asyncio.create_task(owner.put(path, json={"status": "completed"}))
            await met(watching, WAITING)
            await connection.execute(
                "UPDATE monocoque_media.user_item_states SET status = 'paused', version = 2 WHERE item_id = $1",
                item["id"],
            )
            await connection.execute(
                "INSERT INTO monocoque_media.state_log "
                "(id, owner_id, item_id, at, action, pass_number, status, favorite) "
                "VALUES ($1, $2, $3, clock_timestamp(), 'set', 1, 'paused', false)",
                *(new_id(), owner.id, item["id"]),
            )
        state = (await waiting).json()
    log = await pages(owner, f"{path}/log", limit=1)
    assert [entry["status"] for entry in log] == ["completed", "paused", "active"]
    assert (state["version"], state["status"]) == (3, "completed")
    assert [entry["at"] for entry in log] == sorted((entry["at"] for entry in log), reverse=True)
    (record,) = (await owner.get("/media/export")).json()["records"]
    assert [entry["status"] for entry in record["log"]] == ["active", "paused", "completed"]


async def test_everyone_has_a_state_of_their_own(owner: Person, stranger: Person) -> None:
    item = await enter(owner)
    path = f"/media/items/{item['id']}/state"
    await owner.put(path, json=STATE)
    problem(await stranger.get(path), 404, "media.state_not_found")
    problem(await stranger.delete(path), 404, "media.state_not_found")
    await set_state(stranger, item, status="planned")
    assert (await owner.get(path)).json()["status"] == "completed"
    problem(await owner.put(f"/media/items/{NOWHERE}/state", json=STATE), 404, "media.not_found")
    problem(await owner.get(f"/media/items/{NOWHERE}/state"), 404, "media.not_found")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"status": "begun"}, "#/status"),
        ({"rating": 101}, "#/rating"),
        ({"rating": -1}, "#/rating"),
        ({"rating": 7.5}, "#/rating"),
        ({"rating": True}, "#/rating"),
        ({"favorite": 1}, "#/favorite"),
        ({"favorite": None}, "#/favorite"),
        ({"notes": "x" * 10_001}, "#/notes"),
        ({"notes": "\x00"}, "#/notes"),
        ({"started_at": "2024-02-30"}, "#/started_at"),
        ({"started_at": 0}, "#/started_at"),
        ({"started_at": "0001-01-01"}, "#/started_at"),
        ({"finished_at": "9999-12-31"}, "#/finished_at"),
        ({"started_at": "2024-05-17T00:00:00Z"}, "#/started_at"),
        ({"finished_at": "2024-04-30"}, "#"),
        ({"pass_number": 0}, "#/pass_number"),
        ({"pass_number": 10_001}, "#/pass_number"),
        ({"mood": "good"}, "#/mood"),
    ],
)
async def test_what_is_no_state_is_refused(owner: Person, change: dict[str, Any], pointer: str) -> None:
    path = f"/media/items/{(await enter(owner))['id']}/state"
    [error] = problem(await owner.put(path, json={**STATE, **change}), 422, "request.invalid")["errors"]
    assert error["pointer"] == pointer
    problem(await owner.get(path), 404, "media.state_not_found")
