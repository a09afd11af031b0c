"""One asyncpg pool, two ways to use it: statements that commit themselves, and transactions."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

import asyncpg
from asyncpg import Record

from monocoque import json
from monocoque.failures import StartupError
from monocoque.pool import ConnectionPool, PoolExhausted
from monocoque.queries import Query
from monocoque.settings import Settings

CONNECT_TIMEOUT = 5.0
COMMAND_TIMEOUT = 10.0
POOL_WAIT = 3.0
CLOSE_PATIENCE = 5.0
MINIMUM_VERSION = 15
_RETRIES = 3
# A statement that ran out of time, or that nobody waits for any more, is still at work at the server.
_GIVEN_UP = (TimeoutError, asyncio.CancelledError)
# A conflict's victim, and a statement prepared before another process changed the table.
_TRY_AGAIN = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.InvalidCachedStatementError)
SESSION = {
    "application_name": "monocoque",
    "timezone": "UTC",
    "statement_timeout": "10000",
    "lock_timeout": "3000",
    "idle_in_transaction_session_timeout": "15000",
}


__all__ = ["Database", "DatabaseUnreachable", "Executor", "PoolExhausted", "Transaction", "unreachable"]


class DatabaseUnreachable(ConnectionError):
    """No new connection could be made, whatever the reason: a start-up under way, a missing socket, a refusal."""


class Executor(Protocol):
    """What runs statements: the database itself, each committed at once, or a transaction."""

    async def all(self, query: Query, /, **parameters: Any) -> list[Record]:
        """Every row."""
        ...

    async def first(self, query: Query, /, **parameters: Any) -> Record | None:
        """The first row, or None."""
        ...

    async def value(self, query: Query, /, **parameters: Any) -> Any:
        """The first column of the first row, or None."""
        ...

    async def run(self, query: Query, /, **parameters: Any) -> int:
        """The number of rows that the statement touched."""
        ...

    async def many(self, query: Query, rows: list[dict[str, Any]], /) -> None:
        """Run one statement for each row, in one batch and atomically."""
        ...

    async def transact[T](self, action: Callable[[Transaction], Awaitable[T]], /) -> T:
        """Run `action` in a transaction (a nested call joins it); committed when this returns."""
        ...


class Transaction:
    """Statements that take effect together; made by `Database.transaction()`."""

    __slots__ = ("connection",)

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection

    async def all(self, query: Query, /, **parameters: Any) -> list[Record]:
        rows: list[Record] = await self.connection.fetch(query.sql, *query.arguments(parameters))
        return rows

    async def first(self, query: Query, /, **parameters: Any) -> Record | None:
        return await self.connection.fetchrow(query.sql, *query.arguments(parameters))

    async def value(self, query: Query, /, **parameters: Any) -> Any:
        return await self.connection.fetchval(query.sql, *query.arguments(parameters))

    async def run(self, query: Query, /, **parameters: Any) -> int:
        return _touched(await self.connection.execute(query.sql, *query.arguments(parameters)))

    async def many(self, query: Query, rows: list[dict[str, Any]], /) -> None:
        await self.connection.executemany(query.sql, [query.arguments(row) for row in rows])

    async def transact[T](self, action: Callable[[Transaction], Awaitable[T]], /) -> T:
        return await action(self)


class Database:
    """The pool of one process. Each method but `transaction` runs one statement that commits itself."""

    def __init__(self, url: str, *, pool_size: int = 10, null_pool: bool = False) -> None:
        self.url = url
        self._size = pool_size
        self._null = null_pool
        self._pool: ConnectionPool | None = None
        self._returning: set[asyncio.Task[None]] = set()

    @classmethod
    def from_settings(cls, settings: Settings, url: str) -> Database:
        return cls(url, pool_size=settings.database_pool_size, null_pool=settings.database_use_null_pool)

    async def open(self) -> None:
        """Connect; raises StartupError when the server is out of reach or too old."""
        try:
            if self._null:
                connection = await self.connect()
                version = connection.get_server_version()
                await connection.close()
            else:
                pool = await asyncpg.create_pool(
                    self.url,
                    min_size=1,
                    max_size=self._size,
                    timeout=CONNECT_TIMEOUT,
                    command_timeout=COMMAND_TIMEOUT,
                    max_inactive_connection_lifetime=300,
                    server_settings=SESSION,
                    init=_prepare,
                    reset=_nothing_to_reset,
                )
                self._pool = ConnectionPool(pool, POOL_WAIT)
                async with self.connection() as held:
                    version = held.get_server_version()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, ValueError) as error:
            raise unreachable(error) from error
        if version.major < MINIMUM_VERSION:
            await self.close()
            raise StartupError(
                f"The database server is PostgreSQL {version.major}; {MINIMUM_VERSION} or newer is needed.",
                hint="Upgrade the server, or point MONOCOQUE_DATABASE_URL at a newer one.",
            )

    async def close(self) -> None:
        """Let running statements end for five seconds, then cut the connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close(CLOSE_PATIENCE)
        if self._returning:
            await asyncio.wait(self._returning)

    async def connect(self) -> asyncpg.Connection:
        """A connection of one's own, outside the pool; the caller closes it."""
        connection = await asyncpg.connect(
            self.url,
            timeout=CONNECT_TIMEOUT,
            command_timeout=COMMAND_TIMEOUT,
            server_settings=SESSION,
            # Without a pool there is nothing to gain from names, and an external pooler mixes them up.
            statement_cache_size=0 if self._null else 100,
        )
        await _prepare(connection)
        return connection

    async def _take(self) -> Any:
        try:
            if self._pool is not None:
                return await self._pool.take()
            if self._null:
                return await self.connect()
        except (OSError, asyncpg.PostgresError) as error:
            raise DatabaseUnreachable(type(error).__name__) from error
        raise asyncpg.InterfaceError("the database is closed")

    async def _part_with(self, held: Any, error: BaseException) -> None:
        """Give back a connection whose work failed; without waiting for one that is still at work."""
        if isinstance(error, _GIVEN_UP):
            returning = asyncio.create_task(self._give_back_quietly(held))
            self._returning.add(returning)
            returning.add_done_callback(self._returning.discard)
        else:
            await self._give_back(held)

    async def _give_back_quietly(self, held: Any) -> None:
        # It is asked to end its statement, rolled back, or else cut.
        with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await self._give_back(held)

    async def _give_back(self, held: Any) -> None:
        if self._null:
            await held.close(timeout=POOL_WAIT)
        elif self._pool is not None:
            await self._pool.give_back(held)
        else:
            held.terminate()

    async def _keep(self, held: Any) -> None:
        if self._pool is None or not self._pool.keep(held):
            await self._give_back(held)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection from the pool; raises PoolExhausted after three seconds of waiting."""
        held = await self._take()
        try:
            yield held
        except BaseException as error:
            await self._part_with(held, error)
            raise
        await self._keep(held)

    async def _call(self, method: str, query: Query, parameters: dict[str, Any]) -> Any:
        """One statement, committed by itself, again as in `transact`.

        It is what a request spends its time on, hence without a context manager.
        """
        arguments = query.arguments(parameters)
        for left in reversed(range(_RETRIES)):
            held = await self._take()
            try:
                result = await getattr(held, method)(query.sql, *arguments)
            except BaseException as error:
                await self._part_with(held, error)
                if not left or not isinstance(error, _TRY_AGAIN):
                    raise
            else:
                await self._keep(held)
                return result
            await _step_aside()
        raise AssertionError("unreachable")

    async def all(self, query: Query, /, **parameters: Any) -> list[Record]:
        rows: list[Record] = await self._call("fetch", query, parameters)
        return rows

    async def first(self, query: Query, /, **parameters: Any) -> Record | None:
        return await self._call("fetchrow", query, parameters)

    async def value(self, query: Query, /, **parameters: Any) -> Any:
        return await self._call("fetchval", query, parameters)

    async def run(self, query: Query, /, **parameters: Any) -> int:
        return _touched(await self._call("execute", query, parameters))

    async def many(self, query: Query, rows: list[dict[str, Any]], /) -> None:
        async with self.connection() as connection:
            await connection.executemany(query.sql, [query.arguments(row) for row in rows])

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Statements that take effect together, committed when the block is left without an error."""
        async with self.connection() as connection:
            block = connection.transaction()
            await block.__aenter__()
            try:
                yield Transaction(connection)
            except _GIVEN_UP:
                # Rolled back as the connection is given back: an answer may never come.
                raise
            except BaseException as error:
                await block.__aexit__(type(error), error, error.__traceback__)
                raise
            await block.__aexit__(None, None, None)

    async def transact[T](self, action: Callable[[Transaction], Awaitable[T]], /) -> T:
        """Run `action` in a transaction, again when PostgreSQL rolled it back for no fault of its own (three times)."""
        for left in reversed(range(_RETRIES)):
            try:
                async with self.transaction() as transaction:
                    return await action(transaction)
            except _TRY_AGAIN:
                if not left:
                    raise
                await _step_aside()
        raise AssertionError("unreachable")


def unreachable(error: BaseException) -> StartupError:
    """What to tell a person when no connection could be made; never the address, which may hold a password."""
    # Only what the server or the system says: the driver quotes the parts of an address that it cannot read.
    known = isinstance(error, asyncpg.PostgresError | OSError)
    reason = (str(error) if known else "the address cannot be read") or type(error).__name__
    if isinstance(error, TimeoutError):
        reason = f"no answer within {CONNECT_TIMEOUT:.0f} s"
    hint = (
        "A pooler stands before it. Set its ignore_startup_parameters as docs/operations.md says under Connections."
        if "startup parameter" in reason
        else "Check MONOCOQUE_DATABASE_URL (host, port, user, password, database); unset, the embedded one is used."
    )
    return StartupError(f"The database cannot be reached: {reason.splitlines()[0]}", hint=hint)


async def _step_aside() -> None:
    """Two that quarrelled must not meet in step again."""
    await asyncio.sleep(random.uniform(0, 0.05))  # noqa: S311  no secret depends on it


async def _prepare(connection: asyncpg.Connection) -> None:
    """json goes through as text, untouched, into the reply; jsonb becomes Python values and back."""
    await connection.set_type_codec("json", schema="pg_catalog", encoder=_as_text, decoder=json.Fragment, format="text")
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_as_text, decoder=json.loads, format="text")


def _as_text(value: Any) -> str:
    # Query converts parameters typed as JSON; a string that comes here is JSON already.
    return value if isinstance(value, str) else json.dump_text(value)


async def _nothing_to_reset(_connection: asyncpg.Connection) -> None:
    """Statements leave no session state behind, so giving a connection back costs no round trip."""


def _touched(status: str) -> int:
    _, _, count = status.rpartition(" ")
    return int(count) if count.isdigit() else 0
