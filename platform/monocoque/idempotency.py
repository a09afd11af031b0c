"""Idempotency-Key: a creating request that is sent twice takes effect once, and gets the first reply again."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID, uuid5

from fastapi import Depends, Header, Request
from sqlalchemy import Interval, LargeBinary, String, Uuid, bindparam, func, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from starlette.responses import Response

from monocoque.database import Database, Executor, Transaction
from monocoque.problems import IDEMPOTENCY_IN_FLIGHT, IDEMPOTENCY_REUSED, FieldError, Problem
from monocoque.queries import Query
from monocoque.replies import JsonReply
from monocoque.runtime import Db
from monocoque.tables import metadata

KEPT = timedelta(hours=24)
_table = metadata.tables["monocoque.idempotency_keys"]

# The lock is tried, not waited for: a second request of the same key is told so instead of holding a connection.
# It is a statement of its own, so that the look-up after it sees what the holder before committed.
LOCK = Query(select(func.pg_try_advisory_xact_lock(func.hashtextextended(bindparam("lock", type_=String), 0))))
STORED = Query(
    select(_table.c.fingerprint, _table.c.status, _table.c.headers, _table.c.body).where(
        _table.c.scope == bindparam("scope", type_=Uuid),
        _table.c.key == bindparam("key", type_=String),
        _table.c.expires_at > func.now(),
    )
)
_new = insert(_table).values(
    scope=bindparam("scope", type_=Uuid),
    key=bindparam("key", type_=String),
    owner_id=bindparam("owner_id", type_=Uuid),
    fingerprint=bindparam("fingerprint", type_=LargeBinary),
    status=bindparam("status"),
    headers=bindparam("headers", type_=JSONB),
    body=bindparam("body", type_=LargeBinary),
    expires_at=func.now() + bindparam("kept", type_=Interval),
)
_REPLACED = ("owner_id", "fingerprint", "status", "headers", "body", "expires_at")
STORE = Query(
    _new.on_conflict_do_update(
        index_elements=["scope", "key"],
        set_={
            name: _new.excluded[name] for name in ("owner_id", "fingerprint", "status", "headers", "body", "expires_at")
        },
    )
)
FORGET = Query(_table.delete().where(_table.c.owner_id == bindparam("owner_id", type_=Uuid)))
PURGE_EXPIRED = Query(_table.delete().where(_table.c.expires_at < func.now()))


class Once:
    """Runs a creating action once for each Idempotency-Key; without a key, simply runs it."""

    __slots__ = ("_database", "_key", "_request", "belongs_to")

    def __init__(self, request: Request, database: Database, key: str | None) -> None:
        self._request = request
        self._database = database
        self._key = key
        self.belongs_to: UUID | None = None
        """Whose data the stored reply is, where that is not the `owner` of `run`; the action may set it."""

    def location(self, new_id: UUID) -> str:
        """The path of what this request creates."""
        return f"{quote(self._request.scope['path'])}/{new_id}"

    async def stored(self, owner: UUID) -> Response | None:
        """The reply that `run` would replay, for an action that asks somebody else before it touches the database.

        Raises a 422 when the key came with another request.
        """
        if self._key is None:
            return None
        row = await self._database.first(STORED, scope=self._place(owner), key=self._key)
        return None if row is None else _replay(row, await self._fingerprints())

    async def run(self, owner: UUID, action: Callable[[Executor], Awaitable[Response]]) -> Response:
        """The reply of `action`, or the stored one; effect and reply are committed together before this returns.

        `owner` separates the keys of different people. Only successful replies are stored.
        Raises a 409 while the first request is under way and a 422 when the key came with another request.
        """
        if self._key is None:
            return await action(self._database)
        key = self._key
        place, fingerprints = self._place(owner), await self._fingerprints()

        async def claimed(transaction: Transaction) -> Response:
            if not await transaction.value(LOCK, lock=f"{place}/{key}"):
                raise Problem(IDEMPOTENCY_IN_FLIGHT, headers={"Retry-After": "1"})
            stored = await transaction.first(STORED, scope=place, key=key)
            if stored is not None:
                return _replay(stored, fingerprints)
            reply = await action(transaction)
            if reply.status_code < 400:
                headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in reply.raw_headers]
                await transaction.run(
                    STORE,
                    scope=place,
                    key=key,
                    owner_id=self.belongs_to or owner,
                    fingerprint=fingerprints[0],
                    status=reply.status_code,
                    headers=headers,
                    body=bytes(reply.body),
                    kept=KEPT,
                )
            return reply

        return await self._database.transact(claimed)

    def _place(self, owner: UUID) -> UUID:
        scope = self._request.scope
        return uuid5(owner, f"{scope['method']} {scope['path']}")

    async def _fingerprints(self) -> list[bytes]:
        """What this request is told by, made with each key that counts; the first is the one to store."""
        scope = self._request.scope
        sent = scope["query_string"] + b"\0" + await self._request.body()
        # Keyed: a body may hold a password, and whoever reads the table must not be able to try passwords against it.
        return [hashlib.blake2b(sent, key=key, digest_size=32).digest() for key in scope["app"].state.cursor_keys]


async def forget(executor: Executor, owner_id: UUID) -> None:
    """Drop the stored replies of a person, who is about to be deleted."""
    await executor.run(FORGET, owner_id=owner_id)


def _replay(row: Any, fingerprints: Sequence[bytes]) -> Response:
    if row["fingerprint"] not in fingerprints:
        raise Problem(
            IDEMPOTENCY_REUSED,
            errors=[
                FieldError("header/Idempotency-Key", IDEMPOTENCY_REUSED.code, "This key belongs to another request.")
            ],
        )
    reply = JsonReply(row["body"], row["status"])
    reply.raw_headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in row["headers"]]
    reply.raw_headers.append((b"idempotency-replayed", b"true"))
    return reply


async def once(
    request: Request,
    database: Db,
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=200,
            pattern=r"^[\x21-\x7e]+$",
            description="Visible ASCII characters, no blanks, unique; the same request with the same key takes effect "
            "once in 24 hours.",
        ),
    ] = None,
) -> Once:
    """Once, for this request."""
    return Once(request, database, key)


CurrentOnce = Annotated[Once, Depends(once)]
