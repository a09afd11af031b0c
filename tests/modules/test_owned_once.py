"""Creating once: what the Idempotency-Key promises, and what many at the same time may not break."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI

from monocoque.idempotency import PURGE_EXPIRED
from tests.modules.resources import CARS, Resource, each_resource, new_vin, same
from tests.support import Person, problem

AT_ONCE = 20


def with_key(key: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": key or uuid4().hex}


@each_resource
async def test_the_same_request_with_the_same_key_takes_effect_once(resource: Resource, owner: Person) -> None:
    headers, given = with_key(), resource.whole()
    first = await owner.post(resource.path, json=given, headers=headers)
    again = await owner.post(resource.path, json=given, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert resource.read(again)["id"] == resource.read(first)["id"]
    for name in ("etag", "location", "content-type", "content-length"):
        assert again.headers[name] == first.headers[name]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert len(await resource.listed(owner)) == 1


@each_resource
async def test_the_first_reply_is_given_again_after_a_change(resource: Resource, owner: Person) -> None:
    headers, given = with_key(), resource.whole()
    first = await owner.post(resource.path, json=given, headers=headers)
    assert (await owner.delete(resource.at(first.json()["id"]))).status_code == 204
    again = await owner.post(resource.path, json=given, headers=headers)
    assert (again.status_code, again.content) == (201, first.content)
    assert await resource.listed(owner) == []


@each_resource
async def test_a_key_does_not_serve_another_request(resource: Resource, owner: Person) -> None:
    headers = with_key()
    made = (await owner.post(resource.path, json=resource.least, headers=headers)).json()
    document = problem(
        await owner.post(resource.path, json=resource.whole(), headers=headers), 422, "request.idempotency_key_reused"
    )
    assert [error["pointer"] for error in document["errors"]] == ["header/Idempotency-Key"]
    assert await resource.listed(owner) == [made["id"]]


@each_resource
async def test_a_key_belongs_to_a_person(resource: Resource, owner: Person, stranger: Person) -> None:
    headers = with_key()
    mine = await owner.post(resource.path, json=resource.whole(), headers=headers)
    theirs = await stranger.post(resource.path, json=resource.least, headers=headers)
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["id"] != theirs.json()["id"]
    assert await resource.listed(stranger) == [theirs.json()["id"]]


async def test_a_key_belongs_to_a_kind_of_thing(owner: Person) -> None:
    headers = with_key()
    assert (await owner.post("/cars", json=CARS.least, headers=headers)).status_code == 201
    assert (await owner.post("/parts", json={"name": "Fuse"}, headers=headers)).status_code == 201


@each_resource
async def test_many_identical_requests_with_one_key_make_one_row(resource: Resource, owner: Person) -> None:
    headers, given = with_key(), resource.whole()
    replies = await asyncio.gather(*(owner.post(resource.path, json=given, headers=headers) for _ in range(AT_ONCE)))
    made = {reply.json()["id"] for reply in replies if reply.status_code == 201}
    for reply in replies:
        if reply.status_code != 201:
            problem(reply, 409, "request.idempotency_in_flight")
            assert reply.headers["retry-after"] == "1"
    assert len(made) == 1
    assert sum(reply.status_code == 201 and "idempotency-replayed" not in reply.headers for reply in replies) == 1
    assert await resource.listed(owner) == list(made)
    settled = await owner.post(resource.path, json=given, headers=headers)
    assert {settled.json()["id"]} == made


@each_resource
async def test_many_identical_requests_without_a_key_make_as_many(resource: Resource, owner: Person) -> None:
    replies = await asyncio.gather(*(owner.post(resource.path, json=resource.least) for _ in range(AT_ONCE)))
    assert {reply.status_code for reply in replies} == {201}
    assert len(set(await resource.listed(owner))) == AT_ONCE


@each_resource
async def test_a_refused_request_leaves_its_key_free(resource: Resource, owner: Person) -> None:
    headers = with_key()
    problem(await owner.post(resource.path, json={}, headers=headers), 422, "request.invalid")
    reply = await owner.post(resource.path, json=resource.least, headers=headers)
    assert reply.status_code == 201
    assert "idempotency-replayed" not in reply.headers


async def test_a_conflict_stores_nothing_and_leaves_its_key_free(owner: Person) -> None:
    vin, headers = new_vin(), with_key()
    first = await CARS.create(owner, vin=vin)
    given = {**CARS.least, "vin": vin}
    problem(await owner.post("/cars", json=given, headers=headers), 409, "cars.vin_taken")
    problem(await owner.post("/cars", json=given, headers=headers), 409, "cars.vin_taken")
    assert await CARS.listed(owner) == [first["id"]]
    await owner.delete(CARS.at(first["id"]))
    reply = await owner.post("/cars", json=given, headers=headers)
    assert reply.status_code == 201
    assert same(given, CARS.read(reply))


@each_resource
@pytest.mark.parametrize("key", ["", "a b", "ä".encode(), "k" * 201, b"tab\there", b"\x7f"])
async def test_a_key_that_is_none_is_refused(resource: Resource, owner: Person, key: Any) -> None:
    raw = key if isinstance(key, bytes) else key.encode()
    headers = [(b"Authorization", owner.headers["Authorization"].encode()), (b"Idempotency-Key", raw)]
    document = problem(
        await owner.client.post(resource.path, json=resource.least, headers=headers), 422, "request.invalid"
    )
    assert [error["pointer"] for error in document["errors"]] == ["header/Idempotency-Key"]
    assert await resource.listed(owner) == []


@each_resource
async def test_the_longest_key_serves(resource: Resource, owner: Person) -> None:
    headers = with_key("~" * 200)
    for replayed in (False, True):
        reply = await owner.post(resource.path, json=resource.least, headers=headers)
        assert reply.status_code == 201
        assert ("idempotency-replayed" in reply.headers) is replayed


async def test_a_key_is_kept_for_a_day(owner: Person, app: FastAPI) -> None:
    database = app.state.runtime.database
    headers, path = with_key(), "/cars"
    first = (await owner.post(path, json=CARS.least, headers=headers)).json()["id"]
    for hours, kept in ((23, True), (25, False)):
        async with database.connection() as connection:
            await connection.execute(
                "UPDATE monocoque.idempotency_keys SET expires_at = now() + make_interval(hours => $2) WHERE key = $1",
                headers["Idempotency-Key"],
                24 - hours,
            )
        await database.run(PURGE_EXPIRED)
        again = (await owner.post(path, json=CARS.least, headers=headers)).json()["id"]
        assert (again == first) is kept


async def test_of_many_identical_cars_with_one_vin_one_is_made(owner: Person) -> None:
    given = {**CARS.least, "vin": new_vin()}
    replies = await asyncio.gather(*(owner.post("/cars", json=given) for _ in range(AT_ONCE)))
    assert sorted(reply.status_code for reply in replies) == [201] + [409] * (AT_ONCE - 1)
    for reply in replies:
        if reply.status_code == 409:
            problem(reply, 409, "cars.vin_taken")
    assert len(await CARS.listed(owner)) == 1
