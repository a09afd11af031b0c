"""Searching: our own catalogue, and on request the sources outside, in one ranked answer."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal
from uuid import UUID

import asyncpg
from asyncpg import Record

from monocoque.database import Database, Transaction
from monocoque.errors import AWAY
from monocoque_media.contracts import (
    Connector,
    MediaType,
    NormalisedItem,
    NotConfigured,
    ProviderError,
    ProviderTimeout,
    RateLimited,
)
from monocoque_media.flights import Flights
from monocoque_media.isbn import normalise_isbn, to_isbn_13
from monocoque_media.keeping_service import ask, keep
from monocoque_media.queries import search as queries

_log = logging.getLogger("monocoque.media.search")
_PER_SOURCE = 20
_CORRECTED_WORDS = 8
_ALTERNATIVES = 4
_CLOSE = 0.55
_ISBN_BEFORE = re.compile(r"isbn(?:-1[03])?\s*:?\s*", re.IGNORECASE)
# What stands before the number or name in the ids of sources that have several kinds of things, such as movie/603.
_KINDS = ("movie", "tv", "track", "album")

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
    """The best of the catalogue, `extra` items among the candidates.

    Where nothing has all the words they are taken for misspelt, and where that finds nothing either, for too many.
    """
    isbn = normalise_isbn(_bare(text))
    parameters: dict[str, Any] = {
        "q": text,
        "ids": [text, *(f"{kind}/{text}" for kind in _KINDS)],
        "type": media_type,
        "year": year,
        "isbn": to_isbn_13(isbn) if isbn is not None and len(isbn) == 10 else isbn,
        "extra": list(extra),
        "limit": limit,
    }
    rows = await database.all(queries.SEARCH, corrected=None, **parameters)
    if rows:
        return rows
    for corrected in await _corrections(database, text, media_type, year):
        rows = await database.all(queries.SEARCH, corrected=corrected, **parameters)
        if rows:
            return rows
    return []


def _bare(text: str) -> str:
    """An ISBN without the word before it; any other text as it is."""
    before = _ISBN_BEFORE.match(text)
    return text[before.end() :] if before and normalise_isbn(text[before.end() :]) else text


async def _corrections(database: Database, text: str, media_type: MediaType | None, year: int | None) -> list[str]:
    """The query as tsqueries, each word replaced by the likeliest words of the catalogue: all, then ever fewer."""
    from rapidfuzz.distance import OSA  # noqa: PLC0415  five MiB that most processes never need

    async def similar(transaction: Transaction) -> list[Record]:
        await transaction.all(queries.LOOSEN)
        return await transaction.all(queries.SIMILAR_WORDS, q=text, words=_CORRECTED_WORDS)

    try:
        rows = await database.transact(similar)
    except asyncpg.QueryCanceledError:
        return []
    likely: dict[str, list[tuple[float, str]]] = {}
    for row in rows:
        likeness = OSA.normalized_similarity(row["asked"], row["word"])
        if likeness >= _CLOSE:
            likely.setdefault(row["asked"], []).append((likeness, row["word"]))
    # Long words say more, so that the shortest is the first to be left out.
    groups = [
        " | ".join(_quoted(word) for _, word in sorted(likely[asked], reverse=True)[:_ALTERNATIVES])
        for asked in sorted(likely, key=len, reverse=True)
    ]
    filters = [f"type:{media_type}"] if media_type is not None else []
    filters += [f"year:{year}"] if year is not None else []
    return [
        " & ".join([*(f"({group})" for group in groups[:most]), *map(_quoted, filters)])
        for most in range(len(groups), 0, -1)
    ]


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


async def search_sources(
    database: Database,
    connectors: Mapping[str, Connector],
    text: str,
    *,
    user_id: UUID,
    media_type: MediaType | None,
    year: int | None,
    limit: int,
    seconds: float,
    flights: Flights,
) -> tuple[list[UUID], dict[str, SourceReport]]:
    """Ask every source that fits at once, each for at most `seconds`, and take in what they find.

    No connection to the database is held meanwhile, and no source's trouble is the search's. Equal searches at once
    share one, in whichever process.
    """
    most = min(limit, _PER_SOURCE)
    text = _bare(text)

    async def take_in() -> dict[str, Any]:
        answers = await asyncio.gather(
            *(
                _ask(connector, text, media_type=media_type, year=year, most=most, seconds=seconds)
                for connector in connectors.values()
            )
        )
        kept = [await _kept(database, user_id, name, *answer) for name, answer in zip(connectors, answers, strict=True)]
        return {
            "ids": list(dict.fromkeys(str(item_id) for ids, _ in kept for item_id in ids)),
            "sources": {name: asdict(report) for name, (_, report) in zip(connectors, kept, strict=True)},
        }

    asked = [name for name, connector in connectors.items() if connector.configured]
    # Sources are part of the key: another process may have other keys, and so another answer.
    key = ("external", " ".join(text.casefold().split()), media_type, year, most, ",".join(asked))
    answer, _ = await flights.share(key, take_in)
    return [UUID(found) for found in answer["ids"]], {
        name: SourceReport(**report) for name, report in answer["sources"].items()
    }


async def _kept(
    database: Database, user_id: UUID, name: str, found: list[NormalisedItem], report: SourceReport
) -> tuple[list[UUID], SourceReport]:
    try:
        return [taken.item_id for taken in await keep(database, name, found, user_id=user_id)], report
    except (ProviderError, asyncpg.PostgresError, *AWAY) as error:
        _log.warning("source=%s could not be kept: %s", name, type(error).__name__)
        return [], SourceReport("unavailable", 0, report.took_ms)


async def _ask(
    connector: Connector, text: str, *, media_type: MediaType | None, year: int | None, most: int, seconds: float
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
            found = await ask(connector, connector.search(text, media_type=media_type, year=year, max_results=most))
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
