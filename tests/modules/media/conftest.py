"""What the tests of media share: an application whose sources are played by a local server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from monocoque.runtime import Runtime
from monocoque_media import searching_service
from monocoque_media.connectors import base, guarded
from monocoque_media.flights import Flights
from monocoque_media.queries import search as search_queries
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
    # A correction is given up when a person would not wait for it any longer; a busy machine may take its time.
    patient = copy(search_queries.LOOSEN)
    assert "'1000'" in patient.sql
    patient.sql = patient.sql.replace("'1000'", "'9000'")
    monkeypatch.setattr(search_queries, "LOOSEN", patient)

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


class Crowd:
    """How many wait for answers of sources just now, in all applications of a test."""

    def __init__(self) -> None:
        self.waiting = 0
        """Those who asked, or joined who asks."""
        self.following = 0
        """The calls that another process makes."""
        self._news = asyncio.Event()

    async def of(self, waiting: int, following: int = 0) -> None:
        """Wait until so many wait and so many follow, though they take long to get there."""
        async with asyncio.timeout(60):
            while (self.waiting, self.following) != (waiting, following):
                self._news.clear()
                await self._news.wait()

    @contextmanager
    def one_more(self, waiting: int = 0, following: int = 0) -> Iterator[None]:
        self.waiting, self.following = self.waiting + waiting, self.following + following
        self._news.set()
        try:
            yield
        finally:
            self.waiting, self.following = self.waiting - waiting, self.following - following
            self._news.set()


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> Crowd:
    """Counts from here on; a test that holds the sources' answers back till all are there has them meet for certain."""
    found, share, followed = Crowd(), Flights.share, Flights._followed

    async def counted_share(self: Flights, *arguments: Any) -> Any:
        with found.one_more(waiting=1):
            return await share(self, *arguments)

    async def counted_followed(self: Flights, *arguments: Any) -> Any:
        with found.one_more(following=1):
            return await followed(self, *arguments)

    monkeypatch.setattr(Flights, "share", counted_share)
    monkeypatch.setattr(Flights, "_followed", counted_followed)
    return found


class Limits:
    """The time limits that calls to sources are given. A test says when that time is over, so no clock has a say."""

    def __init__(self) -> None:
        self.given: list[float] = []
        """In seconds, from when each was set."""
        self.until: list[float] = []
        """By the clock of the loop."""
        self._set: list[asyncio.Timeout] = []

    def timeout(self, delay: float) -> asyncio.Timeout:
        self.given.append(delay)
        self._set.append(asyncio.timeout(delay))
        return self._set[-1]

    def timeout_at(self, when: float | None) -> asyncio.Timeout:
        if when is not None:
            self.until.append(when)
        self._set.append(asyncio.timeout_at(when))
        return self._set[-1]

    def over(self) -> None:
        """The time of all who are waiting is over."""
        for limit in self._set:
            # One that was kept is over already.
            with suppress(RuntimeError):
                if limit.when() is not None:
                    limit.reschedule(asyncio.get_running_loop().time())

    def __getattr__(self, name: str) -> Any:
        """Whatever else those who are given limits take from asyncio."""
        return getattr(asyncio, name)


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Limits:
    """Holds the calls of our sources, of those of other modules, and of searches."""
    found = Limits()
    for module in (base, guarded, searching_service):
        monkeypatch.setattr(module, "asyncio", found)
    return found
