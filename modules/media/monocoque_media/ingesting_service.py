"""Asking sources for what is wanted, and what their troubles mean to who asked: once, however many ask at once."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from asyncpg import Record

from monocoque.database import Database, Executor
from monocoque.problems import Problem, invalid
from monocoque.security import Principal
from monocoque_media import item_service
from monocoque_media.contracts import (
    Connector,
    ItemUnknown,
    MediaType,
    NormalisedItem,
    NotConfigured,
    ProviderError,
    ProviderTimeout,
    RateLimited,
)
from monocoque_media.flights import Flights
from monocoque_media.keeping_service import Upserted, ask, keep
from monocoque_media.problems import (
    MERGED,
    SOURCE_ITEM_UNKNOWN,
    SOURCE_MISSING,
    SOURCE_NOT_CONFIGURED,
    SOURCE_RATE_LIMITED,
    SOURCE_TIMEOUT,
    SOURCE_UNAVAILABLE,
    SOURCE_UNKNOWN,
)
from monocoque_media.queries import items as item_queries
from monocoque_media.queries import sources as queries

_RETRY_AFTER = 60.0
_LONGEST_RETRY_AFTER = 86_400.0
RefreshMode = Literal["missing", "all"]


def connector_of(connectors: Mapping[str, Connector], source: str, media_type: MediaType | None) -> Connector:
    """The source of this name; raises a 404, a 422 for a type that it has none of, a 503 where its key is not set."""
    connector = connectors.get(source)
    if connector is None:
        raise Problem(SOURCE_UNKNOWN)
    if media_type is not None and media_type not in connector.media_types:
        has = ", ".join(sorted(connector.media_types))
        raise invalid("#/type", "media.source_type", f"{source} has nothing of this type; it has: {has}.")
    if not connector.configured:
        raise problem_of(NotConfigured(source, "is not configured"))
    return connector


def problem_of(error: ProviderError) -> Problem:
    """What a source's failure means to the client: never its own 401 or 429 as ours, and never a key."""
    said = f"{error.source}: {error.detail}"
    if isinstance(error, ItemUnknown):
        return Problem(SOURCE_ITEM_UNKNOWN, said)
    if isinstance(error, RateLimited):
        asked = error.retry_after or _RETRY_AFTER
        seconds = math.ceil(min(max(asked, 1.0), _LONGEST_RETRY_AFTER)) if math.isfinite(asked) else int(_RETRY_AFTER)
        return Problem(SOURCE_RATE_LIMITED, said, headers={"Retry-After": str(seconds)})
    if isinstance(error, NotConfigured):
        return Problem(SOURCE_NOT_CONFIGURED, said)
    return Problem(SOURCE_TIMEOUT if isinstance(error, ProviderTimeout) else SOURCE_UNAVAILABLE, said)


async def find_known(executor: Executor, source: str, external_id: str) -> UUID | None:
    """The living item that the source knows by this id, where it is in the catalogue."""
    found: UUID | None = await executor.value(queries.FIND, source=source, external_id=external_id)
    return found


async def find_taken(executor: Executor, user: Principal, item_id: UUID) -> Record:
    """An item that was just taken in, or what it was merged into since; raises a 404 where it was deleted."""
    try:
        return await item_service.find_item(executor, user.user_id, item_id, is_admin=user.is_admin)
    except Problem as problem:
        if problem.code is not MERGED:
            raise
    into = await executor.value(item_queries.WHERE_TO, id=item_id)
    return await item_service.find_item(executor, user.user_id, into, is_admin=user.is_admin)


async def ingest(
    database: Database, connector: Connector, external_id: str, user_id: UUID, flights: Flights
) -> Upserted:
    """The item of this id, asked for when it is not known yet; raises the problem of the source.

    Several at once share one call, in whichever process; only one of them is told that the item is new.
    """
    known = await find_known(database, connector.name, external_id)
    if known is not None:
        return Upserted(known, created=False)

    async def take_in() -> dict[str, Any]:
        # Between that look and our turn somebody else may have taken it in.
        known = await find_known(database, connector.name, external_id)
        if known is not None:
            return {"id": str(known), "created": False}
        item = await ask(connector, connector.fetch(external_id))
        [taken] = await keep(database, connector.name, [item], fetched=True, user_id=user_id)
        return {"id": str(taken.item_id), "created": taken.created}

    try:
        answer, own = await flights.share(("item", connector.name, external_id), take_in)
    except ProviderError as error:
        raise problem_of(error) from None
    return Upserted(UUID(answer["id"]), created=own and answer["created"])


async def ingest_search(
    database: Database,
    connector: Connector,
    query: str,
    *,
    user_id: UUID,
    media_type: MediaType | None,
    year: int | None,
    max_results: int,
    flights: Flights,
) -> list[dict[str, Any]]:
    """What the source finds, taken in: id, external_id, title and whether it is new; raises the problem of the source.

    Several at once share one search, as in `ingest`.
    """

    async def take_in() -> list[dict[str, Any]]:
        found = await ask(connector, connector.search(query, media_type=media_type, year=year, max_results=max_results))
        taken = await keep(database, connector.name, found, user_id=user_id)
        return [
            {"id": str(one.item_id), "external_id": item.external_id, "title": item.title, "created": one.created}
            for item, one in zip(found, taken, strict=True)
        ]

    key = ("search", connector.name, " ".join(query.casefold().split()), media_type, year, max_results)
    try:
        entries, own = await flights.share(key, take_in)
    except ProviderError as error:
        raise problem_of(error) from None
    return [{**entry, "created": own and entry["created"]} for entry in entries]


async def refresh(
    database: Database, connectors: Mapping[str, Connector], item_id: UUID, mode: RefreshMode, flights: Flights
) -> UUID:
    """Ask every configured source of the item again, and fill in what it lacks, or replace what it has; gives its id.

    Where sources differ the one that told first is believed. Raises a 409 when there is none to ask, and the problem
    of the first when all of them fail. Several at once share one refresh, as in `ingest`.
    """

    async def take_in() -> str:
        return str(await _refresh(database, connectors, item_id, mode))

    try:
        found, _ = await flights.share(("refresh", str(item_id), mode), take_in)
    except ProviderError as error:
        raise problem_of(error) from None
    return UUID(found)


async def _refresh(database: Database, connectors: Mapping[str, Connector], item_id: UUID, mode: RefreshMode) -> UUID:
    async def fetch(row: Record) -> NormalisedItem | ProviderError:
        connector = connectors[row["source"]]
        try:
            return await ask(connector, connector.fetch(row["external_id"]))
        except ProviderError as error:
            return error

    rows = await database.all(queries.OF_ITEM, item_id=item_id)
    asked = [row for row in rows if row["source"] in connectors and connectors[row["source"]].configured]
    if not asked:
        raise Problem(SOURCE_MISSING)
    answers = await asyncio.gather(*map(fetch, asked))
    failures = [answer for answer in answers if isinstance(answer, ProviderError)]
    told = [answer for answer in answers if isinstance(answer, NormalisedItem)]
    kept = 0
    # Replacing goes the other way round, so that the first source has the last word.
    for item in reversed(told) if mode == "all" else told:
        try:
            [taken] = await keep(database, item.source, [item], replace=mode == "all", fetched=True, target=item_id)
        except ProviderError as error:
            failures.append(error)
            continue
        item_id = taken.item_id
        kept += 1
    if not kept:
        raise failures[0]
    return item_id
