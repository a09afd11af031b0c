"""What other modules may ask of media."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from uuid import UUID

from monocoque.database import Executor
from monocoque.runtime import Runtime
from monocoque_media.connectors.registry import build_connectors, close_connectors, provided_connectors
from monocoque_media.contracts import CONNECTORS, ITEMS_MERGED, Connector, MediaCard, MergeHandler
from monocoque_media.flights import Flights
from monocoque_media.importing_service import running_imports
from monocoque_media.queries import items as queries
from monocoque_media.settings import MediaSettings

_FLIGHTS = "media.flights"


@asynccontextmanager
async def lifespan(runtime: Runtime) -> AsyncIterator[None]:
    """Keeps the sources outside, ours and those of other modules, for as long as the process serves."""
    built = build_connectors(runtime.settings_of("media", MediaSettings), provided_connectors(runtime))
    runtime.resources[CONNECTORS] = built
    runtime.resources[_FLIGHTS] = Flights()
    runtime.resources[ITEMS_MERGED] = tuple(handler for _module, handler in runtime.provided(ITEMS_MERGED))
    try:
        async with running_imports(runtime):
            yield
    finally:
        await close_connectors(built)


def connectors(runtime: Runtime) -> dict[str, Connector]:
    """The sources of this process, by name."""
    found: dict[str, Connector] = runtime.resources[CONNECTORS]
    return found


def flights(runtime: Runtime) -> Flights:
    """What this process is asking of sources just now."""
    found: Flights = runtime.resources[_FLIGHTS]
    return found


async def find_items(executor: Executor, ids: Iterable[UUID]) -> dict[UUID, MediaCard]:
    """The items in brief, by id; without those that are not there."""
    rows = await executor.all(queries.CARDS, ids=list(ids))
    return {row["id"]: MediaCard(*row.values()) for row in rows}


def merge_handlers(runtime: Runtime) -> tuple[MergeHandler, ...]:
    """What the other modules of this process do when two items become one, in the order in which they started."""
    found: tuple[MergeHandler, ...] = runtime.resources[ITEMS_MERGED]
    return found
