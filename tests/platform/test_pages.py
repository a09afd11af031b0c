"""Pages: who gets one, under which headers, what a link to one shows, and that nothing in them comes alive."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from monocoque import pages as shell_pages
from monocoque.modules import Module
from monocoque.page_assets import asset
from monocoque.pages import day, host, picture, web_address
from monocoque.routing import Dispatcher
from tests.platform.notes import HOSTILE, TEMPLATE
from tests.platform.workshop import Workshop
from tests.reading import BROWSER, read
from tests.support import problem


@pytest.fixture
async def app(workshop: Workshop, notes: Module) -> FastAPI:
    return await workshop.app(notes)


@pytest.fixture
def client(workshop: Workshop, app: FastAPI) -> httpx.AsyncClient:
    return workshop.client(app)


ACCEPTED = [
    (BROWSER["Accept"], True),
    ("text/html", True),
    ("TEXT/HTML; charset=utf-8", True),
    ("text/*", True),
    ("text/html;q=0.2, application/json;q=0.1", True),
    ("text/html, */*;q=0.01", True),
    ("*/*;q=0.5, text/html;q=0.4, application/json;q=0.3", True),
    ("", False),
    ("*/*", False),
    ("application/json", False),
    ("application/json, text/html", False),
    ("application/json, text/plain, */*", False),
    ("text/html;q=0", False),
    ("text/html;q=0, */*", False),
    ("text/html;q=0.1, application/json;q=0.2", False),
    ("image/png", False),
    ("nonsense", False),
    (";;;,,=", False),
    ("text/html" + ";a=b" * 20_000, False),
    ("tëxt/html", False),
]


async def test_who_prefers_html_gets_a_page_and_everybody_else_the_document(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    for _ in range(2):
        for accept, is_page in ACCEPTED:
            reply = await client.get("/api/v1/notes/hello", headers=[(b"accept", accept.encode("latin-1"))])
            wanted = "text/html; charset=utf-8" if is_page else "application/json"
            assert (reply.status_code, reply.headers["content-type"], accept[:80]) == (200, wanted, accept[:80])
            assert reply.headers["vary"] == "Accept"
        app.dependency_overrides[object] = object


async def test_several_accept_headers_count_as_one(client: httpx.AsyncClient) -> None:
    headers = [("Accept", "application/json;q=0.5"), ("Accept", "text/html")]
    read(await client.get("/api/v1/notes/hello", headers=headers))


async def test_page_and_document_have_tags_of_their_own(client: httpx.AsyncClient) -> None:
    path = "/api/v1/notes/hello"
    page, plain = await client.get(path, headers=BROWSER), await client.get(path)
    assert page.headers["etag"] != plain.headers["etag"]
    for tag, headers, status in (
        (page.headers["etag"], BROWSER, 304),
        (plain.headers["etag"], {}, 304),
        (plain.headers["etag"], BROWSER, 200),
        (page.headers["etag"], {}, 200),
    ):
        assert (await client.get(path, headers={**headers, "If-None-Match": tag})).status_code == status


@pytest.mark.parametrize("lane", ["compiled", "framework"])
async def test_a_page_comes_with_its_policy_and_the_headers_of_every_reply(
    app: FastAPI, client: httpx.AsyncClient, lane: str
) -> None:
    if lane == "framework":
        app.dependency_overrides[object] = object
    reply = await client.get("/n/hello")
    page = read(reply)
    assert page.texts("h1") == ["hello"]
    for name, value in {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}.items():
        assert reply.headers.get_list(name) == [value]
    same = await client.get("/n/hello", headers={"If-None-Match": f'"other", W/{reply.headers["etag"]}'})
    assert (same.status_code, same.content) == (304, b"")
    assert "content-type" not in same.headers
    for name in ("etag", "vary", "content-security-policy"):
        assert same.headers[name] == reply.headers[name]
    head = await client.head("/n/hello")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(reply.content))


def test_a_page_is_on_the_compiled_lane(app: FastAPI) -> None:
    dispatcher = Dispatcher(app.routes, ["/n", "/api/v1/notes"], app)
    for path in ("/n/hello", "/api/v1/notes/hello"):
        found = dispatcher.find("GET", path)
        assert found is not None
        assert found[0].serve is not None


def test_pages_are_not_in_the_reference(app: FastAPI) -> None:
    assert not [path for path in app.openapi()["paths"] if path.startswith(("/n", "/assets"))]


async def test_marks_that_networks_put_on_links_do_no_harm(app: FastAPI, client: httpx.AsyncClient) -> None:
    for _ in range(2):
        plain, marked = await client.get("/n/hello"), await client.get("/n/hello?fbclid=IwAR1&utm_source=x")
        assert read(marked).texts("h1") == ["hello"]
        assert marked.content == plain.content
        problem(await client.get("/api/v1/notes/hello?fbclid=1"), 422, "request.invalid")
        app.dependency_overrides[object] = object


async def test_what_has_moved_says_where_to(client: httpx.AsyncClient) -> None:
    reply = await client.get("/n/moved")
    assert reply.status_code == 301
    assert str(reply.next_request and reply.next_request.url) == "http://monocoque.test/n/here"


async def test_a_link_to_a_page_shows_a_card(client: httpx.AsyncClient) -> None:
    reply = await client.get("/n/hello", headers={"Host": "garage.example.org"})
    page = read(reply)
    assert page.texts("title") == ["hello · monocoque"]
    assert {name: page.meta(name) for name in ("description", "og:title", "og:description", "og:type", "og:url")} == {
        "description": "About hello and more.",
        "og:title": "hello",
        "og:description": "About hello and more.",
        "og:type": "website",
        "og:url": "http://garage.example.org/n/hello",
    }
    assert page.link("canonical") == page.meta("og:url")
    assert page.meta("og:image") == "https://a.example/2.jpg"
    assert page.meta("twitter:card") == "summary"
    assert page.meta("robots") is None
    assert "x-robots-tag" not in reply.headers
    hidden = await client.get("/n/hidden")
    assert read(hidden).meta("robots") == hidden.headers["x-robots-tag"] == "noindex"


async def test_a_card_is_short_however_long_the_text(client: httpx.AsyncClient) -> None:
    page = read(await client.get(f"/n/{'word ' * 100}"))
    described = page.meta("og:description")
    assert described is not None
    assert 150 < len(described) <= 205
    assert described.endswith("...")


async def test_nothing_that_is_shown_comes_alive(client: httpx.AsyncClient) -> None:
    reply = await client.get("/n/hostile")
    page = read(reply)
    assert page.texts("h1") == [HOSTILE]
    assert page.all("p")[1].attributes["title"] == HOSTILE
    assert page.meta("og:title") == HOSTILE
    assert page.all("img") == []
    assert "<script" not in reply.text


@pytest.mark.parametrize(
    ("address", "is_link", "is_picture"),
    [
        ("https://www.shop.example.com/a?b=1&c=%20#d", True, True),
        ("http://shop.example.com:8080/a", True, False),
        ("HTTPS://SHOP.example.com", True, True),
        ("https://日本.example/", True, True),
        ("javascript:alert(1)", False, False),
        ("JavaScript:alert(1)//https://a.example", False, False),
        (" javascript:alert(1)", False, False),
        ("java\nscript:alert(1)", False, False),
        ("\x01https://a.example", False, False),
        ("https://a.example/\nb", False, False),
        ("https://a.example/ b", False, False),
        ("https:\\\\a.example", False, False),
        ("data:text/html,<script>alert(1)</script>", False, False),
        ("vbscript:x", False, False),
        ("ftp://a.example", False, False),
        ("//a.example/x", False, False),
        ("/x", False, False),
        ("https://", False, False),
        ("https://[", False, False),
        ("", False, False),
        (None, False, False),
    ],
)
def test_only_addresses_of_the_web_are_links_and_only_those_by_https_pictures(
    address: str | None, is_link: bool, is_picture: bool
) -> None:
    assert web_address(address) == (address if is_link else None)
    assert picture(address) == (address if is_picture else None)


def test_people_read_hosts_and_days() -> None:
    assert host("https://www.shop.example.com:8080/x") == "shop.example.com"
    assert day(datetime(2026, 3, 2, tzinfo=UTC)) == "2 March 2026"


async def test_links_are_right_below_a_proxys_path(workshop: Workshop, notes: Module) -> None:
    app = await workshop.app(notes)
    for path in ("/n/hello", "/api/v1/notes/hello", "/n/gone", "/n"):
        page = read(
            await workshop.client(app, root_path="/garage").get(f"/garage{path}", headers=BROWSER),
            200 if path.endswith("hello") else 404,
        )
        address = httpx.URL(f"http://monocoque.test/garage{path}").join(str(page.link("stylesheet")))
        assert address.path == f"/garage/assets/{asset('pages.css').name}"
    page = read(await workshop.client(app, root_path="/garage").get("/garage/n/hello"))
    assert page.link("canonical") == "http://monocoque.test/garage/n/hello"
    public = await workshop.serve(notes, public_url="https://notes.example.org/base/")
    page = read(await public.get("/n/hello"))
    assert page.link("canonical") == page.meta("og:url") == "https://notes.example.org/base/n/hello"


async def test_the_site_is_named_as_configured(workshop: Workshop, notes: Module) -> None:
    client = await workshop.serve(notes, project_name="<Garage> & co")
    page = read(await client.get("/n/hello"))
    assert page.texts("title") == ["hello · <Garage> & co"]
    assert page.texts("header", class_="site") == ["<Garage> & co"]
    assert page.meta("og:site_name") == "<Garage> & co"


async def test_a_page_is_rendered_while_others_are_served(client: httpx.AsyncClient) -> None:
    [thread] = read(await client.get("/n/thread")).texts("p", class_="thread")
    assert int(thread) != threading.get_ident()


async def test_the_first_page_of_a_process_is_as_good_as_any(client: httpx.AsyncClient) -> None:
    first = [await client.get("/n/hello", headers=BROWSER), await client.get("/n/gone", headers=BROWSER)]
    for path, known in zip(("hello", "gone"), first, strict=True):
        shell_pages._environment.cache_clear()
        assert (await client.get(f"/n/{path}", headers=BROWSER)).status_code == known.status_code
    shell_pages._environment.cache_clear()
    assert (await client.get("/n/hello")).content == first[0].content


def test_a_process_that_shows_no_page_and_asks_no_source_does_not_hold_what_does() -> None:
    program = (
        "import sys; from monocoque.app import create_app; from monocoque.settings import Settings; "
        "create_app(Settings(_env_file=None), database_url='postgresql://unused/db'); "
        "sys.exit(any(name in sys.modules for name in ('jinja2', 'httpx', 'symspellpy')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(("environment", "title"), [("development", "changed"), ("test", "hello")])
async def test_templates_are_read_again_in_development_only(
    workshop: Workshop, notes: Module, tmp_path: Path, environment: str, title: str
) -> None:
    client = await workshop.serve(notes, environment=environment)
    assert read(await client.get("/n/hello")).texts("h1") == ["hello"]
    template = tmp_path / notes.package / "templates" / "note.html"
    template.write_text(TEMPLATE.replace("<h1>{{ text }}</h1>", "<h1>changed</h1>"))
    os.utime(template, (1, 1))
    assert read(await client.get("/n/hello")).texts("h1") == [title]
