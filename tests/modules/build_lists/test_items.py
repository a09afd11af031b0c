"""Items: what they may be, their order, and what holds when many people change them at once."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any
from uuid import UUID, uuid4

import pytest

from monocoque.runtime import Runtime
from monocoque_build_lists.item_service import order_errors
from monocoque_build_lists.schemas import MAX_ITEMS, BuildListRead, ItemRead
from tests.support import Person, checked, problem

from .conftest import Garage


async def _fill(runtime: Any, list_id: str, count: int) -> None:
    """Put `count` items into an empty list, past the API for speed."""
    async with runtime.database.connection() as connection, connection.transaction():
        await connection.execute(
            "INSERT INTO monocoque_build_lists.items (id, list_id, position, name, quantity, status) "
            "SELECT gen_random_uuid(), $1, n, 'Bolt ' || n, 1, 'wanted' FROM generate_series(1, $2) n",
            UUID(list_id),
            count,
        )
        await connection.execute(
            "UPDATE monocoque_build_lists.build_lists SET item_count = $2 WHERE id = $1", UUID(list_id), count
        )


async def test_an_item_is_a_part_or_a_name_or_both(garage: Garage) -> None:
    list_id = await garage.new_list()
    part_id = await garage.part(
        "Pads",
        brand="Brembo",
        category="Brakes",
        part_number="P 49",
        url="https://shop.example.com/p",
        notes="Hidden.",
        price={"amount": "129.90", "currency": "EUR"},
    )
    item = await garage.item(list_id, part_id=part_id, quantity=2)
    assert {name: item[name] for name in ("name", "brand", "category", "part_number", "url", "notes")} == {
        "name": "Pads",
        "brand": "Brembo",
        "category": "Brakes",
        "part_number": "P 49",
        "url": "https://shop.example.com/p",
        "notes": None,
    }
    assert (item["status"], item["quantity"], item["position"], item["version"]) == ("wanted", 2, 1, 1)
    assert item["price"] == {"amount": "129.90", "currency": "EUR"}
    assert item["line_total"] == {"amount": "259.80", "currency": "EUR"}

    free = await garage.item(list_id, name="Brake fluid", notes="DOT 4", status="received", quantity=3)
    assert (free["part_id"], free["price"], free["line_total"], free["status"]) == (None, None, None, "received")
    paid = await garage.item(
        list_id, part_id=await garage.part(price={"amount": "9", "currency": "EUR"}), name="Own words",
        quantity=4, paid={"amount": "30", "currency": "USD"},
    )  # fmt: skip
    assert paid["name"] == "Own words"
    assert paid["paid"] == paid["line_total"] == {"amount": "30.00", "currency": "USD"}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#"),
        ({"part_id": None, "name": None}, "#"),
        ({"name": ""}, "#/name"),
        ({"name": "x" * 201}, "#/name"),
        ({"name": "A", "quantity": 0}, "#/quantity"),
        ({"name": "A", "quantity": 10_001}, "#/quantity"),
        ({"name": "A", "quantity": True}, "#/quantity"),
        ({"name": "A", "quantity": 1.5}, "#/quantity"),
        ({"name": "A", "status": "lost"}, "#/status"),
        ({"name": "A", "paid": {"amount": "-1", "currency": "EUR"}}, "#/paid/amount"),
        ({"name": "A", "paid": {"amount": 1.5, "currency": "EUR"}}, "#/paid/amount"),
        ({"name": "A", "paid": {"amount": "1.005", "currency": "EUR"}}, "#/paid"),
        ({"name": "A", "paid": {"amount": "1", "currency": "XXX"}}, "#/paid/currency"),
        ({"name": "A", "notes": "\ud800"}, "#"),
        ({"name": "A", "position": 1}, "#/position"),
    ],
)
async def test_what_is_no_item_is_refused(owner: Person, garage: Garage, body: dict[str, Any], pointer: str) -> None:
    list_id = await garage.new_list()
    reply = await owner.post(
        f"/build-lists/{list_id}/items", content=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    document = problem(reply, 422, "request.invalid")
    assert document["errors"][0]["pointer"].startswith(pointer)
    assert (await garage.read(list_id))["version"] == 1


async def test_only_a_living_part_of_ones_own_can_be_listed(
    owner: Person, garage: Garage, their_garage: Garage
) -> None:
    list_id = await garage.new_list()
    free = await garage.item(list_id, name="Brake fluid")
    deleted = await garage.part()
    await owner.delete(f"/parts/{deleted}")
    before = await garage.read(list_id)
    for part_id in (await their_garage.part(), deleted, str(uuid4())):
        for reply in (
            await owner.post(f"/build-lists/{list_id}/items", json={"part_id": part_id}),
            await owner.patch(f"/build-lists/{list_id}/items/{free['id']}", json={"part_id": part_id}),
        ):
            document = problem(reply, 422, "build_lists.part_unknown")
            assert [error["pointer"] for error in document["errors"]] == ["#/part_id"]
    assert await garage.read(list_id) == before


async def test_a_part_is_in_a_list_once_however_many_post_it_at_once(owner: Person, garage: Garage) -> None:
    list_id, part_id = await garage.new_list(), await garage.part()
    path = f"/build-lists/{list_id}/items"
    replies = await asyncio.gather(*(owner.post(path, json={"part_id": part_id}) for _ in range(20)))
    assert sorted(reply.status_code for reply in replies) == [201] + [409] * 19
    for reply in replies:
        if reply.status_code == 409:
            problem(reply, 409, "build_lists.part_already_listed")
    assert (await garage.read(list_id))["item_count"] == 1
    other = await garage.item(list_id, name="Brake fluid")
    reply = await owner.patch(f"{path}/{other['id']}", json={"part_id": part_id})
    problem(reply, 409, "build_lists.part_already_listed")
    assert (await garage.item(await garage.new_list(), part_id=part_id))["part_id"] == part_id


async def test_an_item_is_changed_member_by_member(owner: Person, garage: Garage) -> None:
    list_id = await garage.new_list()
    item = await garage.item(list_id, name="Fluid", notes="DOT 4", paid={"amount": "19.80", "currency": "EUR"})
    path = f"/build-lists/{list_id}/items/{item['id']}"

    async def patch(**change: Any) -> dict[str, Any]:
        body: dict[str, Any] = checked(await owner.patch(path, json=change), 200, ItemRead)
        return body

    assert (await patch(status="installed", quantity=2))["notes"] == "DOT 4"
    assert (await patch(paid={"amount": "21"}))["paid"] == {"amount": "21.00", "currency": "EUR"}
    reply = await owner.patch(path, json={"paid": {"currency": "JPY", "amount": "0.5"}})
    assert problem(reply, 422, "request.invalid")["errors"][0]["pointer"] == "#/paid"
    cleared = await patch(notes=None, paid=None)
    assert (cleared["notes"], cleared["paid"], cleared["line_total"], cleared["version"]) == (None, None, None, 4)
    reply = await owner.patch(path, json={"paid": {"amount": "5"}})
    assert problem(reply, 422, "request.invalid")["errors"][0]["pointer"] == "#/paid/currency"
    nameless = problem(await owner.patch(path, json={"name": None}), 422, "build_lists.item_nameless")
    assert nameless["errors"][0]["pointer"] == "#/name"

    part_id = await garage.part("Pads", price={"amount": "10", "currency": "EUR"})
    linked = await patch(part_id=part_id, name=None)
    assert (linked["name"], linked["line_total"]) == ("Pads", {"amount": "20.00", "currency": "EUR"})
    unlinked = await patch(part_id=None)
    assert (unlinked["name"], unlinked["part_id"], unlinked["price"]) == ("Pads", None, None)
    assert checked(await owner.get(path), 200, ItemRead) == unlinked


async def test_an_item_has_an_etag_of_its_own_and_moves_that_of_its_list(owner: Person, garage: Garage) -> None:
    list_id = await garage.new_list()
    first, second = await garage.item(list_id, name="A"), await garage.item(list_id, name="B")
    path = f"/build-lists/{list_id}/items"
    versions = [(await garage.read(list_id))["version"]]
    reply = await owner.patch(f"{path}/{first['id']}", json={"name": "C"}, headers={"If-Match": '"1"'})
    assert reply.headers["etag"] == '"2"'
    versions.append((await garage.read(list_id))["version"])
    problem(await owner.patch(f"{path}/{first['id']}", json={}, headers={"If-Match": '"1"'}), 412, "request.stale")
    problem(await owner.delete(f"{path}/{first['id']}", headers={"If-Match": '"1"'}), 412, "request.stale")
    assert (await garage.read(list_id))["version"] == versions[-1]
    before = (await garage.read(list_id))["updated_at"]
    assert (await owner.delete(f"{path}/{second['id']}", headers={"If-Match": '"1"'})).status_code == 204
    after = await garage.read(list_id)
    assert [*versions, after["version"]] == [3, 4, 5]
    assert (after["item_count"], after["updated_at"] > before) == (1, True)


async def test_an_item_of_another_list_is_not_there(owner: Person, garage: Garage) -> None:
    mine, other = await garage.new_list(), await garage.new_list()
    item = await garage.item(other, name="Brake fluid")
    before = await garage.read(mine)
    path = f"/build-lists/{mine}/items/{item['id']}"
    for method, body in (("GET", None), ("PATCH", {"quantity": 2}), ("DELETE", None)):
        problem(await owner.call(method, path, json=body), 404, "build_lists.item_not_found")
    assert await garage.read(mine) == before
    assert (await garage.items(other))[0]["quantity"] == 1


async def test_items_come_in_their_order_page_by_page(owner: Person, garage: Garage) -> None:
    list_id = await garage.new_list()
    ids = [(await garage.item(list_id, name=f"Bolt {n}"))["id"] for n in range(5)]
    await owner.delete(f"/build-lists/{list_id}/items/{ids.pop(1)}")
    ids.append((await garage.item(list_id, name="Last"))["id"])
    assert [row["id"] for row in await garage.items(list_id)] == ids

    path = f"/build-lists/{list_id}/items?limit=2"
    seen: list[str] = []
    cursor = None
    while True:
        reply = await owner.get(path + (f"&cursor={cursor}" if cursor else ""))
        seen += [row["id"] for row in reply.json()["items"]]
        cursor = reply.json()["next_cursor"]
        assert ("link" in reply.headers) == bool(cursor)
        if cursor is None:
            break
    assert seen == ids
    problem(await owner.get(f"{path}&cursor=AAAA"), 422, "request.cursor_invalid")
    assert await garage.items(await garage.new_list()) == []


async def test_the_whole_order_is_set_at_once(garage: Garage) -> None:
    list_id = await garage.new_list()
    made = [await garage.item(list_id, name=f"Bolt {n}") for n in range(4)]
    ids = [made[n]["id"] for n in (2, 1, 3, 0)]
    body = checked(await garage.order(list_id, ids), 200, BuildListRead)
    assert (body["version"], body["item_count"]) == (6, 4)
    items = await garage.items(list_id)
    assert [row["id"] for row in items] == ids
    # Whoever holds a moved item has a stale copy; the one that stayed in its place is as it was.
    assert {row["name"]: row["version"] for row in items} == {"Bolt 2": 2, "Bolt 1": 1, "Bolt 3": 2, "Bolt 0": 2}
    assert (await garage.item(list_id, name="Last"))["position"] == 5


async def test_an_order_names_each_item_exactly_once(garage: Garage) -> None:
    list_id = await garage.new_list()
    ids = [(await garage.item(list_id, name=f"Bolt {n}"))["id"] for n in range(3)]
    elsewhere = (await garage.item(await garage.new_list(), name="Nut"))["id"]
    before = await garage.read(list_id)
    for order, pointers in (
        (ids[:2], ["#/items"]),
        ([], ["#/items"]),
        ([*ids, elsewhere], ["#/items/3"]),
        ([*ids, ids[0]], ["#/items/3"]),
        ([ids[0], str(uuid4()), ids[0]], ["#/items/1", "#/items/2", "#/items"]),
    ):
        document = problem(await garage.order(list_id, order), 422, "build_lists.order_mismatch")
        assert [error["pointer"] for error in document["errors"]] == pointers
    assert await garage.read(list_id) == before
    assert [row["id"] for row in await garage.items(list_id)] == ids
    problem(await garage.order(list_id, [str(uuid4())] * (MAX_ITEMS + 1)), 422, "request.invalid")


def test_the_errors_of_an_order_are_bounded() -> None:
    strangers = [uuid4() for _ in range(MAX_ITEMS)]
    assert len(order_errors(strangers, {uuid4()})) == 51


async def test_of_two_orders_of_the_same_version_one_wins(owner: Person, garage: Garage) -> None:
    list_id = await garage.new_list()
    ids = [(await garage.item(list_id, name=f"Bolt {n}"))["id"] for n in range(6)]
    chance = random.Random(20260101)
    for _ in range(5):
        tag = (await owner.get(f"/build-lists/{list_id}")).headers["etag"]
        orders = [chance.sample(ids, 6) for _ in range(2)]
        replies = await asyncio.gather(*(garage.order(list_id, order, **{"If-Match": tag}) for order in orders))
        assert sorted(reply.status_code for reply in replies) == [200, 412]
        winner = orders[0] if replies[0].status_code == 200 else orders[1]
        assert [row["id"] for row in await garage.items(list_id)] == winner


async def test_orders_additions_and_removals_at_once_lose_and_double_nothing(
    owner: Person, garage: Garage, runtime: Runtime
) -> None:
    list_id = await garage.new_list()
    ids = [(await garage.item(list_id, name=f"Bolt {n}"))["id"] for n in range(8)]
    path, chance = f"/build-lists/{list_id}/items", random.Random(7)
    replies = await asyncio.gather(
        *(owner.post(path, json={"name": f"New {n}"}) for n in range(8)),
        *(garage.order(list_id, chance.sample(ids, 8)) for _ in range(8)),
        *(owner.delete(f"{path}/{item_id}") for item_id in ids[:3]),
        *(owner.post(f"/build-lists/{list_id}/clone") for _ in range(2)),
    )
    assert {reply.status_code for reply in replies} <= {200, 201, 204, 422}
    assert [reply.status_code for reply in replies[:8]] == [201] * 8
    items = await garage.items(list_id)
    kept = {*ids[3:], *(reply.json()["id"] for reply in replies[:8])}
    assert {row["id"] for row in items} == kept
    positions = [row["position"] for row in items]
    assert positions == sorted(set(positions))
    assert (await garage.read(list_id))["item_count"] == len(items) == 13
    for reply in replies[-2:]:
        assert len(await garage.items(reply.json()["id"])) == reply.json()["item_count"]


async def test_a_list_has_at_most_500_items_however_many_come_at_once(
    owner: Person, garage: Garage, runtime: Runtime
) -> None:
    list_id = await garage.new_list()
    await _fill(runtime, list_id, MAX_ITEMS - 3)
    path = f"/build-lists/{list_id}/items"
    replies = await asyncio.gather(*(owner.post(path, json={"name": f"Late {n}"}) for n in range(10)))
    assert sorted(reply.status_code for reply in replies) == [201] * 3 + [422] * 7
    for reply in replies:
        if reply.status_code == 422:
            document = problem(reply, 422, "build_lists.too_many_items")
            assert [error["pointer"] for error in document["errors"]] == ["#"]
    items = await garage.items(list_id)
    assert len(items) == (await garage.read(list_id))["item_count"] == MAX_ITEMS
    assert (await garage.order(list_id, [row["id"] for row in reversed(items)])).status_code == 200
    clone = (await owner.post(f"/build-lists/{list_id}/clone")).json()
    assert len(await garage.items(clone["id"])) == MAX_ITEMS
    await owner.delete(f"{path}/{items[0]['id']}")
    await garage.item(list_id, name="Fits again")


async def test_an_item_is_added_once_for_one_idempotency_key(owner: Person, garage: Garage) -> None:
    list_id = await garage.new_list()
    key = {"Idempotency-Key": uuid4().hex}
    first, again = [
        await owner.post(f"/build-lists/{list_id}/items", json={"name": "Fluid"}, headers=key) for _ in range(2)
    ]
    assert first.json() == again.json()
    assert (await garage.read(list_id))["item_count"] == 1
