"""What tests share: people who sign up over the API, and short ways to call it as them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from pydantic import BaseModel

PASSWORD = "correct horse battery staple"


async def until(true: Callable[[], object]) -> None:
    """Wait until it is true, as long as a slow machine may take."""
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.01)


async def awaited(connection: asyncpg.Connection) -> None:
    """Wait until somebody waits for a lock that this connection holds."""
    # The locks are as they are now; what else PostgreSQL tells of others stays as it was first seen in a transaction.
    waiting = (
        "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
    )
    async with asyncio.timeout(60):
        while not await connection.fetchval(waiting):  # noqa: ASYNC110  PostgreSQL tells nobody
            await asyncio.sleep(0.01)


@dataclass
class Person:
    """Somebody with an account; `get`, `post` and so on call the API as them."""

    client: httpx.AsyncClient
    email: str
    password: str = PASSWORD
    id: UUID | None = None
    access_token: str = ""
    refresh_token: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        options["headers"] = {**self.headers, **(options.get("headers") or {})}
        return await self.client.request(method, path, **options)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.call("GET", path, **options)

    async def post(self, path: str, **options: Any) -> httpx.Response:
        return await self.call("POST", path, **options)

    async def put(self, path: str, **options: Any) -> httpx.Response:
        return await self.call("PUT", path, **options)

    async def patch(self, path: str, **options: Any) -> httpx.Response:
        return await self.call("PATCH", path, **options)

    async def delete(self, path: str, **options: Any) -> httpx.Response:
        return await self.call("DELETE", path, **options)

    async def login(self) -> None:
        reply = await self.client.post("/auth/login", json={"email": self.email, "password": self.password})
        assert reply.status_code == 200, reply.text
        self.access_token = reply.json()["access_token"]
        self.refresh_token = reply.json()["refresh_token"]


async def sign_up(client: httpx.AsyncClient, **profile: Any) -> Person:
    """A new account, signed in. `client` has the API prefix as its base URL."""
    person = Person(client, profile.pop("email", f"{uuid4().hex}@example.org"))
    reply = await client.post("/auth/register", json={"email": person.email, "password": PASSWORD, **profile})
    assert reply.status_code == 201, reply.text
    person.id = UUID(reply.json()["id"])
    await person.login()
    return person


def problem(reply: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document of a reply, after checking that it is one and which."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = reply.json()
    assert document["code"] == code, document
    assert document["status"] == status
    return document


def checked(reply: httpx.Response, status: int, model: type[BaseModel], *, exclude_unset: bool = False) -> Any:
    """The body of a reply that has this status and exactly the documented members.

    `exclude_unset`: the reply may be without those that the model does not require.
    """
    assert reply.status_code == status, reply.text
    validated = model.model_validate_json(reply.text)
    assert _members(validated.model_dump(mode="json", exclude_unset=exclude_unset)) == _members(reply.json())
    return reply.json()


def _members(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _members(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_members(member) for member in value]
    return None
