"""Keeping what sources tell: one item for one thing, whoever tells of it first, and however many at once."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Awaitable, Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import asyncpg

from monocoque.database import Executor, Transaction
from monocoque.problems import Problem
from monocoque.types import new_id
from monocoque_media.contracts import (
    BookDetails,
    Connector,
    NormalisedItem,
    ProviderAnswerInvalid,
    ProviderError,
    ProviderUnavailable,
)
from monocoque_media.isbn import to_isbn_10, to_isbn_13
from monocoque_media.problems import NOT_FOUND
from monocoque_media.queries import sources as queries

_log = logging.getLogger("monocoque.media.sources")
# Data that does not fit, constraints, limits of size and depth, and what PostgreSQL did not foresee.
_REFUSED = frozenset(("22", "23", "54", "XX"))
_UNFIT = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Upserted:
    """The item that stands for what a source told of, and whether it is new."""

    item_id: UUID
    created: bool


async def ask[T](connector: Connector, call: Awaitable[T]) -> T:
    """What a source answers; raises a ProviderError, whatever goes wrong in there."""
    try:
        return await call
    except ProviderError:
        raise
    except Exception as error:
        _log.exception("source=%s outcome=broken", connector.name)
        raise ProviderUnavailable(connector.name, "failed") from error


async def keep(
    executor: Executor,
    source: str,
    items: Sequence[NormalisedItem],
    *,
    replace: bool = False,
    fetched: bool = False,
    target: UUID | None = None,
    user_id: UUID | None = None,
) -> list[Upserted]:
    """As `upsert`; what the database refuses is the fault of the source that told it: a ProviderAnswerInvalid.

    What a source tells is as hostile as what anyone sends, and whoever asked for it has sent nothing wrong.
    """
    try:
        return await upsert(executor, items, replace=replace, fetched=fetched, target=target, user_id=user_id)
    except Exception as error:
        if not _is_refusal(error):
            raise
        _log.warning("source=%s told what cannot be kept", source, exc_info=error)
        raise ProviderAnswerInvalid(source, "told what cannot be kept") from error


def _is_refusal(error: Exception) -> bool:
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "")[:2] in _REFUSED
    return isinstance(error, _UNFIT)


@dataclass(slots=True)
class _Place:
    """What one or several of the items of a batch come to."""

    item_id: UUID
    is_new: bool
    by_source: UUID | None
    """The item that has this very source already, which may be another one where a target was given."""
    is_aside: bool = False
    """Deleted, to be brought back."""


async def upsert(
    executor: Executor,
    items: Sequence[NormalisedItem],
    *,
    replace: bool = False,
    fetched: bool = False,
    target: UUID | None = None,
    user_id: UUID | None = None,
) -> list[Upserted]:
    """Take the items in, in at most five statements: for each, in order, the item of the catalogue that it is.

    An item is known by the source's id or by its ISBN; by that, entries of others than the user are not. One that was
    deleted, and that no person had entered, is brought back. What it lacks is filled in when a source tells of it for
    the first time, or has been asked for it alone (`fetched`, which also keeps the new answer); with `replace` what it
    has is replaced too. Locked fields stay in any case. `target` is the item that all are about, whatever their ids.
    """
    if not items:
        return []

    async def take_in(transaction: Transaction) -> list[Upserted]:
        await transaction.all(queries.LOCK, stripes=sorted({_stripe(key) for item in items for key in _keys(item)}))
        about = target
        while True:
            rows = await transaction.all(
                queries.KNOWN,
                sources=[item.source for item in items],
                kinds=[item.kind for item in items],
                external_ids=[item.external_id for item in items],
                isbns=[_isbn_13(item) for item in items],
                user_id=user_id,
            )
            writes = _Writes(items, _settle(items, rows, about), fetched=fetched)
            if await _held(transaction, writes.known.keys() | writes.aside, writes.aside):
                break
            # Merged or deleted meanwhile: the next look sees where to.
            if about is not None:
                about = await _led_on(transaction, about)
        if writes.told:
            await transaction.run(queries.CREATE, items=list(writes.new.values()), sources=list(writes.told.values()))
        if writes.known:
            await transaction.run(queries.COMPLETE, items=list(writes.known.values()), replace=replace)
        return writes.answer

    return await executor.transact(take_in)


class _Writes:
    """What a batch comes to: items to make, complete and bring back, sources to note, and what is said of it."""

    def __init__(self, items: Sequence[NormalisedItem], places: Sequence[_Place], *, fetched: bool) -> None:
        self.new: dict[UUID, dict[str, Any]] = {}
        self.known: dict[UUID, dict[str, Any]] = {}
        self.told: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.aside: set[UUID] = {place.item_id for place in places if place.is_aside}
        self.answer: list[Upserted] = []
        for item, place in zip(items, places, strict=True):
            first = place.is_new and place.item_id not in self.new
            self.answer.append(Upserted(place.item_id, first))
            if first:
                self.new[place.item_id] = _document(place.item_id, item)
            elif (fetched or place.by_source is None) and place.item_id not in self.new:
                self.known.setdefault(place.item_id, _document(place.item_id, item))
            if place.by_source is None or (fetched and place.by_source == place.item_id):
                self.told.setdefault((item.source, item.kind, item.external_id), _source(place.item_id, item))


async def _held(transaction: Transaction, ids: Collection[UUID], aside: Collection[UUID]) -> bool:
    """Whether all of them are alive, or are `aside` and are brought back; they stay so until the transaction ends."""
    return not ids or len(await transaction.all(queries.HOLD, ids=list(ids), aside=list(aside))) == len(ids)


async def _led_on(transaction: Transaction, item_id: UUID) -> UUID:
    """The item, or what it was merged into; raises a 404 where it was deleted."""
    found: UUID | None = await transaction.value(queries.LIVING, id=item_id)
    if found is None:
        raise Problem(NOT_FOUND)
    return found


def _settle(items: Sequence[NormalisedItem], rows: Sequence[Any], target: UUID | None) -> list[_Place]:
    """Which item each of the batch is; what is new twice in one batch is new once."""
    settled: dict[str, _Place] = {}
    places = []
    for item, row in zip(items, rows, strict=True):
        present = target or row["by_source"] or row["by_isbn"]
        keys = _keys(item)
        place = next((settled[key] for key in keys if key in settled), None)
        if present is not None:
            place = _Place(
                present, is_new=False, by_source=row["by_source"], is_aside=not target and present in row["aside"]
            )
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
