"""`monocoque serve`: one command from an empty folder to a running API."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from monocoque.asgi import DATABASE_VARIABLE, settle
from monocoque.configuration import load_configuration
from monocoque.console import explained, local_address, open_runtime
from monocoque.failures import StartupError
from monocoque.progress import Progress
from monocoque.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from monocoque.demo import Demo
    from monocoque.embedded import EmbeddedPostgres
    from monocoque.registry import Inventory
    from monocoque_migrations import Chain

SOURCES = ("platform", "migrations", "modules")


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (MONOCOQUE_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (MONOCOQUE_PORT).")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that share the port.")] = 1,
    reload: Annotated[bool, typer.Option("--reload", help="Start again when the code changes.")] = False,
    migrate: Annotated[
        bool | None, typer.Option(help="Apply pending migrations first; unset: everywhere but in production.")
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Load the demo data and show where to look at it; not in production.")
    ] = False,
) -> None:
    """Start the API; without a database URL also an embedded PostgreSQL, in the folder .monocoque."""
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    with explained(), _interruptible():
        if reload and workers > 1:
            raise StartupError("--reload runs one process.", hint="Leave out --workers, or --reload.")
        found = load_configuration(**given)
        settings = found.settings
        if demo and settings.production:
            from monocoque.demo import refuse_in_production  # noqa: PLC0415  imports what no start needs so early

            refuse_in_production(settings)
        migrate = not settings.production if migrate is None else migrate
        _serve(settings, found.inventory, workers=workers, reload=reload, migrate=migrate, demo=demo)


def _serve(settings: Settings, inventory: Inventory, *, workers: int, reload: bool, migrate: bool, demo: bool) -> None:
    progress = Progress()
    listener = _listen(settings)
    embedded: EmbeddedPostgres | None = None
    try:
        url = settings.postgres_url
        # While the database starts, Python imports the application: each takes about as long as the other.
        imports = threading.Thread(target=_import_application, daemon=True)
        imports.start()
        if url is None:
            embedded, url = _start_embedded(settings, progress)
        _migrate(url, inventory, progress, apply=migrate)
        imports.join()
        found = asyncio.run(_load_demo(settings, inventory, url, progress)) if demo else None
        if workers > 1 or reload:
            _serve_with_children(settings, inventory, url, listener, progress, found, workers=workers, reload=reload)
        else:
            _serve_here(settings, inventory, url, listener, progress, found)
    finally:
        listener.close()
        if embedded is not None:
            # Ctrl-C once more must not leave the database behind: stop() ends by itself.
            for sign in (signal.SIGINT, signal.SIGTERM):
                signal.signal(sign, signal.SIG_IGN)
            embedded.stop()
            progress.note("Stopped, the database too.")


def _import_application() -> None:
    # For the imports themselves, ahead of time.
    import monocoque.app  # noqa: PLC0415
    import monocoque.server  # noqa: F401, PLC0415


def _listen(settings: Settings) -> socket.socket:
    """The listening socket, taken before anything else is started: a port in use is said at once."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise StartupError(
                f"Port {settings.port} on {settings.host} is taken by another program.",
                hint=f"Stop that program, or choose another port: MONOCOQUE_PORT={settings.port + 1}.",
            ) from None
        raise StartupError(
            f"Cannot listen on {settings.host}, port {settings.port}: {error.strerror}.",
            hint="Set MONOCOQUE_HOST to an address of this machine and MONOCOQUE_PORT to a port that you may use.",
        ) from None
    listener.set_inheritable(True)
    return listener


def _start_embedded(settings: Settings, progress: Progress) -> tuple[EmbeddedPostgres, str]:
    from monocoque.embedded import EmbeddedPostgres  # noqa: PLC0415  absent from images

    server = EmbeddedPostgres(settings.home)
    with progress.step(f"PostgreSQL in {settings.home}"):
        url = server.start()
    for note in server.notes:
        progress.note(note)
    return server, url


def _migrate(url: str, inventory: Inventory, progress: Progress, *, apply: bool) -> None:
    from monocoque.migration import chains  # noqa: PLC0415  after the thread that imports has begun
    from monocoque.runtime import behind, not_migrated  # noqa: PLC0415
    from monocoque_migrations import upgrade  # noqa: PLC0415

    known = chains(inventory, with_metadata=False)
    pending = behind(known, asyncio.run(_applied(url, known)))
    if pending and not apply:
        raise not_migrated(pending)
    if pending:
        with progress.step("migrations") as remarks:
            remarks.append(f"{len(asyncio.run(upgrade(url, known)))} applied")


async def _applied(url: str, known: list[Chain]) -> dict[str, str | None]:
    from monocoque.database import Database  # noqa: PLC0415
    from monocoque_migrations import applied  # noqa: PLC0415

    # Opened first for its messages: unreachable, or too old.
    database = Database(url, null_pool=True)
    await database.open()
    async with database.connection() as connection:
        return await applied(connection, known)


async def _load_demo(settings: Settings, inventory: Inventory, url: str, progress: Progress) -> Demo:
    from monocoque import demo  # noqa: PLC0415  few starts need it

    async with open_runtime(settings, inventory, url) as runtime:
        return await demo.load(runtime, progress)


def _load(settings: Settings, inventory: Inventory, url: str, progress: Progress) -> FastAPI:
    from monocoque.app import create_app  # noqa: PLC0415  imported ahead by the thread
    from monocoque.logs import configure  # noqa: PLC0415

    with progress.step("modules") as remarks:
        app = create_app(settings, inventory=inventory, database_url=url)
        remarks.append(", ".join(module.name for module in inventory.enabled) or "none")
    configure(settings)
    return app


def _serve_here(
    settings: Settings,
    inventory: Inventory,
    url: str,
    listener: socket.socket,
    progress: Progress,
    demo: Demo | None,
) -> None:
    from monocoque.server import GRACE_SECONDS, Server  # noqa: PLC0415  imported ahead by the thread

    app = _load(settings, inventory, url, progress)

    class Told(Server):
        """The server, which says when it is ready and what it waits for at its end."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                settle()
                _announce(settings, listener, progress, demo)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            running = len(self.server_state.tasks)
            if running:
                progress.note(f"Up to {GRACE_SECONDS} s for {running} running request(s); Ctrl-C again ends them now.")
            await super().shutdown(sockets)

    # A failure that a person can act on is told below, once, and without a traceback.
    logging.getLogger("uvicorn.error").addFilter(lambda _record: not hasattr(app.state, "startup_error"))
    try:
        Told(app, settings).run(sockets=[listener])
    except SystemExit:
        error = getattr(app.state, "startup_error", None)
        if error is not None:
            raise error from None
        raise


def _serve_with_children(
    settings: Settings,
    inventory: Inventory,
    url: str,
    listener: socket.socket,
    progress: Progress,
    demo: Demo | None,
    *,
    workers: int,
    reload: bool,
) -> None:
    from monocoque.cli.workers import run_workers, work  # noqa: PLC0415

    # What is wrong is said here, once: a child that cannot load the application is started again and again.
    _load(settings, inventory, url, progress)
    os.environ[DATABASE_VARIABLE] = url
    _announce(settings, listener, progress, demo)
    if reload:
        _reload(settings, listener, partial(work, last_call=0))
    else:
        run_workers(listener, workers)


def _reload(settings: Settings, listener: socket.socket, work: Callable[[list[socket.socket]], None]) -> None:
    import uvicorn  # noqa: PLC0415
    from uvicorn.supervisors import ChangeReload  # noqa: PLC0415

    from monocoque.server import server_options  # noqa: PLC0415

    class Reload(ChangeReload):  # type: ignore[misc, valid-type]  # one of two, by what is installed
        """uvicorn's, which stops listening first: what the system took for this process nobody would answer."""

        def shutdown(self) -> None:
            listener.close()
            super().shutdown()

    folders = [name for name in SOURCES if Path(name).is_dir()] or ["."]
    options = {**server_options(settings), "reload": True, "reload_dirs": folders}
    Reload(uvicorn.Config("monocoque.asgi:create", factory=True, **options), target=work, sockets=[listener]).run()


def _announce(settings: Settings, listener: socket.socket, progress: Progress, demo: Demo | None) -> None:
    base = local_address(*listener.getsockname()[:2])
    rows = {"API": f"{base}{settings.api_prefix}"}
    if settings.docs:
        rows["Docs"] = f"{base}/docs"
    rows["Data"] = str(settings.home.absolute()) if settings.postgres_url is None else "the configured database"
    rows["Try"] = f"curl {base}{settings.api_prefix}/modules"
    if demo is not None:
        rows |= demo.shown(base)
    progress.panel(settings.project_name, rows, "Ctrl-C stops everything.")


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM ends the start like Ctrl-C does; once serving, uvicorn handles both and hands them back at the end."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(0)
