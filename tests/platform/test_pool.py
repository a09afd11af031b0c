"""The connections at hand: kept while they are good, given back when they are not needed or not good."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from sqlalchemy import func, literal_column, select

from monocoque import asgi, pool
from monocoque.database import Database
from monocoque.queries import Query
from tests.support import until

Stopped = Callable[[int], None]
PID = Query(select(func.pg_backend_pid()))


async def test_a_free_connection_is_used_again(database_url: str) -> None:
    database = Database(database_url, pool_size=3)
    await database.open()
    assert len({await database.value(PID) for _ in range(5)}) == 1
    await database.close()


async def test_now_and_then_all_go_back(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_TRIM_SECONDS", 0.05)
    database = Database(database_url, pool_size=3)
    await database.open()
    ours = database._pool
    assert ours is not None
    for _ in range(2):
        assert len({*await asyncio.gather(*(database.value(PID) for _ in range(3)))}) == 3
        await until(lambda: ours._free == [] and ours._pool.get_idle_size() == ours._pool.get_size() == 3)
    assert await database.value(PID)
    await database.close()


async def test_a_statement_that_fails_gives_its_connection_back_clean(database_url: str) -> None:
    database = Database(database_url, pool_size=1)
    await database.open()
    with pytest.raises(asyncpg.DivisionByZeroError):
        await database.value(Query(select(literal_column("1 / 0"))))
    with pytest.raises(asyncpg.DivisionByZeroError):
        await database.transact(lambda transaction: transaction.value(Query(select(literal_column("1 / 0")))))
    assert await database.value(PID)
    async with database.connection() as connection:
        assert not connection.is_in_transaction()
    await database.close()


async def test_a_statement_that_is_given_up_does_not_keep_its_connection(database_url: str) -> None:
    database = Database(database_url, pool_size=1)
    await database.open()
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await database.value(Query(select(func.pg_sleep(5))))
        assert await database.value(PID)
    await database.close()


async def on_a_connection(database: Database, stopped: Stopped) -> None:
    async with database.connection() as connection:
        stopped(await connection.fetchval(PID.sql))
        async with asyncio.timeout(0.05):
            await connection.fetchval(PID.sql)


async def in_a_transaction(database: Database, stopped: Stopped) -> None:
    async with database.transaction() as transaction:
        stopped(await transaction.value(PID))
        async with asyncio.timeout(0.05):
            await transaction.value(PID)


async def by_itself(database: Database, stopped: Stopped) -> None:
    stopped(await database.value(PID))
    async with asyncio.timeout(0.05):
        await database.value(PID)


@pytest.mark.parametrize(
    ("statement", "null_pool"),
    [(on_a_connection, False), (on_a_connection, True), (in_a_transaction, False), (by_itself, False)],
)
async def test_a_database_that_stands_still_holds_nobody_longer_than_they_wait(
    statement: Callable[[Database, Stopped], Awaitable[None]],
    null_pool: bool,
    database_url: str,
) -> None:
    database = Database(database_url, pool_size=2, null_pool=null_pool)
    await database.open()
    pids: list[int] = []

    def stopped(pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        pids.append(pid)

    try:
        with pytest.raises(TimeoutError):
            await statement(database, stopped)
        # What it was doing is still being given up, and there is another connection.
        assert database._returning
        assert await database.value(PID) not in pids
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    await until(lambda: not database._returning)
    async with database.connection() as first, database.connection() as second:
        assert not first.is_in_transaction()
        assert not second.is_in_transaction()
    await database.close()


def test_an_application_for_any_server_takes_the_address_that_a_parent_left(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured: list[object] = []
    monkeypatch.setattr(asgi, "configure", configured.append)
    monkeypatch.setenv(asgi.DATABASE_VARIABLE, database_url)
    assert asgi.create().state.runtime.database.url == database_url
    monkeypatch.setenv("DATABASE_URL", "postgres://configured/db")
    assert asgi.create().state.runtime.database.url == "postgresql://configured/db"
    assert len(configured) == 2
