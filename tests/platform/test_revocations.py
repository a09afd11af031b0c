"""Ended sessions: known to every process within a second, and never let in while the news cannot come."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from monocoque import revocations as revocations_file
from monocoque import security
from monocoque.database import Transaction
from monocoque.revocations import Revocations
from monocoque.routing import Router
from monocoque.security import CurrentAdmin, CurrentPrincipal
from tests.conftest import ANSWER_WITHIN
from tests.platform.workshop import Workshop, bearer
from tests.support import problem, until

LIFE = timedelta(minutes=15)


def routes() -> Router:
    router = Router()

    @router.get("/me", summary="Who")
    async def who(caller: CurrentPrincipal) -> dict[str, str]:
        """Who is calling."""
        return {"id": str(caller.user_id)}

    @router.get("/admin", summary="Admin")
    async def admin(caller: CurrentAdmin) -> dict[str, str]:
        """For admins."""
        return {"id": str(caller.user_id)}

    return router


async def start(workshop: Workshop, **options: Any) -> tuple[FastAPI, httpx.AsyncClient]:
    app = await workshop.app(workshop.module(router=routes()), **options)
    return app, workshop.client(app)


async def status(client: httpx.AsyncClient, headers: Any, path: str = "me") -> int:
    return (await client.get(f"/api/v1/things/{path}", headers=headers)).status_code


async def within_a_second(true: Callable[[], bool]) -> None:
    """Wait until it is true, for a second in which moments when the machine stands still do not count."""
    for _ in range(100):
        if true():
            return
        await asyncio.sleep(0.01)
    pytest.fail("too late")


async def revoke(app: FastAPI, *sessions: UUID) -> None:
    runtime = app.state.runtime
    await runtime.revocations.revoke(runtime.database, sessions, LIFE)


async def cut_listener(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        assert await connection.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND query LIKE '%pg_notify%'"
        )
    finally:
        await connection.close()


async def test_a_session_that_one_process_ends_has_ended_in_the_other_within_a_second(workshop: Workshop) -> None:
    (here, client), (there, other) = await start(workshop), await start(workshop)
    session = uuid4()
    headers, stranger = bearer(session=session), bearer()
    assert [await status(found, headers) for found in (client, other)] == [200, 200]
    assert await status(other, stranger) == 200
    await revoke(here, session)
    for app in (here, there):
        await within_a_second(lambda app=app: app.state.runtime.revocations.is_revoked(session))  # type: ignore[misc]
    for found in (client, other):
        reply = await found.get("/api/v1/things/me", headers=headers)
        problem(reply, 401, "auth.unauthenticated")
        assert reply.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert await status(other, stranger) == 200


async def test_ended_sessions_are_known_from_the_start(workshop: Workshop) -> None:
    first, _ = await start(workshop)
    session = uuid4()
    await revoke(first, session)
    _, client = await start(workshop)
    assert await status(client, bearer(session=session)) == 401


async def test_a_process_that_ends_a_session_itself_need_not_wait_for_the_news(workshop: Workshop) -> None:
    app, client = await start(workshop)
    session = uuid4()
    headers = bearer(session=session)
    assert await status(client, headers) == 200
    app.state.runtime.revocations.apply([session], LIFE)
    assert await status(client, headers) == 401


async def test_a_rolled_back_end_ends_nothing(workshop: Workshop) -> None:
    app, client = await start(workshop)
    session, later = uuid4(), uuid4()
    runtime = app.state.runtime

    async def action(transaction: Transaction) -> None:
        await runtime.revocations.revoke(transaction, [session], LIFE)
        raise RuntimeError("never mind")

    with pytest.raises(RuntimeError, match="never mind"):
        await runtime.database.transact(action)
    await revoke(app, later)
    await until(lambda: runtime.revocations.is_revoked(later))
    assert await status(client, bearer(session=session)) == 200


async def test_nobody_is_no_session_and_an_end_is_remembered_for_an_hour_at_most(workshop: Workshop) -> None:
    app, _ = await start(workshop)
    await revoke(app)
    with pytest.raises(ValueError, match="an hour at most"):
        await app.state.runtime.revocations.revoke(app.state.runtime.database, [uuid4()], timedelta(hours=2))


async def test_without_the_listener_the_table_is_asked_until_it_is_back(own_workshop: Workshop) -> None:
    app, client = await start(own_workshop)
    revocations: Revocations = app.state.runtime.revocations
    session, living = uuid4(), bearer()
    headers = bearer(session=session)
    assert [await status(client, found) for found in (headers, living)] == [200, 200]
    connect = app.state.runtime.database.connect
    may_connect = asyncio.Event()

    async def reluctant() -> Any:
        await may_connect.wait()
        return await connect()

    app.state.runtime.database.connect = reluctant
    await cut_listener(own_workshop.url)
    await within_a_second(lambda: not revocations.trusted)
    await revoke(app, session)
    assert not revocations.is_revoked(session)
    assert [await status(client, found) for found in (headers, living)] == [401, 200]
    may_connect.set()
    await until(lambda: revocations.trusted)
    assert revocations.is_revoked(session)
    assert [await status(client, found) for found in (headers, living)] == [401, 200]
    asked = own_workshop.doorkeeper.asked
    assert await status(client, living) == 200
    assert own_workshop.doorkeeper.asked == asked


async def test_a_listener_that_cannot_come_back_keeps_trying_without_filling_the_log(
    own_workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    app, _ = await start(own_workshop)
    connect = app.state.runtime.database.connect
    tries = 0

    async def refused() -> Any:
        nonlocal tries
        tries += 1
        raise ValueError("whatever")

    app.state.runtime.database.connect = refused
    await cut_listener(own_workshop.url)
    await until(lambda: tries >= 3)
    app.state.runtime.database.connect = connect
    await until(lambda: app.state.runtime.revocations.trusted)
    assert len([record for record in caplog.records if record.name == "monocoque.revocations"]) == 1


class Proxy:
    """Stands between a process and the server's socket, and can stop passing bytes on without closing anything."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._tasks: set[asyncio.Task[None]] = set()
        self.passing = asyncio.Event()
        self.passing.set()
        self.folder = Path(tempfile.mkdtemp(prefix="mq-"))

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self.folder / ".s.PGSQL.5432")

    async def stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        shutil.rmtree(self.folder)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_unix_connection(self._target)
        for source, target in ((reader, there_writer), (there_reader, writer)):
            task = asyncio.create_task(self._pass(source, target))
            self._tasks.add(task)

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await self.passing.wait()
                target.write(data)
                await target.drain()
        except OSError:
            pass
        finally:
            target.close()


@pytest.fixture
async def proxy(worker_database_url: str) -> AsyncIterator[Proxy]:
    folder = parse_qs(urlsplit(worker_database_url).query)["host"][0]
    found = Proxy(f"{folder}/.s.PGSQL.5432")
    await found.start()
    yield found
    await found.stop()


async def test_a_connection_that_is_dead_but_not_closed_is_noticed_within_a_second(
    workshop: Workshop, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocations_file, "_ANSWER", ANSWER_WITHIN)
    head = workshop.url.partition("?")[0]
    app, client = await start(workshop, url=f"{head}?host={proxy.folder}")
    revocations: Revocations = app.state.runtime.revocations
    await until(lambda: revocations.trusted)
    proxy.passing.clear()
    await within_a_second(lambda: not revocations.trusted)
    proxy.passing.set()
    await until(lambda: revocations.trusted)
    assert await status(client, bearer()) == 200


async def test_expired_entries_are_forgotten(workshop: Workshop) -> None:
    app, _ = await start(workshop)
    revocations: Revocations = app.state.runtime.revocations
    soon, later = uuid4(), uuid4()
    revocations.apply([soon], timedelta(seconds=-1))
    revocations.apply([later], LIFE)
    await until(lambda: not revocations.is_revoked(soon))
    assert revocations.is_revoked(later)


async def test_a_start_without_a_database_says_so(worker_database_url: str) -> None:
    from monocoque.database import Database

    revocations = Revocations(Database("postgresql:///x?host=/no/such/folder"))
    with pytest.raises(FileNotFoundError):
        await revocations.start()
    await revocations.stop()
    await Revocations(Database(worker_database_url)).stop()


async def test_a_token_is_verified_once_and_again_when_it_has_expired(workshop: Workshop) -> None:
    _, client = await start(workshop)
    headers = bearer()
    assert [await status(client, headers) for _ in range(3)] == [200] * 3
    assert workshop.doorkeeper.asked == 1
    workshop.doorkeeper.expires_at = time.time() - 1
    short = bearer()
    assert [await status(client, short) for _ in range(2)] == [200, 200]
    assert workshop.doorkeeper.asked == 3


async def test_cached_tokens_are_bounded(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "CACHED_TOKENS", 8)
    app, client = await start(workshop)
    for _ in range(30):
        assert await status(client, bearer()) == 200
        assert len(app.state.gate._verified) <= 8


@pytest.mark.parametrize(
    ("value", "code", "challenge"),
    [
        (None, "auth.unauthenticated", "Bearer"),
        ("", "auth.unauthenticated", "Bearer"),
        ("Basic dXNlcjpw", "auth.unauthenticated", "Bearer"),
        ("Bearer", "auth.unauthenticated", 'Bearer error="invalid_token"'),
        ("Bearer nonsense", "auth.unauthenticated", 'Bearer error="invalid_token"'),
        ("Bearer expired", "auth.token_expired", 'Bearer error="invalid_token"'),
        (b"Bearer \xff", "auth.unauthenticated", 'Bearer error="invalid_token"'),
    ],
)
async def test_what_is_no_valid_token_is_a_401_with_a_challenge(
    workshop: Workshop, value: Any, code: str, challenge: str
) -> None:
    _, client = await start(workshop)
    reply = await client.get("/api/v1/things/me", headers={} if value is None else [("Authorization", value)])
    problem(reply, 401, code)
    assert reply.headers["www-authenticate"] == challenge


async def test_two_authorization_headers_are_one_too_many(workshop: Workshop) -> None:
    _, client = await start(workshop)
    good = bearer()["Authorization"]
    for second in (good, "Bearer nonsense"):
        assert await status(client, [("Authorization", good), ("Authorization", second)]) == 401


async def test_the_scheme_is_known_in_any_case(workshop: Workshop) -> None:
    _, client = await start(workshop)
    value = bearer()["Authorization"].replace("Bearer", "bEARER")
    assert await status(client, {"Authorization": value}) == 200


async def test_only_an_admin_gets_where_an_admin_must_be_on_either_lane(workshop: Workshop) -> None:
    app, client = await start(workshop)
    for _ in range(2):
        assert await status(client, bearer(role="admin"), "admin") == 200
        problem(await client.get("/api/v1/things/admin", headers=bearer()), 403, "request.forbidden")
        assert await status(client, {}, "admin") == 401
        app.dependency_overrides[object] = object


async def test_without_a_module_that_says_who_may_call_nobody_may(workshop: Workshop) -> None:
    app = workshop.build(workshop.module(router=routes()))
    app.state.gate = security.Gate(None, app.state.runtime.revocations)
    client = workshop.client(await workshop.run(app))
    assert await status(client, bearer()) == 401
