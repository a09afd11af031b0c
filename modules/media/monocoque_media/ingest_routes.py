"""The HTTP face of taking in what sources outside know."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query
from starlette.responses import Response

from monocoque.database import Executor
from monocoque.idempotency import CurrentOnce
from monocoque.problems import responses
from monocoque.replies import JsonReply, etag, found
from monocoque.routing import Router
from monocoque.runtime import CurrentRuntime
from monocoque.security import CurrentPrincipal
from monocoque_media import examples, facade, ingesting_service, item_service
from monocoque_media.problems import (
    MERGED,
    NOT_FOUND,
    SOURCE_ITEM_UNKNOWN,
    SOURCE_MISSING,
    SOURCE_NOT_CONFIGURED,
    SOURCE_RATE_LIMITED,
    SOURCE_TIMEOUT,
    SOURCE_UNAVAILABLE,
    SOURCE_UNKNOWN,
)
from monocoque_media.queries import items as queries
from monocoque_media.schemas.items import ItemRead
from monocoque_media.schemas.searching import IngestReport, IngestWrite

router = Router()
refresh_router = Router()
_TROUBLE = (
    SOURCE_ITEM_UNKNOWN,
    SOURCE_RATE_LIMITED,
    SOURCE_UNAVAILABLE,
    SOURCE_NOT_CONFIGURED,
    SOURCE_TIMEOUT,
)


@router.post(
    "/{source}",
    response_model=ItemRead | IngestReport,
    summary="Take in from a source",
    responses={
        200: {"content": {"application/json": {"schema": {"examples": [examples.INGEST, examples.TAKEN_IN]}}}},
        201: {"model": ItemRead, "description": "New in the catalogue"},
        **responses(SOURCE_UNKNOWN, *_TROUBLE),
    },
)
async def ingest_items(
    source: Annotated[str, Path(max_length=40, description="The name of a source, such as `tmdb`.")],
    wanted: IngestWrite,
    owner: CurrentPrincipal,
    runtime: CurrentRuntime,
    once: CurrentOnce,
) -> Response:
    """With `external_id` the one item: 201 where it is new, 200 where it was known, and then nobody is asked.

    With `query` a report of everything that the source found; a book known by its ISBN gets one more source.
    """
    replayed = await once.stored(owner.user_id)
    if replayed is not None:
        return replayed
    connector = ingesting_service.connector_of(facade.connectors(runtime), source, wanted.type)
    flights = facade.flights(runtime)
    if wanted.external_id is not None:
        taken = await ingesting_service.ingest(runtime.database, connector, wanted.external_id, owner.user_id, flights)

        async def show(executor: Executor) -> Response:
            row = await ingesting_service.find_taken(executor, owner, taken.item_id)
            if not taken.created:
                return found(row)
            # Relative to this address, so that it holds behind any proxy.
            location = f"../items/{row['id']}"
            headers = ((b"etag", etag(row["version"]).encode()), (b"location", location.encode()))
            return JsonReply(dict(row.items()), 201, headers)

        return await once.run(owner.user_id, show)
    assert wanted.query is not None
    shown = await ingesting_service.ingest_search(
        runtime.database,
        connector,
        wanted.query,
        user_id=owner.user_id,
        media_type=wanted.type,
        year=wanted.year,
        max_results=wanted.max_results,
        flights=flights,
    )

    async def report(_executor: Executor) -> Response:
        created = sum(entry["created"] for entry in shown)
        return JsonReply({"source": source, "created": created, "known": len(shown) - created, "items": shown})

    return await once.run(owner.user_id, report)


@refresh_router.post(
    "/{item_id}/refresh",
    response_model=ItemRead,
    summary="Refresh an item",
    responses=responses(NOT_FOUND, MERGED, SOURCE_MISSING, *_TROUBLE),
)
async def refresh_item(
    item_id: Annotated[UUID, Path(description="The id of an item of the catalogue.")],
    owner: CurrentPrincipal,
    runtime: CurrentRuntime,
    mode: Annotated[
        ingesting_service.RefreshMode,
        Query(description="`missing` fills in what the item lacks; `all` also replaces what it has."),
    ] = "missing",
) -> Response:
    """Asks the item's sources again. What a person edited or locked stays as it is."""
    if await runtime.database.first(queries.EXISTS, id=item_id) is None:
        await item_service.refuse(runtime.database, item_id, below="/refresh", query=f"?mode={mode}")
    taken = await ingesting_service.refresh(
        runtime.database, facade.connectors(runtime), item_id, mode, facade.flights(runtime)
    )
    return found(await ingesting_service.find_taken(runtime.database, owner, taken))
