"""The bare server: one ASGI function on uvicorn, an asyncpg pool, orjson and an HS256 check; nothing else.

It does what a request cannot do without: who is calling, one statement, the reply. It is the floor that monocoque is
measured against, so it takes every short cut that keeps the answer right, a dictionary of verified tokens included.
"""

import argparse
import base64
import hashlib
import os
import time
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import parse_qs

import asyncpg
import orjson
import uvicorn
from jose import JWTError, jwt

from bench import statements

POOL_SIZE = 10
PUBLIC = "/api/v1/public/build-lists/"
CARS = "/api/v1/cars"
ITEMS, LIBRARY = "/api/v1/media/items/", "/api/v1/media/library"
CHECK_DIGIT = {"pointer": "#/vin", "code": "cars.vin_check_digit", "detail": "The check digit does not fit."}

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
type Reply = tuple[int, bytes, list[tuple[bytes, bytes]]]


class BareServer:
    """The ASGI application: six requests, everything else is 404."""

    def __init__(self, database_url: str, secret: str) -> None:
        self._database_url = database_url
        self._secret = secret
        self._verified: dict[bytes, tuple[str, float]] = {}
        self._pool: asyncpg.Pool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        status, body, headers = await self._answer(scope, receive)
        headers.append((b"content-type", b"application/json"))
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                # Nothing here changes a session, so a connection needs no round trip to be reset.
                self._pool = await asyncpg.create_pool(
                    self._database_url, min_size=1, max_size=POOL_SIZE, reset=_nothing_to_reset
                )
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._pool.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _answer(self, scope: Scope, receive: Receive) -> Reply:  # noqa: PLR0911  a route table, spelt out
        path, method = scope["path"], scope["method"]
        if method == "GET" and path.startswith(PUBLIC):
            return await self._public_build_list(path[len(PUBLIC) :], scope)
        if path == "/health":
            return _reply(200, {"status": "ok"})
        owner = self._owner(scope)
        if owner is None:
            return _reply(401, {"detail": "sign in first"})
        if path == CARS and method == "POST":
            return await self._create_car(owner, await _body(receive))
        if path == CARS and method == "GET":
            return await self._list_cars(owner, scope)
        if path.startswith(f"{CARS}/") and method == "GET":
            return await self._get_car(owner, path[len(CARS) + 1 :])
        if path.startswith(ITEMS) and method == "GET":
            return await self._get_item(owner, path[len(ITEMS) :])
        if path == LIBRARY and method == "GET":
            return await self._list_library(owner, scope)
        return _reply(404, {"detail": "not found"})

    def _owner(self, scope: Scope) -> str | None:
        """The subject of a valid access token."""
        value = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        known = self._verified.get(value)
        if known is None:
            scheme, _, token = value.partition(b" ")
            if scheme.lower() != b"bearer":
                return None
            try:
                # The audience is the project's name, which is not the bare server's business.
                claims = jwt.decode(token.decode(), self._secret, algorithms=["HS256"], options={"verify_aud": False})
                known = self._verified[value] = (str(claims["sub"]), float(claims["exp"]))
            except (JWTError, KeyError, TypeError, ValueError):
                return None
        return known[0] if known[1] > time.time() else None

    async def _get_car(self, owner: str, car_id: str) -> Reply:
        try:
            row = await self._pool.fetchrow(statements.GET_CAR, car_id, owner)
        except asyncpg.DataError:
            row = None
        return _reply(200, _car(row)) if row else _reply(404, {"detail": "no such car"})

    async def _list_cars(self, owner: str, scope: Scope) -> Reply:
        query = parse_qs(scope["query_string"].decode())
        limit = int(query.get("limit", ["20"])[0])
        if not 1 <= limit <= 100:
            return _reply(422, {"detail": "limit must lie between 1 and 100"})
        rows = await self._pool.fetch(statements.LIST_CARS, owner, limit + 1)
        cursor = None
        if len(rows) > limit:
            rows = rows[:limit]
            cursor = base64.urlsafe_b64encode(rows[-1]["id"].encode()).decode()
        return _reply(200, {"items": [_car(row) for row in rows], "next_cursor": cursor})

    async def _get_item(self, owner: str, item_id: str) -> Reply:
        try:
            row = await self._pool.fetchrow(statements.GET_ITEM, item_id, owner)
        except asyncpg.DataError:
            row = None
        if row is None:
            return _reply(404, {"detail": "no such item"})
        return _reply(200, _with_json(row, "metadata", "details"))

    async def _list_library(self, owner: str, scope: Scope) -> Reply:
        query = parse_qs(scope["query_string"].decode())
        limit = int(query.get("limit", ["20"])[0])
        if not 1 <= limit <= 100:
            return _reply(422, {"detail": "limit must lie between 1 and 100"})
        rows = await self._pool.fetch(statements.LIST_LIBRARY, owner, limit + 1)
        cursor = None
        if len(rows) > limit:
            rows = rows[:limit]
            cursor = base64.urlsafe_b64encode(rows[-1]["place"].encode()).decode()
        entries = [_with_json(row, "item", "tags") for row in rows]
        for entry in entries:
            del entry["place"]
        return _reply(200, {"items": entries, "next_cursor": cursor})

    async def _create_car(self, owner: str, body: bytes) -> Reply:
        try:
            car = orjson.loads(body)
            make, model, year, nickname = car["make"], car["model"], car["year"], car.get("nickname")
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            return _reply(422, {"detail": "give make, model and year"})
        texts = (make, model) if nickname is None else (make, model, nickname)
        if any(type(text) is not str or not 0 < len(text) <= 100 for text in texts) or type(year) is not int:
            return _reply(422, {"detail": "make, model and nickname are texts, year is a number"})
        if not 1886 <= year <= datetime.now(UTC).year + 1:
            return _reply(422, {"detail": "year must lie between 1886 and next year"})
        row = await self._pool.fetchrow(statements.CREATE_CAR, owner, make, model, year, nickname)
        return _reply(201, _car(row))

    async def _public_build_list(self, token: str, scope: Scope) -> Reply:
        digest = hashlib.sha256(token.encode()).digest()
        body: bytes | None = await self._pool.fetchval(statements.PUBLIC_BUILD_LIST, digest)
        if body is None:
            return _reply(404, {"detail": "no such list"})
        etag = b'"' + hashlib.blake2b(body, digest_size=12).hexdigest().encode() + b'"'
        headers = [(b"etag", etag)]
        if any(name == b"if-none-match" and value == etag for name, value in scope["headers"]):
            return 304, b"", headers
        return 200, body, headers


async def _nothing_to_reset(_connection: asyncpg.Connection) -> None:
    pass


def _car(row: asyncpg.Record) -> dict[str, Any]:
    car = dict(row)
    car["warnings"] = [CHECK_DIGIT] if car.pop("vin_check_ok") is False else []
    return car


def _with_json(row: asyncpg.Record, *names: str) -> dict[str, Any]:
    shown = dict(row)
    for name in names:
        shown[name] = orjson.Fragment(shown[name])
    return shown


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += cast("bytes", message.get("body", b""))
        if not message.get("more_body"):
            return body


def _reply(status: int, content: object) -> Reply:
    return status, orjson.dumps(content), []


def main() -> None:
    """Serve on 127.0.0.1 until a signal; the database and the secret come from monocoque's own variables."""
    parser = argparse.ArgumentParser(prog="python -m bench.baseline", description=main.__doc__)
    parser.add_argument("--port", type=int, required=True)
    server = BareServer(os.environ["MONOCOQUE_DATABASE_URL"], os.environ["MONOCOQUE_SECRET_KEY"])
    uvicorn.run(
        server,
        host="127.0.0.1",
        port=parser.parse_args().port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        lifespan="on",
    )


if __name__ == "__main__":
    main()
