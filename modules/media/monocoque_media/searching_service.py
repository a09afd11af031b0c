"""Searching: our own catalogue, and on request the sources outside, in one ranked answer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import asyncpg
from asyncpg import Record

from monocoque.database import Database, Transaction
from monocoque_media.contracts import (
    Connector,
    MediaType,
    NormalisedItem,
    NotConfigured,
    ProviderError,
    ProviderTimeout,
    RateLimited,
)
from monocoque_media.ingesting_service import upsert
from monocoque_media.isbn import normalise_isbn, to_isbn_13
from monocoque_media.queries import search as queries

_log = logging.getLogger("monocoque.media.search")
_PER_SOURCE = 20
_CORRECTED_WORDS = 8
_ALTERNATIVES = 4
_CLOSE = 0.55

Status = Literal["ok", "skipped", "timeout", "rate_limited", "unavailable", "not_configured"]


@dataclass(frozen=True, slots=True)
class SourceReport:
    """How a source took part in a search; `took_ms` in milliseconds."""

    status: Status
    found: int
    took_ms: int


async def search(
    database: Database, text: str, *, media_type: MediaType | None, year: int | None, limit: int, extra: Sequence[UUID]
) -> list[Record]:
    """The best of the catalogue, `extra` items among the candidates; words that nothing has are taken for misspelt."""
    isbn = normalise_isbn(text)
    parameters: dict[str, Any] = {
        "q": text,
        "type": media_type,
        "year": year,
        "isbn": to_isbn_13(isbn) if isbn is not None and len(isbn) == 10 else isbn,
        "extra": list(extra),
        "limit": limit,
    }
    rows = await database.all(queries.SEARCH, corrected=None, **parameters)
    if rows:
        return rows
    corrected = await _corrected(database, text, media_type, year)
    return await database.all(queries.SEARCH, corrected=corrected, **parameters) if corrected else []


async def _corrected(database: Database, text: str, media_type: MediaType | None, year: int | None) -> str | None:
    """The query with each word replaced by the likeliest words of the catalogue, as a tsquery; None without any."""
    from rapidfuzz.distance import OSA  # noqa: PLC0415  five MiB that most processes never need

    async def similar(transaction: Transaction) -> list[Record]:
        await transaction.all(queries.LOOSEN)
        return await transaction.all(queries.SIMILAR_WORDS, q=text, words=_CORRECTED_WORDS)

    try:
        rows = await database.transact(similar)
    except asyncpg.QueryCanceledError:
        return None
    likely: dict[str, list[tuple[float, str]]] = {}
    for row in rows:
        likeness = OSA.normalized_similarity(row["asked"], row["word"])
        if likeness >= _CLOSE:
            likely.setdefault(row["asked"], []).append((likeness, row["word"]))
    if not likely:
        return None
    groups = [
        " | ".join(_quoted(word) for _, word in sorted(found, reverse=True)[:_ALTERNATIVES])
        for found in likely.values()
    ]
    filters = [f"type:{media_type}"] if media_type is not None else []
    filters += [f"year:{year}"] if year is not None else []
    return " & ".join([*(f"({group})" for group in groups), *map(_quoted, filters)])


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


async def search_sources(
    database: Database,
    connectors: Mapping[str, Connector],
    text: str,
    *,
    media_type: MediaType | None,
    year: int | None,
    limit: int,
    seconds: float,
) -> tuple[list[UUID], dict[str, SourceReport]]:
    """Ask every source that fits at once, each for at most `seconds`, and take in what they find.

    No connection to the database is held meanwhile, and no source's trouble is the search's.
    """

    async def ask(connector: Connector) -> tuple[list[NormalisedItem], SourceReport]:
        return await _ask(connector, text, media_type=media_type, year=year, limit=limit, seconds=seconds)

    answers = await asyncio.gather(*(ask(connector) for connector in connectors.values()))
    ids: list[UUID] = []
    reports: dict[str, SourceReport] = {}
    for name, (found, report) in zip(connectors, answers, strict=True):
        reports[name] = report
        try:
            ids += [taken.item_id for taken in await upsert(database, found)]
        except (asyncpg.PostgresError, TypeError, ValueError) as error:
            # What a source tells is as hostile as what anyone sends: it costs that source's share, not the search.
            _log.warning("source=%s told what cannot be kept: %s", name, type(error).__name__)
            reports[name] = SourceReport("unavailable", 0, report.took_ms)
    return list(dict.fromkeys(ids)), reports


async def _ask(
    connector: Connector, text: str, *, media_type: MediaType | None, year: int | None, limit: int, seconds: float
) -> tuple[list[NormalisedItem], SourceReport]:
    started = time.perf_counter()
    found: list[NormalisedItem] = []
    status: Status = "ok"
    if media_type is not None and media_type not in connector.media_types:
        return found, SourceReport("skipped", 0, 0)
    if not connector.configured:
        return found, SourceReport("not_configured", 0, 0)
    try:
        async with asyncio.timeout(seconds):
            found = await connector.search(text, media_type=media_type, year=year, max_results=min(limit, _PER_SOURCE))
    except ProviderError as error:
        status = _status(error)
    except TimeoutError:
        status = "timeout"
    return found, SourceReport(status, len(found), round((time.perf_counter() - started) * 1000))


def _status(error: ProviderError) -> Status:
    if isinstance(error, NotConfigured):
        return "not_configured"
    if isinstance(error, RateLimited):
        return "rate_limited"
    return "timeout" if isinstance(error, ProviderTimeout) else "unavailable"
