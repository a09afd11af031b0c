"""The recurring work of cars."""

from __future__ import annotations

from datetime import timedelta

from monocoque.modules import Job
from monocoque.runtime import Runtime
from monocoque_cars import queries


async def purge_deleted(runtime: Runtime) -> None:
    """Drop what was deleted longer ago than the retention time."""
    await runtime.database.run(queries.PURGE, retention=timedelta(days=runtime.settings.retention_days))


JOBS = (Job("cars.purge_deleted", 3600, purge_deleted),)
