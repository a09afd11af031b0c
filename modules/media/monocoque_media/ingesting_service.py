"""Taking in what sources tell: one item for one thing, whoever tells of it first, and however many at once."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal
from uuid import UUID

from monocoque.database import Database, Executor, Transaction
from monocoque.problems import Problem
from monocoque.types import new_id
from monocoque_media.contracts import (
    BookDetails,
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
from monocoque_media.isbn import to_isbn_10, to_isbn_13
from monocoque_media.problems import (
    SOURCE_ITEM_UNKNOWN,
    SOURCE_MISSING,
    SOURCE_NOT_CONFIGURED,
    SOURCE_RATE_LIMITED,
    SOURCE_TIMEOUT,
    SOURCE_UNAVAILABLE,
    SOURCE_UNKNOWN,
)
from monocoque_media.queries import sources as queries

_RETRY_AFTER = 60.0
RefreshMode = Literal["missing", "all"]


@dataclass(frozen=True, slots=True)
class Upserted:
    """The item that stands for what a source told of, and whether it is new."""

    item_id: UUID
    created: bool


@dataclass(slots=True)
class _Place:
    """What one or several of the items of a batch come to."""

    item_id: UUID
    is_new: bool
    by_source: UUID | None
    """The item that has this very source already, which may be another one where a target was given."""


async def upsert(
    executor: Executor,
    items: Sequence[NormalisedItem],
    *,
    replace: bool = False,
    fetched: bool = False,
    target: UUID | None = None,
) -> list[Upserted]:
    """Take the items in, in at most four statements: for each, in order, the item of the catalogue that it is.

    An item is known by the source's id or by its ISBN. What it lacks is filled in when a source tells of it for the
    first time, or has been asked for it alone (`fetched`, which also keeps the new answer); with `replace` what it has
    is replaced too. Locked fields stay in any case. `target` is the item that all are about, whatever their ids.
    """
    if not items:
        return []

    async def take_in(transaction: Transaction) -> list[Upserted]:
        await transaction.all(queries.LOCK, stripes=sorted({_stripe(key) for item in items for key in _keys(item)}))
        rows = await transaction.all(
            queries.KNOWN,
            sources=[item.source for item in items],
            kinds=[item.kind for item in items],
            external_ids=[item.external_id for item in items],
            isbns=[_isbn_13(item) for item in items],
        )
        places = _settle(items, rows, target)
        new: dict[UUID, dict[str, Any]] = {}
        known: dict[UUID, dict[str, Any]] = {}
        told: dict[tuple[str, str, str], dict[str, Any]] = {}
        answer = []
        for item, place in zip(items, places, strict=True):
            first = place.is_new and place.item_id not in new
            answer.append(Upserted(place.item_id, first))
            if first:
                new[place.item_id] = _document(place.item_id, item)
            elif (fetched or place.by_source is None) and place.item_id not in new:
                known.setdefault(place.item_id, _document(place.item_id, item))
            if place.by_source is None or (fetched and place.by_source == place.item_id):
                told.setdefault((item.source, item.kind, item.external_id), _source(place.item_id, item))
        if told:
            await transaction.run(queries.CREATE, items=list(new.values()), sources=list(told.values()))
        if known:
            await transaction.all(queries.COMPLETE, items=list(known.values()), replace=replace)
        return answer

    return await executor.transact(take_in)


def _settle(items: Sequence[NormalisedItem], rows: Sequence[Any], target: UUID | None) -> list[_Place]:
    """Which item each of the batch is; what is new twice in one batch is new once."""
    settled: dict[str, _Place] = {}
    places = []
    for item, row in zip(items, rows, strict=True):
        present = target or row["by_source"] or row["by_isbn"]
        keys = _keys(item)
        place = next((settled[key] for key in keys if key in settled), None)
        if present is not None:
            place = _Place(present, is_new=False, by_source=row["by_source"])
        elif place is None:
            place = _Place(new_id(), is_new=True, by_source=None)
        for key in keys:
            settled.setdefault(key, place)
        places.append(place)
    return places


def _keys(item: NormalisedItem) -> list[str]:
    """What an item is known by."""
    isbn = _isbn_13(item)
    own = f"{item.source}\0{item.kind}\0{item.external_id}"
    return [own] if isbn is None else [own, f"isbn\0{isbn}"]


def _stripe(key: str) -> int:
    # Few enough to fit the server's lock table, however large the batch; a false neighbour only waits a moment.
    return zlib.crc32(key.encode()) % queries.LOCK_STRIPES


def _isbn_13(item: NormalisedItem) -> str | None:
    if not isinstance(item.details, BookDetails):
        return None
    return item.details.isbn_13 or (to_isbn_13(item.details.isbn_10) if item.details.isbn_10 else None)


def _document(item_id: UUID, item: NormalisedItem) -> dict[str, Any]:
    details = asdict(item.details)
    isbn = _isbn_13(item)
    if isbn is not None:
        details |= {"isbn_13": isbn, "isbn_10": to_isbn_10(isbn)}
    return {
        "id": item_id,
        "media_type": item.media_type,
        "title": item.title,
        "subtitle": item.subtitle,
        "description": item.description,
        "release_date": None if item.release is None else item.release.value,
        "release_precision": None if item.release is None else item.release.precision,
        "cover_image_url": item.cover_image_url,
        "metadata": dict(item.metadata),
        "creators": ", ".join(item.creators),
        "details": details,
    }


def _source(item_id: UUID, item: NormalisedItem) -> dict[str, Any]:
    return {
        "id": new_id(),
        "item_id": item_id,
        "source": item.source,
        "kind": item.kind,
        "external_id": item.external_id,
        "url": item.url,
        "raw_payload": dict(item.raw_payload),
    }


def connector_of(connectors: Mapping[str, Connector], source: str) -> Connector:
    """The source of this name; raises a 404, or a 503 where its key is not set."""
    connector = connectors.get(source)
    if connector is None:
        raise Problem(SOURCE_UNKNOWN)
    if not connector.configured:
        raise problem_of(NotConfigured(source, "is not configured"))
    return connector


def problem_of(error: ProviderError) -> Problem:
    """What a source's failure means to the client: never its own 401 or 429 as ours, and never a key."""
    said = f"{error.source}: {error.detail}"
    if isinstance(error, ItemUnknown):
        return Problem(SOURCE_ITEM_UNKNOWN, said)
    if isinstance(error, RateLimited):
        seconds = math.ceil(error.retry_after or _RETRY_AFTER)
        return Problem(SOURCE_RATE_LIMITED, said, headers={"Retry-After": str(max(seconds, 1))})
    if isinstance(error, NotConfigured):
        return Problem(SOURCE_NOT_CONFIGURED, said)
    return Problem(SOURCE_TIMEOUT if isinstance(error, ProviderTimeout) else SOURCE_UNAVAILABLE, said)


async def find_known(executor: Executor, source: str, external_id: str) -> UUID | None:
    """The living item that the source knows by this id, where it is in the catalogue."""
    found: UUID | None = await executor.value(queries.FIND, source=source, external_id=external_id)
    return found


async def ingest(database: Database, connector: Connector, external_id: str, flights: Flights) -> Upserted:
    """The item of this id, asked for when it is not known yet; raises the problem of the source.

    Several at once share one call; only one of them is told that the item is new.
    """
    async with flights.join((connector.name, external_id)) as flight:
        known = await find_known(database, connector.name, external_id)
        if known is not None:
            return Upserted(known, created=False)
        try:
            item = await flight.result(lambda: connector.fetch(external_id))
        except ProviderError as error:
            raise problem_of(error) from None
        [taken] = await upsert(database, [item], fetched=True)
    return taken


async def ingest_search(
    database: Database,
    connector: Connector,
    query: str,
    *,
    media_type: MediaType | None,
    year: int | None,
    max_results: int,
) -> tuple[list[NormalisedItem], list[Upserted]]:
    """What the source finds, taken in; raises the problem of the source."""
    try:
        found = await connector.search(query, media_type=media_type, year=year, max_results=max_results)
    except ProviderError as error:
        raise problem_of(error) from None
    return found, await upsert(database, found)


async def refresh(database: Database, connectors: Mapping[str, Connector], item_id: UUID, mode: RefreshMode) -> None:
    """Ask every configured source of the item again, and fill in what it lacks, or replace what it has.

    Where sources differ the one that told first is believed. Raises a 409 when there is none to ask, and the problem
    of the first when all of them fail.
    """
    rows = await database.all(queries.OF_ITEM, item_id=item_id)
    asked = [row for row in rows if row["source"] in connectors and connectors[row["source"]].configured]
    if not asked:
        raise Problem(SOURCE_MISSING)
    told: list[NormalisedItem] = []
    failures: list[ProviderError] = []
    for row in asked:
        try:
            told.append(await connectors[row["source"]].fetch(row["external_id"]))
        except ProviderError as error:
            failures.append(error)
    if not told:
        raise problem_of(failures[0]) from None

    async def take_in(transaction: Transaction) -> None:
        # Replacing goes the other way round, so that the first source has the last word.
        for item in reversed(told) if mode == "all" else told:
            await upsert(transaction, [item], replace=mode == "all", fetched=True, target=item_id)

    await database.transact(take_in)
