"""Recurring work: once at a time in the whole cluster, and a failing job stops nothing."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import asyncpg
import pytest

from monocoque.database import Database
from monocoque.jobs import SHELL_JOBS, Scheduler, jobs_of, run_job
from monocoque.modules import Job
from tests.platform.workshop import Gate, Workshop
from tests.support import until


class Work:
    """Counts its runs, which end when the gate is open."""

    def __init__(self, gate: Gate | None = None, *, fail: bool = False) -> None:
        self.runs = 0
        self.gate, self.fail = gate, fail

    async def __call__(self, runtime: Any) -> None:
        self.runs += 1
        if self.gate is not None:
            await self.gate.passed()
        if self.fail:
            raise ValueError("this job is broken")


async def two_processes(workshop: Workshop) -> tuple[Any, Any]:
    """The runtimes of two applications on the same database; a pool of one shows that a job needs none of it."""
    first, second = await workshop.app(database_pool_size=1), await workshop.app(database_pool_size=1)
    return first.state.runtime, second.state.runtime


async def test_one_process_runs_a_job_at_a_time(own_workshop: Workshop) -> None:
    here, there = await two_processes(own_workshop)
    gate = Gate()
    work = Work(gate)
    job, other = Job("made_up.work", 1, work), Job("made_up.other", 1, work)
    running = [asyncio.create_task(run_job(here, each)) for each in (job, other)]
    await gate.reached(2)
    assert [await run_job(runtime, job) for runtime in (here, there)] == [False, False]
    gate.open()
    assert await asyncio.gather(*running) == [True, True]
    assert work.runs == 2
    assert await run_job(there, job)


async def test_a_job_may_use_the_only_connection_of_the_pool(own_workshop: Workshop) -> None:
    runtime, _ = await two_processes(own_workshop)
    assert await run_job(runtime, SHELL_JOBS[0])


async def test_a_long_job_keeps_its_turn(own_workshop: Workshop) -> None:
    runtime, _ = await two_processes(own_workshop)
    seen = []

    async def look(_runtime: Any) -> None:
        connection = await asyncpg.connect(own_workshop.url)
        seen.extend(
            await connection.fetch(
                "SELECT a.state FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
                " WHERE l.locktype = 'advisory' AND a.datname = current_database()"
            )
        )
        await connection.close()

    assert await run_job(runtime, Job("made_up.look", 1, look))
    assert [row["state"] for row in seen] == ["idle in transaction"]


async def test_a_job_that_fails_gives_its_turn_back(own_workshop: Workshop) -> None:
    here, there = await two_processes(own_workshop)
    job = Job("made_up.broken", 1, Work(fail=True))
    for runtime in (here, there):
        with pytest.raises(ValueError, match="broken"):
            await run_job(runtime, job)


async def test_a_failing_job_is_logged_and_goes_on_like_the_others(
    own_workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    runtime, _ = await two_processes(own_workshop)
    broken, fine = Work(fail=True), Work()
    scheduler = Scheduler(runtime, [Job("made_up.broken", 0.02, broken), Job("made_up.fine", 0.02, fine)])

    def errors() -> list[logging.LogRecord]:
        return [record for record in caplog.records if record.levelno == logging.ERROR]

    scheduler.start()
    await until(lambda: min(len(errors()), fine.runs) >= 3)
    await scheduler.stop()
    runs = broken.runs, fine.runs
    await asyncio.sleep(0.1)
    assert runs == (broken.runs, fine.runs)
    logged = errors()
    # The last run may have been stopped before it could fail.
    assert broken.runs - 1 <= len(logged) <= broken.runs
    assert logged[0].getMessage().startswith("job made_up.broken failed; it runs again in about 0.02 seconds")
    assert logged[0].exc_info


async def test_a_job_without_a_database_is_a_line_in_the_log(
    own_workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    runtime, _ = await two_processes(own_workshop)
    work = Work()
    scheduler = Scheduler(runtime, [Job("made_up.work", 0.02, work)])
    with pytest.MonkeyPatch.context() as away:
        away.setattr(runtime, "database", Database("postgresql:///nowhere?host=/no/such/folder"))
        scheduler.start()
        await until(lambda: caplog.records)
    await until(lambda: work.runs)
    await scheduler.stop()
    said = caplog.records[0]
    assert said.getMessage() == "job made_up.work: the database is out of reach (FileNotFoundError)"
    assert (said.levelno, said.exc_info) == (logging.WARNING, None)


async def test_the_jobs_of_enabled_modules_join_the_shells(workshop: Workshop) -> None:
    job = Job("made_up.work", 1, Work())
    module = workshop.module(jobs={"JOBS": (job,)})
    assert jobs_of(workshop.inventory(module)) == [*SHELL_JOBS, job]
    assert jobs_of(workshop.inventory(module, without=["things"])) == list(SHELL_JOBS)
