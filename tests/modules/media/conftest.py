"""What the tests of media share: an application whose sources are played by a local server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from monocoque.runtime import Runtime
from tests import support
from tests.conftest import AppFactory, client_of
from tests.modules.media.vendors import Vendors, vendors
from tests.support import Person, sign_up

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")

# What a model may leave out is left out of both.
checked = partial(support.checked, exclude_unset=True)


@pytest.fixture
async def played(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Vendors]:
    """The vendors, on a local server."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    async with vendors() as found:
        yield found


@dataclass
class Outside:
    """An application on an empty catalogue of its own whose sources are the played vendors, and somebody signed in."""

    app: FastAPI
    person: Person
    vendors: Vendors
    url: str

    @property
    def runtime(self) -> Runtime:
        found: Runtime = self.app.state.runtime
        return found

    async def book(self, title: str, **fields: Any) -> str:
        """The id of a new entry."""
        reply = await self.person.post("/media/items", json={"media_type": "book", "title": title, **fields})
        assert reply.status_code == 201, reply.text
        return str(reply.json()["id"])

    async def search(self, q: str, **parameters: Any) -> dict[str, Any]:
        reply = await self.person.get("/media/search", params={"q": q, **parameters})
        assert reply.status_code == 200, reply.text
        found: dict[str, Any] = reply.json()
        return found

    async def titles(self, q: str, **parameters: Any) -> list[str]:
        return [item["title"] for item in (await self.search(q, **parameters))["items"]]


Open = Callable[..., Awaitable[Outside]]


@pytest.fixture
async def open_outside(
    played: Vendors, migrated_database_url: str, make_app: AppFactory, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Open]:
    """Makes such applications, on one database; keyword arguments are settings of media."""
    clients: list[httpx.AsyncClient] = []

    async def open_one(**changes: Any) -> Outside:
        for name, value in played.environment(**changes).items():
            monkeypatch.setenv(name, value)
        for name, value in changes.items():
            if value is None:
                monkeypatch.delenv(f"MONOCOQUE_MEDIA_{name.upper()}", raising=False)
        app = await make_app(migrated_database_url)
        clients.append(client_of(app))
        person = await sign_up(clients[-1], email=f"{uuid4().hex}@example.org")
        return Outside(app, person, played, migrated_database_url)

    yield open_one
    for client in clients:
        await client.aclose()


@pytest.fixture
async def outside(open_outside: Open) -> Outside:
    return await open_outside()
