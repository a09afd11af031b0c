"""One PostgreSQL for the whole run, one migrated template, one clone of it for each worker."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import hypothesis
import pytest
from fastapi import FastAPI

from monocoque import database, health, revocations
from monocoque.app import create_app
from monocoque.embedded import EmbeddedPostgres
from monocoque.migration import chains
from monocoque.registry import Inventory, discover, order
from monocoque.runtime import Runtime
from monocoque.settings import Settings
from monocoque_migrations import upgrade
from tests.support import Person, sign_up

TEMPLATE = "monocoque_template"

# Tests own the environment: what a developer has set must not leak in.
for _name in [name for name in os.environ if name.startswith("MONOCOQUE_")]:
    if _name != "MONOCOQUE_TEST_FIXTURES":
        del os.environ[_name]
for _name in ("DATABASE_URL", "REDIS_URL", "PORT"):
    os.environ.pop(_name, None)
os.environ["MONOCOQUE_ENVIRONMENT"] = "test"
os.environ["MONOCOQUE_AUTH_PASSWORD_ROUNDS"] = "4"
# All tests call from one address; those of the throttle set the limit that they need.
os.environ["MONOCOQUE_AUTH_LOGIN_ATTEMPTS_PER_ADDRESS"] = "1000000"

# A machine that is slow, or stands still for a second, is no failure; tests of these limits set their own.
ANSWER_WITHIN = revocations._ANSWER
revocations._ANSWER = health._LIMIT = database.CONNECT_TIMEOUT = database.POOL_WAIT = 60.0
# Nor is it one of a property; and each run tries the same examples, which depend on no earlier run.
hypothesis.settings.load_profile("ci")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started with `&` by a script: whatever is started from here would be deaf to the Ctrl-C that tests send.
    signal.signal(signal.SIGINT, signal.default_int_handler)

_server: EmbeddedPostgres | None = None
_home: Path | None = None


def pytest_configure(config: pytest.Config) -> None:
    """Start the server in the controlling process only; workers are told its address."""
    global _server, _home  # noqa: PLW0603  pytest offers no other place for what spans all workers
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    _home = Path(tempfile.mkdtemp(prefix="monocoque-tests-"))
    # As root the server runs as somebody else, who has to get here.
    _home.chmod(0o711)
    _server = EmbeddedPostgres(_home, durable=False)
    # A machine with many cores has many workers, and each of them several applications.
    _server._settings |= {"max_connections": "500"}
    _server.start()
    os.environ["MONOCOQUE_TEST_SERVER"] = _server.url("postgres")
    asyncio.run(_make_template(_server.url("postgres"), _server.url(TEMPLATE)))


async def _make_template(server: str, template: str) -> None:
    connection = await asyncpg.connect(server)
    await connection.execute(f'CREATE DATABASE "{TEMPLATE}"')
    await connection.close()
    await upgrade(template, chains(order(discover())))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["server"] = os.environ["MONOCOQUE_TEST_SERVER"]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server and leave nothing behind."""
    if _server is not None:
        _server.destroy()
    if _home is not None:
        shutil.rmtree(_home, ignore_errors=True)


@pytest.fixture(scope="session")
def server_url(request: pytest.FixtureRequest) -> str:
    """The maintenance database of the run's PostgreSQL server."""
    given = getattr(request.config, "workerinput", {}).get("server")
    return str(given or os.environ["MONOCOQUE_TEST_SERVER"])


def with_database(server_url: str, name: str) -> str:
    """The address of another database on the same server."""
    head, _, query = server_url.partition("?")
    return f"{head.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")


async def _clone(server_url: str, template: str) -> str:
    name = f"test_{uuid4().hex}"
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    finally:
        await connection.close()
    return with_database(server_url, name)


async def _drop(server_url: str, url: str) -> None:
    name = url.partition("?")[0].rpartition("/")[2]
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await connection.close()


@pytest.fixture(scope="session")
async def worker_database_url(server_url: str) -> AsyncIterator[str]:
    """This worker's migrated database; tests keep apart by the people that they make up."""
    url = await _clone(server_url, TEMPLATE)
    yield url
    await _drop(server_url, url)


@pytest.fixture
async def migrated_database_url(server_url: str) -> AsyncIterator[str]:
    """A migrated database for one test alone."""
    url = await _clone(server_url, TEMPLATE)
    yield url
    await _drop(server_url, url)


@pytest.fixture
async def database_url(server_url: str) -> AsyncIterator[str]:
    """An empty database for one test alone."""
    url = await _clone(server_url, "template0")
    yield url
    await _drop(server_url, url)


@pytest.fixture(scope="session")
def inventory() -> Inventory:
    """Every module of the workspace, enabled."""
    return order(discover())


class AppFactory:
    """Makes applications and keeps them running until the end of the test or session."""

    def __init__(self) -> None:
        self._running: list[Any] = []

    async def __call__(self, url: str, *, modules: str | None = None, **settings: Any) -> FastAPI:
        options = Settings(_env_file=None, modules=modules, **settings)
        app = create_app(options, database_url=url, access_log=False)
        context = app.router.lifespan_context(app)
        with pytest.MonkeyPatch.context() as patched:
            # Of many who come at once the last waits for the locks of all others, on a slow machine for long.
            patched.setattr(database, "SESSION", {**database.SESSION, "lock_timeout": "0"})
            await context.__aenter__()
        self._running.append(context)
        return app

    async def close(self) -> None:
        for context in reversed(self._running):
            await context.__aexit__(None, None, None)


def client_of(app: FastAPI, prefix: str = "/api/v1") -> httpx.AsyncClient:
    """A client that calls the application in process; paths are relative to the API prefix."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=f"http://monocoque.test{prefix}")


@pytest.fixture(scope="session")
async def app(worker_database_url: str) -> AsyncIterator[FastAPI]:
    """The application with all modules, on this worker's database."""
    factory = AppFactory()
    yield await factory(worker_database_url)
    await factory.close()


@pytest.fixture
def runtime(app: FastAPI) -> Runtime:
    """What the application of this worker runs with."""
    found: Runtime = app.state.runtime
    return found


@pytest.fixture
async def make_app() -> AsyncIterator[AppFactory]:
    """Makes further applications, with other modules or settings, for one test."""
    factory = AppFactory()
    yield factory
    await factory.close()


@pytest.fixture(scope="session")
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client without sign-in."""
    async with client_of(app) as found:
        yield found


@pytest.fixture
async def owner(client: httpx.AsyncClient) -> Person:
    """Somebody with an account."""
    return await sign_up(client)


@pytest.fixture
async def stranger(client: httpx.AsyncClient) -> Person:
    """Somebody else with an account."""
    return await sign_up(client)


@pytest.fixture
def repository() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parent.parent


SignUp = Callable[..., Awaitable[Person]]
