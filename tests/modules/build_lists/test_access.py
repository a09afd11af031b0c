"""Whose a list is comes before everything else: to all but its owner it is not there, whatever a body names."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tests.support import Person, problem

from .conftest import Garage


async def test_only_a_living_car_of_ones_own_can_be_named(owner: Person, garage: Garage, their_garage: Garage) -> None:
    deleted = await garage.car()
    await owner.delete(f"/cars/{deleted}")
    list_id = await garage.new_list()
    path = f"/build-lists/{list_id}"
    for car_id in (await their_garage.car(), deleted, str(uuid4())):
        for reply in (
            await owner.post("/build-lists", json={"name": "A", "car_id": car_id}),
            await owner.put(path, json={"name": "A", "car_id": car_id}),
            await owner.patch(path, json={"car_id": car_id}),
            await owner.post(f"{path}/clone", json={"car_id": car_id}),
        ):
            document = problem(reply, 422, "build_lists.car_unknown")
            assert [error["pointer"] for error in document["errors"]] == ["#/car_id"]
    assert (await garage.read(list_id))["version"] == 1


async def test_to_someone_else_a_list_is_not_there(garage: Garage, stranger: Person, their_garage: Garage) -> None:
    list_id, car_id, their_car = await garage.new_list(), await garage.car(), await their_garage.car()
    part_id = await garage.part()
    item = await garage.item(list_id, name="Brake fluid")
    await garage.share(list_id)
    before = await garage.read(list_id)
    path, items = f"/build-lists/{list_id}", f"/build-lists/{list_id}/items"
    calls: list[tuple[str, str, Any]] = [
        ("GET", path, None),
        ("PUT", path, {"name": "B", "car_id": their_car}),
        ("PUT", path, {"name": "B", "car_id": car_id}),
        ("PATCH", path, {"name": "B"}),
        ("PATCH", path, {"car_id": car_id}),
        ("DELETE", path, None),
        ("POST", f"{path}/restore", None),
        ("GET", f"{path}/summary", None),
        ("GET", f"{path}/export", None),
        ("POST", f"{path}/clone", {}),
        ("POST", f"{path}/clone", {"car_id": car_id}),
        ("POST", f"{path}/share", {}),
        ("DELETE", f"{path}/share", None),
        ("GET", items, None),
        ("POST", items, {"name": "Mine"}),
        ("POST", items, {"part_id": part_id}),
        ("PUT", f"{items}/order", {"items": [item["id"]]}),
        ("GET", f"{items}/{item['id']}", None),
        ("PATCH", f"{items}/{item['id']}", {"quantity": 9}),
        ("PATCH", f"{items}/{item['id']}", {"part_id": part_id}),
        ("DELETE", f"{items}/{item['id']}", None),
    ]
    for method, address, body in calls:
        problem(await stranger.call(method, address, json=body), 404, "build_lists.not_found")
        nobody = await stranger.client.request(method, address, json=body)
        problem(nobody, 401, "auth.unauthenticated")
    assert await garage.read(list_id) == before
    assert [row["quantity"] for row in await garage.items(list_id)] == [1]


async def test_a_deleted_or_unknown_list_is_a_404_whatever_the_body_names(owner: Person, garage: Garage) -> None:
    list_id = await garage.new_list()
    item = await garage.item(list_id, name="Brake fluid")
    await owner.delete(f"/build-lists/{list_id}")
    unknown = str(uuid4())
    calls: list[tuple[str, str, Any]] = [
        ("GET", "", None),
        ("PUT", "", {"name": "B", "car_id": await garage.any_car()}),
        ("PUT", "", {"name": "B", "car_id": unknown}),
        ("PATCH", "", {"car_id": unknown}),
        ("DELETE", "", None),
        ("GET", "/items", None),
        ("POST", "/items", {"name": "Other"}),
        ("POST", "/items", {"part_id": unknown}),
        ("PUT", "/items/order", {"items": [item["id"]]}),
        ("GET", f"/items/{item['id']}", None),
        ("PATCH", f"/items/{item['id']}", {}),
        ("PATCH", f"/items/{item['id']}", {"part_id": unknown}),
        ("DELETE", f"/items/{item['id']}", None),
        ("GET", "/summary", None),
        ("GET", "/export", None),
        ("POST", "/clone", {}),
        ("POST", "/clone", {"car_id": unknown}),
        ("POST", "/share", {}),
        ("DELETE", "/share", None),
    ]
    for which in (list_id, unknown):
        for method, rest, body in calls:
            reply = await owner.call(method, f"/build-lists/{which}{rest}", json=body)
            problem(reply, 404, "build_lists.not_found")
    problem(await owner.post(f"/build-lists/{unknown}/restore"), 404, "build_lists.not_found")
