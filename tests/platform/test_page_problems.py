"""What is around pages: problems as people are told them, the style sheet, other origins, and the log."""

from __future__ import annotations

import io
import logging
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from monocoque import pages as shell_pages
from monocoque.accesslog import AccessLog, redacted
from monocoque.modules import Module
from monocoque.page_assets import asset
from tests.platform.notes import NOTHING_HERE
from tests.platform.workshop import Workshop
from tests.reading import BROWSER, read
from tests.support import problem


@pytest.fixture
async def app(workshop: Workshop, notes: Module) -> FastAPI:
    return await workshop.app(notes)


@pytest.fixture
def client(workshop: Workshop, app: FastAPI) -> httpx.AsyncClient:
    return workshop.client(app)


PROBLEMS = [
    ("GET", "/n/gone", 404, NOTHING_HERE.title),
    ("GET", "/api/v1/notes/gone", 404, NOTHING_HERE.title),
    ("GET", "/n", 404, "Not found"),
    ("GET", "/n/", 404, "Not found"),
    ("GET", "/n/hello/", 404, "Not found"),
    ("GET", "/n/a/b/c", 404, "Not found"),
    ("POST", "/n/hello", 405, "Method not allowed"),
    ("GET", "/n/wrong", 422, "The request is not valid"),
    ("GET", "/n/boom", 500, "Something went wrong here"),
    ("GET", "/n/undefined", 500, "Something went wrong here"),
    ("GET", "/n/away", 503, "Not available just now"),
]


@pytest.mark.parametrize("lane", ["compiled", "framework"])
async def test_a_problem_is_told_to_people_as_a_page_and_to_programs_as_a_document(
    app: FastAPI, client: httpx.AsyncClient, lane: str
) -> None:
    if lane == "framework":
        app.dependency_overrides[object] = object
    for method, path, status, title in PROBLEMS:
        shown = await client.request(method, path, headers={**BROWSER, "X-Request-ID": "id-1"})
        page = read(shown, status)
        assert page.texts("h1") == [title]
        assert page.texts("footer") == ["Request id-1"]
        assert page.meta("robots") == shown.headers["x-robots-tag"] == "noindex"
        assert page.meta("og:title") is None
        assert "hunter2" not in shown.text
        told = await client.request(method, path)
        assert problem(told, status, told.json()["code"])["title"] == title
        for name in ("vary", "cache-control", "allow", "retry-after"):
            assert shown.headers.get(name) == told.headers.get(name)
        assert (shown.headers["vary"], shown.headers["cache-control"]) == ("Accept", "no-store")
    head = await client.head("/n/gone", headers=BROWSER)
    assert (head.status_code, head.content, head.headers["content-type"]) == (404, b"", "text/html; charset=utf-8")


async def test_the_page_of_a_problem_shows_what_is_wrong_where_as_text(client: httpx.AsyncClient) -> None:
    page = read(await client.get("/n/wrong", headers=BROWSER), 422)
    assert page.texts("li") == ["#/text This is <wrong>."]
    page = read(await client.get("/n/gone", headers=BROWSER), 404)
    assert page.texts("p", class_="lead") == [NOTHING_HERE.detail]
    assert page.texts("title") == ["Nothing <b>here</b> · monocoque"]


async def test_an_address_that_is_no_page_answers_a_browser_with_the_document(client: httpx.AsyncClient) -> None:
    for path in ("/nowhere", "/na/gone", "/api/v1/notes/plain/x", "/api/v1/nowhere", "/docs/nothing"):
        reply = await client.get(path, headers=BROWSER)
        assert reply.headers["content-type"] == "application/problem+json"
        assert "vary" not in reply.headers


async def test_a_problem_that_cannot_be_shown_is_told_as_a_document(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("no template today")

    monkeypatch.setattr(shell_pages, "_render", fail)
    problem(await client.get("/n/gone", headers=BROWSER), 404, NOTHING_HERE.code)
    assert [record.name for record in caplog.records if record.levelno >= logging.ERROR] == ["monocoque.pages"]


async def test_the_style_sheet_and_the_icon_are_kept_for_ever_under_a_name_that_changes(
    client: httpx.AsyncClient,
) -> None:
    page = read(await client.get("/n/hello"))
    for rel, media_type in (("stylesheet", "text/css; charset=utf-8"), ("icon", "image/svg+xml")):
        address = httpx.URL("http://monocoque.test/n/hello").join(str(page.link(rel)))
        reply = await client.get(address)
        assert reply.status_code == 200
        assert reply.headers["content-type"] == media_type
        assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert reply.headers["x-content-type-options"] == "nosniff"
        same = await client.get(address, headers={"If-None-Match": reply.headers["etag"]})
        assert (same.status_code, same.headers["cache-control"]) == (304, reply.headers["cache-control"])


async def test_the_name_of_another_release_gets_this_ones_file_and_not_for_ever(client: httpx.AsyncClient) -> None:
    reply = await client.get("/assets/pages.0123456789ab.css")
    assert reply.content == asset("pages.css").content
    assert reply.headers["cache-control"] == "no-cache"
    assert asset("pages.css").name in reply.headers["etag"]


async def test_other_assets_are_not_served(client: httpx.AsyncClient) -> None:
    for name in ("pages.css", "x.0123456789ab.css", "pages.1.2.css", "..%2fpages.css", "", "."):
        problem(await client.get(f"/assets/{name}"), 404, "request.not_found")


async def test_another_origin_is_told_what_a_reply_varies_by(workshop: Workshop, notes: Module) -> None:
    origin = "https://app.example.org"
    client = await workshop.serve(notes, cors_origins=origin)
    for path, status in (("/n/hello", 200), ("/n/gone", 404)):
        reply = await client.get(path, headers={**BROWSER, "Origin": origin})
        read(reply, status)
        assert reply.headers["vary"] == "Accept, Origin"
        assert reply.headers.get_list("access-control-allow-origin") == [origin]


async def test_the_log_does_not_hold_what_opens_a_page(workshop: Workshop, notes: Module) -> None:
    stream = io.StringIO()
    app = workshop.build(notes, access_log=True)
    app.state.access_log._stream = stream
    assert isinstance(app.state.access_log, AccessLog)
    client = workshop.client(await workshop.run(app))
    await client.get("/n/s3cr3t-token")
    await workshop.client(app, root_path="/garage").get("/garage/n/s3cr3t-token/x", headers=BROWSER)
    app.state.access_log.flush()
    assert "s3cr3t" not in stream.getvalue()
    assert "/n/s3cr..." in stream.getvalue()


def test_only_what_is_below_a_page_is_shortened() -> None:
    assert redacted("/l/s3cr3t-token", ["/l/"]) == "/l/s3cr..."
    assert redacted("/l", ["/l/"]) == "/l"
    assert redacted("/labels/long-name", ["/l/"]) == "/labels/long-name"
