"""The recurring work of menus."""

from __future__ import annotations

from datetime import timedelta

from monocoque.modules import Job
from monocoque.runtime import Runtime
from monocoque_menus.queries import menus as queries


async def purge_deleted(runtime: Runtime) -> None:
    """Drop what was deleted longer ago than the retention time, courses and entries included; the slugs stay taken."""
    await runtime.database.run(queries.PURGE, retention=timedelta(days=runtime.settings.retention_days))


JOBS = (Job("menus.purge_deleted", 3600, purge_deleted),)
