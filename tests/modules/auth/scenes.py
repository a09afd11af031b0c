"""What the tests of auth share: callers from other addresses, a look into the tables, and the pace of passwords."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI

from monocoque.runtime import Runtime
from tests.support import Person

WRONG = "not the password of anybody"


def runtime_of(app: FastAPI) -> Runtime:
    runtime: Runtime = app.state.runtime
    return runtime


def somewhere() -> str:
    """An address from which nobody has called yet; each is in a network of its own."""
    digits = uuid4().hex
    return f"2001:db8:{digits[:4]}:{digits[4:8]}::1"


def client_at(app: FastAPI, address: str) -> httpx.AsyncClient:
    """A client that calls from an address."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=(address, 40_000))
    return httpx.AsyncClient(transport=transport, base_url="http://monocoque.test/api/v1")


async def fetch(app: FastAPI, sql: str, *arguments: Any) -> list[Any]:
    """The first column of what a statement gives."""
    async with runtime_of(app).database.connection() as connection:
        return [row[0] for row in await connection.fetch(sql, *arguments)]


async def log_in(client: httpx.AsyncClient, email: str, password: str) -> httpx.Response:
    return await client.post("/auth/login", json={"email": email, "password": password})


async def refresh(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/auth/refresh", json={"refresh_token": token})


async def refused_within_a_second(person: Person, client: httpx.AsyncClient) -> bool:
    """Whether the access token stops counting at `client` in time, also where the account is not looked up.

    The second is counted in pauses: what a busy machine does in between is not the promise's fault.
    """
    for _ in range(50):
        reply = await client.get("/auth/sessions", headers=person.headers)
        if reply.status_code == 401:
            return True
        assert reply.status_code == 200, reply.text
        await asyncio.sleep(0.02)
    return False


class HeldPasswords:
    """Passwords that are being checked: `reached` says that a check has begun, `go_on` lets it end."""

    def __init__(self, passwords: Any) -> None:
        self._passwords = passwords
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()

    async def verify_password(self, password: str, hashed: str | None) -> bool:
        self.reached.set()
        await self.go_on.wait()
        verified: bool = await self._passwords.verify_password(password, hashed)
        return verified

    def __getattr__(self, name: str) -> Any:
        return getattr(self._passwords, name)


@asynccontextmanager
async def held_passwords(app: FastAPI) -> AsyncIterator[HeldPasswords]:
    """Hold every check of a password until told to go on."""
    resources = runtime_of(app).resources
    original = resources["auth.passwords"]
    held = HeldPasswords(original)
    resources["auth.passwords"] = held
    try:
        yield held
    finally:
        held.go_on.set()
        resources["auth.passwords"] = original
