"""What the servers are asked for: made through monocoque's own API, so that no table is filled by hand."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from bench.load import Case, request

CARS = 100
PARTS = 25
ITEMS = 20
API = "/api/v1"
NEW_CAR = {"make": "Mazda", "model": "MX-5", "year": 1994, "nickname": "Weekend"}


class SeedError(Exception):
    """A seeding request that was refused."""


@dataclass(frozen=True, slots=True)
class Garage:
    """The access tokens, ids and share token that the requests are made of."""

    owner: str
    writer: str
    cars: Sequence[str]
    share: str


def seed(url: str) -> Garage:
    """Fill an empty database: an owner with 100 cars, 25 parts and a shared list of 20 items; a writer."""
    with httpx.Client(base_url=f"{url}{API}", trust_env=False, timeout=30) as client:
        # Creates go to a second person's account, so that the lists that are read stay as they are.
        owner, writer = _sign_up(client, "owner"), _sign_up(client, "writer")
        client.headers["Authorization"] = f"Bearer {owner}"
        cars = [_post(client, "/cars", _car(number))["id"] for number in range(CARS)]
        parts = [_post(client, "/parts", _part(number))["id"] for number in range(PARTS)]
        build_list = _post(client, "/build-lists", {"name": "Track days", "car_id": cars[0]})["id"]
        for number, part in enumerate(parts[:ITEMS]):
            item = {"part_id": part, "quantity": 1 + number % 4, "status": ("wanted", "ordered")[number % 2]}
            _post(client, f"/build-lists/{build_list}/items", item)
        share = _post(client, f"/build-lists/{build_list}/share", {})["token"]
    return Garage(owner, writer, cars, share)


def cases(garage: Garage) -> list[Case]:
    """The four requests, in the order in which they are reported."""
    reader, writer = _bearer(garage.owner), _bearer(garage.writer)
    return [
        Case("get", [request("GET", f"{API}/cars/{car}", headers=reader) for car in garage.cars], 200),
        Case("list", [request("GET", f"{API}/cars?limit=20", headers=reader)], 200),
        Case("create", [request("POST", f"{API}/cars", headers=writer, body=orjson.dumps(NEW_CAR))], 201),
        Case("public", [request("GET", f"{API}/public/build-lists/{garage.share}")], 200),
    ]


def _sign_up(client: httpx.Client, name: str) -> str:
    account = {"email": f"{name}@example.org", "password": secrets.token_urlsafe(24)}
    _post(client, "/auth/register", account)
    token: str = _post(client, "/auth/login", account)["access_token"]
    return token


def _post(client: httpx.Client, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    reply = client.post(path, json=body)
    if reply.status_code not in {200, 201}:
        raise SeedError(f"seeding failed: POST {API}{path} was answered with {reply.status_code} {reply.text[:500]}")
    content: dict[str, Any] = reply.json()
    return content


def _car(number: int) -> dict[str, Any]:
    return {
        "make": ("Mazda", "BMW", "Toyota", "Volvo")[number % 4],
        "model": f"Model {number}",
        "year": 1980 + number % 40,
        "nickname": f"Number {number}",
        "notes": "Bought with a full service history; the underbody was cleaned and waxed in spring.",
    }


def _part(number: int) -> dict[str, Any]:
    return {
        "name": f"Part {number}",
        "brand": ("Brembo", "Bilstein", "Bosch")[number % 3],
        "category": ("brakes", "suspension", "engine")[number % 3],
        "price": {"amount": f"{25 + number}.90", "currency": ("EUR", "USD")[number % 2]},
    }


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
