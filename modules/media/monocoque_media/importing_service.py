"""The rules of imports: who runs one, how its rows become items, states and tags, and what is told about it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any, BinaryIO
from uuid import UUID

import asyncpg
from asyncpg import Record

from monocoque.database import Database, Executor, PoolExhausted, Transaction
from monocoque.problems import UNAVAILABLE, Problem, invalid
from monocoque.runtime import Runtime
from monocoque.types import new_id
from monocoque_media.importing import chunks
from monocoque_media.importing.chunks import Target, Writes
from monocoque_media.importing.recognise import Export, open_export
from monocoque_media.importing.rows import NotAnExport, ReadRow, Row
from monocoque_media.problems import IMPORT_NOT_FOUND, IMPORT_RUNNING, IMPORT_UNREADABLE
from monocoque_media.queries import imports as queries

CHUNK_ROWS = 500
CHUNK_BYTES = 1024 * 1024
"""About what the rows of one chunk may have in the file, so that long ones come fewer at a time."""
AT_ONCE = 4
"""Imports that one process runs at the same time."""
PATIENCE = 5.0
"""Seconds that a request waits for its import; a longer one goes on without it."""

_RESOURCE = "media.imports"
_PIECE = 64 * 1024
_INTERRUPTED = "The server was stopped. Import the file again: what was imported stays as it is."
_BROKE_OFF = "Something went wrong here. Import the file again: what was imported stays as it is."
# What says nothing of the rows: no connection, no room, a server that stops or has trouble of its own.
_AWAY = (PoolExhausted, ConnectionError, asyncpg.InternalClientError)
_AWAY_STATES = ("08", "53", "57P", "58")
_REASONS = {
    "54": "The row is larger than can be kept.",
    "55P03": "Somebody else was changing its item for too long.",
    "57014": "Keeping the row took too long.",
}
_log = logging.getLogger("monocoque.media.imports")


class _GivenUp(Exception):
    """The import's record says that it runs no more."""


@dataclass(slots=True)
class _Running:
    """The imports of this process."""

    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    sending: set[UUID] = field(default_factory=set)
    """Who is sending a file, or waiting for its import."""
    beginning: int = 0
    closing: bool = False

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Room for one more import while it begins; raises a 503 where there is none."""
        if self.closing or len(self.tasks) + self.beginning >= AT_ONCE:
            raise Problem(UNAVAILABLE, "Other imports are running; try again soon.", headers={"Retry-After": "10"})
        self.beginning += 1
        try:
            yield
        finally:
            self.beginning -= 1

    def add(self, task: asyncio.Task[None]) -> None:
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


@dataclass(frozen=True, slots=True)
class _Import:
    id: UUID
    owner_id: UUID
    format: str
    dry_run: bool


@asynccontextmanager
async def running_imports(runtime: Runtime) -> AsyncIterator[None]:
    """Around the life of a process: when it ends, its imports end too, and their records say so."""
    running = runtime.resources[_RESOURCE] = _Running()
    try:
        yield
    finally:
        running.closing = True
        tasks = list(running.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def one_at_a_time(runtime: Runtime, owner_id: UUID) -> Iterator[None]:
    """Around the sending of a file: of one person this process keeps no second one meanwhile; raises a 409 for it."""
    running: _Running = runtime.resources[_RESOURCE]
    if owner_id in running.sending:
        raise Problem(IMPORT_RUNNING)
    running.sending.add(owner_id)
    try:
        yield
    finally:
        running.sending.remove(owner_id)


async def start(runtime: Runtime, owner_id: UUID, file: BinaryIO, filename: str, *, dry_run: bool) -> Record:
    """Begin an import and wait a little for its end; the record tells which.

    The file is closed at the end, whatever it is. Raises a 422 for a file that is no export, a 409 while another import
    of the owner runs, a 503 while this process has enough to do.
    """
    running: _Running = runtime.resources[_RESOURCE]
    try:
        async with running.place():
            task, import_id = await _begin(runtime.database, owner_id, file, filename, dry_run=dry_run)
            running.add(task)
    except BaseException:
        file.close()
        raise
    # The task is not the request's: it goes on when the client is gone.
    await asyncio.wait([task], timeout=PATIENCE)
    return await find(runtime.database, owner_id, import_id)


async def _begin(
    database: Database, owner_id: UUID, file: BinaryIO, filename: str, *, dry_run: bool
) -> tuple[asyncio.Task[None], UUID]:
    try:
        digest, export = await asyncio.to_thread(_open, file, filename)
    except NotAnExport as error:
        raise invalid("#/file", IMPORT_UNREADABLE, str(error)) from None
    await database.run(queries.FAIL_SILENT, owner_id=owner_id)
    job = _Import(new_id(), owner_id, export.format, dry_run)
    await database.first(
        queries.CREATE,
        id=job.id,
        owner_id=owner_id,
        format=export.format,
        filename=filename[:255] or None,
        digest=digest,
        dry_run=dry_run,
    )
    return asyncio.create_task(_run(database, job, export, file), name=f"import {job.id}"), job.id


def _open(file: BinaryIO, filename: str) -> tuple[bytes, Export]:
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(_PIECE):
        digest.update(piece)
    return digest.digest(), open_export(file, filename)


async def find(executor: Executor, owner_id: UUID, import_id: UUID) -> Record:
    """The record of one of the owner's imports; raises a 404."""
    row = await executor.first(queries.FIND, owner_id=owner_id, id=import_id)
    if row is None:
        raise Problem(IMPORT_NOT_FOUND)
    return row


async def _run(database: Database, job: _Import, export: Export, file: BinaryIO) -> None:
    try:
        while rows := await asyncio.to_thread(_next_chunk, export.rows, file):
            await _store(database, job, rows)
        await database.run(queries.FINISH, id=job.id, new_status="finished", detail=None)
    except _GivenUp:
        _log.warning("import %s was given up by another process", job.id)
    except asyncio.CancelledError:
        await _fail(database, job, _INTERRUPTED)
        raise
    except Exception:  # noqa: BLE001  nobody waits for this task: the record is where it is told
        _log.exception("import %s failed", job.id)
        await _fail(database, job, _BROKE_OFF)
    finally:
        file.close()


async def _fail(database: Database, job: _Import, detail: str) -> None:
    try:
        await database.run(queries.FINISH, id=job.id, new_status="failed", detail=detail)
    except Exception:  # noqa: BLE001  without a database the record falls silent, which says the same a minute later
        _log.warning("import %s could not be marked as failed", job.id, exc_info=True)


def _next_chunk(rows: Iterator[Row], file: BinaryIO) -> list[Row]:
    """The next rows: so many at most, and fewer where they are long."""
    found: list[Row] = []
    began = file.tell()
    for row in islice(rows, CHUNK_ROWS):
        found.append(row)
        if file.tell() - began > CHUNK_BYTES:
            break
    return found


async def _store(database: Database, job: _Import, rows: list[Row]) -> None:
    """Write a chunk in one transaction; where that fails over a row, in halves, down to the one row that fails."""
    try:
        await database.transact(lambda transaction: _store_in(transaction, job, rows))
    except Exception as error:
        if not _may_be_a_rows_fault(error):
            raise
        if len(rows) > 1:
            middle = len(rows) // 2
            await _store(database, job, rows[:middle])
            await _store(database, job, rows[middle:])
            return
        state = "57014" if isinstance(error, TimeoutError) else getattr(error, "sqlstate", None) or ""
        _log.warning("import %s: row %s was refused (%s %s)", job.id, rows[0].number, type(error).__name__, state)
        reason = _REASONS.get(state) or _REASONS.get(state[:2]) or "The row could not be kept."
        refused = chunks.report(rows[0], "failed", reason=reason)
        await database.transact(lambda transaction: _tell(transaction, job, [refused], created=0))


def _may_be_a_rows_fault(error: Exception) -> bool:
    if isinstance(error, asyncpg.PostgresError):
        return not (error.sqlstate or "").startswith(_AWAY_STATES)
    if isinstance(error, asyncpg.InterfaceError):
        # Of the driver's own errors, a value that it cannot send is the only one that is not about the connection.
        return isinstance(error, ValueError)
    return not isinstance(error, (*_AWAY, _GivenUp))


async def _store_in(transaction: Transaction, job: _Import, rows: list[Row]) -> None:
    writes = Writes()
    keys = {
        place: chunks.keys_of(row, job.owner_id, job.format)
        for place, row in enumerate(rows)
        if isinstance(row, ReadRow)
    }
    matched = await _match(transaction, job, rows, keys)
    targets, making = await _targets(transaction, job, rows, matched.items, writes)
    outcomes: list[tuple[Row, str, UUID | None]] = []
    log_of: dict[int, list[dict[str, Any]]] = {}
    own_tags = await _own_tags(transaction, job, rows)
    for place, row in enumerate(rows):
        if not isinstance(row, ReadRow):
            outcomes.append((row, row.status, matched.items.get(place)))
            continue
        if row.item is None:
            key = row.tags[0].casefold()
            outcomes.append((row, "unchanged" if key in own_tags else "imported", None))
            own_tags.add(key)
            writes.tags.setdefault(key, row.tags[0])
            continue
        target = targets[place]
        if place in matched.seen and not target.made and (row.state is None or target.state is not None):
            outcomes.append((row, "unchanged", target.id))
            continue
        changed = chunks.take(row, target, writes) or place in making
        if row.log:
            log_of[place] = chunks.restored_log(row, target.id)
        outcomes.append((row, "imported" if changed else "unchanged", target.id))
    logged = await _write(transaction, job, writes, [entry for entries in log_of.values() for entry in entries])
    reports = []
    not_kept = {item["id"] for item in writes.items} if job.dry_run else set()
    for place, (row, status, item_id) in enumerate(outcomes):
        if status == "unchanged" and place in log_of and item_id in logged:
            status = "imported"  # noqa: PLW2901  the row brought nothing new but entries of its log
        known_by = None if job.dry_run else keys.get(place)
        reports.append(chunks.report(row, status, None if item_id in not_kept else item_id, known_by))
    await _tell(transaction, job, reports, created=len(writes.items))


@dataclass(frozen=True, slots=True)
class _Matched:
    """What is known of the rows of a chunk, by their places."""

    items: dict[int, UUID]
    """The item that each means; of one that cannot be read, the one that it probably means."""
    seen: set[int]
    """Those that were imported before, word for word."""


async def _match(
    transaction: Transaction, job: _Import, rows: list[Row], keys: Mapping[int, Mapping[str, str]]
) -> _Matched:
    by_place = (chunks.to_match(place, row, keys.get(place)) for place, row in enumerate(rows))
    wanted = [one for one in by_place if one is not None]
    if not wanted:
        return _Matched({}, set())
    await transaction.value(queries.PLAN_ANEW)
    found = await transaction.all(queries.MATCH, owner_id=job.owner_id, rows=wanted)
    return _Matched(
        {row["place"]: row["item_id"] for row in found if row["item_id"] is not None},
        {row["place"] for row in found if row["seen"]},
    )


async def _targets(
    transaction: Transaction, job: _Import, rows: list[Row], item_of: Mapping[int, UUID], writes: Writes
) -> tuple[dict[int, Target], set[int]]:
    """What the person has of each row's item, by the row's place; the places of the rows that make a new one."""
    readable = {place: row for place, row in enumerate(rows) if isinstance(row, ReadRow) and row.item is not None}
    if not readable:
        return {}, set()
    held = {
        row["id"]: Target(row["id"], _state(row["state"]), set(row["tags"]))
        for row in await transaction.all(queries.HOLDINGS, owner_id=job.owner_id, ids=sorted(set(item_of.values())))
    }
    made: dict[object, Target] = {}
    targets: dict[int, Target] = {}
    making: set[int] = set()
    for place, row in readable.items():
        target = held.get(item_of[place]) if place in item_of else None
        if target is None:
            key = chunks.same_item(row)
            target = made.get(key)
            if target is None:
                target = made[key] = Target(new_id(), made=True)
                chunks.add_item(writes, target.id, row)
                making.add(place)
        targets[place] = target
    return targets, making


def _state(found: dict[str, Any] | None) -> dict[str, Any] | None:
    if found is not None:
        for name in ("started_at", "finished_at"):
            found[name] = found[name] and date.fromisoformat(found[name])
    return found


async def _own_tags(transaction: Transaction, job: _Import, rows: list[Row]) -> set[str]:
    keys = [row.tags[0].casefold() for row in rows if isinstance(row, ReadRow) and row.item is None]
    if not keys:
        return set()
    found = await transaction.all(queries.TAG_KEYS, owner_id=job.owner_id, keys=keys)
    return {row["name_key"] for row in found}


async def _write(transaction: Transaction, job: _Import, writes: Writes, restored: list[dict[str, Any]]) -> set[UUID]:
    """Write what a chunk changes; the ids of the items whose log got entries that the rows brought."""
    if job.dry_run:
        return set()
    owner_id = job.owner_id
    if writes.items:
        await transaction.run(queries.ADD_ITEMS, owner_id=owner_id, rows=writes.items)
        for media_type, details in writes.details.items():
            await transaction.run(queries.ADD_DETAILS[media_type], rows=details)
    if writes.states:
        states = [{"item_id": item_id, **state} for item_id, state in writes.states.items()]
        await transaction.run(queries.PUT_STATES, owner_id=owner_id, rows=states)
    logged: set[UUID] = set()
    if restored:
        added = await transaction.all(queries.ADD_LOG, owner_id=owner_id, rows=restored)
        logged = {row["item_id"] for row in added}
    if writes.log:
        await transaction.run(queries.ADD_LOG, owner_id=owner_id, rows=writes.log)
    if writes.tags:
        tags = [{"id": new_id(), "name": name, "name_key": key} for key, name in writes.tags.items()]
        await transaction.run(queries.ADD_TAGS, owner_id=owner_id, rows=tags)
    if writes.item_tags:
        await transaction.run(queries.TAG_ITEMS, owner_id=owner_id, rows=writes.item_tags)
    return logged


async def _tell(transaction: Transaction, job: _Import, reports: list[dict[str, Any]], *, created: int) -> None:
    """Add to the report; raises _GivenUp, which undoes the chunk, where the import runs no more."""
    await transaction.run(queries.ADD_ROWS, import_id=job.id, rows=reports)
    if not await transaction.run(queries.ADVANCE, id=job.id, **chunks.counts(reports, created)):
        raise _GivenUp
