"""One owner with one of everything, and the ways in which each operation is called on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support import PASSWORD, Person, sign_up

Body = Callable[["Stage"], Any]


@dataclass
class Stage:
    """The owner and the ids of what is theirs."""

    owner: Person
    car: str
    part: str
    spare_part: str
    build_list: str
    item: str
    token: str
    session: str

    @property
    def path_values(self) -> dict[str, str]:
        """A value for each path parameter of the API."""
        return {
            "car_id": self.car,
            "part_id": self.part,
            "list_id": self.build_list,
            "item_id": self.item,
            "session_id": self.session,
            "token": self.token,
            "vin": "JH4DC4340RS003205",
        }

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no reply to somebody else may hold."""
        return (self.owner.email, str(self.owner.id), self.car, self.part, self.build_list, self.item)


async def set_stage(client: httpx.AsyncClient) -> Stage:
    """A new owner with a car, parts, a shared build list with an item, and a second session."""
    owner = await sign_up(client)
    token = owner.access_token
    await owner.login()
    sessions = (await owner.get("/auth/sessions")).json()["items"]
    other_session = next(session["id"] for session in sessions if not session["current"])
    assert token != owner.access_token

    async def new(path: str, **body: Any) -> dict[str, Any]:
        reply = await owner.post(path, json=body)
        assert reply.status_code == 201, reply.text
        made: dict[str, Any] = reply.json()
        return made

    car = await new("/cars", make="Mazda", model="MX-5", year=1990, notes="private")
    part = await new("/parts", name="Coilovers", brand="KW", category="suspension")
    spare = await new("/parts", name="Brake pads", brand="Ferodo", category="brakes")
    build_list = await new("/build-lists", name="Track", car_id=car["id"])
    item = await new(f"/build-lists/{build_list['id']}/items", part_id=part["id"], quantity=2)
    share = await new(f"/build-lists/{build_list['id']}/share")
    return Stage(owner, car["id"], part["id"], spare["id"], build_list["id"], item["id"], share["token"], other_session)


BODIES: dict[str, Body] = {
    "auth_register": lambda _: {"email": "somebody-new@example.org", "password": PASSWORD},
    "auth_log_in": lambda stage: {"email": stage.owner.email, "password": PASSWORD},
    "auth_refresh": lambda stage: {"refresh_token": stage.owner.refresh_token},
    "PATCH /auth/me": lambda _: {"display_name": "Somebody"},
    "PUT /auth/me/password": lambda _: {"current_password": PASSWORD, "new_password": "another fine password"},
    "POST /cars": lambda _: {"make": "Mazda", "model": "323", "year": 1991},
    "PUT /cars/{car_id}": lambda _: {"make": "Mazda", "model": "323", "year": 1991},
    "PATCH /cars/{car_id}": lambda _: {"nickname": "Weekend"},
    "POST /parts": lambda _: {"name": "Wheel nuts"},
    "PUT /parts/{part_id}": lambda _: {"name": "Wheel nuts"},
    "PATCH /parts/{part_id}": lambda _: {"notes": "torqued"},
    "POST /build-lists": lambda stage: {"name": "Winter", "car_id": stage.car},
    "PUT /build-lists/{list_id}": lambda stage: {"name": "Winter", "car_id": stage.car},
    "PATCH /build-lists/{list_id}": lambda _: {"name": "Winter"},
    "POST /build-lists/{list_id}/items": lambda stage: {"part_id": stage.spare_part},
    "PATCH /build-lists/{list_id}/items/{item_id}": lambda _: {"status": "ordered"},
    "PUT /build-lists/{list_id}/items/order": lambda stage: {"items": [stage.item]},
    "POST /build-lists/{list_id}/clone": lambda _: {},
    "POST /build-lists/{list_id}/share": lambda _: {},
}
"""The body of an operation, by `METHOD /path` below the API prefix; operations without one are not here."""

REFUSED_FOR_OTHERS = {"POST /build-lists": 422}
"""Collections where the body names something of the owner's: not found is the field's fault there."""
