"""Runs chains up and down, under the lock."""

from __future__ import annotations

from collections.abc import Sequence

from monocoque_migrations.connections import PlainConnection, alchemy, database_error, quoted
from monocoque_migrations.contract import VERSION_TABLE, Applied, Chain, MigrationError, select
from monocoque_migrations.environment import OnStep, exclusive_op, failure, run
from monocoque_migrations.history import line
from monocoque_migrations.locking import APPLICATION_NAME, ensure_held, migration_lock
from monocoque_migrations.purging import incoming_foreign_keys
from monocoque_migrations.state import MARK, applied

LOCK_WAIT_SECONDS = 60.0
LOCK_TIMEOUT_SECONDS = 5.0


async def upgrade(
    url: str,
    chains: Sequence[Chain],
    *,
    only: str | None = None,
    revision: str = "head",
    on_step: OnStep | None = None,
    lock_wait: float = LOCK_WAIT_SECONDS,
    lock_timeout: float = LOCK_TIMEOUT_SECONDS,
) -> list[Applied]:
    """Bring the chains (or `only`, with what it requires) up, and give what was applied, in order.

    `revision` is for `only`; what it requires goes to its head. A chain that is ahead of the code is left alone. Each
    revision is one transaction: a failure keeps the earlier ones, and is a MigrationError. `on_step` hears of each
    revision after its commit.
    """
    if revision != "head" and only is None:
        raise MigrationError(f"Revision {revision!r} of which module?", "Name the module as well.")
    wanted = select(chains, only)
    histories = {chain.name: line(chain) for chain in wanted}
    done: list[Applied] = []
    async with migration_lock(url, lock_wait) as session, exclusive_op():
        present = await applied(session, wanted)
        for chain in wanted:
            known, current = histories[chain.name].revisions, present[chain.name]
            target = _full(chain, revision, known) if chain.name == only else "head"
            ahead = current is not None and current not in known
            if ahead or not known or (target == "head" and current == known[-1]):
                continue
            await _prepare_schema(session, chain)
            async with alchemy(url, f"{APPLICATION_NAME}: {chain.name}", lock_timeout=lock_timeout) as connection:
                done += await connection.run_sync(
                    run, chain, target, up=True, before_step=lambda: ensure_held(session), on_step=on_step
                )
    return done


async def downgrade(
    url: str,
    chains: Sequence[Chain],
    *,
    only: str,
    revision: str,
    lock_wait: float = LOCK_WAIT_SECONDS,
    lock_timeout: float = LOCK_TIMEOUT_SECONDS,
) -> list[Applied]:
    """Take one chain down to `revision` ("base", "-1" or an id) in one transaction, and give what was undone, in order.

    Raises MigrationError, with nothing changed, when tables of another schema refer to what would go.
    """
    chain = select(chains, only)[-1]
    known = line(chain).revisions
    async with migration_lock(url, lock_wait) as session, exclusive_op():
        current = (await applied(session, [chain]))[chain.name]
        if current is None:
            return []
        if current not in known:
            raise MigrationError(
                f"The database has {chain.name!r} at {current}, which this code does not know.",
                "Downgrade with the version of the code that brought it.",
            )
        # Base takes every table away, so it is refused before a revision that says CASCADE could cut a foreign key.
        if revision == "base" and (refusal := await _dependants(session, chain, None)):
            raise refusal
        try:
            async with alchemy(url, f"{APPLICATION_NAME}: {chain.name}", lock_timeout=lock_timeout) as connection:
                return await connection.run_sync(
                    run,
                    chain,
                    _full(chain, revision, known),
                    up=False,
                    before_step=lambda: ensure_held(session),
                    on_step=None,
                )
        except MigrationError as error:
            native = database_error(error)
            if (
                native is not None
                and native.sqlstate == "2BP01"
                and (refusal := await _dependants(session, chain, error))
            ):
                raise refusal from error
            raise


def _full(chain: Chain, revision: str, known: Sequence[str]) -> str:
    """Let "0002" stand for "cars_0002"."""
    full = f"{chain.name}_{revision}"
    return full if full in known else revision


async def _dependants(session: PlainConnection, chain: Chain, error: MigrationError | None) -> MigrationError | None:
    keys = await incoming_foreign_keys(session, chain.schema)
    if not keys:
        return None
    schemas = ", ".join(sorted({key.table.partition(".")[0] for key in keys}))
    reason = f" {error.message}" if error else ""
    return MigrationError(
        f"Module {chain.name!r} cannot go down, {schemas} depends on it: {'; '.join(map(str, keys))}.{reason}",
        f"Downgrade or purge {schemas} first. Nothing was changed.",
    )


async def _prepare_schema(session: PlainConnection, chain: Chain) -> None:
    """Create the schema and the marked version table where they are missing."""
    import asyncpg  # noqa: PLC0415  (the engine stays light until it works)

    schema = quoted(chain.schema)
    table = f"{schema}.{VERSION_TABLE}"
    mark = (MARK + chain.name).replace("'", "''")
    try:
        async with session.transaction():
            # IF NOT EXISTS would still ask for the right to create schemas, which a schema made by the administrator
            # spares us.
            if not await session.fetchval("SELECT 1 FROM pg_namespace WHERE nspname = $1", chain.schema):
                await session.execute(f"CREATE SCHEMA {schema}")
            if not await session.fetchval("SELECT to_regclass($1)", table):
                await session.execute(
                    f"CREATE TABLE {table} (version_num text CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY);"
                    f"COMMENT ON TABLE {table} IS '{mark}'"
                )
    except asyncpg.PostgresError as error:
        raise failure(chain, None, error) from error
