"""The demo data that the modules bring: true, the same each time, and easy to get rid of."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from vininfo import Vin

from monocoque import demo
from monocoque.console import open_runtime
from monocoque.demo import Demo, demo_id
from monocoque.failures import StartupError
from monocoque.progress import Progress
from monocoque.registry import Inventory, discover, order
from monocoque.runtime import Runtime
from monocoque.settings import DEVELOPMENT_SECRET, Settings
from monocoque.tables import metadata
from monocoque_auth.demo import PEOPLE
from monocoque_media.isbn import normalise_isbn
from tests.conftest import AppFactory, client_of
from tests.support import PASSWORD, Person, sign_up

VEHICLES = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "vehicles"
CURATOR, MECHANIC = (demo_id(name) for name in PEOPLE)
# Words that ever occurred in the catalogue stay known to its search, whatever becomes of the works. The other two hold
# nothing but digests or ids, for minutes.
KEPT = frozenset(["monocoque_media.words", "monocoque.revocations", "monocoque_auth.login_attempts"])
NEVER_THE_SAME = frozenset(["at", "number", "password_hash"])

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
async def runtime(migrated_database_url: str, inventory: Inventory) -> AsyncIterator[Runtime]:
    """All modules, on a database of the test's own."""
    settings = Settings(_env_file=None, environment="test")
    async with open_runtime(settings, inventory, migrated_database_url) as found:
        yield found


@pytest.fixture
async def client(migrated_database_url: str, make_app: AppFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the same database."""
    async with client_of(await make_app(migrated_database_url)) as found:
        yield found


async def load(runtime: Runtime) -> Demo:
    return await demo.load(runtime, Progress(io.StringIO()))


async def reset(runtime: Runtime) -> None:
    await demo.reset(runtime, Progress(io.StringIO()))


async def rows(runtime: Runtime) -> Rows:
    """Every row of every table, as JSON, in the order of its text."""
    found: Rows = {}
    async with runtime.database.connection() as connection:
        for table in metadata.sorted_tables:
            if table.fullname not in KEPT:
                lines = await connection.fetch(f"SELECT to_jsonb(t)::text FROM {table.fullname} t ORDER BY 1")
                found[table.fullname] = [json.loads(line[0]) for line in lines]
    return found


async def run(runtime: Runtime, statement: str, *arguments: Any) -> str:
    async with runtime.database.connection() as connection:
        return str(await connection.execute(statement, *arguments))


def steady(found: Rows) -> dict[str, list[str]]:
    """The rows without times, and without what is drawn at random."""

    def line(row: dict[str, Any]) -> str:
        kept = {name: row[name] for name in row.keys() - NEVER_THE_SAME if not name.endswith("_at")}
        return json.dumps(kept, sort_keys=True)

    return {table: sorted(map(line, lines)) for table, lines in found.items()}


async def as_person(client: httpx.AsyncClient, name: str) -> Person:
    """One of the demo people, signed in as the panel says."""
    person = Person(client, PEOPLE[name].email, PEOPLE[name].password, demo_id(name))
    await person.login()
    return person


async def done(person: Person, method: str, path: str, **options: Any) -> Any:
    reply = await person.call(method, path, **options)
    assert reply.is_success, reply.text
    return reply.json() if reply.content else None


async def everything(person: Person, path: str) -> list[dict[str, Any]]:
    page = await done(person, "GET", f"{path}?limit=100")
    assert page["next_cursor"] is None
    found: list[dict[str, Any]] = page["items"]
    return found


async def test_there_is_something_of_everything(runtime: Runtime, client: httpx.AsyncClient) -> None:
    shown = (await load(runtime)).shown("http://demo.test")
    assert list(shown) == ["List 1", "List 2", "Menu", "Unlisted", "Curator", "Mechanic"]
    assert shown["Menu"] == "http://demo.test/m/a-week-of-noir"
    for name in PEOPLE:
        role = name.partition(".")[2].capitalize()
        assert shown[role] == f"{PEOPLE[name].email}, password: {PEOPLE[name].password}"
    curator, mechanic = [await as_person(client, name) for name in PEOPLE]
    assert len(await everything(mechanic, "/cars")) == 3
    parts = await everything(mechanic, "/parts")
    assert len(parts) == 17
    assert all(float(part["price"]["amount"]) > 0 for part in parts)
    lists = await everything(mechanic, "/build-lists")
    assert [found["shared"] for found in lists] == [True, True]
    for found in lists:
        items = await everything(mechanic, f"/build-lists/{found['id']}/items")
        assert found["item_count"] == len(items)
        assert [item["position"] for item in items] == [*range(1, len(items) + 1)]
    stats = await done(curator, "GET", "/media/library/stats")
    assert {group["status"] for group in stats["by_status"]} == {"planned", "active", "completed", "paused", "dropped"}
    assert {group["media_type"] for group in stats["by_type"]} == {"book", "movie", "tv", "game", "music"}
    works = await everything(curator, "/media/items")
    assert 40 <= len(works) <= 50
    assert all(work["own"] for work in works)
    tags = await everything(curator, "/media/tags")
    assert len(tags) == 5
    assert all(tag["item_count"] for tag in tags)
    log = await everything(curator, f"/media/items/{demo_id('media.the-third-man-1949')}/state/log")
    assert len(log) == 1


async def test_the_public_menu_is_a_week_in_order(runtime: Runtime, client: httpx.AsyncClient) -> None:
    await load(runtime)
    menu = (await client.get("/public/menus/a-week-of-noir")).json()
    days = [course["title"].partition(":")[0] for course in menu["courses"]]
    assert days == ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    items = [item for course in menu["courses"] for item in course["items"]]
    assert menu["item_count"] == len(items)
    assert {item["media_type"] for item in items} == {"book", "movie", "game", "music"}
    assert all(item["notes"] and item["creators"] and item["year"] for item in items)


async def test_vins_and_isbns_are_right(runtime: Runtime) -> None:
    await load(runtime)
    found = await rows(runtime)
    vins = {car["vin"]: car for car in found["monocoque_cars.cars"]}
    assert len(vins) == 4
    assert all(Vin(vin).verify_checksum() and car["vin_check_ok"] for vin, car in vins.items())
    books = [book for book in found["monocoque_media.book_items"] if book["isbn_13"]]
    assert len(books) >= 6
    for book in books:
        assert normalise_isbn(book["isbn_13"]) == book["isbn_13"]
        assert normalise_isbn(book["isbn_10"]) == book["isbn_10"]
    if VEHICLES.is_dir():
        with (VEHICLES / "vins_with_decode.csv").open(newline="") as file:
            known = {line["vin"]: line for line in csv.DictReader(file)}
        for vin, car in vins.items():
            told = (known[vin]["make"], known[vin]["model"].lower(), int(known[vin]["model_year"]))
            assert (car["make"], told[1].startswith(car["model"].lower()), car["year"]) == (told[0], True, told[2])


async def test_loading_again_changes_no_row(runtime: Runtime) -> None:
    first = await load(runtime)
    before = await rows(runtime)
    again = await load(runtime)
    assert await rows(runtime) == before
    assert again.added == set()
    assert again.shown("") == first.shown("")
    keys: dict[str, Any] = {"secret_key": "2" * 40, "secret_key_previous": DEVELOPMENT_SECRET}
    changed = replace(runtime, settings=Settings(_env_file=None, environment="test", **keys))
    assert (await load(changed)).shown("") == first.shown("")


async def test_what_the_people_changed_stays_as_they_left_it(runtime: Runtime, client: httpx.AsyncClient) -> None:
    await load(runtime)
    curator, mechanic = [await as_person(client, name) for name in PEOPLE]
    street, track = demo_id("build_lists.street"), demo_id("build_lists.track-day")
    work = f"/media/items/{demo_id('media.the-third-man-1949')}"
    await done(mechanic, "PATCH", f"/cars/{demo_id('cars.boxster')}", json={"nickname": "Sundays"})
    await done(mechanic, "DELETE", f"/parts/{demo_id('parts.winch')}")
    await done(mechanic, "DELETE", f"/build-lists/{track}/items/{demo_id('build_lists.track-day/tow-strap')}")
    await done(mechanic, "DELETE", f"/build-lists/{street}/share")
    await done(curator, "DELETE", f"{work}/state")
    await done(curator, "DELETE", f"{work}/tags/{demo_id('media.tag-noir')}")
    await done(curator, "PATCH", f"/media/tags/{demo_id('media.tag-to-lend')}", json={"name": "Lent"})
    menu = f"/menus/{demo_id('menus.a-week-of-noir')}"
    await done(curator, "PATCH", menu, json={"title": "Seven nights", "slug": "seven-nights"})
    await done(curator, "DELETE", f"{menu}/courses/{demo_id('menus.a-week-of-noir/0')}")
    await done(curator, "PATCH", f"/menus/{demo_id('menus.rain-on-the-window')}", json={"visibility": "draft"})
    before = await rows(runtime)
    found = await load(runtime)
    assert await rows(runtime) == before
    # What does not open any more is not shown.
    assert list(found.links) == ["List 1", "Menu"]
    assert found.links["Menu"] == "/m/seven-nights"


async def test_what_is_gone_for_good_stays_away_as_long_as_something_of_its_kind_is_there(
    runtime: Runtime, client: httpx.AsyncClient
) -> None:
    await load(runtime)
    curator = await as_person(client, "auth.curator")
    own = await done(curator, "POST", "/media/tags", json={"name": "In colour"})
    for table, name in (
        ("monocoque_cars.cars", "cars.boxster"),
        ("monocoque_parts.parts", "parts.winch"),
        ("monocoque_build_lists.build_lists", "build_lists.street"),
        ("monocoque_media.items", "media.laura-1944"),
        ("monocoque_media.tags", "media.tag-noir"),
        ("monocoque_menus.menus", "menus.rain-on-the-window"),
    ):
        assert await run(runtime, f"DELETE FROM {table} WHERE id = $1", demo_id(name)) == "DELETE 1"
    # A name that a tag of the demo had is the person's to use.
    await done(curator, "PATCH", f"/media/tags/{own['id']}", json={"name": "Noir"})
    before = await rows(runtime)
    found = await load(runtime)
    assert await rows(runtime) == before
    assert (found.added, list(found.links)) == (set(), ["List 1", "Menu"])


async def test_where_nothing_of_a_kind_is_left_it_comes_back_beside_what_people_have_entered(
    runtime: Runtime, client: httpx.AsyncClient
) -> None:
    first = await load(runtime)
    before = steady(await rows(runtime))
    everything_of = ("cars.cars", "parts.parts", "build_lists.build_lists", "media.items", "media.tags", "menus.menus")
    for table in everything_of:
        await run(runtime, f"DELETE FROM monocoque_{table}")
    again = await load(runtime)
    assert steady(await rows(runtime)) == before
    assert (again.links, again.remarks) == (first.links, {})
    curator, mechanic = [await as_person(client, name) for name in PEOPLE]
    for table in everything_of:
        await run(runtime, f"DELETE FROM monocoque_{table}")
    body = {"make": "Porsche", "model": "Boxster", "year": 2004, "vin": "WP0CB29874U669313"}
    car = await done(mechanic, "POST", "/cars", json=body)
    tag = await done(curator, "POST", "/media/tags", json={"name": "noir"})
    found = await load(runtime)
    assert found.remarks == {
        "cars.boxster": "left out, because its owner has another car with this VIN",
        "media.tag-noir": "left out, because its owner has another tag with the name Noir",
    }
    left_out = {demo_id(name) for name in found.remarks}
    assert found.added == again.added - left_out
    assert await done(mechanic, "GET", f"/cars/{car['id']}") == car
    assert await done(curator, "GET", f"/media/tags/{tag['id']}") == tag
    lists = {row["name"]: row["car_id"] for row in await everything(mechanic, "/build-lists")}
    assert [name for name, car_id in lists.items() if car_id is None] == ["Boxster S: first track day"]
    kept = await rows(runtime)
    assert (await load(runtime)).added == set()
    assert await rows(runtime) == kept


async def test_the_menu_is_where_the_documentation_says_unless_that_is_another_persons(
    runtime: Runtime, client: httpx.AsyncClient
) -> None:
    await load(runtime)
    await done(await as_person(client, "auth.curator"), "DELETE", "/auth/me")
    found = await load(runtime)
    assert (found.links["Menu"], found.remarks) == ("/m/a-week-of-noir", {})
    await done(await as_person(client, "auth.curator"), "DELETE", "/auth/me")
    await run(runtime, "DELETE FROM monocoque_menus.slugs")
    other = await sign_up(client)
    await done(other, "POST", "/menus", json={"title": "A week of noir"})
    found = await load(runtime)
    slug = found.links["Menu"].removeprefix("/m/")
    text = f"at the slug {slug}, because another menu has or had a-week-of-noir"
    assert found.remarks == {"menus.a-week-of-noir": text}
    await reset(runtime)
    assert [row["slug"] for row in (await rows(runtime))["monocoque_menus.slugs"]] == ["a-week-of-noir"]


async def test_an_account_that_its_owner_deleted_comes_back_with_what_it_had(
    runtime: Runtime, client: httpx.AsyncClient
) -> None:
    await load(runtime)
    before = steady(await rows(runtime))
    await done(await as_person(client, "auth.mechanic"), "DELETE", "/auth/me")
    found = await load(runtime)
    assert steady(await rows(runtime)) == before
    assert found.notes["Mechanic"].endswith(f"password: {PEOPLE['auth.mechanic'].password}")


async def test_resetting_leaves_nothing_of_the_demo_data(runtime: Runtime, client: httpx.AsyncClient) -> None:
    empty = await rows(runtime)
    await load(runtime)
    curator = await as_person(client, "auth.curator")
    entered = await done(curator, "POST", "/media/items", json={"media_type": "book", "title": "Found in a drawer"})
    menu = await done(curator, "POST", "/menus", json={"title": "Drawers"}, headers={"Idempotency-Key": "drawers"})
    await done(curator, "PATCH", f"/menus/{menu['id']}", json={"slug": "chests"})
    await reset(runtime)
    assert await rows(runtime) == empty
    assert (await curator.get(f"/media/items/{entered['id']}")).status_code == 401


async def test_resetting_takes_nothing_from_others(runtime: Runtime, client: httpx.AsyncClient) -> None:
    other = await sign_up(client)
    own = await done(other, "POST", "/media/items", json={"media_type": "movie", "title": "Laura"})
    await done(
        other, "POST", "/cars", json={"make": "Mazda", "model": "RX-8", "year": 2004, "vin": "JM1FE173540134610"}
    )
    await load(runtime)

    def at(name: str) -> str:
        return f"/media/items/{demo_id(name)}"

    tag = await done(other, "POST", "/media/tags", json={"name": "Noir"})
    await done(other, "PUT", f"{at('media.laura-1944')}/state", json={"status": "planned"})
    await done(other, "PUT", f"{at('media.brick-2005')}/state", json={"status": "active"})
    await done(other, "DELETE", f"{at('media.brick-2005')}/state")
    await done(other, "PUT", f"{at('media.dummy-1994')}/tags/{tag['id']}")
    menu = await done(other, "POST", "/menus", json={"title": "A week of noir", "visibility": "public"})
    course = await done(other, "POST", f"/menus/{menu['id']}/courses", json={"title": "All of it"})
    entry = {"media_item_id": str(demo_id("media.chinatown-1974"))}
    await done(other, "POST", f"/menus/{menu['id']}/courses/{course['id']}/items", json=entry)
    before = await theirs(runtime, other.id)
    await reset(runtime)
    assert await theirs(runtime, other.id) == before
    left = {UUID(row["id"]) for row in (await rows(runtime))["monocoque_media.items"]}
    held = ("media.laura-1944", "media.brick-2005", "media.dummy-1994", "media.chinatown-1974")
    assert left == {UUID(own["id"]), *map(demo_id, held)}
    # Back again, with the works that stayed.
    found = await load(runtime)
    assert found.links["Menu"] == "/m/a-week-of-noir"
    assert await theirs(runtime, other.id) == before


async def theirs(runtime: Runtime, owner_id: UUID | None) -> Rows:
    """What a person has: the rows that name them, and the courses and entries of their menus."""
    found = await rows(runtime)
    menus = {row["id"] for row in found["monocoque_menus.menus"] if row["owner_id"] == str(owner_id)}
    courses = {row["id"] for row in found["monocoque_menus.courses"] if row["menu_id"] in menus}
    tags = {row["id"] for row in found["monocoque_media.tags"] if row["owner_id"] == str(owner_id)}
    known = {str(owner_id), *menus, *courses, *tags}
    return {table: [row for row in lines if known & {*map(str, row.values())}] for table, lines in found.items()}


async def test_after_a_reset_it_is_as_at_first(runtime: Runtime) -> None:
    first = await load(runtime)
    before = steady(await rows(runtime))
    await reset(runtime)
    again = await load(runtime)
    assert steady(await rows(runtime)) == before
    assert again.added == first.added
    assert again.shown("") == first.shown("")


async def test_two_modules_bring_what_is_theirs(migrated_database_url: str) -> None:
    settings = Settings(_env_file=None, environment="test")
    async with open_runtime(settings, order(discover(), only=("auth", "cars")), migrated_database_url) as runtime:
        found = await load(runtime)
        assert list(found.shown("")) == ["Curator", "Mechanic"]
        held = {table for table, lines in (await rows(runtime)).items() if lines}
        assert held == {"monocoque_auth.users", "monocoque_cars.cars"}


async def test_an_e_mail_that_is_taken_is_explained_and_nothing_is_added(
    runtime: Runtime, client: httpx.AsyncClient
) -> None:
    await sign_up(client, email="Curator@Demo.example")
    before = await rows(runtime)
    with pytest.raises(StartupError, match="There is an account for curator@demo"):
        await load(runtime)
    assert await rows(runtime) == before


async def test_what_became_of_the_accounts_is_told(runtime: Runtime, client: httpx.AsyncClient) -> None:
    await load(runtime)
    curator = await as_person(client, "auth.curator")
    change = {"current_password": curator.password, "new_password": PASSWORD}
    await done(curator, "PUT", "/auth/me/password", json=change)
    await run(runtime, "UPDATE monocoque_auth.users SET disabled_at = now() WHERE id = $1", MECHANIC)
    found = await load(runtime)
    assert found.notes == {
        "Curator": "curator@demo.example, whose password was changed",
        "Mechanic": "mechanic@demo.example, which is disabled",
    }
    assert list(found.links) == ["Menu", "Unlisted"]
    await run(runtime, "UPDATE monocoque_auth.users SET disabled_at = now()")
    assert (await load(runtime)).links == {}


async def test_passwords_are_kept_as_everybody_elses(runtime: Runtime, migrated_database_url: str) -> None:
    await load(runtime)
    connection = await asyncpg.connect(migrated_database_url)
    hashes = await connection.fetch("SELECT password_hash FROM monocoque_auth.users")
    await connection.close()
    assert all(row[0].startswith("$2b$04$") for row in hashes)
