"""The pages in a real browser: nothing is blocked or cut off, on a phone and on a desk, by day and by night."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.e2e.browser import CHROMIUM, DRIVER, Browser
from tests.e2e.covers import NAME, CoverHost
from tests.e2e.process import PATIENCE, Served
from tests.support import Person, sign_up

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER),
        reason="there is no browser: install chromium and chromedriver (Debian: apt-get install chromium-driver)",
    ),
]
HOSTILE = "<script>document.title = 'taken'</script><img src=x onerror=alert(1)>\"'"
ENDLESS = "W" * 150
WIDTHS = (320, 360, 1280)


async def new(owner: Person, path: str, **body: Any) -> dict[str, Any]:
    reply = await owner.post(path, json=body)
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    return made


async def shared_lists(owner: Person, database_url: str) -> dict[str, str]:
    """The addresses of shared lists: one as people make them, a hostile, an empty and a long one."""
    car = await new(owner, "/cars", make="Mazda", model="MX-5", year=1990, nickname="Weekend")

    async def shared(name: str, description: str | None, *items: dict[str, Any]) -> tuple[str, str]:
        made = await new(owner, "/build-lists", name=name, description=description, car_id=car["id"])
        for item in items:
            await new(owner, f"/build-lists/{made['id']}/items", **item)
        return made["id"], (await new(owner, f"/build-lists/{made['id']}/share"))["page_url"]

    radiator = await new(
        owner,
        "/parts",
        name="Aluminium radiator, 52 mm core",
        brand="Koyorad",
        category="Cooling",
        part_number="HH060642",
        url="https://parts.example.net/koyorad",
        price={"amount": "1412.50", "currency": "EUR"},
    )
    items = [
        {"part_id": radiator["id"], "quantity": 2, "status": "ordered", "notes": "Cut the shroud\non the left."},
        {"name": "Bucket seat", "status": "received", "paid": {"amount": "98000", "currency": "JPY"}},
        {"name": "Brake lines", "status": "installed", "paid": {"amount": "104.00", "currency": "EUR"}},
        {"name": "Brake fluid, DOT 4", "quantity": 3},
    ]
    _, full = await shared("Track day", "Brakes first, then cooling.\nIt has to drive home, too.", *items)
    _, hostile = await shared(HOSTILE + ENDLESS[:100], ENDLESS, {"name": HOSTILE + ENDLESS[:100], "notes": ENDLESS * 3})
    _, empty = await shared("Later", None)
    long_id, long = await shared("Everything", None)
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "INSERT INTO monocoque_build_lists.items (id, list_id, position, name, quantity, status, paid_amount, "
        "paid_currency) SELECT gen_random_uuid(), $1, n, 'Item ' || n, n, 'wanted', n * 1000.5, 'EUR' "
        "FROM generate_series(1, 200) n",
        UUID(long_id),
    )
    await connection.close()
    return {"list": full, "list-hostile": hostile, "list-empty": empty, "list-long": long}


async def menus(owner: Person) -> dict[str, str]:
    """The addresses of menus, likewise."""

    async def published(title: str, description: str | None, *courses: dict[str, Any]) -> str:
        menu = await new(owner, "/menus", title=title, description=description, visibility="public")
        for course in courses:
            items = course.pop("items")
            made = await new(owner, f"/menus/{menu['id']}/courses", **course)
            for notes, item in items:
                media = await new(owner, "/media/items", **item)
                path = f"/menus/{menu['id']}/courses/{made['id']}/items"
                await new(owner, path, media_item_id=media["id"], notes=notes)
        return str(menu["page_url"])

    cover = f"https://{NAME}/the-third-man.svg"
    film = {"media_type": "movie", "title": "The Third Man", "release_date": "1949-08-31", "cover_image_url": cover}
    plain = [
        {"media_type": media_type, "title": f"Some {media_type}", "cover_image_url": f"http://{NAME}/{media_type}.svg"}
        for media_type in ("book", "tv", "game", "music")
    ]
    return {
        "menu": await published(
            "A week of noir",
            "One film an evening.\nStart late.",
            {"title": "Monday", "description": "Vienna.", "items": [("Listen for the zither.\nAnd the cat.", film)]},
            {"title": "Tuesday", "items": [(None, item) for item in plain]},
            {"title": "Wednesday", "items": []},
        ),
        "menu-hostile": await published(
            HOSTILE + ENDLESS[:100],
            ENDLESS,
            {"title": HOSTILE + ENDLESS[:100], "items": [(ENDLESS * 3, {**plain[0], "title": HOSTILE + ENDLESS})]},
        ),
        "menu-empty": await published("Empty", None),
    }


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory, worker_database_url: str) -> AsyncIterator[dict[str, str]]:
    """The address of each page of a running server, by name."""
    folder = tmp_path_factory.mktemp("site")
    with Served(folder, variables={"DATABASE_URL": worker_database_url}) as served:
        async with httpx.AsyncClient(base_url=f"{served.base}/api/v1", timeout=PATIENCE) as client:
            owner = await sign_up(client)
            pages = {**await shared_lists(owner, worker_database_url), **await menus(owner)}
        yield {**pages, "gone": f"{served.base}/l/{'A' * 43}"}


@pytest.fixture(scope="module")
def cover_host() -> Iterator[CoverHost]:
    with CoverHost() as host:
        yield host


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, cover_host: CoverHost) -> Iterator[Browser]:
    downloads = tmp_path_factory.mktemp("browser") / "downloads"
    downloads.mkdir()
    with Browser(downloads, {f"{NAME}:443": cover_host.port}) as browser:
        yield browser


def test_every_page_fits_every_screen_is_legible_and_whole(site: dict[str, str], browser: Browser) -> None:
    for name, address in site.items():
        for width in WIDTHS:
            for scheme in ("light", "dark"):
                browser.open(address, width=width, scheme=scheme, name=name)
                place = (name, width, scheme)
                shown = browser.ask("return document.documentElement.scrollWidth")
                assert (shown, place) == (width, place)
                assert (browser.faint(), place) == ([], place)
                complaints = browser.complaints(awaited=int(name == "gone"))
                if name == "gone":
                    complaints = [text for text in complaints if "status of 404" not in text]
                assert (complaints, place) == ([], place)


def test_what_the_policy_forbids_is_blocked_and_noticed(site: dict[str, str], browser: Browser) -> None:
    browser.open(site["list"])
    browser.ask("document.body.insertAdjacentHTML('beforeend', '<p style=\"color:red\">x</p>')")
    browser.ask("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.x = 1'}))")
    assert browser.ask("return window.x") is None
    complaints = browser.complaints(awaited=2)
    assert len(complaints) == 2
    assert all("Content Security Policy" in text for text in complaints)


def test_at_night_the_page_is_dark_and_by_day_it_is_light(site: dict[str, str], browser: Browser) -> None:
    for name in ("list", "menu", "gone"):
        browser.open(site[name], scheme="light")
        light = browser.ground()
        browser.open(site[name], scheme="dark")
        dark = browser.ground()
        assert min(light) > 220
        assert max(dark) < 40
    assert all("status of 404" in text for text in browser.complaints(awaited=2))


def test_what_anybody_typed_is_text(site: dict[str, str], browser: Browser) -> None:
    for name in ("list-hostile", "menu-hostile"):
        browser.open(site[name])
        assert browser.driver.title == f"{HOSTILE + ENDLESS[:100]} · monocoque"
        assert browser.ask("return document.querySelector('h1').textContent") == HOSTILE + ENDLESS[:100]
        assert browser.ask("return document.scripts.length") == 0
        assert browser.ask("return document.querySelectorAll('img').length") == 0
    assert browser.complaints() == []


def test_a_pasted_link_has_a_card(site: dict[str, str], browser: Browser) -> None:
    script = "return Object.fromEntries([...document.querySelectorAll('meta[property]')].map(e => "
    script += "[e.getAttribute('property'), e.content]))"
    for name, title in (("list", "Track day"), ("menu", "A week of noir")):
        browser.open(site[name])
        card = browser.ask(script)
        assert (card["og:title"], card["og:url"]) == (title, site[name])
        assert card["og:description"]
    assert card["og:image"] == f"https://{NAME}/the-third-man.svg"


def test_covers_are_shown_and_their_host_is_not_told_who_reads(
    site: dict[str, str], browser: Browser, cover_host: CoverHost
) -> None:
    browser.open(site["menu"], width=360)
    browser.wait_for("return [...document.images].every(image => image.complete && image.naturalWidth === 300)")
    assert browser.ask("return document.images.length") == 1
    assert {path for path, _ in cover_host.asked} == {"/the-third-man.svg"}
    assert [headers["Referer"] for _, headers in cover_host.asked if headers["Referer"]] == []
    assert browser.complaints() == []


def test_a_cover_that_cannot_be_had_leaves_the_drawing_as_it_is(site: dict[str, str], browser: Browser) -> None:
    browser.open(site["menu"], width=360)
    browser.wait_for("return document.images[0].complete && document.images[0].naturalWidth === 300")
    browser.ask("document.images[0].closest('.cover').id = 'missing'")
    covered = browser.picture_of("#missing")
    browser.ask("document.images[0].onerror = () => { failed = 1 }; failed = 0")
    browser.ask("document.images[0].src = 'https://nowhere.example.com/cover.svg'")
    browser.wait_for("return failed")
    broken = browser.picture_of("#missing")
    browser.ask("document.images[0].remove()")
    assert browser.picture_of("#missing") == broken != covered
    assert len(browser.complaints(awaited=1)) == 1


def test_the_links_of_a_shared_list_bring_its_files(site: dict[str, str], browser: Browser) -> None:
    browser.open(site["list"])
    found = {}
    for label in ("Markdown", "BBCode", "CSV", "Text", "JSON"):
        browser.driver.find_element(By.LINK_TEXT, label).click()
        file = browser.downloaded()
        found[label] = (file.name, file.read_text(encoding="utf-8"))
        file.unlink()
    assert [name for name, _ in found.values()] == [
        f"Track day.{ending}" for ending in ("md", "txt", "csv", "txt", "json")
    ]
    assert found["Markdown"][1].startswith("# Track day\n")
    assert found["BBCode"][1].startswith("[b]Track day[/b]")
    assert [row["name"] for row in csv.DictReader(found["CSV"][1].splitlines())][1] == "Bucket seat"
    assert json.loads(found["JSON"][1])["name"] == "Track day"
    assert "paid" not in found["CSV"][1] + found["JSON"][1]
    assert browser.complaints() == []


def test_the_keyboard_gets_everywhere_and_sees_where_it_is(site: dict[str, str], browser: Browser) -> None:
    browser.open(site["menu"])
    focused = "return document.activeElement.getBoundingClientRect().top >= 0 && document.activeElement.textContent"
    outline = "return getComputedStyle(document.activeElement).outlineStyle"
    for label in ("Skip to the content", "Monday", "Tuesday", "Wednesday"):
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        assert browser.ask(focused) == label
        assert browser.ask(outline) == "solid"
    browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    browser.wait_for("return location.hash === '#course-3'")
    landmarks = "return [...document.body.querySelectorAll(':scope > :is(header, main, footer)')].map(e => e.tagName)"
    assert browser.ask(landmarks) == ["HEADER", "MAIN", "FOOTER"]


def test_on_paper_there_is_nothing_to_press(site: dict[str, str], browser: Browser) -> None:
    for name, pressed in (("list", "exports"), ("menu", "contents")):
        browser.open(site[name], scheme="dark", media="print")
        assert browser.ask(f"return getComputedStyle(document.querySelector('.{pressed}')).display") == "none"
        assert browser.ground() == [255, 255, 255]
        assert browser.faint() == []
    browser.open(site["list"])
