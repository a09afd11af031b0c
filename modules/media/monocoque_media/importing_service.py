"""The rules of imports: who runs one, how its rows become items, states and tags, and what is told about it."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO
from uuid import UUID

import asyncpg
from asyncpg import Record

from monocoque.database import Database, Executor, PoolExhausted
from monocoque.problems import UNAVAILABLE, Problem, invalid
from monocoque.runtime import Runtime
from monocoque.types import new_id
from monocoque_media.importing import chunks
from monocoque_media.importing.memory import Memory
from monocoque_media.importing.recognise import Export, open_export
from monocoque_media.importing.rows import NotAnExport, Row
from monocoque_media.problems import IMPORT_NOT_FOUND, IMPORT_RUNNING, IMPORT_UNREADABLE
from monocoque_media.queries import imports as queries
from monocoque_media.storing_service import AccountGone, GivenUp, Job, store_chunk, tell

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
_ACCOUNT_GONE = "The account was deleted while the file was imported; nothing of it is kept."
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
        raise _running(PATIENCE)
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
    try:
        return await find(runtime.database, owner_id, import_id)
    except Problem:
        raise Problem(IMPORT_NOT_FOUND, _ACCOUNT_GONE) from None


async def _begin(
    database: Database, owner_id: UUID, file: BinaryIO, filename: str, *, dry_run: bool
) -> tuple[asyncio.Task[None], UUID]:
    try:
        digest, export = await asyncio.to_thread(_open, file, filename)
    except NotAnExport as error:
        raise invalid("#/file", IMPORT_UNREADABLE, str(error)) from None
    await database.run(queries.FAIL_SILENT, owner_id=owner_id)
    seconds = await database.value(queries.RUNNING, owner_id=owner_id)
    if seconds is not None:
        raise _running(seconds)
    job = Job(new_id(), owner_id, export.format, dry_run, Memory() if dry_run else None)
    try:
        await database.first(
            queries.CREATE,
            id=job.id,
            owner_id=owner_id,
            format=export.format,
            filename=filename[:255] or None,
            digest=digest,
            dry_run=dry_run,
        )
    except asyncpg.UniqueViolationError:
        raise _running(queries.SILENT_SECONDS) from None
    return asyncio.create_task(_run(database, job, export, file), name=f"import {job.id}"), job.id


def _running(seconds: float) -> Problem:
    """A 409; after these seconds without a sign of life the other import counts as ended."""
    return Problem(IMPORT_RUNNING, headers={"Retry-After": str(max(1, math.ceil(seconds)))})


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


async def _run(database: Database, job: Job, export: Export, file: BinaryIO) -> None:
    try:
        while rows := await asyncio.to_thread(_next_chunk, export.rows, file):
            await _store(database, job, rows)
        await database.run(queries.FINISH, id=job.id, new_status="finished", detail=None)
    except GivenUp:
        _log.warning("import %s was given up by another process", job.id)
    except asyncio.CancelledError:
        await _fail(database, job, _INTERRUPTED)
        raise
    except Exception as error:  # noqa: BLE001  nobody waits for this task: the record is where it is told
        if _is_of_the_account(error):
            _log.info("import %s ended: its account was deleted", job.id)
            return
        _log.exception("import %s failed", job.id)
        await _fail(database, job, _BROKE_OFF)
    finally:
        file.close()


async def _fail(database: Database, job: Job, detail: str) -> None:
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


async def _store(database: Database, job: Job, rows: list[Row]) -> None:
    """Write a chunk in one transaction; where that fails over a row, in halves, down to the one row that fails."""
    try:
        memory = await database.transact(lambda transaction: store_chunk(transaction, job, rows))
        memory.keep()
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
        await database.transact(lambda transaction: tell(transaction, job, [refused], created=0))


def _is_of_the_account(error: Exception) -> bool:
    """Whether it says that the account is gone, and with it whatever is imported for it."""
    if not isinstance(error, asyncpg.ForeignKeyViolationError):
        return isinstance(error, AccountGone)
    return (getattr(error, "constraint_name", None) or "").endswith(("_owner_id", "_created_by", "_import_id"))


def _may_be_a_rows_fault(error: Exception) -> bool:
    if _is_of_the_account(error):
        return False
    if isinstance(error, asyncpg.PostgresError):
        return not (error.sqlstate or "").startswith(_AWAY_STATES)
    if isinstance(error, asyncpg.InterfaceError):
        # Of the driver's own errors, a value that it cannot send is the only one that is not about the connection.
        return isinstance(error, ValueError)
    return not isinstance(error, (*_AWAY, GivenUp))
