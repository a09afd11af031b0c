"""Drops what a module left behind, and never what another schema still needs."""

from __future__ import annotations

from monocoque_migrations.connections import PlainConnection, plain, quoted
from monocoque_migrations.contract import VERSION_TABLE, ForeignKey, MigrationError, PurgePlan
from monocoque_migrations.locking import APPLICATION_NAME, migration_lock
from monocoque_migrations.state import marked

_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY c.relname
"""

_INCOMING = """
SELECT k.conname AS name, fn.nspname || '.' || f.relname AS "table", tn.nspname || '.' || t.relname AS "references"
FROM pg_constraint k
JOIN pg_class f ON f.oid = k.conrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace
JOIN pg_class t ON t.oid = k.confrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
WHERE k.contype = 'f' AND tn.nspname = $1 AND fn.nspname <> $1
ORDER BY 2, 1
"""


async def purge_plan(url: str, schema: str) -> PurgePlan:
    """Say what `purge` would drop, with exact row counts; raises MigrationError for a schema that is not a module's."""
    async with plain(url, APPLICATION_NAME) as connection:
        return await _plan(connection, schema)


async def purge(url: str, schema: str, *, lock_wait: float = 60.0) -> PurgePlan:
    """Drop the schema with all its data, and give what was dropped.

    Raises MigrationError, with nothing dropped, when anything in another schema depends on its tables.
    """
    import asyncpg  # noqa: PLC0415  (the engine stays light until it works)

    async with migration_lock(url, lock_wait) as session:
        plan = await _plan(session, schema)
        plan.check()
        names = await session.fetch(_TABLES, schema)
        tables = ", ".join(f"{quoted(schema)}.{quoted(row['relname'])}" for row in names)
        try:
            async with session.transaction():
                await session.execute("SET LOCAL lock_timeout = '5s'")
                # RESTRICT lets the server refuse what appeared since the plan, and views, which the plan does not list.
                await session.execute(f"DROP TABLE {tables} RESTRICT")
                await session.execute(f"DROP SCHEMA {quoted(schema)} CASCADE")
        except asyncpg.PostgresError as error:
            raise MigrationError(
                f"Schema {schema!r} was not dropped: {error} ({getattr(error, 'detail', None) or error.sqlstate}).",
                "Remove what depends on it, or try again at a quieter time. Nothing was dropped.",
            ) from error
        return plan


async def incoming_foreign_keys(connection: PlainConnection, schema: str) -> tuple[ForeignKey, ...]:
    """List the foreign keys of other schemas that refer to tables of this one."""
    return tuple(ForeignKey(**dict(row)) for row in await connection.fetch(_INCOMING, schema))


async def _plan(connection: PlainConnection, schema: str) -> PurgePlan:
    ours = {chain.schema: chain.name for chain in await marked(connection)}
    if schema not in ours:
        raise MigrationError(
            f"Schema {schema!r} does not hold a module's tables.", f"Schemas that do: {', '.join(ours) or 'none'}."
        )
    counts: dict[str, int] = {}
    for row in await connection.fetch(_TABLES, schema):
        if row["relname"] != VERSION_TABLE:
            table = f"{quoted(schema)}.{quoted(row['relname'])}"
            counts[row["relname"]] = await connection.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608  (quoted)
    return PurgePlan(schema, ours[schema], counts, await incoming_foreign_keys(connection, schema))
