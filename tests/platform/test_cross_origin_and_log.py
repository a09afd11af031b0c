"""Who may call from another origin and read what, below which path, and what the access log keeps of it."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest

from monocoque import accesslog, middleware
from monocoque.accesslog import AccessLog, redacted
from tests.platform.edges import PATH, SECRET, routes, serve
from tests.platform.workshop import Workshop, bearer
from tests.support import problem, until

ORIGIN = "https://app.example.org"
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "If-Match"}


async def test_without_origins_nobody_is_let_across(workshop: Workshop) -> None:
    client = await serve(workshop)
    assert "access-control-allow-origin" not in (await client.get("/health", headers={"Origin": ORIGIN})).headers


@pytest.mark.parametrize("origins", [ORIGIN, "*"])
async def test_an_allowed_origin_may_ask_and_read_and_never_with_credentials(workshop: Workshop, origins: str) -> None:
    client = await serve(workshop, cors_origins=origins)
    asked = await client.options(f"{PATH}/text", headers=PREFLIGHT)
    assert asked.status_code == 200
    assert "PATCH" in asked.headers["access-control-allow-methods"]
    assert "if-match" in asked.headers["access-control-allow-headers"].lower()
    got = await client.get(f"{PATH}/text", headers={"Origin": ORIGIN})
    for reply in (asked, got):
        assert reply.headers["access-control-allow-origin"] == origins
        assert "access-control-allow-credentials" not in reply.headers
        assert reply.headers["x-request-id"]
    assert "ETag" in got.headers["access-control-expose-headers"]


@pytest.mark.parametrize("lane", ["compiled", "framework"])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{PATH}/me", 401),
        ("POST", f"{PATH}/things", 422),
        ("GET", f"{PATH}/boom", 500),
        ("GET", f"{PATH}/sync-boom", 500),
        ("GET", "/nowhere", 404),
        ("PUT", f"{PATH}/text", 405),
        ("GET", f"{PATH}/text?unknown=1", 422),
    ],
)
async def test_a_browser_may_read_errors_too(
    workshop: Workshop, method: str, path: str, status: int, lane: str
) -> None:
    app = await workshop.app(workshop.module(router=routes()), cors_origins=ORIGIN)
    if lane == "framework":
        app.dependency_overrides[object] = object
    reply = await workshop.client(app).request(method, path, headers={"Origin": ORIGIN})
    assert reply.status_code == status
    assert reply.headers.get_list("access-control-allow-origin") == [ORIGIN]
    assert reply.headers["vary"] == "Origin"


async def test_a_body_that_is_too_large_is_told_to_a_browser_too(workshop: Workshop) -> None:
    client = await serve(workshop, cors_origins=ORIGIN)
    body = b"x" * (middleware.BODY_LIMIT + 1)
    reply = await client.post(f"{PATH}/things", content=body, headers={"Origin": ORIGIN})
    problem(reply, 413, "request.too_large")
    assert reply.headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize("change", [{"Origin": "https://evil.example"}, {"Access-Control-Request-Method": "TRACE"}])
async def test_a_preflight_that_is_refused_is_a_problem(workshop: Workshop, change: dict[str, str]) -> None:
    client = await serve(workshop, cors_origins=ORIGIN)
    problem(await client.options(f"{PATH}/text", headers={**PREFLIGHT, **change}), 400, "request.malformed")


async def test_another_origin_gets_its_reply_unmarked(workshop: Workshop) -> None:
    client = await serve(workshop, cors_origins=ORIGIN)
    for path in (f"{PATH}/text", "/nowhere"):
        headers = (await client.get(path, headers={"Origin": "https://evil.example"})).headers
        assert "access-control-allow-origin" not in headers
    assert "access-control-allow-origin" not in (await client.get("/nowhere")).headers


async def test_below_a_root_path_everything_is_where_the_proxy_says(workshop: Workshop) -> None:
    app = await workshop.app(workshop.module(router=routes()))
    client = workshop.client(app, root_path="/garage")
    assert (await client.get(f"/garage{PATH}/text")).json() == {"text": "hello"}
    assert (await client.post(f"/garage{PATH}/things", json={"name": "x"})).json() == {"name": "x"}
    reply = await client.put(f"/garage{PATH}/text")
    problem(reply, 405, "request.method_not_allowed")
    assert reply.headers["allow"] == "GET, HEAD"
    document = (await client.get("/garage/openapi.json")).json()
    assert document["servers"] == [{"url": "/garage"}]
    assert "servers" not in (await workshop.client(app).get("/openapi.json")).json()
    assert 'src="/' not in (await client.get("/garage/docs")).text


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log collects lines for as long as a test takes."""
    monkeypatch.setattr(accesslog, "_DELAY", 600)


async def lines(workshop: Workshop, *, as_json: bool, **options: Any) -> list[str]:
    stream = io.StringIO()
    app = workshop.build(workshop.module(router=routes()), **options)
    app._access_log = AccessLog(as_json=as_json, stream=stream)  # type: ignore[attr-defined]
    client = workshop.client(await workshop.run(app))
    me = bearer()
    await client.get(f"{PATH}/me", headers={**me, "X-Request-ID": "id-1"})
    await client.head(f"/health?password={SECRET}")
    await client.get("/a%0Ab%1B%5B31m%C3%BC")
    await client.get("/api/v1/public/build-lists/s3cr3t-token/items/s3cr3t-other")
    assert stream.getvalue() == ""
    app._access_log.flush()  # type: ignore[attr-defined]
    return stream.getvalue().splitlines()


@pytest.mark.usefixtures("unhurried")
async def test_a_request_is_one_line_of_json(workshop: Workshop) -> None:
    found = [json.loads(line) for line in await lines(workshop, as_json=True)]
    assert [(line["method"], line["status"]) for line in found] == [
        ("GET", 200),
        ("HEAD", 200),
        ("GET", 404),
        ("GET", 404),
    ]
    assert found[0]["request_id"] == "id-1"
    assert re.fullmatch("[0-9a-f-]{36}", found[0]["user_id"])
    assert found[1]["user_id"] is None
    assert found[0]["client"] == "127.0.0.1"
    assert found[2]["path"] == "/a\nb\x1b[31mü"
    assert found[3]["path"] == "/api/v1/public/build-lists/s3cr.../item.../s3cr..."
    assert SECRET not in str(found)


@pytest.mark.usefixtures("unhurried")
async def test_a_request_is_one_readable_line_without_control_characters(workshop: Workshop) -> None:
    found = await lines(workshop, as_json=False)
    assert len(found) == 4
    assert re.fullmatch(rf"\d\d:\d\d:\d\d 200 GET    {PATH}/me \d+\.\d ms", found[0])
    assert "/a\\nb\\x1b[31m\\xfc" in found[2]
    assert "s3cr3t" not in "".join(found)
    assert all(line.isprintable() for line in found)


async def test_what_was_collected_is_written_by_itself(workshop: Workshop) -> None:
    stream = io.StringIO()
    app = workshop.build(workshop.module(router=routes()))
    app._access_log = AccessLog(as_json=True, stream=stream)  # type: ignore[attr-defined]
    client = workshop.client(await workshop.run(app))
    for number in (1, 2):
        await client.get("/health")
        await until(lambda number=number: len(stream.getvalue().splitlines()) == number)  # type: ignore[misc]


@pytest.mark.usefixtures("unhurried")
async def test_what_is_still_collected_is_written_when_the_application_ends(workshop: Workshop) -> None:
    stream = io.StringIO()
    app = workshop.build(workshop.module(router=routes()))
    app.state.access_log = app._access_log = AccessLog(as_json=True, stream=stream)  # type: ignore[attr-defined]
    async with app.router.lifespan_context(app):
        await workshop.client(app).get("/health")
    assert json.loads(stream.getvalue())["path"] == "/health"


def test_only_shared_things_are_redacted() -> None:
    assert redacted("/api/v1/cars/public") == "/api/v1/cars/public"
    assert redacted("/api/v1/public/build-lists") == "/api/v1/public/build-lists"
