"""One owner with one of everything, and the ways in which each operation is called on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support import PASSWORD, Person, sign_up

Body = Callable[["Stage"], Any]
NOTES = "to nobody but myself"


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
    media_item: str
    other_media_item: str
    tag: str
    import_id: str
    menu: str
    course: str
    course_item: str
    menu_link: str

    def path_values(self, path: str) -> dict[str, str]:
        """A value for each path parameter of the API."""
        return {
            "car_id": self.car,
            "part_id": self.part,
            "list_id": self.build_list,
            "item_id": self._item_of(path),
            "tag_id": self.tag,
            "import_id": self.import_id,
            "source": "tmdb",
            "field": "title",
            "session_id": self.session,
            "token": self.token,
            "vin": "JH4DC4340RS003205",
            "menu_id": self.menu,
            "course_id": self.course,
            "slug": self.menu_link,
        }

    def _item_of(self, path: str) -> str:
        module = path.split("/")[1]
        return {"media": self.media_item, "menus": self.course_item}.get(module, self.item)

    def secrets_from(self, caller: str, path: str) -> tuple[str, ...]:
        """What no reply to this caller may hold; who brought an item into the catalogue is told to administrators."""
        told = caller == "admin" and path.startswith("/media/items")
        return self._secrets if told else (*self._secrets, str(self.owner.id))

    @property
    def _secrets(self) -> tuple[str, ...]:
        return (
            self.owner.email,
            self.car,
            self.part,
            self.build_list,
            self.item,
            self.tag,
            self.import_id,
            self.menu,
            self.course,
            self.course_item,
            self.menu_link,
            NOTES,
        )


async def set_stage(client: httpx.AsyncClient) -> Stage:
    """A new owner with a car, parts, a shared build list with an item, a book of theirs in the catalogue with a tag
    and a state, another book, an unlisted menu with a course that holds the book, and a second session."""
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
    book = await new("/media/items", media_type="book", title="The Dispossessed")
    other_book = await new("/media/items", media_type="book", title="The Dispossessed: An Ambiguous Utopia")
    tag = await new("/media/tags", name="To lend")
    at_book = f"/media/items/{book['id']}"
    assert (await owner.put(f"{at_book}/state", json={"status": "active", "notes": NOTES})).status_code == 200
    assert (await owner.put(f"{at_book}/tags/{tag['id']}")).status_code == 204
    menu = await new("/menus", title="Slow Sundays", visibility="unlisted")
    course = await new(f"/menus/{menu['id']}/courses", title="To begin with")
    course_item = await new(f"/menus/{menu['id']}/courses/{course['id']}/items", media_item_id=book["id"], notes=NOTES)
    return Stage(
        owner,
        car["id"],
        part["id"],
        spare["id"],
        build_list["id"],
        item["id"],
        share["token"],
        other_session,
        book["id"],
        other_book["id"],
        tag["id"],
        await read_in(owner),
        menu["id"],
        course["id"],
        course_item["id"],
        menu["url"].rpartition("/")[2],
    )


async def read_in(owner: Person) -> str:
    """The id of an import of the owner's that is over."""
    reply = await owner.post("/media/imports", files=FILES["POST /media/imports"])
    assert reply.status_code in {201, 202}, reply.text
    path = f"/media/imports/{reply.json()['id']}"
    async with asyncio.timeout(60):
        while (await owner.get(path)).json()["status"] == "running":  # noqa: ASYNC110  nothing tells of its end
            await asyncio.sleep(0.02)
    found: str = reply.json()["id"]
    return found


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
    "POST /media/items": lambda _: {"media_type": "game", "title": "Outer Wilds"},
    "PATCH /media/items/{item_id}": lambda _: {"subtitle": "An Ambiguous Utopia"},
    "POST /media/items/{item_id}/merge": lambda stage: {"into": stage.other_media_item},
    "PUT /media/items/{item_id}/locks": lambda _: {"fields": ["title"]},
    "PUT /media/items/{item_id}/state": lambda _: {"status": "planned"},
    "POST /media/ingest/{source}": lambda _: {"external_id": "movie/603"},
    "POST /media/tags": lambda _: {"name": "To reread"},
    "PATCH /media/tags/{tag_id}": lambda _: {"name": "Lent"},
    "POST /menus": lambda _: {"title": "Rainy Sundays"},
    "PUT /menus/{menu_id}": lambda _: {"title": "Rainy Sundays", "visibility": "unlisted"},
    "PATCH /menus/{menu_id}": lambda _: {"description": "With tea."},
    "POST /menus/{menu_id}/clone": lambda _: {},
    "PUT /menus/{menu_id}/order": lambda stage: {"courses": [{"id": stage.course, "items": [stage.course_item]}]},
    "POST /menus/course-items/{item_id}/move": lambda stage: {"course_id": stage.course, "before": None},
    "POST /menus/{menu_id}/courses": lambda _: {"title": "To end with"},
    "PATCH /menus/{menu_id}/courses/{course_id}": lambda _: {"description": "Before noon."},
    "POST /menus/{menu_id}/courses/{course_id}/items": lambda stage: {"media_item_id": stage.other_media_item},
    "POST /menus/{menu_id}/courses/{course_id}/items:bulk": lambda stage: {"media_item_ids": [stage.other_media_item]},
    "PATCH /menus/{menu_id}/courses/{course_id}/items/{item_id}": lambda _: {"notes": None},
}
"""The body of an operation, by `METHOD /path` below the API prefix; operations without one are not here."""

FILES: dict[str, dict[str, tuple[str, str]]] = {
    "POST /media/imports": {
        "file": ("films.csv", "Date,Name,Year,Letterboxd URI\n2024-01-06,Paprika,2006,https://boxd.it/28RI\n")
    }
}
"""The form of an operation that takes a file instead."""

QUERIES = {"DELETE /auth/sessions": {"scope": "others"}, "GET /media/search": {"q": "Dispossessed"}}
"""The query of an operation that needs one."""

REFUSED_FOR_OTHERS = {"POST /build-lists": 422}
"""Collections where the body names something of the owner's: not found is the field's fault there."""

SHARED: dict[str, dict[str, int]] = {
    # The catalogue is everyone's to read ...
    "GET /media/items/{item_id}": {"somebody else": 200, "admin": 200},
    # ... and its entries are for who made them, and administrators, to change: hiding what can be read is no use.
    "PATCH /media/items/{item_id}": {"somebody else": 403, "admin": 200},
    "PUT /media/items/{item_id}/locks": {"somebody else": 403, "admin": 200},
    "DELETE /media/items/{item_id}/edits/{field}": {"somebody else": 403, "admin": 204},
    "POST /media/items/{item_id}/restore": {"somebody else": 403, "admin": 200},
    # The administrator comes before the owner, who finds nothing then.
    "DELETE /media/items/{item_id}": {"somebody else": 403, "admin": 204, "owner": 404},
    # Other people's states and tags move, so this is for administrators alone.
    "POST /media/items/{item_id}/merge": {"somebody else": 403, "admin": 200, "owner": 403},
    # A state is one's own, at the address of an item that is everyone's.
    "PUT /media/items/{item_id}/state": {"somebody else": 200, "admin": 200},
    "GET /media/items/{item_id}/state/log": {"somebody else": 200, "admin": 200},
    # One's own menus, at the address of an item that is everyone's.
    "GET /media/items/{item_id}/menus": {"somebody else": 200, "admin": 200},
    # Anyone may have an item brought up to date; this one is known to no source, so there is nothing to do.
    "POST /media/items/{item_id}/refresh": {"somebody else": 409, "admin": 409, "owner": 409},
    # No source has its key here; the request gets as far as that.
    "POST /media/ingest/{source}": {"somebody else": 503, "admin": 503, "owner": 503},
}
"""What is not simply the owner's and hidden from all others: the status that each caller gets, by the operation."""
