"""What the database may do to us, and what a client is then told: never a 500, and never a lost connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import bindparam, func, literal_column, select, text
from sqlalchemy.types import Integer

from monocoque import database as database_file
from monocoque.database import Database, DatabaseUnreachable, Transaction
from monocoque.errors import backstop_hits
from monocoque.failures import StartupError
from monocoque.queries import Query
from monocoque.routing import Router
from monocoque.runtime import Db
from tests.platform.workshop import Gate, Workshop
from tests.support import problem, until

PING = Query(select(literal_column("1")))
SLEEP = Query(select(func.pg_sleep(bindparam("seconds"))))
PATH = "/api/v1/things"


def routes(gate: Gate | None = None) -> Router:
    """`gate` is what those come to who hold a connection."""
    router, held = Router(), gate or Gate()

    @router.get("/ping", summary="Ping")
    async def ping(db: Db) -> dict[str, int]:
        """One statement."""
        return {"answer": await db.value(PING)}

    @router.get("/hold", summary="Hold")
    async def hold(db: Db) -> dict[str, str]:
        """A connection for as long as the gate is shut."""
        async with db.connection() as connection:
            await held.passed()
            await connection.fetchval("SELECT 1")
        return {}

    @router.get("/slow", summary="Slow")
    async def slow(db: Db) -> dict[str, str]:
        """A statement that takes longer than it may."""
        async with db.connection() as connection:
            await connection.execute("SET statement_timeout = 50")
            try:
                await connection.execute("SELECT pg_sleep(5)")
            finally:
                await connection.execute("RESET statement_timeout")
        return {}

    @router.get("/fail", summary="Fail")
    async def fail(db: Db, code: str) -> dict[str, str]:
        """With a SQLSTATE of the client's choice."""
        async with db.connection() as connection:
            await connection.execute(f"DO $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '{code}'; END $$")
        return {}

    return router


def at_rest(app: FastAPI) -> bool:
    """Whether every connection is free again, and there are no more than there may be."""
    runtime = app.state.runtime
    ours = runtime.database._pool
    theirs = ours._pool
    held = theirs.get_size() - theirs.get_idle_size()
    return bool(held == len(ours._free) and theirs.get_size() <= runtime.settings.database_pool_size)


async def terminate(url: str) -> int:
    """Cut every other connection to this database, as a restart of the server does."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return len(rows)
    finally:
        await connection.close()


async def test_an_exhausted_pool_is_a_503_that_says_when_to_come_back_and_recovers(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    app = await workshop.app(workshop.module(router=routes(gate)), database_pool_size=2)
    client = workshop.client(app)
    holders = [asyncio.create_task(client.get(f"{PATH}/hold")) for _ in range(2)]
    await gate.reached(2)
    with monkeypatch.context() as limited:
        limited.setattr(app.state.runtime.database._pool, "_wait", 0.1)
        refused = await client.get(f"{PATH}/ping")
    problem(refused, 503, "server.unavailable")
    assert refused.headers["retry-after"] == "2"
    gate.open()
    assert [reply.status_code for reply in await asyncio.gather(*holders)] == [200, 200]
    assert (await client.get(f"{PATH}/ping")).json() == {"answer": 1}


async def test_a_burst_beyond_the_pool_waits_its_turn(workshop: Workshop) -> None:
    client = await workshop.serve(workshop.module(router=routes()), database_pool_size=2)
    replies = await asyncio.gather(*(client.get(f"{PATH}/ping") for _ in range(40)))
    assert {reply.status_code for reply in replies} == {200}


async def test_after_a_restart_of_the_server_requests_work_again_and_nothing_leaks(own_workshop: Workshop) -> None:
    gate = Gate()
    app = await own_workshop.app(own_workshop.module(router=routes(gate)), database_pool_size=3)
    client = own_workshop.client(app)
    holders = app.state.runtime.database._pool._pool._holders

    async def held() -> list[asyncio.Task[httpx.Response]]:
        replies = [asyncio.create_task(client.get(f"{PATH}/hold")) for _ in range(3)]
        await gate.reached(3)
        return replies

    async def restart() -> int:
        cut = [holder._con for holder in holders]
        count = await terminate(own_workshop.url)
        await until(lambda: all(connection.is_closed() for connection in cut))
        return count

    during = await held()
    assert await restart() >= 4
    gate.open()
    for reply in await asyncio.gather(*during):
        problem(reply, 503, "server.unavailable")
    gate.shut()
    after = await held()
    gate.open()
    assert {reply.status_code for reply in await asyncio.gather(*after)} == {200}
    assert await restart() >= 3
    assert [(await client.get(f"{PATH}/ping")).status_code for _ in range(5)] == [200] * 5
    replies = await asyncio.gather(*(client.get(f"{PATH}/ping") for _ in range(10)))
    assert {reply.status_code for reply in replies} == {200}
    assert at_rest(app)


async def test_a_database_that_is_gone_is_a_503_and_no_500(own_workshop: Workshop) -> None:
    app = await own_workshop.app(own_workshop.module(router=routes()))
    client = own_workshop.client(app)
    runtime = app.state.runtime
    for broken in ("postgresql:///nowhere?host=/no/such/folder", "postgresql://127.0.0.1:1/nowhere"):
        lost = Database(broken, null_pool=True)
        kept, runtime.database = runtime.database, lost
        try:
            problem(await client.get(f"{PATH}/ping"), 503, "server.unavailable")
        finally:
            runtime.database = kept
    assert (await client.get(f"{PATH}/ping")).status_code == 200


async def test_a_statement_that_takes_too_long_is_a_503(workshop: Workshop) -> None:
    client = await workshop.serve(workshop.module(router=routes()))
    reply = await client.get(f"{PATH}/slow")
    problem(reply, 503, "server.unavailable")
    assert reply.headers["retry-after"]


@pytest.mark.parametrize(
    ("sqlstate", "status", "code"),
    [
        ("22001", 422, "request.invalid"),
        ("23505", 409, "request.conflict"),
        ("23503", 409, "request.conflict"),
        ("23514", 422, "request.invalid"),
        ("40001", 503, "server.unavailable"),
        ("40P01", 503, "server.unavailable"),
        ("55P03", 503, "server.unavailable"),
        ("57014", 503, "server.unavailable"),
        ("57P03", 503, "server.unavailable"),
        ("53300", 503, "server.unavailable"),
        ("08006", 503, "server.unavailable"),
        ("0A000", 500, "server.error"),
        ("42P01", 500, "server.error"),
    ],
)
async def test_what_postgresql_refuses_becomes_the_problem_that_it_is(
    workshop: Workshop, sqlstate: str, status: int, code: str
) -> None:
    client = await workshop.serve(workshop.module(router=routes()))
    before = backstop_hits.total()
    document = problem(await client.get(f"{PATH}/fail", params={"code": sqlstate}), status, code)
    assert "made up" not in str(document)
    assert backstop_hits.total() - before == (sqlstate[:2] in {"22", "23"})
    for key in [key for key in backstop_hits if key.startswith(sqlstate)]:
        del backstop_hits[key]


@pytest.fixture
async def pair(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """A database with two rows to quarrel about; who waits for another is looked into early and never sent away."""
    for name, value in (("deadlock_timeout", "100"), ("lock_timeout", "0")):
        monkeypatch.setitem(database_file.SESSION, name, value)
    database = Database(database_url, pool_size=4)
    await database.open()
    async with database.connection() as connection:
        await connection.execute("CREATE TABLE pair (id int PRIMARY KEY, n int NOT NULL)")
        await connection.execute("INSERT INTO pair VALUES (1, 0), (2, 0)")
    yield database
    await database.close()


RAISE = Query(text("UPDATE pair SET n = n + 1 WHERE id = :id").bindparams(bindparam("id", type_=Integer)))
READ = Query(text("SELECT * FROM pair ORDER BY id"))


async def test_the_victim_of_a_deadlock_is_run_again(pair: Database) -> None:
    attempts = 0
    both = asyncio.Barrier(2)

    async def quarrel(first: int, second: int) -> None:
        met = False

        async def action(transaction: Transaction) -> None:
            nonlocal attempts, met
            attempts += 1
            await transaction.run(RAISE, id=first)
            if not met:
                met = True
                await both.wait()
            await transaction.run(RAISE, id=second)

        await pair.transact(action)

    await asyncio.gather(quarrel(1, 2), quarrel(2, 1))
    assert attempts >= 3
    assert [row["n"] for row in await pair.all(READ)] == [2, 2]


@pytest.mark.parametrize(("failures", "answer"), [(0, 1), (2, 3), (3, None)])
async def test_a_statement_of_its_own_is_run_again_too(pair: Database, failures: int, answer: int | None) -> None:
    async with pair.connection() as connection:
        await connection.execute(
            "CREATE SEQUENCE tries; CREATE FUNCTION quarrel(failures int) RETURNS bigint LANGUAGE plpgsql AS $$ "
            "BEGIN IF nextval('tries') <= failures THEN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END IF; "
            "RETURN currval('tries'); END $$"
        )
    query = Query(select(func.quarrel(bindparam("failures", type_=Integer))))
    if answer is None:
        with pytest.raises(asyncpg.DeadlockDetectedError):
            await pair.value(query, failures=failures)
    else:
        assert await pair.value(query, failures=failures) == answer


async def test_a_serialization_failure_is_given_up_after_three_attempts(pair: Database) -> None:
    attempts = 0

    async def action(transaction: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        await transaction.run(RAISE, id=1)
        await transaction.connection.execute("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$")

    with pytest.raises(asyncpg.SerializationError):
        await pair.transact(action)
    assert attempts == 3
    assert [row["n"] for row in await pair.all(READ)] == [0, 0]


async def test_a_statement_that_was_prepared_before_the_table_changed_is_prepared_again(pair: Database) -> None:
    async def action(transaction: Transaction) -> int:
        return len((await transaction.all(READ))[0])

    async with pair.connection() as first, pair.connection() as second, pair.connection() as third:
        for held in (first, second, third):
            await held.fetch(READ.sql)
    assert await pair.transact(action) == 2
    async with pair.connection() as connection:
        await connection.execute("ALTER TABLE pair ADD COLUMN more int")
    assert {len((await pair.all(READ))[0]) for _ in range(4)} == {3}
    async with pair.connection() as connection:
        await connection.execute("ALTER TABLE pair ADD COLUMN yet_more int")
    assert [await pair.transact(action) for _ in range(4)] == [4, 4, 4, 4]


async def test_without_a_pool_each_use_is_a_connection_that_is_closed_after_it(database_url: str) -> None:
    database = Database(database_url, null_pool=True)
    await database.open()
    seen = {await database.value(Query(select(func.pg_backend_pid()))) for _ in range(3)}
    assert len(seen) == 3
    watcher = await asyncpg.connect(database_url)
    async with asyncio.timeout(60):
        while await watcher.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY($1)", list(seen)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await watcher.close()
    await database.close()


async def test_a_closed_database_says_so(database_url: str) -> None:
    database = Database(database_url)
    await database.open()
    await database.close()
    await database.close()
    with pytest.raises(asyncpg.InterfaceError, match="closed"):
        await database.value(PING)


async def test_closing_cuts_what_does_not_end(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_file, "COMMAND_TIMEOUT", None)
    monkeypatch.setitem(database_file.SESSION, "statement_timeout", "0")
    database = Database(database_url)
    await database.open()
    pool = database._pool
    assert pool is not None
    running = asyncio.create_task(database.value(SLEEP, seconds=600))
    await until(lambda: not pool._free)
    monkeypatch.setattr(database_file, "CLOSE_PATIENCE", 0.2)
    async with asyncio.timeout(60):
        await database.close()
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await running


@pytest.mark.parametrize("null_pool", [True, False])
async def test_a_server_that_is_too_old_is_refused_with_its_version(
    database_url: str, monkeypatch: pytest.MonkeyPatch, null_pool: bool
) -> None:
    monkeypatch.setattr(asyncpg.Connection, "get_server_version", lambda _self: SimpleNamespace(major=14))
    with pytest.raises(StartupError) as caught:
        await Database(database_url, null_pool=null_pool).open()
    assert "PostgreSQL 14; 15 or newer is needed" in str(caught.value)
    assert "MONOCOQUE_DATABASE_URL" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:hunter2@127.0.0.1:1/db",
        "postgresql://user:hunter2@/db?host=/no/such/folder",
        "postgresql://user:hunter2/x@host/db",
        "postgresql://user:1@hunter2.invalid:hunter2/db",
        "postgresql://user:hunter2@h/db?sslmode=hunter2",
    ],
)
@pytest.mark.parametrize("null_pool", [True, False])
async def test_a_server_out_of_reach_is_told_without_the_password(url: str, null_pool: bool) -> None:
    with pytest.raises(StartupError) as caught:
        await Database(url, null_pool=null_pool).open()
    assert "cannot be reached" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "MONOCOQUE_DATABASE_URL" in str(caught.value)


@pytest.mark.parametrize("pooler_first", [True, False])
async def test_a_pooler_that_refuses_our_settings_is_told_apart(
    database_url: str, monkeypatch: pytest.MonkeyPatch, pooler_first: bool
) -> None:
    refusal = asyncpg.ProtocolViolationError("unsupported startup parameter: statement_timeout")
    error = refusal if pooler_first else asyncpg.InvalidPasswordError("password authentication failed")

    async def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(asyncpg, "connect", refuse)
    monkeypatch.setattr(asyncpg, "create_pool", refuse)
    with pytest.raises(StartupError) as caught:
        await Database(database_url, null_pool=True).open()
    assert ("ignore_startup_parameters" in str(caught.value)) is pooler_first


async def test_a_wrong_database_name_is_told_in_the_servers_words(database_url: str) -> None:
    url = database_url.replace("/test_", f"/gone_{uuid4().hex}_")
    with pytest.raises(StartupError, match="does not exist"):
        await Database(url).open()
    with pytest.raises(DatabaseUnreachable, match="InvalidCatalogNameError"):
        await Database(url, null_pool=True).value(PING)


async def test_a_client_that_goes_away_leaves_no_connection_behind(workshop: Workshop) -> None:
    gate = Gate()
    app = await workshop.app(workshop.module(router=routes(gate)), database_pool_size=2)
    client = workshop.client(app)
    for _ in range(4):
        leaving = asyncio.create_task(client.get(f"{PATH}/hold"))
        await gate.reached(1)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
    reply: httpx.Response = await client.get(f"{PATH}/ping")
    assert reply.status_code == 200
    assert at_rest(app)
