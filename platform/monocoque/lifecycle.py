"""Bringing a runtime up and down, the same for the server and for a command."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from monocoque.configuration import load_module_settings
from monocoque.database import Database
from monocoque.modules import load_part
from monocoque.registry import Inventory
from monocoque.revocations import Revocations
from monocoque.runtime import Runtime
from monocoque.settings import Settings, misspelt

_log = logging.getLogger(__name__)


def build_runtime(settings: Settings, inventory: Inventory, url: str) -> Runtime:
    """A runtime with every enabled module's settings read, not connected yet; raises StartupError."""
    database = Database.from_settings(settings, url)
    return Runtime(settings, inventory, database, Revocations(database), load_module_settings(inventory))


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
