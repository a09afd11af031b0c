"""Bringing a runtime up and down, the same for the server and for a command."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from monocoque.database import Database
from monocoque.failures import StartupError
from monocoque.modules import load_part
from monocoque.registry import Inventory
from monocoque.revocations import Revocations
from monocoque.runtime import Runtime
from monocoque.settings import Settings, load_settings, misspelt

_log = logging.getLogger(__name__)


def build_runtime(settings: Settings, inventory: Inventory, url: str) -> Runtime:
    """A runtime with every enabled module's settings read, not connected yet; raises StartupError."""
    database = Database.from_settings(settings, url)
    runtime = Runtime(settings, inventory, database, Revocations(database))
    problems: list[StartupError] = []
    for module in inventory.enabled:
        if module.settings:
            try:
                runtime.module_settings[module.name] = load_settings(load_part(module, module.settings))
            except StartupError as error:
                problems.append(error)
    if problems:
        # Those of all modules at once; what is no matter of settings is said alone.
        first = next((error for error in problems if not error.particulars), problems[0])
        lines = [line for error in problems for line in error.particulars] if first.particulars else []
        raise StartupError(first.message, *lines, hint=first.hint) from first
    return runtime


@asynccontextmanager
async def running(runtime: Runtime, *, follow_revocations: bool = True) -> AsyncIterator[None]:
    """The database connected and migrated, revocations followed, each module's own lifespan entered in start order."""
    for name, meant in misspelt([type(runtime.settings), *map(type, runtime.module_settings.values())]).items():
        _log.warning("%s sets nothing; did you mean %s?", name, meant)
    async with AsyncExitStack() as stack:
        await runtime.database.open()
        stack.push_async_callback(runtime.database.close)
        await runtime.check_schema()
        if follow_revocations:
            await runtime.revocations.start()
            stack.push_async_callback(runtime.revocations.stop)
        for module in runtime.inventory.enabled:
            if module.lifespan:
                await stack.enter_async_context(load_part(module, module.lifespan)(runtime))
        yield
        runtime.draining = True
