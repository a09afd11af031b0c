"""The rules of cars: VINs, years, warnings, and what other modules may know."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI

from monocoque_cars import schemas
from monocoque_cars.contracts import CarCard
from monocoque_cars.facade import find_car
from monocoque_cars.schemas import VinRead
from tests.modules.resources import CARS, new_vin
from tests.support import Person, problem

GENESIS = "KMTGA4SCDRU227656"
"""A real car whose check digit does not fit."""
NEXT_YEAR = 2042


@pytest.fixture
def in_2041(monkeypatch: pytest.MonkeyPatch) -> None:
    """A year that does not end while a test runs."""
    assert schemas.latest_year() in {datetime.now(UTC).year + ahead for ahead in (0, 1)}
    monkeypatch.setattr(schemas, "latest_year", lambda: NEXT_YEAR)


async def test_a_vin_is_kept_in_upper_case(owner: Person) -> None:
    vin = new_vin()
    made = await CARS.create(owner, vin=f"  {vin.lower()} ")
    assert made["vin"] == vin
    assert made["warnings"] == []
    assert await CARS.listed(owner, q=vin[3:9].lower()) == [made["id"]]


@pytest.mark.parametrize(
    "vin",
    [
        "1M8GDM9AXKPO42788",
        "1M8GDM9AXKPI42788",
        "1M8GDM9AXKPQ42788",
        "1m8gdm9axkpo42788",
        "1M8GDM9AXKP04278",
        "1M8GDM9AXKP0427888",
        "1M8GDM9A KP042788",
        "1M8GDM9AXKP04278\u0661",
        "1M8GDM9AXKP04278\u017f",
        "",
        " " * 17,
        "1M8GDM9AXKP04278\u0000",
        "M" * 100_000,
    ],
    ids=range(13),
)
async def test_what_is_no_vin_is_refused(owner: Person, vin: str) -> None:
    car = await CARS.create(owner)
    for reply in (
        await owner.post("/cars", json={**CARS.least, "vin": vin}),
        await owner.put(CARS.at(car["id"]), json={**CARS.least, "vin": vin}),
        await owner.patch(CARS.at(car["id"]), json={"vin": vin}),
    ):
        document = problem(reply, 422, "request.invalid")
        assert [error["pointer"] for error in document["errors"]] == ["#/vin"]
    assert CARS.read_page(await owner.get("/cars")) == [car]


async def test_a_forbidden_letter_is_named(owner: Person) -> None:
    reply = await owner.post("/cars", json={**CARS.least, "vin": "1M8GDM9AXKPO42788"})
    [error] = problem(reply, 422, "request.invalid")["errors"]
    assert (error["pointer"], error["code"]) == ("#/vin", "cars.vin_invalid")
    assert "without I, O and Q" in error["detail"]


async def test_a_vin_is_one_living_cars_of_its_owner(owner: Person, stranger: Person) -> None:
    vin = new_vin()
    first = await CARS.create(owner, vin=vin)
    given = {**CARS.least, "vin": vin.lower()}
    problem(await owner.post("/cars", json=given), 409, "cars.vin_taken")
    other = await CARS.create(owner)
    problem(await owner.put(CARS.at(other["id"]), json=given), 409, "cars.vin_taken")
    problem(await owner.patch(CARS.at(other["id"]), json={"vin": vin}), 409, "cars.vin_taken")
    assert CARS.read(await owner.get(CARS.at(other["id"]))) == other
    assert (await CARS.create(stranger, vin=vin))["vin"] == vin
    assert (await owner.put(CARS.at(first["id"]), json=given)).status_code == 200


async def test_a_deleted_cars_vin_is_free_and_may_be_taken_meanwhile(owner: Person) -> None:
    vin = new_vin()
    first = await CARS.create(owner, vin=vin)
    await owner.delete(CARS.at(first["id"]))
    second = await CARS.create(owner, vin=vin)
    problem(await owner.post(f"{CARS.at(first['id'])}/restore"), 409, "cars.vin_taken")
    assert await CARS.listed(owner, deleted=True) == [first["id"]]
    assert (await owner.patch(CARS.at(second["id"]), json={"vin": None})).status_code == 200
    assert CARS.read(await owner.post(f"{CARS.at(first['id'])}/restore"))["vin"] == vin


async def test_a_wrong_check_digit_is_a_warning_that_stays(owner: Person) -> None:
    reply = await owner.post("/cars", json={"make": "Genesis", "model": "G80", "year": 2024, "vin": GENESIS})
    assert reply.status_code == 201
    made = CARS.read(reply)
    assert made["vin"] == GENESIS
    assert [(warning["pointer"], warning["code"]) for warning in made["warnings"]] == [
        ("#/vin", "cars.vin_check_digit")
    ]
    assert CARS.read(await owner.get(CARS.at(made["id"]))) == made
    assert CARS.read_page(await owner.get("/cars")) == [made]
    renamed = CARS.read(await owner.patch(CARS.at(made["id"]), json={"nickname": "Quiet"}))
    assert renamed["warnings"] == made["warnings"]
    assert CARS.read(await owner.put(CARS.at(made["id"]), json={**CARS.least, "vin": GENESIS}))["warnings"]


async def test_the_warning_follows_the_vin(owner: Person) -> None:
    car = await CARS.create(owner)
    path = CARS.at(car["id"])
    for vin, warned in ((GENESIS, True), (new_vin(), False), (GENESIS, True), (None, False)):
        changed = CARS.read(await owner.patch(path, json={"vin": vin}))
        assert (changed["vin"], bool(changed["warnings"])) == (vin, warned)


@pytest.mark.usefixtures("in_2041")
@pytest.mark.parametrize("year", [1886, NEXT_YEAR])
async def test_the_first_and_the_next_year_are_years(owner: Person, year: int) -> None:
    made = await CARS.create(owner, year=year)
    assert made["year"] == year
    assert await CARS.listed(owner, year=year) == [made["id"]]


@pytest.mark.usefixtures("in_2041")
@pytest.mark.parametrize("year", [1885, NEXT_YEAR + 1, 0, -1990, 9999])
async def test_other_years_are_refused(owner: Person, year: int) -> None:
    car = await CARS.create(owner)
    for reply in (
        await owner.post("/cars", json={**CARS.least, "year": year}),
        await owner.put(CARS.at(car["id"]), json={**CARS.least, "year": year}),
        await owner.patch(CARS.at(car["id"]), json={"year": year}),
    ):
        [error] = problem(reply, 422, "request.invalid")["errors"]
        assert error["pointer"] == "#/year"
    assert CARS.read_page(await owner.get("/cars")) == [car]


async def test_a_vin_is_decoded(owner: Person) -> None:
    reply = await owner.get("/cars/vin/jh4dc4340rs003205")
    assert reply.status_code == 200
    VinRead.model_validate_json(reply.content, strict=True, extra="forbid")
    found = reply.json()
    assert found["vin"] == "JH4DC4340RS003205"
    assert found["manufacturer"] == "Acura"
    assert found["region"] == "Asia"
    assert 1994 in found["model_years"]
    assert found["check_digit"] == "valid"
    current = {"If-None-Match": reply.headers["etag"]}
    assert (await owner.get("/cars/vin/JH4DC4340RS003205", headers=current)).status_code == 304
    assert (await owner.get(f"/cars/vin/{GENESIS}", headers=current)).status_code == 200


async def test_decoding_knows_a_wrong_check_digit(owner: Person) -> None:
    found = (await owner.get(f"/cars/vin/{GENESIS}")).json()
    assert (found["check_digit"], 2024 in found["model_years"]) == ("invalid", True)


@pytest.mark.parametrize(
    "text", ["1M8GDM9AXKPO42788", "short", "1M8GDM9AXKP0427888", "%00" * 17, "x" * 60, "1M8GDM9A%20KP042788"]
)
async def test_decoding_refuses_what_is_no_vin(owner: Person, text: str) -> None:
    document = problem(await owner.get(f"/cars/vin/{text}"), 422, "cars.vin_invalid")
    assert [error["pointer"] for error in document["errors"]] == ["path/vin"]


async def test_decoding_needs_sign_in_and_a_bounded_text(owner: Person) -> None:
    problem(await owner.client.get(f"/cars/vin/{GENESIS}"), 401, "auth.unauthenticated")
    document = problem(await owner.get(f"/cars/vin/{'x' * 61}"), 422, "request.invalid")
    assert [error["pointer"] for error in document["errors"]] == ["path/vin"]


async def test_other_modules_learn_the_card_of_a_living_car_of_its_owner(
    owner: Person, stranger: Person, app: FastAPI
) -> None:
    database = app.state.runtime.database
    made = await CARS.create(owner, vin=new_vin(), nickname="Ruby", notes="Secret.")
    car_id = UUID(made["id"])
    assert owner.id is not None
    assert stranger.id is not None
    card = CarCard(id=car_id, make=made["make"], model=made["model"], year=made["year"], nickname="Ruby")
    assert await find_car(database, owner.id, car_id) == card
    assert await find_car(database, stranger.id, car_id) is None
    assert await find_car(database, owner.id, uuid4()) is None
    await owner.delete(CARS.at(car_id))
    assert await find_car(database, owner.id, car_id) is None
