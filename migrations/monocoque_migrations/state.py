"""Where each chain stands in a database, read without Alembic."""

from __future__ import annotations

from collections.abc import Sequence

from monocoque_migrations.connections import PlainConnection, plain, quoted
from monocoque_migrations.contract import VERSION_TABLE, Chain, ChainStatus, State
from monocoque_migrations.history import History, line
from monocoque_migrations.locking import APPLICATION_NAME

# The comment tells our version tables from those of other applications in the same database.
MARK = "monocoque migrations of "

_VERSION_TABLES = """
SELECT n.nspname AS schema, obj_description(c.oid, 'pg_class') AS mark
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = $1 AND c.relkind = 'r'
ORDER BY n.nspname
"""


async def applied(connection_or_url: PlainConnection | str, chains: Sequence[Chain]) -> dict[str, str | None]:
    """Give each chain's applied revision (or None) by module name; one statement once all have been migrated."""
    if isinstance(connection_or_url, str):
        async with plain(connection_or_url, APPLICATION_NAME) as connection:
            return await applied(connection, chains)
    import asyncpg  # noqa: PLC0415  (the engine stays light until it works)

    connection = connection_or_url
    result: dict[str, str | None] = {chain.name: None for chain in chains}
    # A failing statement would end a transaction that the caller has open; there, look before reading.
    if not connection.is_in_transaction():
        try:
            return await _versions(connection, chains)
        except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
            pass
    schemas = {row["schema"] for row in await connection.fetch(_VERSION_TABLES, VERSION_TABLE)}
    return result | await _versions(connection, [chain for chain in chains if chain.schema in schemas])


async def status(url: str, chains: Sequence[Chain]) -> list[ChainStatus]:
    """Give every chain's status, in order, then the schemas that vanished modules left behind (state "gone")."""
    histories = {chain.name: line(chain) for chain in chains}
    async with plain(url, APPLICATION_NAME) as connection:
        left = [chain for chain in await marked(connection) if chain.schema not in {known.schema for known in chains}]
        revisions = await applied(connection, chains)
        remains = [(await _versions(connection, [gone]))[gone.name] for gone in left]
    found = [_status(chain, revisions[chain.name], histories[chain.name]) for chain in chains]
    return found + [
        ChainStatus(gone.name, gone.schema, revision, None, (), "gone")
        for gone, revision in zip(left, remains, strict=True)
    ]


async def marked(connection: PlainConnection) -> list[Chain]:
    """List the schemas that this engine migrated, as chains without revisions."""
    rows = await connection.fetch(_VERSION_TABLES, VERSION_TABLE)
    return [
        Chain(mark.removeprefix(MARK), row["schema"], "")
        for row in rows
        if (mark := row["mark"] or "").startswith(MARK)
    ]


async def _versions(connection: PlainConnection, chains: Sequence[Chain]) -> dict[str, str | None]:
    if not chains:
        return {}
    columns = [f"(SELECT max(version_num) FROM {quoted(chain.schema)}.{VERSION_TABLE})" for chain in chains]  # noqa: S608  (quoted)
    row = await connection.fetchrow("SELECT " + ", ".join(columns))
    return dict(zip((chain.name for chain in chains), row, strict=True))


def _status(chain: Chain, revision: str | None, history: History) -> ChainStatus:
    state: State
    pending: tuple[str, ...]
    if revision == history.head:
        state, pending = "current", ()
    elif revision is None:
        state, pending = "empty", history.revisions
    elif revision in history.revisions:
        state, pending = "behind", history.revisions[history.revisions.index(revision) + 1 :]
    else:
        state, pending = "ahead", ()
    return ChainStatus(chain.name, chain.schema, revision, history.head, pending, state)
