"""The outermost layer: ids, headers, limits, cross-origin rules, problem documents for whatever goes wrong, the log."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Query

from monocoque import middleware
from monocoque.routing import Route, Router
from tests.platform.edges import PATH, SECRET, exchange, routes, serve
from tests.platform.workshop import Workshop
from tests.support import problem


@pytest.mark.parametrize(
    ("given", "kept"),
    [("abc-1.2_X", True), ("x" * 128, True), ("x" * 129, False), ("", False), ("a b", False), ("<script>", False)],
)
async def test_a_harmless_request_id_comes_back_and_any_other_is_replaced(
    workshop: Workshop, given: str, kept: bool
) -> None:
    client = await serve(workshop)
    for path in ("/health", f"{PATH}/text", "/nowhere"):
        found = (await client.get(path, headers={"X-Request-ID": given})).headers["x-request-id"]
        assert (found == given) is kept
        assert kept or re.fullmatch("[0-9a-f]{32}", found)


async def test_each_request_without_an_id_gets_one(workshop: Workshop) -> None:
    client = await serve(workshop)
    replies = [await client.get("/nowhere") for _ in range(2)]
    assert len({reply.headers["x-request-id"] for reply in replies}) == 2
    for reply in replies:
        assert reply.json()["request_id"] == reply.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/health", f"{PATH}/text", "/nowhere", f"{PATH}/boom", f"{PATH}/sync-boom"])
async def test_every_reply_carries_the_security_headers_once(workshop: Workshop, path: str) -> None:
    client = await serve(workshop)
    headers = (await client.get(path)).headers
    for name, value in {
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    }.items():
        assert headers.get_list(name) == [value]
    assert "strict-transport-security" not in headers


async def test_production_asks_for_https_from_then_on(workshop: Workshop) -> None:
    client = await serve(workshop, environment="production", database_url="postgresql://unused/db", secret_key="k" * 40)
    assert (await client.get("/health")).headers["strict-transport-security"].startswith("max-age=31536000")


@pytest.mark.parametrize("path", [f"{PATH}/things", f"{PATH}/form", "/nowhere"])
async def test_a_body_that_says_it_is_too_large_is_refused_unread(workshop: Workshop, path: str) -> None:
    client = await serve(workshop)
    reply = await client.post(path, content=b"x" * (middleware.BODY_LIMIT + 1))
    document = problem(reply, 413, "request.too_large")
    assert str(middleware.BODY_LIMIT) in document["detail"]
    assert reply.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("path", "kind"), [("things", "application/json"), ("form", "application/x-www-form-urlencoded")]
)
async def test_a_body_that_turns_out_too_large_is_refused_on_either_lane(
    workshop: Workshop, path: str, kind: str
) -> None:
    client = await serve(workshop)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"a" * 100_000

    reply = await client.post(f"{PATH}/{path}", content=chunks(), headers={"Content-Type": kind})
    problem(reply, 413, "request.too_large")
    assert reply.headers["connection"] == "close"


async def test_a_body_of_exactly_the_limit_is_read(workshop: Workshop) -> None:
    client = await serve(workshop)
    body = json.dumps({"name": "x" * (middleware.BODY_LIMIT - 12)}, separators=(",", ":"))
    assert len(body) == middleware.BODY_LIMIT - 1
    assert (
        await client.post(f"{PATH}/things", content=body + " ", headers={"Content-Type": "application/json"})
    ).json()


@pytest.mark.parametrize("length", ["-1", "1e3", "", "٣"])
async def test_a_length_that_is_no_number_is_malformed(workshop: Workshop, length: str) -> None:
    app = await workshop.app(workshop.module(router=routes()))
    sent = await exchange(app, "POST", f"{PATH}/things", b"{}", headers=[(b"content-length", length.encode())])
    assert sent[0]["status"] == 400
    assert json.loads(sent[1]["body"])["code"] == "request.malformed"


@pytest.mark.parametrize(
    ("path", "kind"), [("things", b"application/json"), ("form", b"application/x-www-form-urlencoded")]
)
async def test_a_body_that_takes_too_long_is_a_408(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, path: str, kind: bytes
) -> None:
    monkeypatch.setattr(middleware, "BODY_DEADLINE", 0.1)
    app = await workshop.app(workshop.module(router=routes()))
    parts = [b'{"na', 0.06, b'me": ', 0.06, b'"x"}']
    sent = await exchange(app, "POST", f"{PATH}/{path}", *parts, headers=[(b"content-type", kind)])
    assert sent[0]["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]
    assert json.loads(sent[1]["body"])["code"] == "request.timeout"


async def test_a_client_that_leaves_halfway_is_no_failure(workshop: Workshop, caplog: pytest.LogCaptureFixture) -> None:
    app = await workshop.app(workshop.module(router=routes()))
    for path, kind in (("things", b"application/json"), ("form", b"application/x-www-form-urlencoded")):
        headers = [(b"content-type", kind)]
        sent = await exchange(app, "POST", f"{PATH}/{path}", b'{"na', 0.0, headers=headers)
        assert sent[0]["status"] == 400
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("path", ["/health", f"{PATH}/text", f"{PATH}/things/x"])
async def test_head_is_get_without_the_body(workshop: Workshop, path: str) -> None:
    client = await serve(workshop)
    got, head = await client.get(path), await client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]
    assert head.headers["content-type"] == got.headers["content-type"]


async def test_head_of_what_is_not_there_has_no_body_either(workshop: Workshop) -> None:
    client = await serve(workshop)
    for path, status in (("/nowhere", 404), (f"{PATH}/boom", 500), (f"{PATH}/form", 405)):
        reply = await client.head(path)
        assert (reply.status_code, reply.content) == (status, b"")
        assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/nowhere", "/api/v1/nowhere", f"{PATH}/", f"{PATH}/things/x/y", "/api/v1/THINGS"])
async def test_what_is_not_there_is_a_404_problem(workshop: Workshop, path: str) -> None:
    document = problem(await (await serve(workshop)).get(path), 404, "request.not_found")
    assert document["instance"] == path


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", f"{PATH}/things/x", "DELETE, GET, HEAD, PUT"),
        ("GET", f"{PATH}/things", "POST"),
        ("POST", f"{PATH}/text", "GET, HEAD"),
        ("OPTIONS", f"{PATH}/text", "GET, HEAD"),
        ("DELETE", "/health", "GET, HEAD"),
    ],
)
async def test_another_method_is_a_405_that_lists_every_method_of_the_address(
    workshop: Workshop, method: str, path: str, allowed: str
) -> None:
    app = await workshop.app(workshop.module(router=routes()))
    client = workshop.client(app)
    for _ in range(2):
        reply = await client.request(method, path)
        problem(reply, 405, "request.method_not_allowed")
        assert reply.headers["allow"] == allowed
        app.dependency_overrides[object] = object


@pytest.mark.parametrize("path", ["boom", "sync-boom"])
async def test_a_failure_is_a_500_that_is_logged_once_and_tells_nothing(
    workshop: Workshop, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    client = await serve(workshop)
    reply = await client.get(f"{PATH}/{path}")
    document = problem(reply, 500, "server.error")
    assert document["request_id"] == reply.headers["x-request-id"]
    assert SECRET not in reply.text
    logged = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(logged) == 1
    assert logged[0].exc_info
    assert document["request_id"] in logged[0].getMessage()


async def test_a_failure_that_was_foreseen_is_no_error_in_the_log(
    workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    client = await serve(workshop)
    problem(await client.get(f"{PATH}/sync-busy"), 503, "server.unavailable")
    assert [record.levelname for record in caplog.records if record.name.startswith("monocoque")] == ["WARNING"]


@pytest.mark.parametrize("path", ["later", "later-still"])
async def test_what_fails_after_the_reply_is_logged_once(
    workshop: Workshop, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    client = await serve(workshop)
    assert (await client.get(f"{PATH}/{path}")).status_code == 200
    logged = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [str(record.exc_info and record.exc_info[1]) for record in logged] == ["too late to tell"]


async def test_a_reply_that_fails_halfway_is_cut_and_not_finished_with_something_else(workshop: Workshop) -> None:
    app = await workshop.app(workshop.module(router=routes()))
    sent: list[dict[str, Any]] = []
    with pytest.raises(RuntimeError, match="halfway"):
        sent.extend(await exchange(app, "GET", f"{PATH}/half"))
    assert sent == []


async def test_the_frameworks_own_errors_are_problems_too(workshop: Workshop) -> None:
    reply = await (await serve(workshop)).get(f"{PATH}/teapot")
    document = problem(reply, 418, "http.418")
    assert document["detail"] == "short and stout"
    assert reply.headers["x-spout"] == "yes"
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("content", "pointer", "code"),
    [
        ('{"name": 5, "password": "hunter2"}', "#/name", "string_type"),
        ('{"name": "a", "\\ud800": "hunter2"}', "#", "string_unicode"),
        ('{"name": "a", "a/b~c": "hunter2"}', "#/a~1b~0c", "extra_forbidden"),
        ('{"password": "hunter2"}', "#/name", "missing"),
        ('{"name": "hunter2"', "#", "json_invalid"),
        ('["hunter2"]', "#", "model_attributes_type"),
        ("", "#", "missing"),
    ],
)
async def test_a_body_that_is_wrong_is_told_where_and_never_repeated(
    workshop: Workshop, content: str, pointer: str, code: str
) -> None:
    client = await serve(workshop)
    reply = await client.post(f"{PATH}/things", content=content, headers={"Content-Type": "application/json"})
    document = problem(reply, 422, "request.invalid")
    assert (pointer, code) in {(error["pointer"], error["code"]) for error in document["errors"]}
    assert "hunter2" not in reply.text


async def test_a_body_of_another_kind_is_a_415(workshop: Workshop) -> None:
    client = await serve(workshop)
    reply = await client.post(f"{PATH}/things", content="{}", headers={"Content-Type": "text/plain"})
    problem(reply, 415, "request.unsupported_media_type")


async def test_no_more_than_fifty_errors_are_listed(workshop: Workshop) -> None:
    client = await serve(workshop)
    body = {f"k{number}": 1 for number in range(200)}
    assert len((await client.post(f"{PATH}/things", json=body)).json()["errors"]) == 50


async def test_a_route_that_is_declared_first_comes_first_on_either_lane(workshop: Workshop) -> None:
    router = Router()

    @router.get("/{name}", summary="Any")
    async def any_name(name: str) -> dict[str, str]:
        """Any."""
        return {"any": name}

    @router.get("/fixed", summary="Fixed")
    async def fixed() -> dict[str, str]:
        """Never reached."""
        return {"fixed": ""}

    @router.get("/{name}/a", summary="Sync")
    def by_name(name: str) -> dict[str, str]:
        """On FastAPI's lane."""
        return {"sync": name}

    @router.get("/x/{name}", summary="Async")
    async def below_x(name: str) -> dict[str, str]:
        """On the compiled lane."""
        return {"async": name}

    @router.get("/{name}/{number:int}", summary="Number")
    async def numbered(name: str, number: int) -> dict[str, int]:
        """A converted path value."""
        return {name: number}

    plain = APIRouter(route_class=Route)
    plain.include_router(router)
    app = await workshop.app(workshop.module(router=plain))
    client = workshop.client(app)
    for _ in range(2):
        assert (await client.get(f"{PATH}/fixed")).json() == {"any": "fixed"}
        assert (await client.get(f"{PATH}/x/a")).json() == {"sync": "x"}
        assert (await client.get(f"{PATH}/x/b")).json() == {"async": "b"}
        assert (await client.get(f"{PATH}/y/5")).json() == {"y": 5}
        app.dependency_overrides[object] = object


async def test_names_that_an_including_router_declares_are_known(workshop: Workshop) -> None:
    from fastapi import Depends

    async def theme(theme: Annotated[str, Query()] = "dark") -> str:
        return theme

    inner, outer = Router(), Router()

    @inner.get("/text", summary="Text")
    async def text() -> dict[str, str]:
        """A text."""
        return {"text": "hello"}

    outer.include_router(inner, dependencies=[Depends(theme)])
    app = await workshop.app(workshop.module(router=outer))
    client = workshop.client(app)
    for _ in range(2):
        assert (await client.get(f"{PATH}/text?theme=light")).status_code == 200
        problem(await client.get(f"{PATH}/text?thme=light"), 422, "request.invalid")
        app.dependency_overrides[object] = object
