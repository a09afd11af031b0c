"""The lists themselves: their verbs, whose they are, and what they outlive."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from monocoque.failures import StartupError
from monocoque.pagination import Page
from monocoque.registry import discover, order
from monocoque.runtime import Runtime
from monocoque_build_lists import facade, jobs
from monocoque_build_lists.contracts import BuildListCard
from monocoque_build_lists.schemas import BuildListRead
from monocoque_cars.jobs import purge_deleted as purge_cars
from monocoque_parts.jobs import purge_deleted as purge_parts
from tests.conftest import AppFactory, client_of
from tests.support import Person, problem, sign_up

from .conftest import Garage


async def _age(runtime: Runtime, table: str, row_id: str) -> None:
    """Let it look deleted longer ago than the retention time."""
    async with runtime.database.connection() as connection:
        await connection.execute(
            f"UPDATE {table} SET deleted_at = now() - interval '400 days' WHERE id = $1", UUID(row_id)
        )


async def _count(runtime: Runtime, table: str, column: str, value: str) -> int:
    async with runtime.database.connection() as connection:
        found: int = await connection.fetchval(f"SELECT count(*) FROM {table} WHERE {column} = $1", UUID(value))
    return found


async def test_a_list_is_made_read_replaced_changed_deleted_and_restored(owner: Person, garage: Garage) -> None:
    car_id, other_car = await garage.car(), await garage.car(model="RX-7")
    list_id = await garage.new_list("Track day", description="Brakes first.", car_id=car_id)
    path = f"/build-lists/{list_id}"
    made = await garage.read(list_id)
    assert (made["name"], made["description"], made["car_id"]) == ("Track day", "Brakes first.", car_id)
    assert (made["item_count"], made["shared"], made["share_expires_at"], made["version"]) == (0, False, None, 1)

    replaced = (await owner.put(path, json={"name": "Winter", "car_id": other_car})).json()
    assert (replaced["name"], replaced["description"], replaced["car_id"]) == ("Winter", None, other_car)
    changed = (await owner.patch(path, json={"car_id": car_id})).json()
    assert (changed["name"], changed["car_id"], changed["version"]) == ("Winter", car_id, 3)

    assert (await owner.delete(path)).status_code == 204
    problem(await owner.get(path), 404, "build_lists.not_found")
    problem(await owner.delete(path), 404, "build_lists.not_found")
    assert (await owner.get("/build-lists")).json()["items"] == []
    assert [row["id"] for row in (await owner.get("/build-lists?deleted=true")).json()["items"]] == [list_id]
    for _ in range(2):
        assert (await owner.post(f"{path}/restore")).json()["name"] == "Winter"
    assert (await garage.read(list_id))["car_id"] == car_id


async def test_the_list_of_lists_is_filtered_and_paged(owner: Person, garage: Garage) -> None:
    car_id = await garage.car()
    ids = [await garage.new_list("100% brakes", car_id=car_id), await garage.new_list("Body", description="brakes_too")]
    ids.append(await garage.new_list("Engine"))

    async def found(query: str) -> list[str]:
        reply = await owner.get(f"/build-lists?{query}")

        Page[BuildListRead].model_validate(reply.json())
        return [row["id"] for row in reply.json()["items"]]

    assert await found("") == ids[::-1]
    assert await found(f"car_id={car_id}") == ids[:1]
    assert await found("q=BRAKES") == [ids[1], ids[0]]
    assert await found("q=%25") == ids[:1]
    assert await found("q=s_t") == [ids[1]]
    first = (await owner.get("/build-lists?limit=2")).json()
    assert await found(f"limit=2&cursor={first['next_cursor']}") == ids[:1]
    problem(await owner.get(f"/build-lists?q=x&cursor={first['next_cursor']}"), 422, "request.cursor_invalid")
    problem(await owner.get("/build-lists?colour=red"), 422, "request.invalid")


async def test_a_stale_etag_changes_nothing(owner: Person, garage: Garage) -> None:
    list_id = await garage.new_list()
    path = f"/build-lists/{list_id}"
    tag = (await owner.get(path)).headers["etag"]
    assert (await owner.get(path, headers={"If-None-Match": tag})).status_code == 304
    await garage.item(list_id, name="Brake fluid")
    assert (await owner.get(path, headers={"If-None-Match": tag})).status_code == 200

    stale = {"If-Match": tag}
    for reply in (
        await owner.put(path, json={"name": "B", "car_id": await garage.any_car()}, headers=stale),
        await owner.patch(path, json={"name": "B"}, headers=stale),
        await owner.delete(path, headers=stale),
        await garage.order(list_id, [], **stale),
    ):
        problem(reply, 412, "request.stale")
    assert (await garage.read(list_id))["name"] == "Track day"
    current = (await owner.get(path)).headers["etag"]
    assert (await owner.patch(path, json={"name": "B"}, headers={"If-Match": current})).status_code == 200


async def test_a_list_is_made_once_for_one_idempotency_key(owner: Person, garage: Garage) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    body = {"name": "A", "car_id": await garage.car()}
    first, again = [await owner.post("/build-lists", json=body, headers=key) for _ in range(2)]
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    problem(
        await owner.post("/build-lists", json=body | {"name": "B"}, headers=key), 422, "request.idempotency_key_reused"
    )
    assert len((await owner.get("/build-lists")).json()["items"]) == 1


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": ""}, "#/name"),
        ({"name": "x" * 201}, "#/name"),
        ({"name": "a\nb"}, "#/name"),
        ({"name": "a\x00b"}, "#/name"),
        ({"name": 1}, "#/name"),
        ({"name": None}, "#/name"),
        ({"description": "x" * 10_001}, "#/description"),
        ({"car_id": "none"}, "#/car_id"),
        ({"car_id": None}, "#/car_id"),
        ({"owner_id": str(uuid4())}, "#/owner_id"),
        ({"item_count": 3}, "#/item_count"),
    ],
)
async def test_what_is_no_list_is_refused(owner: Person, garage: Garage, change: dict[str, Any], pointer: str) -> None:
    list_id = await garage.new_list()
    body = {"name": "A", "car_id": await garage.any_car()} | change
    for reply in (
        await owner.post("/build-lists", json=body),
        await owner.put(f"/build-lists/{list_id}", json=body),
        await owner.patch(f"/build-lists/{list_id}", json=change),
    ):
        errors = problem(reply, 422, "request.invalid")["errors"]
        assert [error["pointer"] for error in errors] == [pointer]
    assert (await garage.read(list_id))["version"] == 1


async def test_a_list_has_a_name_and_a_car(owner: Person, garage: Garage) -> None:
    car_id, list_id = await garage.car(), await garage.new_list()
    for body, pointer in (({"name": "A"}, "#/car_id"), ({"car_id": car_id}, "#/name")):
        for reply in (
            await owner.post("/build-lists", json=body),
            await owner.put(f"/build-lists/{list_id}", json=body),
        ):
            errors = problem(reply, 422, "request.invalid")["errors"]
            assert [error["pointer"] for error in errors] == [pointer]
    problem(await owner.post(f"/build-lists/{list_id}/clone", json={"car_id": None}), 422, "request.invalid")


async def test_a_purged_car_leaves_the_list_without_a_car_and_with_a_new_etag(
    owner: Person, garage: Garage, runtime: Runtime
) -> None:
    car_id = await garage.car()
    list_id = await garage.new_list(car_id=car_id)
    tag = (await owner.get(f"/build-lists/{list_id}")).headers["etag"]
    await owner.delete(f"/cars/{car_id}")
    assert (await garage.read(list_id))["car_id"] == car_id

    await _age(runtime, "monocoque_cars.cars", car_id)
    await purge_cars(runtime)

    reply = await owner.get(f"/build-lists/{list_id}", headers={"If-None-Match": tag})
    assert (reply.status_code, reply.json()["car_id"], reply.json()["version"]) == (200, None, 2)
    assert (await owner.patch(f"/build-lists/{list_id}", json={"name": "B"})).json()["car_id"] is None
    assert (await owner.post(f"/build-lists/{list_id}/clone")).json()["car_id"] is None


async def test_an_item_outlives_its_part(owner: Person, garage: Garage, runtime: Runtime) -> None:
    part_id = await garage.part("Pads", brand="Brembo", price={"amount": "129.90", "currency": "EUR"})
    list_id = await garage.new_list()
    await garage.item(list_id, part_id=part_id, quantity=2)
    await owner.patch(f"/parts/{part_id}", json={"name": "Sport pads"})
    assert (await garage.items(list_id))[0]["name"] == "Sport pads"

    await owner.delete(f"/parts/{part_id}")
    [item] = await garage.items(list_id)
    assert (item["name"], item["part_id"], item["brand"], item["line_total"]) == ("Pads", part_id, None, None)
    await owner.post(f"/parts/{part_id}/restore")
    assert (await garage.items(list_id))[0]["line_total"] == {"amount": "259.80", "currency": "EUR"}

    await owner.delete(f"/parts/{part_id}")
    await _age(runtime, "monocoque_parts.parts", part_id)
    await purge_parts(runtime)
    [item] = await garage.items(list_id)
    assert (item["name"], item["part_id"], item["quantity"]) == ("Pads", None, 2)
    assert (await garage.read(list_id))["item_count"] == 1


async def test_a_list_is_purged_with_its_items_after_the_retention_time(
    owner: Person, garage: Garage, runtime: Runtime
) -> None:
    old, young = await garage.new_list(), await garage.new_list()
    for list_id in (old, young):
        await garage.item(list_id, name="Brake fluid")
        await owner.delete(f"/build-lists/{list_id}")
    await _age(runtime, "monocoque_build_lists.build_lists", old)
    await jobs.JOBS[0].run(runtime)
    problem(await owner.post(f"/build-lists/{old}/restore"), 404, "build_lists.not_found")
    assert await _count(runtime, "monocoque_build_lists.items", "list_id", old) == 0
    assert (await owner.post(f"/build-lists/{young}/restore")).json()["item_count"] == 1


async def test_deleting_the_account_leaves_nothing_behind(
    client: httpx.AsyncClient, garage: Garage, owner: Person, runtime: Runtime
) -> None:
    list_id = await garage.new_list(car_id=await garage.car())
    await garage.item(list_id, part_id=await garage.part())
    token = await garage.share(list_id)
    assert (await owner.delete("/auth/me")).status_code == 204
    assert await _count(runtime, "monocoque_build_lists.build_lists", "id", list_id) == 0
    assert await _count(runtime, "monocoque_build_lists.items", "list_id", list_id) == 0
    problem(await client.get(f"/public/build-lists/{token}"), 404, "build_lists.share_not_found")


async def test_a_clone_is_a_list_of_its_own(owner: Person, garage: Garage) -> None:
    car_id, other_car = await garage.car(), await garage.car(model="RX-7")
    list_id = await garage.new_list("Track day", description="Brakes first.", car_id=car_id)
    part_id = await garage.part("Pads", price={"amount": "5.00", "currency": "EUR"})
    made = [
        await garage.item(list_id, part_id=part_id, quantity=3, notes="Left and right.", status="ordered"),
        await garage.item(list_id, name="Fluid", paid={"amount": "1500", "currency": "JPY"}),
        await garage.item(list_id, part_id=await garage.part("Discs"), name="Vented discs"),
    ]
    await garage.order(list_id, [made[2]["id"], made[0]["id"], made[1]["id"]])
    await garage.share(list_id)
    original, items = await garage.read(list_id), await garage.items(list_id)

    reply = await owner.post(f"/build-lists/{list_id}/clone")
    copy = BuildListRead.model_validate(reply.json())
    assert reply.status_code == 201
    assert reply.headers["location"] == f"/api/v1/build-lists/{copy.id}"
    assert (copy.name, copy.description, str(copy.car_id)) == ("Track day (copy)", "Brakes first.", car_id)
    assert (copy.shared, copy.item_count, copy.version) == (False, 3, 1)

    def contents(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        own = {"id", "position", "version", "created_at", "updated_at"}
        return [{name: value for name, value in row.items() if name not in own} for row in rows]

    copied = await garage.items(str(copy.id))
    assert contents(copied) == contents(items)
    assert not {row["id"] for row in copied} & {row["id"] for row in items}
    assert all(UUID(row["id"]).version == 7 for row in copied)
    await owner.delete(f"/build-lists/{copy.id}/items/{copied[0]['id']}")
    assert (await garage.read(list_id), await garage.items(list_id)) == (original, items)

    other = await owner.post(f"/build-lists/{list_id}/clone", json={"car_id": other_car, "name": "Second"})
    assert (other.json()["name"], other.json()["car_id"]) == ("Second", other_car)


async def test_the_name_of_a_clone_still_fits(owner: Person, garage: Garage) -> None:
    list_id = await garage.new_list("n" * 200)
    for _ in range(2):
        reply = await owner.post(f"/build-lists/{list_id}/clone", json={})
        assert reply.json()["name"] == "n" * 193 + " (copy)"
        list_id = reply.json()["id"]
    problem(await owner.post(f"/build-lists/{list_id}/clone", json={"name": None}), 422, "request.invalid")


async def test_other_modules_find_a_list_in_brief(
    garage: Garage, owner: Person, stranger: Person, runtime: Runtime
) -> None:
    car_id = await garage.car()
    list_id = await garage.new_list(car_id=car_id)
    await garage.item(list_id, name="Brake fluid")
    assert owner.id
    assert stranger.id
    card = await facade.find_build_list(runtime.database, owner.id, UUID(list_id))
    assert card == BuildListCard(UUID(list_id), "Track day", UUID(car_id), 1)
    assert await facade.find_build_list(runtime.database, stranger.id, UUID(list_id)) is None


def test_the_module_refuses_to_start_without_cars_and_parts() -> None:
    with pytest.raises(StartupError) as refused:
        order(discover(), only=("auth", "build_lists"))
    assert "'build_lists' requires cars, parts" in str(refused.value)


async def test_switching_the_module_off_and_on_loses_nothing(migrated_database_url: str, make_app: AppFactory) -> None:
    url = migrated_database_url
    async with client_of(await make_app(url)) as client:
        person: Person = await sign_up(client)
        car_id = (await person.post("/cars", json={"make": "Mazda", "model": "MX-5", "year": 1990})).json()["id"]
        lists = [(await person.post("/build-lists", json={"name": n, "car_id": car_id})).json()["id"] for n in "AB"]
        await person.post(f"/build-lists/{lists[0]}/items", json={"name": "Brake fluid", "quantity": 2})
        token = (await person.post(f"/build-lists/{lists[0]}/share")).json()["token"]
        before = (await person.get(f"/build-lists/{lists[0]}/items")).json()
        shared = (await client.get(f"/public/build-lists/{token}")).json()

    without = await make_app(url, modules="auth,cars")
    assert not [path for path in without.openapi()["paths"] if "build-lists" in path]
    async with client_of(without) as client:
        person.client = client
        problem(await person.get("/build-lists"), 404, "request.not_found")
        problem(await client.get(f"/public/build-lists/{token}"), 404, "request.not_found")
        assert (await person.get(f"/cars/{car_id}")).status_code == 200

    async with client_of(await make_app(url)) as client:
        person.client = client
        assert (await person.get(f"/build-lists/{lists[0]}/items")).json() == before
        assert (await client.get(f"/public/build-lists/{token}")).json() == shared

    async with client_of(without) as client:
        person.client = client
        # The tables of a module that is switched off stand in nobody's way.
        async with without.state.runtime.database.connection() as connection:
            await connection.execute("DELETE FROM monocoque_cars.cars")
            assert await connection.fetchval("SELECT count(*) FROM monocoque_build_lists.build_lists") == 2
        assert (await person.delete("/auth/me")).status_code == 204
        async with without.state.runtime.database.connection() as connection:
            assert await connection.fetchval("SELECT count(*) FROM monocoque_build_lists.items") == 0
