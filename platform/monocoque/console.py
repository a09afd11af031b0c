"""What commands share: finding the database, running something against it, and ending with one clear message."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, NoReturn

from monocoque.configuration import load_configuration
from monocoque.failures import StartupError
from monocoque.progress import Progress
from monocoque.registry import Inventory, discover, order
from monocoque.settings import Settings

if TYPE_CHECKING:
    from monocoque.runtime import Runtime


def fail(error: StartupError) -> NoReturn:
    """Say what is wrong and what to do, and end with exit code 1."""
    sys.stderr.write(f"{error}\n")
    raise SystemExit(1)


@contextmanager
def explained() -> Iterator[None]:
    """Turn the failures that a person can act on into one message without a traceback."""
    from monocoque.embedded import EmbeddedPostgresError  # noqa: PLC0415  only commands need it
    from monocoque_migrations import MigrationError  # noqa: PLC0415

    try:
        yield
    except StartupError as error:
        fail(error)
    except (EmbeddedPostgresError, MigrationError) as error:
        fail(StartupError(error.message, hint=error.hint))


def current_inventory(settings: Settings) -> Inventory:
    """The modules as the settings enable them."""
    return order(discover(), only=settings.modules, without=settings.modules_disabled)


def local_address(host: str, port: int) -> str:
    """The root of a server that listens there, as somebody at the same machine opens it."""
    try:
        found = ip_address(host)
    except ValueError:
        return f"http://{host}:{port}"
    if found.is_unspecified:
        # All addresses of the machine, and none that can be opened.
        return f"http://127.0.0.1:{port}"
    return f"http://[{host}]:{port}" if isinstance(found, IPv6Address) else f"http://{host}:{port}"


@contextmanager
def database_address(settings: Settings, progress: Progress | None = None) -> Iterator[str]:
    """The configured database's address, or an embedded one's, started for the time of the block.

    An embedded server that `monocoque serve` holds already is used as it is.
    """
    if settings.postgres_url is not None:
        yield settings.postgres_url
        return
    from monocoque.embedded import EmbeddedPostgres, running_url  # noqa: PLC0415  absent from images

    present = running_url(settings.home)
    if present is not None:
        yield present
        return
    server = EmbeddedPostgres(settings.home)
    server.start()
    try:
        for note in server.notes:
            (progress or Progress()).note(note)
        yield server.url()
    finally:
        server.stop()


@asynccontextmanager
async def open_runtime(settings: Settings, inventory: Inventory, url: str) -> AsyncIterator[Runtime]:
    """A runtime for a command: connected, its modules' resources made, no background work."""
    from monocoque.lifecycle import build_runtime, running  # noqa: PLC0415  imports every enabled module

    runtime = build_runtime(settings, inventory, url)
    async with running(runtime, follow_revocations=False):
        yield runtime


def run_with_runtime(action: Callable[[Runtime], Awaitable[int | None]]) -> None:
    """Run a command of a module against the configured database; its result is the exit code."""

    async def run(settings: Settings, inventory: Inventory, url: str) -> int | None:
        async with open_runtime(settings, inventory, url) as runtime:
            return await action(runtime)

    with explained():
        found = load_configuration()
        with database_address(found.settings) as url:
            code = asyncio.run(run(found.settings, found.inventory, url))
    if code:
        raise SystemExit(code)
