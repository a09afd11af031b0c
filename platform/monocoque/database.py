"""One asyncpg pool, two ways to use it: statements that commit themselves, and transactions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol

import asyncpg
from asyncpg import Record

from monocoque import json
from monocoque.failures import StartupError
from monocoque.queries import Query
from monocoque.settings import Settings

CONNECT_TIMEOUT = 5.0
COMMAND_TIMEOUT = 10.0
POOL_WAIT = 3.0
MINIMUM_VERSION = 15
_RETRIES = 3
# A conflict's victim, and a statement prepared before another process changed the table.
_TRY_AGAIN = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.InvalidCachedStatementError)
_SESSION = {
    "application_name": "monocoque",
    "timezone": "UTC",
    "statement_timeout": "10000",
    "lock_timeout": "3000",
    "idle_in_transaction_session_timeout": "15000",
}


class PoolExhausted(Exception):
    """No connection became free within the time that a request may wait."""


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
        self._pool: asyncpg.Pool | None = None

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
                self._pool = await asyncpg.create_pool(
                    self.url,
                    min_size=1,
                    max_size=self._size,
                    timeout=CONNECT_TIMEOUT,
                    command_timeout=COMMAND_TIMEOUT,
                    max_inactive_connection_lifetime=300,
                    server_settings=_SESSION,
                    init=_prepare,
                    reset=_nothing_to_reset,
                )
                async with self._pool.acquire() as held:
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
        if self._pool is None:
            return
        pool, self._pool = self._pool, None
        try:
            async with asyncio.timeout(5):
                await pool.close()
        except TimeoutError:
            pool.terminate()

    async def connect(self) -> asyncpg.Connection:
        """A connection of one's own, outside the pool; the caller closes it."""
        connection = await asyncpg.connect(
            self.url,
            timeout=CONNECT_TIMEOUT,
            command_timeout=COMMAND_TIMEOUT,
            server_settings=_SESSION,
            # Without a pool there is nothing to gain from names, and an external pooler mixes them up.
            statement_cache_size=0 if self._null else 100,
        )
        await _prepare(connection)
        return connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection from the pool; raises PoolExhausted after three seconds of waiting."""
        pool = self._pool
        if pool is None:
            if not self._null:
                raise asyncpg.InterfaceError("the database is closed")
            try:
                connection = await self.connect()
            except (OSError, asyncpg.PostgresError) as error:
                raise DatabaseUnreachable(type(error).__name__) from error
            try:
                yield connection
            finally:
                await connection.close(timeout=POOL_WAIT)
            return
        held = await self._acquire(pool)
        try:
            yield held
        finally:
            await pool.release(held, timeout=POOL_WAIT)

    async def _acquire(self, pool: asyncpg.Pool) -> asyncpg.Connection:
        try:
            # The timer costs more than the acquisition; it is only needed where nothing is free.
            if pool.get_idle_size():
                return await pool.acquire()
            return await pool.acquire(timeout=POOL_WAIT)
        except TimeoutError:
            raise PoolExhausted from None
        except (OSError, asyncpg.PostgresError) as error:
            raise DatabaseUnreachable(type(error).__name__) from error

    async def all(self, query: Query, /, **parameters: Any) -> list[Record]:
        arguments = query.arguments(parameters)
        async with self.connection() as connection:
            rows: list[Record] = await connection.fetch(query.sql, *arguments)
            return rows

    async def first(self, query: Query, /, **parameters: Any) -> Record | None:
        arguments = query.arguments(parameters)
        async with self.connection() as connection:
            return await connection.fetchrow(query.sql, *arguments)

    async def value(self, query: Query, /, **parameters: Any) -> Any:
        arguments = query.arguments(parameters)
        async with self.connection() as connection:
            return await connection.fetchval(query.sql, *arguments)

    async def run(self, query: Query, /, **parameters: Any) -> int:
        arguments = query.arguments(parameters)
        async with self.connection() as connection:
            return _touched(await connection.execute(query.sql, *arguments))

    async def many(self, query: Query, rows: list[dict[str, Any]], /) -> None:
        async with self.connection() as connection:
            await connection.executemany(query.sql, [query.arguments(row) for row in rows])

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Statements that take effect together, committed when the block is left without an error."""
        async with self.connection() as connection, connection.transaction():
            yield Transaction(connection)

    async def transact[T](self, action: Callable[[Transaction], Awaitable[T]], /) -> T:
        """Run `action` in a transaction, again when PostgreSQL rolled it back for no fault of its own (three times)."""
        for left in reversed(range(_RETRIES)):
            try:
                async with self.transaction() as transaction:
                    return await action(transaction)
            except _TRY_AGAIN:
                if not left:
                    raise
        raise AssertionError("unreachable")


def unreachable(error: BaseException) -> StartupError:
    """What to tell a person when no connection could be made; never the address, which may hold a password."""
    # Only what the server or the system says: the driver quotes the parts of an address that it cannot read.
    known = isinstance(error, asyncpg.PostgresError | OSError)
    reason = (str(error) if known else "the address cannot be read") or type(error).__name__
    return StartupError(
        f"The database cannot be reached: {reason.splitlines()[0]}",
        hint="Check MONOCOQUE_DATABASE_URL (host, port, user, password, database); unset, the embedded one is used.",
    )


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
