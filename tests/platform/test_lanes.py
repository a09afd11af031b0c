"""The compiled lane and FastAPI's own handler answer alike, and what should be compiled is."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from monocoque.middleware import Edge
from monocoque.routing import Dispatcher
from tests.conftest import AppFactory, client_of
from tests.modules.resources import CARS, PARTS, RESOURCES, Resource, each_resource
from tests.support import Person, sign_up

NOT_COMPILED: dict[str, str] = {}
"""Operations of cars and parts that only FastAPI's handler can serve, by operationId, with the reason."""

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")
_OTHER_EACH_TIME = {"x-request-id", "date", "content-length"}


@dataclass
class Lane:
    """An application whose requests all take one way, somebody who sends them, and what was created so far."""

    app: FastAPI
    fallen_back: list[str] = field(default_factory=list)
    person: Person | None = None
    ids: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note each request that the dispatcher passes on to FastAPI."""
        edge = self.app.build_middleware_stack()
        assert isinstance(edge, Edge)
        dispatcher = edge._app
        assert isinstance(dispatcher, Dispatcher)
        fallback = dispatcher._fallback

        async def noted(scope: Any, receive: Any, send: Any) -> None:
            self.fallen_back.append(f"{scope['method']} {scope['path']}")
            await fallback(scope, receive, send)

        dispatcher._fallback = noted
        self.app.middleware_stack = edge

    async def send(self, request: Request) -> httpx.Response:
        """Send it as the person of this lane; `{0}` in the path is the first thing that was created, and so on."""
        assert self.person is not None
        path = re.sub(r"\{(\d+)\}", lambda found: self.ids[int(found[1])], request.path)
        headers = [(b"authorization", self.person.headers["Authorization"].encode())] if request.signed_in else []
        if request.content is not None and not any(name.lower() == b"content-type" for name, _ in request.headers):
            headers.append((b"content-type", b"application/json"))
        reply = await self.person.client.request(
            request.method, path, content=request.content, headers=[*headers, *request.headers]
        )
        if reply.status_code == 201 and "idempotency-replayed" not in reply.headers:
            self.ids.append(reply.json()["id"])
        return reply

    def likeness(self, reply: httpx.Response) -> tuple[int, list[tuple[str, str]], Any]:
        """What must be the same in both lanes: the reply without ids, times and what is signed."""
        if reply.request.method != "HEAD":
            assert len(reply.content) == int(reply.headers.get("content-length", "0"))
        headers = sorted(
            (name, self._neutral(value)) for name, value in reply.headers.items() if name not in _OTHER_EACH_TIME
        )
        text = self._neutral(reply.text)
        if not text:
            return reply.status_code, headers, None
        body = json.loads(text)
        if "request_id" in body:
            assert body["request_id"] == reply.headers["x-request-id"]
            body["request_id"] = "<request id>"
        if body.get("next_cursor"):
            body["next_cursor"] = "<cursor>"
        return reply.status_code, headers, body

    def _neutral(self, text: str) -> str:
        numbered = _UUID.sub(
            lambda found: f"<id {self.ids.index(found[0])}>" if found[0] in self.ids else found[0], text
        )
        return re.sub(r"cursor=[\w-]+", "cursor=<cursor>", _TIME.sub("<time>", numbered))


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    content: bytes | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()
    signed_in: bool = True
    compiled: bool = False
    """Whether it is so plain that the compiled lane must serve it without FastAPI."""


def request(
    method: str, path: str, body: Any = None, *, plain: bool = True, signed_in: bool = True, **headers: str
) -> Request:
    content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    raw = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items())
    return Request(method, path, content, raw, signed_in, plain)


NO_ONE = uuid4()


def valid(resource: Resource) -> Iterator[Request]:
    """Requests that leave the shell no doubt; all but one of the refusals are the module's own."""
    path, text, whole = resource.path, next(iter(resource.texts)), resource.whole()
    named = resource.filtered[0]
    yield request("POST", path, whole)
    yield request("POST", path, whole)  # for cars: the VIN is taken
    yield request("POST", path, {**resource.least, text: "Zweites Stück"}, Idempotency_Key="k1")
    yield request("POST", path, {**resource.least, text: "Zweites Stück"}, Idempotency_Key="k1")
    yield request("POST", path, resource.least, Idempotency_Key="k1")
    yield request("POST", path, resource.least, content_type="application/json; charset=utf-8")
    yield request("GET", path)
    yield request("GET", f"{path}?limit=1")
    yield request("GET", f"{path}?limit=1&limit=2")
    yield request("GET", f"{path}?q=%C3%BC&deleted=false&{named}=x")
    yield request("GET", f"{path}?q=St%FCck")
    yield request("GET", f"{path}?deleted=true")
    yield request("GET", f"{path}/{{0}}")
    yield request("GET", f"{path}/{{0}}", If_None_Match='W/"1"')
    yield request("GET", f"{path}/{{0}}", If_None_Match="other")
    yield request("PUT", f"{path}/{{0}}", whole, If_Match='"1"')
    yield request("PUT", f"{path}/{{0}}", whole, If_Match='"1"')
    yield request("PATCH", f"{path}/{{0}}", resource.change, If_Match="*")
    yield request("PATCH", f"{path}/{{0}}", resource.change, If_Match="garbage")
    yield request("PATCH", f"{path}/{{0}}", {})
    yield request("DELETE", f"{path}/{{1}}", If_Match='W/"1"')
    yield request("DELETE", f"{path}/{{1}}", If_Match='"1"')
    yield request("DELETE", f"{path}/{{1}}")
    yield request("GET", f"{path}/{{1}}")
    yield request("GET", f"{path}?deleted=1")
    yield request("POST", f"{path}/{{1}}/restore")
    yield request("POST", f"{path}/{{1}}/restore")
    for method, suffix in (("GET", ""), ("PUT", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/restore")):
        body = {"PUT": whole, "PATCH": {}}.get(method)
        yield request(method, f"{path}/{NO_ONE}{suffix}", body)
        yield request(method, f"{path}/{{0}}{suffix}", body, signed_in=False)
        yield request(method, f"{path}/{{0}}{suffix}", body, signed_in=False, Authorization="Bearer x.y.z")
    yield request("GET", path, signed_in=False)
    yield request("POST", path, whole, signed_in=False, Authorization="Basic eDp5")


def odd(resource: Resource) -> Iterator[Request]:
    """Requests that the shell has to refuse, or to look at twice."""
    path, text = resource.path, next(iter(resource.texts))
    yield request("POST", path, resource.least, plain=False)
    bodies: list[Any] = [
        b"",
        b"{}",
        b"null",
        b"[]",
        b"1",
        b"{",
        b'{"a": NaN}',
        b"\xff\xfe",
        b"[" * 50_000,
        b'{"name": "\\ud800", "make": "\\ud800"}',
        b"\xef\xbb\xbf{}",
        json.dumps(resource.least).encode("utf-16"),
        {**resource.least, "unknown": 1},
        {**resource.least, text: None},
        {**resource.least, text: "a\0b"},
        {**resource.least, text: "x" * 20_000},
        dict.fromkeys(resource.texts, True),
        *(
            json.dumps(resource.least)[:-1].encode() + f', "{name}": {literal}}}'.encode()
            for name, literals in resource.hostile.items()
            for literal in literals
        ),
    ]
    for body in bodies:
        yield request("POST", path, body, plain=False)
        yield request("PUT", f"{path}/{{0}}", body, plain=False)
        yield request("PATCH", f"{path}/{{0}}", body, plain=False)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "APPLICATION/JSON", "application/merge-patch+json"):
        yield request("PATCH", f"{path}/{{0}}", resource.change, plain=False, Content_Type=kind)
        yield request("POST", path, b"", plain=False, Content_Type=kind)
    yield request("POST", path, {}, plain=False, signed_in=False)
    yield request("POST", path, b"{", plain=False, signed_in=False)
    for key in ("", "a b", "k" * 201):
        yield request("POST", path, resource.least, plain=False, Idempotency_Key=key)
    yield request("POST", path, b"{" + b" " * 1_100_000 + b"}", plain=False)
    for query in (
        "limit=0",
        "limit=x",
        "limit=",
        "deleted=maybe",
        "q=",
        "q=%00",
        "cursor=x",
        "cursor=",
        "x=1",
        "x",
        "limit=0&x=1",
        "limit=1&limit=x",
        "q=a&q=%00",
    ):
        yield request("GET", f"{path}?{query}", plain=False)
        yield request("GET", f"{path}?{query}", plain=False, signed_in=False)
        yield request("GET", f"{path}/{{0}}?{query}", plain=False)
        yield request("POST", f"{path}?{query}", resource.least, plain=False)
    for method, suffix in (("GET", ""), ("PUT", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/restore")):
        body = {"PUT": resource.least, "PATCH": {}}.get(method)
        for garbage in ("1", "%00", "{0}x", "%7B{0}%7D"):
            yield request(method, f"{path}/{garbage}{suffix}", body, plain=False)
    yield request("DELETE", f"{path}/{{0}}", plain=False, If_Match="x" * 1001)
    for method, target in (
        ("PUT", path),
        ("POST", f"{path}/{{0}}"),
        ("GET", f"{path}/{{0}}/restore"),
        ("HEAD", path),
        ("OPTIONS", path),
        ("GET", f"{path}/"),
        ("GET", f"{path}/{{0}}/none"),
        ("GET", f"{path}x"),
    ):
        yield request(method, target, plain=False)


def particular() -> Iterator[Request]:
    """What only one of the two modules has."""
    for vin in ("1M8GDM9AXKP042788", "KMTGA4SCDRU227656", "short", "x" * 60):
        yield request("GET", f"/cars/vin/{vin}")
    yield request("GET", "/cars/vin/" + "x" * 61, plain=False)
    yield request("POST", CARS.path, {**CARS.least, "vin": "KMTGA4SCDRU227656"})
    yield request("GET", "/cars?year=1986")
    yield request("GET", "/cars?year=1985.5", plain=False)
    yield request("POST", PARTS.path, PARTS.whole())
    for price in (
        {"amount": "5"},
        {"currency": "JPY"},
        {"currency": "KWD"},
        {},
        {"amount": "1.2345"},
        None,
        {"amount": "1"},
    ):
        yield request("PATCH", f"{PARTS.path}/{{1}}", {"price": price})


async def compared(requests: Iterator[Request], compiled: Lane, fastapi: Lane) -> int:
    """Send each through both lanes; how many there were."""
    count = 0
    for each in requests:
        count += 1
        seen = len(compiled.fallen_back)
        one, other = await compiled.send(each), await fastapi.send(each)
        told = f"{each.method} {each.path} {(each.content or b'')[:80]!r} {each.headers}"
        assert compiled.likeness(one) == fastapi.likeness(other), told
        assert one.status_code < 500, told
        if each.compiled:
            assert compiled.fallen_back[seen:] == [], told
    return count


@pytest.fixture
async def lanes(app: FastAPI, worker_database_url: str, make_app: AppFactory) -> AsyncIterator[tuple[Lane, Lane]]:
    """The same application twice over one database: as it is, and with everything sent to FastAPI's handler."""
    through_fastapi = await make_app(worker_database_url)
    through_fastapi.dependency_overrides[_nothing] = _nothing
    compiled, fastapi = Lane(await make_app(worker_database_url)), Lane(through_fastapi)
    compiled.watch()
    fastapi.watch()
    async with client_of(compiled.app) as first, client_of(fastapi.app) as second:
        compiled.person, fastapi.person = await sign_up(first), await sign_up(second)
        yield compiled, fastapi


def _nothing() -> None:
    """Overridden by itself: any override at all is what sends requests to FastAPI."""


@each_resource
async def test_plain_requests_are_answered_alike(lanes: tuple[Lane, Lane], resource: Resource) -> None:
    compiled, fastapi = lanes
    before = len(fastapi.fallen_back)
    count = await compared(valid(resource), compiled, fastapi)
    assert len(fastapi.fallen_back) - before == count


@each_resource
async def test_odd_requests_are_answered_alike(lanes: tuple[Lane, Lane], resource: Resource) -> None:
    assert await compared(odd(resource), *lanes) > 100


async def test_what_one_module_alone_has_is_answered_alike(lanes: tuple[Lane, Lane]) -> None:
    assert await compared(particular(), *lanes) > 10


async def test_a_comparison_that_finds_a_difference_fails(lanes: tuple[Lane, Lane]) -> None:
    compiled, fastapi = lanes
    await compared(iter([request("POST", CARS.path, CARS.least)]), compiled, fastapi)
    await fastapi.send(request("DELETE", f"{CARS.path}/{{0}}"))
    with pytest.raises(AssertionError):
        await compared(iter([request("GET", f"{CARS.path}/{{0}}")]), compiled, fastapi)


def operations(app: FastAPI) -> Iterator[tuple[str, str, str]]:
    """Operation id, method and path of each operation of cars and parts in the OpenAPI document."""
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            if set(operation.get("tags", ())) & {resource.name for resource in RESOURCES}:
                yield operation["operationId"], method.upper(), path


def test_every_operation_of_cars_and_parts_is_compiled(app: FastAPI) -> None:
    edge = app.build_middleware_stack()
    assert isinstance(edge, Edge)
    dispatcher = edge._app
    assert isinstance(dispatcher, Dispatcher)
    left_out = {}
    found = list(operations(app))
    assert len(found) == 8 + 7
    for name, method, path in found:
        names = re.findall(r"\{(\w+)\}", path)
        values = {each: str(UUID(int=number)) for number, each in enumerate(names)}
        match = dispatcher.find(method, path.format(**values))
        if match is None or match[0].serve is None:
            left_out[name] = path
            continue
        entry, given = match
        assert given == values
        assert name.endswith(f"_{entry.route.name}")  # type: ignore[attr-defined]
    assert left_out.keys() == NOT_COMPILED.keys()
