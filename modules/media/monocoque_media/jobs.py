"""The recurring work of media."""

from __future__ import annotations

import time
from datetime import timedelta

from monocoque.modules import Job
from monocoque.runtime import Runtime
from monocoque_media import word_service
from monocoque_media.queries import claims, items


async def purge_deleted(runtime: Runtime) -> None:
    """Drop the items that were deleted longer ago than the retention time, but none that leads to another."""
    await runtime.database.run(items.PURGE, retention=timedelta(days=runtime.settings.retention_days))


async def sweep_words(runtime: Runtime) -> None:
    """Let go of words that no living item has any more; in a day all of them are looked at."""
    await word_service.drop_unused_words(runtime.database, int(time.time() // 3600) % word_service.PARTS)


async def purge_claims(runtime: Runtime) -> None:
    """Drop the claims that count no more."""
    await runtime.database.run(claims.PURGE)


JOBS = (
    Job("media.purge_deleted", 3600, purge_deleted),
    Job("media.sweep_words", 3600, sweep_words),
    Job("media.purge_claims", 600, purge_claims),
)
