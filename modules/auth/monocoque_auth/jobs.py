"""The recurring work of auth."""

from __future__ import annotations

from datetime import timedelta

from monocoque.modules import Job
from monocoque.runtime import Runtime
from monocoque_auth import queries

# A session that has ended is kept for a day, so that a copied token still learns that it was used.
REMEMBERED = timedelta(days=1)


async def purge_expired(runtime: Runtime) -> None:
    """Drop sessions that have ended, tokens that have expired and counters whose window has closed."""
    await runtime.database.run(queries.PURGE_SESSIONS, remembered=REMEMBERED)
    await runtime.database.run(queries.PURGE_TOKENS)
    await runtime.database.run(queries.PURGE_ATTEMPTS)


JOBS = (Job("auth.purge_expired", 600, purge_expired),)
