"""What the tests of media share: entries, administrators, and replies held to their documented models."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
from fastapi import FastAPI
from pydantic import BaseModel, TypeAdapter

from monocoque.pagination import Page
from monocoque_media.schemas.items import ItemRead
from monocoque_media.schemas.tags import TagRead
from tests.support import Person

NOWHERE = "0198c5a0-f1a2-7c8e-9d3b-5f6a7b8c9d0e"
STATE = {
    "status": "completed",
    "rating": 80,
    "favorite": True,
    "notes": "In one night.",
    "started_at": "2024-05-01",
    "finished_at": "2024-05-17",
    "pass_number": 1,
}


def held[Model: BaseModel](model: type[Model], reply: httpx.Response, status: int = 200) -> dict[str, Any]:
    """The body of a reply, after holding it to the documented model: every member, no other, of the right type."""
    assert reply.status_code == status, reply.text
    TypeAdapter(model).validate_json(reply.content, strict=True, extra="forbid")
    found: dict[str, Any] = reply.json()
    assert found.keys() == model.model_fields.keys()
    return found


def held_page[Model: BaseModel](model: type[Model], reply: httpx.Response) -> list[dict[str, Any]]:
    """The items of a page, after holding it to the documented model."""
    assert reply.status_code == 200, reply.text
    Page[model].model_validate_json(reply.content, strict=True, extra="forbid")  # type: ignore[valid-type]
    items: list[dict[str, Any]] = reply.json()["items"]
    assert all(item.keys() == model.model_fields.keys() for item in items)
    return items


async def pages(person: Person, path: str, **query: Any) -> list[dict[str, Any]]:
    """Everything that a list holds, page after page."""
    found: list[dict[str, Any]] = []
    while True:
        reply = await person.get(path, params=query)
        assert reply.status_code == 200, reply.text
        found += reply.json()["items"]
        query["cursor"] = reply.json()["next_cursor"]
        if query["cursor"] is None:
            return found


async def enter(person: Person, media_type: str = "book", **values: Any) -> dict[str, Any]:
    """A new entry of the person's."""
    body = {"media_type": media_type, "title": f"Title {uuid4().hex}", **values}
    return held(ItemRead, await person.post("/media/items", json=body), 201)


async def add_tag(person: Person, name: str) -> dict[str, Any]:
    """A new tag of the person's."""
    return held(TagRead, await person.post("/media/tags", json={"name": name}), 201)


async def set_state(person: Person, item: dict[str, Any], **values: Any) -> dict[str, Any]:
    """The person's state of an item, set."""
    reply = await person.put(f"/media/items/{item['id']}/state", json={"status": "active", **values})
    assert reply.status_code == 200, reply.text
    state: dict[str, Any] = reply.json()
    return state


async def met(connection: asyncpg.Connection, question: str) -> None:
    """Wait until the database answers with true."""
    async with asyncio.timeout(60):
        while not await connection.fetchval(question):  # noqa: ASYNC110  PostgreSQL tells nobody
            await asyncio.sleep(0.005)


async def make_admin(app: FastAPI, person: Person) -> Person:
    """The person, as an administrator."""
    async with app.state.runtime.database.connection() as connection:
        await connection.execute("UPDATE monocoque_auth.users SET role = 'admin' WHERE id = $1", person.id)
    await person.login()
    return person
