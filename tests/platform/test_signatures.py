"""The compiled lane answers every form of signature as FastAPI's own handler does, and calls each dependency once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from monocoque.compiled import compile_route
from tests.platform.signatures import PATH, calls, router
from tests.platform.workshop import Workshop

COMPILED = {
    *("scalars", "headers", "factory", "any", "nested", "checked", "tagged", "request", "body", "optional"),
    *("union", "free", "raw", "out", "out-lean", "none", "null", "own", "stream"),
}

SOME_ID = "0198c5a0-f1a2-7c8e-9d3b-5f6a7b8c9d0e"
GOOD = f"/scalars/3/abc/{SOME_ID}"
JSON = {"Content-Type": "application/json"}
CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", f"{GOOD}?needed=x", {}),
    (
        "GET",
        f"{GOOD}?needed=x&flag=yes&rate=2&at=2024-01-01T00:00:00Z&colour=blue&level=1&pick=2&maybe=5&re-named=z",
        {},
    ),
    ("GET", GOOD, {}),
    ("GET", f"{GOOD}?needed=", {}),
    ("GET", f"{GOOD}?needed=a&needed=b", {}),
    ("GET", f"{GOOD}?needed=x&flag=maybe&rate=0&at=never&colour=green&level=2&pick=b&renamed=z", {}),
    ("GET", f"{GOOD}?needed=%C3%BC+%00&maybe=", {}),
    ("GET", f"/scalars/0/abcdef/{SOME_ID}?needed=x", {}),
    ("GET", "/scalars/x/%C3%BC/no-uuid?needed=x", {}),
    ("GET", "/scalars/1/a/b", {}),
    ("GET", "/headers", {}),
    ("GET", "/headers", {"headers": {"X-Count": "5", "X-Raw": "abc"}}),
    ("GET", "/headers", {"headers": {"X-Count": "five", "X-Raw": "abcd"}}),
    ("GET", "/headers", {"headers": [("X-Count", "1"), ("X-Count", "2")]}),
    ("GET", "/lists?q=1&q=2&s=a", {}),
    ("GET", "/lists?q=x", {}),
    ("GET", "/model?page=2&words=a&words=b", {}),
    ("GET", "/model?page=0", {}),
    ("GET", "/model?unknown=1", {}),
    ("GET", "/cookies", {"headers": {"Cookie": "session=abc"}}),
    ("GET", "/factory", {}),
    ("GET", "/factory", {}),
    ("GET", "/factory?made=x", {}),
    ("GET", "/nested?shared=5", {}),
    ("GET", "/nested?shared=x", {}),
    ("GET", "/mixed?shared=5", {}),
    ("GET", "/checked?factor=3", {}),
    ("GET", "/checked?factor=x", {}),
    ("GET", "/class?level=9", {}),
    ("GET", "/scopes", {}),
    ("GET", "/tagged", {"headers": {"X-Tag": "t"}}),
    ("GET", "/tagged?number=x", {}),
    ("GET", "/tagged?unknown=1", {}),
    ("GET", "/request/here", {}),
    ("GET", "/request/here?x=1", {}),
    ("GET", "/injected", {}),
    ("GET", "/sync?number=2", {}),
    ("GET", "/sync?numbr=2", {}),
    ("GET", "/out", {}),
    ("GET", "/out?bad=true", {}),
    ("GET", "/out-lean", {}),
    ("GET", "/none", {}),
    ("GET", "/null", {}),
    ("GET", "/own", {}),
    ("GET", "/plain", {}),
    ("GET", "/stream", {}),
    ("GET", "/any?value=1", {}),
    ("HEAD", "/null", {}),
    ("POST", "/embed", {"json": {"thing": {"name": "ab"}}}),
    ("POST", "/embed", {"json": {"name": "ab"}}),
    ("POST", "/two", {"json": {"thing": {"name": "ab"}, "other": {"kind": "other"}}}),
    ("POST", "/two", {"json": {"thing": {"name": "ab"}}}),
    ("POST", "/union", {"json": {"kind": "other"}}),
    ("POST", "/union", {"json": {"kind": "none"}}),
    ("POST", "/free", {"json": {"a": [1, {"b": None}]}}),
    ("POST", "/free", {"json": []}),
    ("POST", "/free", {"content": b'{"n": 123456789012345678901234567890, "f": 1.5e3}', "headers": JSON}),
    ("POST", "/free", {"content": b'{"n": 1, "n": 2}', "headers": JSON}),
    ("POST", "/free", {"content": b'{"n": NaN}', "headers": JSON}),
    ("POST", "/free", {"content": b'{"\\ud800": 1}', "headers": JSON}),
    ("POST", "/raw", {"content": b'{ "name":"ab" }', "headers": JSON}),
    ("POST", "/form", {"data": {"name": "ab", "size": "3"}}),
    ("POST", "/form", {"data": {"name": "a"}}),
    ("POST", "/file", {"files": {"data": ("a.txt", b"abc")}}),
    ("POST", "/file", {}),
    *[
        ("POST", path, {"content": content, "headers": {"Content-Type": kind} if kind else {}})
        for path in ("/body", "/optional")
        for content, kind in [
            (b'{"name": "ab"}', "application/json"),
            (b'{"name": "ab"}', "application/json; charset=utf-8"),
            (b'{"name": "ab"}', "application/merge-patch+json"),
            (b'{"name": "ab"}', "text/plain"),
            (b'{"name": "ab"}', ""),
            (b'{"name": "a", "size": "x"}', "application/json"),
            (b'{"name": "ab", "more": 1}', "application/json"),
            (b'{"name": "ab"', "application/json"),
            (b'\xef\xbb\xbf{"name": "ab"}', "application/json"),
            ('{"name": "ab"}'.encode("utf-16"), "application/json"),
            (b'{"name": "\xff"}', "application/json"),
            (b"null", "application/json"),
            (b"", "application/json"),
            (b"[" * 100_000, "application/json"),
            (b'{"name": "ab", "size": 1e400}', "application/json"),
            (b'{"name": "ab", "size": 9007199254740993.0}', "application/json"),
            (b'{"name": "ab", "size": 100000000000000000001}', "application/json"),
        ]
    ],
]
VARYING = {"x-request-id", "content-length"}


@pytest.fixture(scope="module")
async def lanes(worker_database_url: str) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """The same module twice; the second application has an override, which sends all through FastAPI's handler."""
    workshop = Workshop(worker_database_url)
    apps = [await workshop.app(workshop.module(router=router())) for _ in range(2)]
    apps[1].dependency_overrides[object] = object
    yield workshop.client(apps[0]), workshop.client(apps[1])
    await workshop.close()


def told(reply: httpx.Response) -> tuple[int, Any, dict[str, str]]:
    headers = {name: value for name, value in reply.headers.items() if name not in VARYING}
    body: Any = reply.content
    if "json" in headers.get("content-type", "") and reply.content:
        body = reply.json()
        if isinstance(body, dict):
            body.pop("request_id", None)
    return reply.status_code, body, headers


@pytest.mark.parametrize(
    ("method", "path", "options"), CASES, ids=[f"{number} {case[1][:20]}" for number, case in enumerate(CASES)]
)
async def test_both_lanes_say_and_do_the_same(
    lanes: tuple[httpx.AsyncClient, httpx.AsyncClient], method: str, path: str, options: dict[str, Any]
) -> None:
    answers, done = [], []
    for client in lanes:
        calls.clear()
        answers.append(told(await client.request(method, PATH + path, **options)))
        done.append(dict(calls))
    assert answers[0] == answers[1]
    # FastAPI calls what does not depend on a value that is wrong; nothing is ever called twice for one request.
    assert {name for name, count in done[0].items() if count > 1} <= ({"base"} if "/nested" in path else set())
    assert done[0] == done[1]


def test_what_the_lane_is_meant_for_is_compiled() -> None:
    compiled = {
        route.path.split("/")[1]  # type: ignore[attr-defined]
        for route in router().routes
        if compile_route(route) is not None
    }
    assert compiled == COMPILED


async def test_each_dependency_runs_once_also_when_the_request_is_handed_over(
    lanes: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    for client in lanes:
        calls.clear()
        reply = await client.post(f"{PATH}/body", content=b'{"name": "a"}', headers=JSON)
        assert reply.status_code == 422
        assert calls["once"] == 1


async def test_an_unknown_query_parameter_is_refused_by_name(
    lanes: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    for client in lanes:
        errors = (await client.get(f"{PATH}/checked?factr=1&b=2&b=3")).json()["errors"]
        assert [error["pointer"] for error in errors] == ["query/factr", "query/b"]


async def test_a_query_parameter_of_one_value_is_refused_when_it_is_given_twice(
    lanes: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    for client in lanes:
        errors = (await client.get(f"{PATH}/checked?factor=1&factor=2")).json()["errors"]
        assert [(error["pointer"], error["code"]) for error in errors] == [("query/factor", "repeated")]
        assert (await client.get(f"{PATH}/lists?q=1&q=2&s=a")).status_code == 200


async def test_a_list_of_operations_is_not_taken_for_a_document(
    lanes: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    for client in lanes:
        for kind, status in (("json-patch", 415), ("merge-patch", 200), ("vnd.things", 200)):
            headers = {"Content-Type": f"application/{kind}+json"}
            assert (await client.post(f"{PATH}/optional", content=b"null", headers=headers)).status_code == status
