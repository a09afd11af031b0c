"""The recurring work of media."""

from __future__ import annotations

from datetime import timedelta

from monocoque.modules import Job
from monocoque.runtime import Runtime
from monocoque_media.queries import items


async def purge_deleted(runtime: Runtime) -> None:
    """Drop the items that were deleted longer ago than the retention time, but none that leads to another."""
    await runtime.database.run(items.PURGE, retention=timedelta(days=runtime.settings.retention_days))


JOBS = (Job("media.purge_deleted", 3600, purge_deleted),)
