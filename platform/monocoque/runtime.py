"""What a running process has: settings, modules, the database and who may call; handed to whatever needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic_settings import BaseSettings
from starlette.types import Scope

from monocoque.database import Database
from monocoque.direct import direct
from monocoque.failures import StartupError
from monocoque.migration import chains
from monocoque.modules import Module, load_part
from monocoque.registry import Inventory
from monocoque.revocations import Revocations
from monocoque.settings import Settings
from monocoque_migrations import Chain, applied
from monocoque_migrations.history import line


@dataclass(slots=True)
class Runtime:
    """One per process, at `app.state.runtime`; a module keeps what it makes at start in `resources`."""

    settings: Settings
    inventory: Inventory
    database: Database
    revocations: Revocations
    module_settings: dict[str, BaseSettings] = field(default_factory=dict)
    resources: dict[str, Any] = field(default_factory=dict)
    draining: bool = False

    def settings_of[S: BaseSettings](self, module: str, kind: type[S]) -> S:
        """A module's own settings; raises KeyError when the module declares none."""
        found = self.module_settings[module]
        assert isinstance(found, kind)
        return found

    def provided(self, point: str) -> list[tuple[Module, Any]]:
        """What the enabled modules provide for an extension point, with the module, in start order.

        Raises StartupError for what cannot be imported.
        """
        return [
            (module, load_part(module, module.provides[point]))
            for module in self.inventory.enabled
            if point in module.provides
        ]

    async def behind(self) -> list[str]:
        """The enabled chains whose schema is older than the code; one that is ahead counts as current."""
        enabled = chains(self.inventory, with_metadata=False)
        async with self.database.connection() as connection:
            present = await applied(connection, enabled)
        return behind(enabled, present)

    async def check_schema(self) -> None:
        """Raise StartupError when the schema is older than the code."""
        pending = await self.behind()
        if pending:
            raise not_migrated(pending)


def behind(known: Sequence[Chain], present: Mapping[str, str | None]) -> list[str]:
    """The chains whose applied revision is older than the code; a revision that the code does not know is newer."""
    return [chain.name for chain in known if present.get(chain.name) in (None, *line(chain).revisions[:-1])]


def not_migrated(names: Sequence[str]) -> StartupError:
    """What to tell a person whose database is older than the code."""
    return StartupError(
        f"The database is not migrated for: {', '.join(names)}.",
        hint="Run `monocoque db upgrade`, or start with `monocoque serve`, which does it in development.",
    )


def runtime_of(scope: Scope) -> Runtime:
    """The runtime of the application that serves this request."""
    found: Runtime = scope["app"].state.runtime
    return found


async def _runtime_directly(scope: Scope) -> Runtime:
    return runtime_of(scope)


async def _database_directly(scope: Scope) -> Database:
    return runtime_of(scope).database


@direct(_runtime_directly)
async def current_runtime(request: Request) -> Runtime:
    """The runtime of this process."""
    return runtime_of(request.scope)


@direct(_database_directly)
async def current_database(request: Request) -> Database:
    """The database of this process."""
    return runtime_of(request.scope).database


CurrentRuntime = Annotated[Runtime, Depends(current_runtime)]
Db = Annotated[Database, Depends(current_database)]
