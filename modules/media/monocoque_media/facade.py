"""What other modules may ask of media."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from uuid import UUID

from monocoque.database import Database, Executor, Transaction
from monocoque.runtime import Runtime
from monocoque_media import item_service, searching_service
from monocoque_media.connectors.registry import build_connectors, close_connectors, provided_connectors
from monocoque_media.contracts import CONNECTORS, ITEMS_MERGED, Connector, MediaCard, MediaType, MergeHandler
from monocoque_media.flights import Flights
from monocoque_media.importing_service import running_imports
from monocoque_media.problems import MERGED, NOT_FOUND
from monocoque_media.queries import items as queries
from monocoque_media.settings import MediaSettings

_FLIGHTS = "media.flights"

ITEM_PROBLEMS = (NOT_FOUND, MERGED)
"""What `check_item` raises, for the `responses` of a route."""


@asynccontextmanager
async def lifespan(runtime: Runtime) -> AsyncIterator[None]:
    """Keeps the sources outside, ours and those of other modules, for as long as the process serves."""
    settings = runtime.settings_of("media", MediaSettings)
    built = build_connectors(settings, provided_connectors(runtime))
    runtime.resources[CONNECTORS] = built
    under_way = runtime.resources[_FLIGHTS] = Flights(runtime.database, settings.provider_timeout_seconds)
    runtime.resources[ITEMS_MERGED] = tuple(handler for _module, handler in runtime.provided(ITEMS_MERGED))
    try:
        async with running_imports(runtime):
            yield
    finally:
        await under_way.close()
        await close_connectors(built)


def connectors(runtime: Runtime) -> dict[str, Connector]:
    """The sources of this process, by name."""
    found: dict[str, Connector] = runtime.resources[CONNECTORS]
    return found


def flights(runtime: Runtime) -> Flights:
    """What is being asked of sources just now."""
    found: Flights = runtime.resources[_FLIGHTS]
    return found


async def find_items(executor: Executor, ids: Iterable[UUID]) -> dict[UUID, MediaCard]:
    """The items in brief, by id; without those that are not there."""
    rows = await executor.all(queries.CARDS, ids=list(ids))
    return {row["id"]: MediaCard(*row.values()) for row in rows}


async def hold_items(transaction: Transaction, ids: Iterable[UUID]) -> dict[UUID, MediaCard]:
    """As `find_items`, and until the transaction ends nobody deletes these items or merges them into others.

    A transaction that locks rows of its own holds the items first, as a merge does: else the two wait for each other.
    """
    rows = await transaction.all(queries.HOLD_CARDS, ids=list(ids))
    return {row["id"]: MediaCard(*row.values()) for row in rows}


async def search_items(
    database: Database, text: str, *, media_type: MediaType | None, year: int | None, limit: int
) -> list[UUID]:
    """The ids of what a search of the catalogue finds, the best first; no source outside is asked."""
    rows = await searching_service.search(database, text, media_type=media_type, year=year, limit=limit, extra=())
    return [row["id"] for row in rows]


async def check_item(executor: Executor, item_id: UUID, *, below: str = "", query: str = "") -> None:
    """Raise a 404 unless the item is there, a 308 where it was merged.

    `below` follows the id in the path asked for, and `query` that, with its `?`: the address that is told has both.
    """
    if await executor.first(queries.EXISTS, id=item_id) is None:
        await item_service.refuse(executor, item_id, below=below, query=query)


def merge_handlers(runtime: Runtime) -> tuple[MergeHandler, ...]:
    """What the other modules of this process do when two items become one, in the order in which they started."""
    found: tuple[MergeHandler, ...] = runtime.resources[ITEMS_MERGED]
    return found
