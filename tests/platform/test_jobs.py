"""Recurring work: once at a time in the whole cluster, and a failing job stops nothing."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import asyncpg
import pytest

from monocoque.jobs import SHELL_JOBS, Scheduler, jobs_of, run_job
from monocoque.modules import Job
from tests.platform.workshop import Workshop


class Work:
    """Counts its runs and how many there were at once."""

    def __init__(self, seconds: float = 0.0, *, fail: bool = False) -> None:
        self.runs = self.at_once = self.most = 0
        self.seconds, self.fail = seconds, fail

    async def __call__(self, runtime: Any) -> None:
        self.runs += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await asyncio.sleep(self.seconds)
            if self.fail:
                raise ValueError("this job is broken")
        finally:
            self.at_once -= 1


async def two_processes(workshop: Workshop) -> tuple[Any, Any]:
    """The runtimes of two applications on the same database; a pool of one shows that a job needs none of it."""
    first, second = await workshop.app(database_pool_size=1), await workshop.app(database_pool_size=1)
    return first.state.runtime, second.state.runtime


async def test_one_process_runs_a_job_at_a_time(own_workshop: Workshop) -> None:
    here, there = await two_processes(own_workshop)
    work = Work(0.3)
    job = Job("made_up.work", 1, work)
    done = await asyncio.gather(run_job(here, job), run_job(there, job), run_job(here, Job("made_up.other", 1, work)))
    assert sorted(done) == [False, True, True]
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
                "SELECT a.state FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory'"
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
    scheduler.start()
    async with asyncio.timeout(5):
        while min(broken.runs, fine.runs) < 3:  # noqa: ASYNC110  what is waited for is a number
            await asyncio.sleep(0.01)
    await scheduler.stop()
    runs = broken.runs, fine.runs
    await asyncio.sleep(0.1)
    assert runs == (broken.runs, fine.runs)
    logged = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(logged) == broken.runs
    assert logged[0].getMessage().startswith("job made_up.broken failed; it runs again in about 0.02 seconds")
    assert logged[0].exc_info


async def test_the_jobs_of_enabled_modules_join_the_shells(workshop: Workshop) -> None:
    job = Job("made_up.work", 1, Work())
    module = workshop.module(jobs={"JOBS": (job,)})
    assert jobs_of(workshop.inventory(module)) == [*SHELL_JOBS, job]
    assert jobs_of(workshop.inventory(module, without=["things"])) == list(SHELL_JOBS)
