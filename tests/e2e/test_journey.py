"""The main job on real input, over a real socket: cars, parts, build lists, and a link that a stranger opens."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.process import PATIENCE, Served
from tests.support import Person, sign_up

VEHICLES = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "vehicles"
# A handful of facts: (VIN, model year, make, model, whether its check digit fits).
CARS = [
    ("JH4DC4340RS003205", 1994, "Acura", "Integra RS", True),
    ("1FMCU14T3JU402061", 1988, "Ford", "Bronco II XL", True),
    ("5N3ZA0NE1AN908084", 2010, "Infiniti", "QX56", True),
    ("KMTGA4SCDRU227656", 2024, "Genesis", "G80", False),
    ("KMTGA4SCDRU227658", 2024, "Genesis", "G80", False),
]
PARTS = [
    ("Arctic Silver 5 High-Density Polysynthetic Silver", "thermal-paste", "7.95"),
    ("Thermal Grizzly Kryonaut", "thermal-paste", "7.75"),
    ("Logitech BRIO Ultra HD Pro", "webcam", "132.99"),
    ("Creative Labs Sound Blaster AE-9", "sound-card", "427.49"),
    ("A part without a price", "sound-card", None),
]


@pytest.fixture
async def api(tmp_path: Path, migrated_database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    with Served(tmp_path, variables={"DATABASE_URL": migrated_database_url}) as served:
        async with httpx.AsyncClient(base_url=f"{served.base}/api/v1", timeout=PATIENCE) as client:
            yield client


async def add_car(person: Person, vin: str, year: int, make: str, model: str) -> dict[str, Any]:
    reply = await person.post(
        "/cars", json={"make": make, "model": model, "year": year, "vin": vin.lower(), "notes": "Kept in a dry barn."}
    )
    assert reply.status_code == 201, reply.text
    car: dict[str, Any] = reply.json()
    assert car["vin"] == vin
    return car


async def add_part(person: Person, name: str, category: str, price: str | None) -> dict[str, Any]:
    body = {
        "name": name,
        "category": category,
        "notes": "Haggled for it.",
        "price": None if price is None else {"amount": price, "currency": "USD"},
    }
    reply = await person.post("/parts", json=body)
    assert reply.status_code == 201, reply.text
    part: dict[str, Any] = reply.json()
    return part


@pytest.mark.slow
async def test_from_sign_up_to_a_shared_build_list(api: httpx.AsyncClient) -> None:
    owners = [await sign_up(api), await sign_up(api)]
    for index, (vin, year, make, model, fits) in enumerate(CARS):
        car = await add_car(owners[index % 2], vin, year, make, model)
        assert bool(car["warnings"]) is not fits
        decoded = (await owners[0].get(f"/cars/vin/{vin}")).json()
        assert year in decoded["model_years"]
        assert decoded["check_digit"] == ("valid" if fits else "invalid")
    owner = owners[0]
    car = (await owner.get("/cars", params={"make": "genesis"})).json()["items"][0]
    parts = [await add_part(owner, *facts) for facts in PARTS]
    reply = await owner.post(
        "/build-lists", json={"name": "Quiet evenings", "description": "What is missing.", "car_id": car["id"]}
    )
    assert reply.status_code == 201, reply.text
    build_list = f"/build-lists/{reply.json()['id']}"
    for quantity, part in enumerate(parts, start=1):
        item = {"part_id": part["id"], "quantity": quantity, "notes": f"Line {quantity}"}
        reply = await owner.post(f"{build_list}/items", json=item)
        assert reply.status_code == 201, reply.text
    summary = (await owner.get(f"{build_list}/summary")).json()
    expected = sum(Decimal(price) * quantity for quantity, (_, _, price) in enumerate(PARTS, start=1) if price)
    assert str(expected) in str(summary)
    share = (await owner.post(f"{build_list}/share", json={})).json()

    async with httpx.AsyncClient(timeout=PATIENCE) as stranger:
        public = await stranger.get(share["url"])
        assert public.status_code == 200
        again = await stranger.get(share["url"], headers={"If-None-Match": public.headers["etag"]})
        assert again.status_code == 304
        shown = public.text
        assert "Quiet evenings" in shown
        assert all(name in shown for name, _, _ in PARTS)
        for private in (car["vin"], owner.email, "dry barn", "Haggled", str(owner.id)):
            assert private not in shown
        assert (await owner.delete(f"{build_list}/share")).status_code == 204
        assert (await stranger.get(share["url"])).status_code == 404
    assert (await owners[1].get(build_list)).status_code == 404


def rows(name: str) -> list[dict[str, str]]:
    with (VEHICLES / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
@pytest.mark.skipif(not VEHICLES.is_dir(), reason="[elsewhere] the recorded vehicles lie beside the checkout")
async def test_all_recorded_vehicles_and_parts(api: httpx.AsyncClient) -> None:
    owners = [await sign_up(api) for _ in range(3)]
    decodable = rows("vins_with_decode.csv")
    genesis = rows("vins_bad_check_digit_genesis.csv")
    for index, row in enumerate([*decodable, *genesis]):
        car = await add_car(owners[index % 3], row["vin"], int(row["model_year"]), row["make"], row["model"] or "-")
        assert bool(car["warnings"]) is (index >= len(decodable))
    found = 0
    for owner in owners:
        cursor: str | None = None
        while True:
            page = (await owner.get("/cars", params={"limit": 7, **({"cursor": cursor} if cursor else {})})).json()
            found += len(page["items"])
            cursor = page["next_cursor"]
            if cursor is None:
                break
    assert found == len(decodable) + len(genesis)

    owner = owners[0]
    car_id = (await owner.get("/cars")).json()["items"][0]["id"]
    expected = Decimal(0)
    for category in ("thermal_paste", "webcam", "sound_card"):
        listed = (await owner.post("/build-lists", json={"name": category, "car_id": car_id})).json()
        total = Decimal(0)
        for row in rows(f"pc_parts_{category}.csv"):
            price = f"{Decimal(row['price']):.2f}" if row["price"] else None
            part = await add_part(owner, row["name"][:200], category, price)
            item = await owner.post(f"/build-lists/{listed['id']}/items", json={"part_id": part["id"], "quantity": 1})
            assert item.status_code == 201, item.text
            total += Decimal(price or 0)
        share = (await owner.post(f"/build-lists/{listed['id']}/share", json={})).json()
        public = await api.get(share["url"])
        assert public.status_code == 200
        assert str(total) in public.text
        expected += total
    assert expected > 0
