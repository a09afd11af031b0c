"""Ended sessions, known to every process within a second: a table loaded at start, followed by LISTEN/NOTIFY."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import Interval, Text, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.types import Uuid

from monocoque.database import Database, Executor
from monocoque.queries import Query
from monocoque.tables import metadata

CHANNEL = "monocoque_revocations"
_HEARTBEAT = 0.5
_ANSWER = 0.4
_KEPT = timedelta(hours=1)
_table = metadata.tables["monocoque.revocations"]
_log = logging.getLogger("monocoque.revocations")

LIVE = Query(
    select(_table.c.session_id, func.extract("epoch", _table.c.expires_at).label("expires")).where(
        _table.c.expires_at > func.now()
    )
)
IS_REVOKED = Query(
    select(func.count()).select_from(_table).where(_table.c.session_id == bindparam("session_id", type_=Uuid))
)
_ended = func.unnest(bindparam("session_ids", type_=ARRAY(Uuid))).table_valued("id", name="ended").render_derived()
_added = (
    insert(_table)
    .from_select(
        ["session_id", "expires_at"],
        select(_ended.c.id, func.now() + bindparam("lifetime", type_=Interval)),
    )
    .on_conflict_do_nothing()
    .returning(_table.c.session_id)
    .cte("added")
)
REVOKE = Query(select(func.pg_notify(CHANNEL, cast(_added.c.session_id, Text))))
PULSE = Query(select(func.pg_notify(bindparam("channel", type_=Text), "")))
PURGE_EXPIRED = Query(_table.delete().where(_table.c.expires_at < func.now()))


class Revocations:
    """The revoked sessions of the whole cluster, as this process knows them.

    `trusted` is False while the connection that brings the news is down; until it is back, callers ask the table
    through `confirm`, so that a lost connection makes requests slower but never lets an ended session in.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._expiries: dict[UUID, float] = {}
        self._task: asyncio.Task[None] | None = None
        self._pulse = f"monocoque_pulse_{uuid4().hex}"
        self._echo = asyncio.Event()
        self.trusted = False
        self.on_revoked: list[Callable[[frozenset[UUID]], None]] = []

    async def start(self) -> None:
        """Load the table and follow it from then on; raises when the database is out of reach."""
        listening = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._follow(listening), name="revocations")
        await listening

    async def stop(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def is_revoked(self, session_id: UUID) -> bool:
        """Whether the session is known to have ended."""
        return session_id in self._expiries

    async def confirm(self, session_id: UUID) -> bool:
        """Whether the session has ended, asked of the database."""
        return bool(await self._database.value(IS_REVOKED, session_id=session_id))

    async def revoke(self, executor: Executor, session_ids: Iterable[UUID], lifetime: timedelta) -> None:
        """End the access tokens of these sessions everywhere once the transaction commits.

        `lifetime` is how long the youngest of their tokens can still be valid, an hour at most.
        """
        if lifetime > _KEPT:
            raise ValueError("an access token lives for an hour at most: no process remembers its end for longer")
        ended = list(session_ids)
        if ended:
            await executor.all(REVOKE, session_ids=ended, lifetime=lifetime)

    def apply(self, session_ids: Iterable[UUID], lifetime: timedelta) -> None:
        """Take note at once in this process, after the commit; the others are notified by PostgreSQL."""
        ended = frozenset(session_ids)
        expires = time.time() + lifetime.total_seconds()
        self._expiries.update(dict.fromkeys(ended, expires))
        for listener in self.on_revoked:
            listener(ended)

    async def _follow(self, listening: asyncio.Future[None]) -> None:
        delay = 0.0
        while True:
            try:
                await self._listen(listening)
            except Exception as error:  # noqa: BLE001  whatever it was, the news must come in again
                if not listening.done():
                    listening.set_exception(error)
                    return
                if self.trusted:
                    delay = 0.0
                    _log.warning("revocations: connection lost, asking the table instead (%s)", type(error).__name__)
            finally:
                self.trusted = False
            delay = min(delay + 0.05, _HEARTBEAT)
            await asyncio.sleep(delay)

    async def _listen(self, listening: asyncio.Future[None]) -> None:
        connection = await self._database.connect()
        try:
            # Listening comes before loading: what is revoked in between is seen twice rather than never.
            await connection.add_listener(CHANNEL, self._heard)
            await connection.add_listener(self._pulse, self._beat)
            self._load(await connection.fetch(LIVE.sql, *LIVE.arguments({})))
            try:
                await self._prove_delivery(connection)
                self.trusted = True
            finally:
                # Where no news arrive the table is asked, which is no reason not to start.
                if not listening.done():
                    listening.set_result(None)
            while True:
                await asyncio.sleep(_HEARTBEAT)
                await self._prove_delivery(connection)
                self._forget_expired()
        finally:
            connection.terminate()

    async def _prove_delivery(self, connection: asyncpg.Connection) -> None:
        """Notify ourselves and wait for it; raises TimeoutError when it does not arrive.

        An answer to a statement would not do: a pooler in transaction mode takes LISTEN and never delivers.
        """
        self._echo.clear()
        async with asyncio.timeout(_ANSWER):
            await connection.execute(PULSE.sql, *PULSE.arguments({"channel": self._pulse}))
            await self._echo.wait()

    def _beat(self, *_notification: object) -> None:
        self._echo.set()

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        self.apply([UUID(str(payload))], _KEPT)

    def _load(self, rows: Iterable[asyncpg.Record]) -> None:
        self._expiries.update({row["session_id"]: float(row["expires"]) for row in rows})
        ended = frozenset(self._expiries)
        for listener in self.on_revoked:
            listener(ended)

    def _forget_expired(self) -> None:
        now = time.time()
        for session_id in [known for known, expires in self._expiries.items() if expires < now]:
            del self._expiries[session_id]
