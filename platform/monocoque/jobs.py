"""Recurring work: each job runs on one process of the cluster at a time, and a failing one never stops the others."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterable, Sequence
from contextlib import suppress

import asyncpg
from sqlalchemy import String, bindparam, func, select

from monocoque import idempotency, revocations
from monocoque.database import DatabaseUnreachable
from monocoque.modules import Job, load_part
from monocoque.queries import Query
from monocoque.registry import Inventory
from monocoque.runtime import Runtime

_log = logging.getLogger("monocoque.jobs")
TRY_LOCK = Query(select(func.pg_try_advisory_xact_lock(func.hashtextextended(bindparam("lock", type_=String), 0))))


async def _purge_expired(runtime: Runtime) -> None:
    await runtime.database.run(idempotency.PURGE_EXPIRED)
    await runtime.database.run(revocations.PURGE_EXPIRED)


SHELL_JOBS = (Job("shell.purge_expired", 600, _purge_expired),)


def jobs_of(inventory: Inventory) -> list[Job]:
    """The shell's jobs and those of the enabled modules."""
    found = list(SHELL_JOBS)
    for module in inventory.enabled:
        if module.jobs is not None:
            declared: Sequence[Job] = load_part(module, module.jobs).JOBS
            found.extend(declared)
    return found


async def run_job(runtime: Runtime, job: Job) -> bool:
    """Run a job now unless another process is at it; whether it ran."""
    # A connection of its own: the job may need the only one in the pool, and may take longer than a transaction of
    # the pool may idle.
    try:
        connection = await runtime.database.connect()
    except (OSError, asyncpg.PostgresError) as error:
        raise DatabaseUnreachable(type(error).__name__) from error
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            if not await connection.fetchval(TRY_LOCK.sql, *TRY_LOCK.arguments({"lock": f"job/{job.name}"})):
                return False
            await job.run(runtime)
    finally:
        connection.terminate()
    return True


class Scheduler:
    """Runs the jobs of one process in the background."""

    def __init__(self, runtime: Runtime, jobs: Iterable[Job]) -> None:
        self._runtime = runtime
        self._jobs = list(jobs)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._repeat(job), name=f"job {job.name}") for job in self._jobs]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def _repeat(self, job: Job) -> None:
        while True:
            # Spread, so that replicas that start together do not all ask at once.
            await asyncio.sleep(job.every * random.uniform(0.5, 1.0))  # noqa: S311  no secret depends on it
            try:
                await run_job(self._runtime, job)
            except DatabaseUnreachable as error:
                _log.warning("job %s: the database is out of reach (%s)", job.name, error)
            except Exception:  # noqa: BLE001  one failing job must not end the others
                _log.exception("job %s failed; it runs again in about %s seconds", job.name, job.every)
