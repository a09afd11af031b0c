"""Codes below a reply's own, in `errors` and `warnings`: clients may rely on them as on any other."""

from __future__ import annotations

import json

import httpx

from monocoque.cli.contracts import problems_text
from monocoque.registry import Inventory
from tests.modules.resources import CARS
from tests.support import Person, problem


def registered(inventory: Inventory) -> set[str]:
    return {code for codes in json.loads(problems_text(inventory)).values() for code in codes}


async def test_the_code_of_a_password_that_normalisation_makes_too_short_is_registered(
    client: httpx.AsyncClient, inventory: Inventory
) -> None:
    account = {"email": "ada@example.org", "password": "e\u0301" * 4}
    [error] = problem(await client.post("/auth/register", json=account), 422, "request.invalid")["errors"]
    assert error == {
        "pointer": "#/password",
        "code": "auth.password_length",
        "detail": "A password has 8 to 1000 characters.",
    }
    assert error["code"] in registered(inventory)


async def test_the_code_of_an_expiry_that_is_past_is_registered(owner: Person, inventory: Inventory) -> None:
    car = await CARS.create(owner)
    made = await owner.post("/build-lists", json={"name": "Track day", "car_id": car["id"]})
    path = f"/build-lists/{made.json()['id']}/share"
    reply = await owner.post(path, json={"expires_at": "2020-01-01T00:00:00Z"})
    [error] = problem(reply, 422, "request.invalid")["errors"]
    assert (error["pointer"], error["code"]) == ("#/expires_at", "build_lists.expiry_past")
    assert error["code"] in registered(inventory)


async def test_the_code_of_a_warning_is_registered(owner: Person, inventory: Inventory) -> None:
    car = await CARS.create(owner, vin="KMTGA4SCDRU227656")
    [warning] = car["warnings"]
    assert warning["code"] == "cars.vin_check_digit"
    assert warning["code"] in registered(inventory)
