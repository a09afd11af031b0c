"""The page of a menu: what anyone may read, covers from https addresses only, and a card for whoever passes it on."""

from __future__ import annotations

from typing import Any

import httpx

from monocoque_menus.schemas import PublicMenu
from tests.conftest import AppFactory, client_of
from tests.reading import BROWSER, Page, read
from tests.support import Person, problem, sign_up

from .conftest import Curator, checked, token_of

HOSTILE = "<script>alert(1)</script>\"' onerror=x {{ 7*7 }} &amp; </h1><img src=x>"
COVER = "https://covers.example.com/the-third-man.jpg?a=1&b=2"


async def page_of(client: httpx.AsyncClient, address: str, path: str = "/m/{}") -> Page:
    return read(await client.get(f"http://monocoque.test{path.format(address)}", headers=BROWSER))


async def noir(curator: Curator, **fields: Any) -> dict[str, Any]:
    """A menu with entries of two types, with a cover and without."""
    menu = await curator.menu("A week of noir", **{"visibility": "public", "description": "One\nan evening.", **fields})
    monday = await curator.course(menu, "Monday", description="Vienna.")
    film = await curator.film(
        "The Third Man", release_date="1949-08-31", cover_image_url=COVER, details={"directors": ["Carol Reed"]}
    )
    book = await curator.film("The Long Goodbye", media_type="book", cover_image_url="http://covers.example.com/1.jpg")
    await curator.item(menu, monday, film, notes="Listen\nfor the zither.")
    await curator.item(menu, monday, book)
    await curator.course(menu, "Tuesday")
    return await curator.read(menu)


async def test_the_page_shows_courses_and_entries_in_order(
    client: httpx.AsyncClient, curator: Curator, owner: Person
) -> None:
    menu = await noir(curator)
    reply = await client.get(f"http://monocoque.test/m/{menu['slug']}", headers=BROWSER)
    page = read(reply)
    assert page.texts("h1") == ["A week of noir"]
    assert page.texts("h2") == ["Monday", "Tuesday"]
    assert page.texts("h3") == ["The Third Man", "The Long Goodbye"]
    assert page.texts("p", class_="lead") == ["One\nan evening.", "Vienna."]
    assert page.texts("p", class_="notes") == ["Listen\nfor the zither."]
    assert page.texts("p", class_="empty") == ["Nothing is in this course yet."]
    assert [" ".join(text.split()) for text in page.texts("p", class_="about")] == ["Film 1949", "Carol Reed", "Book"]
    facts = page.texts("ul", class_="facts")[0].split("\n")
    assert facts[:2] == ["2 courses", "2 entries"]
    assert facts[2].startswith("Published ")
    for private in (owner.email, str(owner.id), menu["id"]):
        assert private not in reply.text
    assert reply.headers["cache-control"] == "public, no-cache"


async def test_covers_come_from_https_addresses_only_and_are_told_nothing(
    client: httpx.AsyncClient, curator: Curator
) -> None:
    page = await page_of(client, (await noir(curator))["slug"])
    assert [image.attributes for image in page.all("img")] == [
        {
            "src": COVER,
            "alt": "",
            "loading": "lazy",
            "decoding": "async",
            "referrerpolicy": "no-referrer",
        }
    ]
    # Where there is none, there is a drawing of what it is.
    assert [drawing.attributes["href"] for drawing in page.all("use")] == ["#movie", "#book"]
    assert {"movie", "book"} <= {symbol.attributes["id"] for symbol in page.all("symbol")}


async def test_a_pasted_link_shows_a_card(client: httpx.AsyncClient, curator: Curator) -> None:
    menu = await noir(curator)
    page = await page_of(client, menu["slug"])
    assert {name: page.meta(name) for name in ("og:title", "og:description", "og:type", "og:url", "og:image")} == {
        "og:title": "A week of noir",
        "og:description": "One an evening.",
        "og:type": "article",
        "og:url": f"http://monocoque.test/m/{menu['slug']}",
        "og:image": COVER,
    }
    assert page.link("canonical") == page.meta("og:url")
    assert page.meta("robots") is None
    await curator.change(menu, description=None)
    described = (await page_of(client, menu["slug"])).meta("description")
    assert described == "2 courses, 2 entries: The Third Man, The Long Goodbye"


async def test_an_unlisted_menu_opens_by_its_link_and_search_engines_are_asked_to_pass_by(
    client: httpx.AsyncClient, curator: Curator
) -> None:
    menu = await noir(curator, visibility="unlisted")
    token = token_of(menu)
    reply = await client.get(f"http://monocoque.test/m/{token}", headers=BROWSER)
    page = read(reply)
    assert page.texts("h1") == ["A week of noir"]
    assert page.meta("robots") == reply.headers["x-robots-tag"] == "noindex"
    assert page.link("canonical") == f"http://monocoque.test/m/{token}"
    assert reply.headers["cache-control"] == "private, no-cache"
    read(await client.get(f"http://monocoque.test/m/{menu['slug']}", headers=BROWSER), 404)


async def test_a_browser_at_the_public_address_gets_the_same_page(client: httpx.AsyncClient, curator: Curator) -> None:
    menu = await noir(curator)
    address = f"/public/menus/{menu['slug']}"
    abroad = await page_of(client, menu["slug"], "/api/v1/public/menus/{}")
    at_home = await page_of(client, menu["slug"])
    assert [element.text for element in abroad.elements] == [element.text for element in at_home.elements]
    assert abroad.link("canonical") == at_home.link("canonical")
    reply = await client.get(address, headers={"Accept": "application/json"})
    checked(reply, 200, PublicMenu)
    assert reply.headers["vary"] == "Accept"
    # Who asks for progress is a program, or signed in, which a page knows nothing of.
    asked = await client.get(f"{address}?include=progress", headers={**curator.person.headers, **BROWSER})
    assert asked.json()["progress"] == {"done": 0, "total": 2}


async def test_a_current_page_is_not_sent_again_until_it_changes(client: httpx.AsyncClient, curator: Curator) -> None:
    menu = await noir(curator)
    address = f"http://monocoque.test/m/{menu['slug']}"
    tag = (await client.get(address)).headers["etag"]
    same = await client.get(address, headers={"If-None-Match": tag})
    assert (same.status_code, same.content) == (304, b"")
    await curator.change(menu, title="Another week")
    again = await client.get(address, headers={"If-None-Match": tag})
    assert read(again).texts("h1") == ["Another week"]


async def test_an_old_slug_leads_to_the_present_one(client: httpx.AsyncClient, curator: Curator) -> None:
    menu = await noir(curator)
    changed = await curator.change(menu, slug=f"{menu['slug']}-again")
    for path in ("/m/", "/api/v1/public/menus/"):
        reply = await client.get(f"http://monocoque.test{path}{menu['slug']}?fbclid=1", headers=BROWSER)
        assert (reply.status_code, reply.content) == (301, b"")
        assert str(reply.next_request and reply.next_request.url) == f"http://monocoque.test{path}{changed['slug']}"
        assert reply.headers["cache-control"] == "public, max-age=300"


async def test_marks_on_the_link_of_the_document_do_no_harm_to_who_wants_a_page(
    client: httpx.AsyncClient, curator: Curator
) -> None:
    menu = await noir(curator)
    address = f"/public/menus/{menu['slug']}?fbclid=1&fbclid=2"
    assert read(await client.get(address, headers=BROWSER)).texts("h1") == [menu["title"]]
    refused = await client.get(address)
    problem(refused, 422, "request.invalid")
    assert refused.headers["vary"] == "Accept"


async def test_whatever_the_reason_a_person_is_told_that_nothing_is_there(
    client: httpx.AsyncClient, curator: Curator
) -> None:
    draft, gone = await noir(curator, visibility="draft"), await noir(curator)
    assert (await curator.person.delete(f"/menus/{gone['id']}")).status_code == 204
    for address in (draft["slug"], gone["slug"], "never-was", "A" * 43, "%F0%9F%8F%8E", "x" * 5000):
        for path in ("/m/", "/api/v1/public/menus/"):
            page = read(await client.get(f"http://monocoque.test{path}{address}", headers=BROWSER), 404)
            assert page.texts("h1") == ["No such public menu"]
            problem(await client.get(f"http://monocoque.test{path}{address}"), 404, "menus.not_public")


async def test_nothing_that_anybody_typed_comes_alive(client: httpx.AsyncClient, curator: Curator) -> None:
    menu = await curator.menu(HOSTILE, visibility="public", description=HOSTILE)
    course = await curator.course(menu, HOSTILE, description=HOSTILE)
    cover = "https://covers.example.com/\"onerror='alert(1)'<x>"
    film = await curator.film(HOSTILE, cover_image_url=cover, details={"directors": [HOSTILE]})
    await curator.item(menu, course, film, notes=HOSTILE)
    page = await page_of(client, menu["slug"])
    assert page.texts("h1") == page.texts("h2") == page.texts("h3") == [HOSTILE]
    assert page.texts("p", class_="notes") == [HOSTILE]
    assert page.meta("og:title") == HOSTILE
    [image] = page.all("img")
    assert image.attributes["alt"] == ""
    assert set(image.attributes) == {"src", "alt", "loading", "decoding", "referrerpolicy"}


async def test_an_empty_menu_says_so_and_a_long_one_has_contents(client: httpx.AsyncClient, curator: Curator) -> None:
    menu = await curator.menu("Empty", visibility="public")
    page = await page_of(client, menu["slug"])
    assert page.texts("p", class_="empty") == ["Nothing is on this menu yet."]
    assert page.meta("description") == "0 courses"
    long, courses, _ = await curator.filled(2, 0, 1, visibility="public")
    page = await page_of(client, long["slug"])
    anchors = [link.attributes["href"] for link in page.all("a") if str(link.attributes["href"]).startswith("#course")]
    assert anchors == [f"#{heading.attributes['id']}" for heading in page.all("h2")]
    assert page.texts("h2") == [course["title"] for course in courses]


async def test_pages_are_found_wherever_the_api_is(worker_database_url: str, make_app: AppFactory) -> None:
    app = await make_app(worker_database_url, public_url="https://menus.example.org/base/", api_prefix="/v2")
    async with client_of(app, "/v2") as client:
        curator = Curator(await sign_up(client))
        menu = (await curator.person.post("/menus", json={"title": "Abroad", "visibility": "public"})).json()
        page = await page_of(client, menu["slug"])
        assert page.link("canonical") == f"https://menus.example.org/base/m/{menu['slug']}"
        assert (await page_of(client, menu["slug"], "/v2/public/menus/{}")).link("canonical") == page.link("canonical")
