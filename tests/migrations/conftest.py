"""A fresh, empty database for each test, and the workshop that writes its modules."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from monocoque.embedded import EmbeddedPostgres
from tests.migrations.workshop import Workshop


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    monkeypatch.syspath_prepend(tmp_path)
    return Workshop(tmp_path)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    home = Path(tempfile.mkdtemp(prefix="migrations-"))
    server = EmbeddedPostgres(home, durable=False)
    try:
        yield server.start()
    finally:
        server.destroy()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
async def database_url(server_url: str) -> AsyncIterator[str]:
    async for url in fresh_database(server_url):
        yield url


@pytest.fixture
async def other_database_url(server_url: str) -> AsyncIterator[str]:
    async for url in fresh_database(server_url):
        yield url


async def fresh_database(server_url: str) -> AsyncIterator[str]:
    name = f"t_{uuid4().hex}"
    server = await asyncpg.connect(server_url)
    try:
        await server.execute(f"CREATE DATABASE {name}")
        parts = urlsplit(server_url)
        yield f"{parts.scheme}://{parts.netloc}/{name}" + (f"?{parts.query}" if parts.query else "")
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await server.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()
