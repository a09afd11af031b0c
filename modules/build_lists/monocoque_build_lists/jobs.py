"""The recurring work of build_lists."""

from __future__ import annotations

from datetime import timedelta

from monocoque.modules import Job
from monocoque.runtime import Runtime
from monocoque_build_lists import queries


async def purge_deleted(runtime: Runtime) -> None:
    """Drop what was deleted longer ago than the retention time, items included."""
    await runtime.database.run(queries.PURGE, retention=timedelta(days=runtime.settings.retention_days))


JOBS = (Job("build_lists.purge_deleted", 3600, purge_deleted),)
