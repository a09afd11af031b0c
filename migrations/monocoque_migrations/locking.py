"""One advisory lock per database: whoever holds it is the only one that changes the schema."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from monocoque_migrations.connections import PlainConnection, plain
from monocoque_migrations.contract import MigrationError

APPLICATION_NAME = "monocoque migrations"
LOCK_KEY = int.from_bytes(b"monocoqu")

_HOLDER = """
SELECT l.pid, coalesce(a.application_name, '') AS application_name
FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (l.classid::bigint << 32) | l.objid::bigint = $1
"""


@asynccontextmanager
async def migration_lock(url: str, wait: float) -> AsyncIterator[PlainConnection]:
    """Hold the lock, and lend the session that holds it; raises MigrationError naming the holder after `wait` seconds.

    It is polled and never waited on: a session that waits inside the server keeps a snapshot, and CREATE INDEX
    CONCURRENTLY in the holder would wait for that snapshot in turn. The session does nothing else, so the lock ends
    with its process.
    """
    import asyncio  # noqa: PLC0415  (the engine stays light until it works)
    import random  # noqa: PLC0415

    async with plain(url, f"{APPLICATION_NAME} (lock)") as session:
        deadline = monotonic() + wait
        while not await session.fetchval("SELECT pg_try_advisory_lock($1)", LOCK_KEY):
            if monotonic() >= deadline:
                raise await _refusal(session, wait)
            await asyncio.sleep(random.uniform(0.1, 0.25))  # noqa: S311  (spreads the pollers, guards nothing)
        yield session


def ensure_held(session: PlainConnection) -> None:
    """Raise MigrationError when the session, and with it the lock, is gone."""
    if session.is_closed():
        raise MigrationError(
            "The session that holds the migration lock was closed, so another process may be migrating now.",
            "What was applied so far is kept; run the upgrade again.",
        )


async def _refusal(session: PlainConnection, wait: float) -> MigrationError:
    holder = await session.fetchrow(_HOLDER, LOCK_KEY)
    who = f"process {holder['pid']} ({holder['application_name'] or 'unnamed'})" if holder else "another process"
    return MigrationError(
        f"The migration lock was not free within {wait:g} s: {who} holds it.",
        "Wait for it to finish, or end that session with pg_terminate_backend if it is stuck.",
    )
