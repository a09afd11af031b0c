"""A share opens one list to whoever has its link, shows nothing private, and ends at once."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from monocoque.runtime import Runtime
from monocoque_auth.administration import set_disabled
from tests.conftest import AppFactory, client_of
from tests.support import Person, problem, sign_up

from .conftest import VIN, Garage


def _later(**span: float) -> str:
    return (datetime.now(UTC) + timedelta(**span)).isoformat()


def _same_in_every_reply(reply: httpx.Response) -> str:
    return re.sub(r'"(instance|request_id)":"(?:[^"\\]|\\.)*"', "", reply.text)


async def _rich(garage: Garage) -> tuple[str, str, str]:
    """A list of everything there is to show and to hide; its id, its car's and its part's."""
    car_id = await garage.car(vin=VIN, nickname="Weekend", notes="secret-note-of-the-car")
    part_id = await garage.part(
        "Pads",
        brand="Brembo",
        category="Brakes",
        part_number="P 49",
        url="https://shop.example.com/p",
        notes="secret-note-of-the-part",
        price={"amount": "129.90", "currency": "EUR"},
    )
    list_id = await garage.new_list("Track day", description="Brakes first.", car_id=car_id)
    await garage.item(list_id, part_id=part_id, quantity=2, notes="Left and right.", status="ordered")
    await garage.item(list_id, name="Fluid", paid={"amount": "1500", "currency": "JPY"})
    return list_id, car_id, part_id


async def test_anyone_with_the_link_sees_the_list_and_nothing_private(
    client: httpx.AsyncClient, garage: Garage, owner: Person
) -> None:
    list_id, car_id, part_id = await _rich(garage)
    token = await garage.share(list_id)
    body = await garage.shared(token)
    updated_at = body.pop("updated_at")
    # PostgreSQL leaves out the zeros at the end of a second's fraction.
    assert datetime.fromisoformat(updated_at) == datetime.fromisoformat((await garage.read(list_id))["updated_at"])
    assert body == {
        "name": "Track day",
        "description": "Brakes first.",
        "car": {"make": "Mazda", "model": "MX-5", "year": 1990, "nickname": "Weekend"},
        "item_count": 2,
        "totals": [{"amount": "259.80", "currency": "EUR"}, {"amount": "1500", "currency": "JPY"}],
        "items": [
            {
                "name": "Pads",
                "brand": "Brembo",
                "category": "Brakes",
                "part_number": "P 49",
                "url": "https://shop.example.com/p",
                "quantity": 2,
                "status": "ordered",
                "notes": "Left and right.",
                "price": {"amount": "129.90", "currency": "EUR"},
                "line_total": {"amount": "259.80", "currency": "EUR"},
            },
            {
                "name": "Fluid",
                "brand": None,
                "category": None,
                "part_number": None,
                "url": None,
                "quantity": 1,
                "status": "wanted",
                "notes": None,
                "price": None,
                "line_total": {"amount": "1500", "currency": "JPY"},
            },
        ],
    }
    reply = await client.get(f"/public/build-lists/{token}")
    everything = reply.text + str(reply.headers)
    for private in (VIN, owner.email, str(owner.id), "secret-note", list_id, car_id, part_id):
        assert private not in everything
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.headers["x-robots-tag"] == "noindex"
    assert (await client.get(f"/public/build-lists/{token}", headers=owner.headers)).content == reply.content


async def test_a_current_copy_is_not_sent_again_until_anything_shown_changes(
    client: httpx.AsyncClient, owner: Person, garage: Garage
) -> None:
    list_id, car_id, part_id = await _rich(garage)
    path = f"/public/build-lists/{await garage.share(list_id)}"
    [item, _] = await garage.items(list_id)
    for change in (
        owner.patch(f"/parts/{part_id}", json={"price": {"amount": "99"}}),
        owner.patch(f"/cars/{car_id}", json={"nickname": None}),
        owner.patch(f"/build-lists/{list_id}/items/{item['id']}", json={"notes": "Front only."}),
        owner.patch(f"/build-lists/{list_id}", json={"description": None}),
        owner.delete(f"/cars/{car_id}"),
        owner.delete(f"/parts/{part_id}"),
    ):
        tag = (await client.get(path)).headers["etag"]
        same = await client.get(path, headers={"If-None-Match": f'"other", W/{tag}'})
        assert (same.status_code, same.content) == (304, b"")
        assert (same.headers["etag"], same.headers["cache-control"]) == (tag, "no-cache")
        assert (await change).is_success
        reply = await client.get(path, headers={"If-None-Match": tag})
        assert reply.status_code == 200
        assert reply.headers["etag"] != tag
    assert reply.json()["car"] is None
    assert reply.json()["items"][0]["name"] == "Pads"
    assert reply.json()["items"][0]["price"] is None


async def test_an_empty_list_whose_car_was_deleted_can_be_shared(owner: Person, garage: Garage) -> None:
    token = await garage.share(await garage.new_list())
    await owner.delete(f"/cars/{await garage.any_car()}")
    body = await garage.shared(token)
    assert (body["car"], body["items"], body["totals"], body["item_count"]) == (None, [], [], 0)


async def test_whatever_the_reason_the_same_404_says_that_nothing_is_shared(
    client: httpx.AsyncClient, owner: Person, garage: Garage, runtime: Runtime
) -> None:
    async def list_and_token() -> tuple[str, str]:
        list_id = await garage.new_list()
        return list_id, await garage.share(list_id)

    revoked_list, revoked = await list_and_token()
    await owner.delete(f"/build-lists/{revoked_list}/share")
    rotated_list, rotated = await list_and_token()
    living = await garage.share(rotated_list)
    deleted_list, deleted = await list_and_token()
    await owner.delete(f"/build-lists/{deleted_list}")
    expired_list = await garage.new_list()
    expired = await garage.share(expired_list, expires_at=_later(hours=1))
    async with runtime.database.connection() as connection:
        await connection.execute(
            "UPDATE monocoque_build_lists.build_lists SET share_expires_at = now() WHERE id = $1", UUID(expired_list)
        )
    digest = hashlib.sha256(living.encode()).hexdigest()
    bodies = set()
    for token in (
        revoked, rotated, deleted, expired, "A" * 43, "short", living[:-1], f"{living}A", f"{living}%00", digest,
        "%F0%9F%8F%8E", "%ED%A0%80", "..%2f..", "'; DROP TABLE items; --", "x" * 5000, rotated_list,
    ):  # fmt: skip
        reply = await client.get(f"/public/build-lists/{token}")
        if "%2f" in token:  # a slash makes it an address of another shape
            problem(reply, 404, "request.not_found")
            continue
        problem(reply, 404, "build_lists.share_not_found")
        bodies.add(_same_in_every_reply(reply))
    assert len(bodies) == 1
    assert (await client.get(f"/public/build-lists/{living}")).status_code == 200
    await owner.post(f"/build-lists/{deleted_list}/restore")
    assert (await client.get(f"/public/build-lists/{deleted}")).status_code == 200


async def test_what_a_disabled_account_shared_opens_again_when_it_is_enabled(
    client: httpx.AsyncClient, owner: Person, stranger: Person, runtime: Runtime
) -> None:
    mine, theirs = [
        f"/public/build-lists/{await garage.share(await garage.new_list())}"
        for garage in (Garage(owner), Garage(stranger))
    ]
    tag = (await client.get(mine)).headers["etag"]
    await set_disabled(runtime, owner.email, disabled=True)
    for headers in ({}, {"If-None-Match": tag}):
        refused = await client.get(mine, headers=headers)
        problem(refused, 404, "build_lists.share_not_found")
    never = await client.get(f"/public/build-lists/{'A' * 43}")
    assert _same_in_every_reply(refused) == _same_in_every_reply(never)
    assert (await client.get(theirs)).status_code == 200
    await set_disabled(runtime, owner.email, disabled=False)
    assert (await client.get(mine)).headers["etag"] == tag


async def test_the_list_says_whether_it_is_shared_and_until_when(
    owner: Person, garage: Garage, runtime: Runtime
) -> None:
    list_id = await garage.new_list()
    path = f"/build-lists/{list_id}"

    async def state() -> tuple[Any, ...]:
        body = await garage.read(list_id)
        return body["shared"], body["share_expires_at"], body["version"]

    assert await state() == (False, None, 1)
    await garage.share(list_id)
    assert await state() == (True, None, 2)
    await garage.share(list_id, expires_at="2099-12-31T23:59:59+02:00")
    assert await state() == (True, "2099-12-31T21:59:59+00:00", 3)
    tag = (await owner.get(path)).headers["etag"]
    async with runtime.database.connection() as connection:
        await connection.execute(
            "UPDATE monocoque_build_lists.build_lists SET share_expires_at = now() WHERE id = $1", UUID(list_id)
        )
    # Expiry makes no new version, so the copy from before must not be called current.
    reply = await owner.get(path, headers={"If-None-Match": tag})
    assert (reply.status_code, reply.json()["shared"]) == (200, False)
    for _ in range(2):
        assert (await owner.delete(f"{path}/share")).status_code == 204
        assert await state() == (False, None, 4)


async def test_a_share_that_expires_opens_until_then(garage: Garage) -> None:
    token = await garage.share(await garage.new_list(), expires_at=_later(hours=1))
    assert (await garage.shared(token))["name"] == "Track day"


@pytest.mark.parametrize(
    "expires_at", ["2026-01-01T00:00:00Z", "2099-01-01T00:00:00", "soon", 4102444800, "0001-01-01"]
)
async def test_the_expiry_is_a_time_to_come_with_its_offset(owner: Person, garage: Garage, expires_at: Any) -> None:
    list_id = await garage.new_list()
    reply = await owner.post(f"/build-lists/{list_id}/share", json={"expires_at": expires_at})
    assert problem(reply, 422, "request.invalid")["errors"][0]["pointer"] == "#/expires_at"
    assert not (await garage.read(list_id))["shared"]


async def test_a_token_is_kept_as_a_digest_only(owner: Person, garage: Garage, runtime: Runtime) -> None:
    list_id = await garage.new_list()
    key = {"Idempotency-Key": "made-up-key-of-a-share"}
    reply = await owner.post(f"/build-lists/{list_id}/share", json={}, headers=key)
    token = reply.json()["token"]
    assert (len(token), reply.headers["cache-control"]) == (43, "no-store")
    async with runtime.database.connection() as connection:
        row = await connection.fetchrow("SELECT * FROM monocoque_build_lists.build_lists WHERE id = $1", UUID(list_id))
        kept = await connection.fetchval(
            "SELECT count(*) FROM monocoque.idempotency_keys WHERE position($1::bytea in body) > 0", token.encode()
        )
    assert row["share_digest"] == hashlib.sha256(token.encode()).digest()
    assert token not in str(row)
    assert kept == 0


async def test_tokens_differ_and_rotation_leaves_one(client: httpx.AsyncClient, owner: Person, garage: Garage) -> None:
    list_id = await garage.new_list()
    tokens = [await garage.share(list_id) for _ in range(5)]
    assert len(set(tokens)) == 5
    statuses = [(await client.get(f"/public/build-lists/{token}")).status_code for token in tokens]
    assert statuses == [404, 404, 404, 404, 200]


async def test_the_url_opens_the_list(client: httpx.AsyncClient, owner: Person, garage: Garage) -> None:
    reply = await owner.post(f"/build-lists/{await garage.new_list()}/share")
    url = reply.json()["url"]
    assert url == f"http://monocoque.test/api/v1/public/build-lists/{reply.json()['token']}"
    assert (await client.get(url)).status_code == 200
    assert reply.json()["page_url"] == f"http://monocoque.test/l/{reply.json()['token']}"
    assert (await client.get(reply.json()["page_url"])).headers["content-type"] == "text/html; charset=utf-8"


async def test_the_url_begins_with_the_public_address_where_that_is_set(
    worker_database_url: str, make_app: AppFactory
) -> None:
    app = await make_app(worker_database_url, public_url="https://build.example.org/base/", api_prefix="/v2")
    async with client_of(app, "/v2") as client:
        person = await sign_up(client)
        car = (await person.post("/cars", json={"make": "Mazda", "model": "MX-5", "year": 1990})).json()
        build_list = (await person.post("/build-lists", json={"name": "A", "car_id": car["id"]})).json()
        shared = (await person.post(f"/build-lists/{build_list['id']}/share")).json()
        assert shared["url"] == f"https://build.example.org/base/v2/public/build-lists/{shared['token']}"
        assert shared["page_url"] == f"https://build.example.org/base/l/{shared['token']}"
        assert (await client.get(f"/public/build-lists/{shared['token']}")).status_code == 200


async def test_reading_a_shared_list_takes_one_statement(
    client: httpx.AsyncClient, garage: Garage, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    list_id, _, _ = await _rich(garage)
    token = await garage.share(list_id)
    statements = []
    for name in ("all", "first", "value", "run", "transact"):
        original = getattr(runtime.database, name)

        def counted(*arguments: Any, _original: Any = original, **parameters: Any) -> Any:
            statements.append(arguments)
            return _original(*arguments, **parameters)

        monkeypatch.setattr(runtime.database, name, counted)
    assert (await client.get(f"/public/build-lists/{token}")).status_code == 200
    assert len(statements) == 1
