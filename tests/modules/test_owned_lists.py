"""Lists of what a person owns: filters, searches, and cursors that neither skip nor repeat."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.modules.resources import PARTS, RESOURCES, Resource, each_resource
from tests.support import Person, problem

SPECIAL = ["100%", "a_b", "c\\d", "tail\\", "%", "_", "\\", "it's", '"quoted"', "(?)[x]*", "ä", "ß"]


@each_resource
async def test_a_walk_meets_every_item_once_while_new_ones_arrive(resource: Resource, owner: Person) -> None:
    text = next(iter(resource.texts))
    there = [(await resource.create(owner, **{text: f"Number {number}"}))["id"] for number in range(45)]
    met: list[str] = []
    pages = 0
    query: dict[str, Any] = {"limit": 7}
    while True:
        reply = await owner.get(resource.path, params=query)
        items = resource.read_page(reply)
        met += [item["id"] for item in items]
        pages += 1
        await resource.create(owner, **{text: "Arrived meanwhile"})
        cursor = reply.json()["next_cursor"]
        if cursor is None:
            assert "link" not in reply.headers
            break
        assert len(items) == 7
        query["cursor"] = cursor
    assert met == there[::-1]
    assert pages == 7


@each_resource
async def test_the_link_header_leads_through_the_list_with_its_filters(resource: Resource, owner: Person) -> None:
    name = resource.filtered[0]
    wanted = [(await resource.create(owner, **{name: "Wänted & Söns"}))["id"] for _ in range(5)]
    await resource.create(owner, **{name: "Other"})
    reply = await owner.get(resource.path, params={name: "wänted & söns", "limit": 2, "q": "Wänted"})
    met = [item["id"] for item in resource.read_page(reply)]
    while "link" in reply.headers:
        assert reply.headers["link"].endswith('; rel="next"')
        target = reply.links["next"]["url"]
        assert target.startswith(f"/api/v1{resource.path}?")
        reply = await owner.get(target.removeprefix("/api/v1"))
        met += [item["id"] for item in resource.read_page(reply)]
    assert met == wanted[::-1]


@each_resource
async def test_a_full_last_page_has_no_next(resource: Resource, owner: Person) -> None:
    for _ in range(4):
        await resource.create(owner)
    first = await owner.get(resource.path, params={"limit": 2})
    second = await owner.get(resource.path, params={"limit": 2, "cursor": first.json()["next_cursor"]})
    assert len(resource.read_page(second)) == 2
    assert second.json()["next_cursor"] is None


@each_resource
async def test_twenty_items_are_a_page_unless_told_otherwise(resource: Resource, owner: Person) -> None:
    for _ in range(22):
        await resource.create(owner)
    assert len(await resource.listed(owner)) == 20
    assert len(await resource.listed(owner, limit=100)) == 22
    assert len(await resource.listed(owner, limit=1)) == 1


def _forged(cursor: str) -> list[str]:
    middle = len(cursor) // 2
    other = "A" if cursor[middle] != "A" else "B"
    return [
        cursor[:middle] + other + cursor[middle + 1 :],
        cursor[:-4],
        cursor + "AAAA",
        cursor[::-1],
        "garbage",
        "A",
        "ÄÖÜ",
        "\x00",
        "=",
        "....",
        "A" * 500,
        "bnVsbA",
        "W10",
    ]


@each_resource
async def test_a_cursor_from_elsewhere_is_refused(resource: Resource, owner: Person) -> None:
    for _ in range(3):
        await resource.create(owner, **dict.fromkeys(resource.filtered, "Same"))
    path = resource.path
    cursor = (await owner.get(path, params={"limit": 1})).json()["next_cursor"]
    name = resource.filtered[0]
    filtered = (await owner.get(path, params={"limit": 1, name: "Same"})).json()["next_cursor"]
    elsewhere = next(other.path for other in RESOURCES if other is not resource)
    refused = [
        (path, {"cursor": cursor, name: "Same"}),
        (path, {"cursor": cursor, "q": "Same"}),
        (path, {"cursor": cursor, "deleted": "true"}),
        (path, {"cursor": filtered}),
        (path, {"cursor": filtered, name: "Other"}),
        (elsewhere, {"cursor": cursor}),
        *((path, {"cursor": forged}) for forged in _forged(cursor)),
    ]
    for target, query in refused:
        document = problem(await owner.get(target, params=query), 422, "request.cursor_invalid")
        assert [error["pointer"] for error in document["errors"]] == ["query/cursor"]
    for empty_or_long in ("", "A" * 501):
        document = problem(await owner.get(path, params={"cursor": empty_or_long}), 422, "request.invalid")
        assert [error["pointer"] for error in document["errors"]] == ["query/cursor"]
    assert (await owner.get(path, params={"cursor": cursor, "limit": 2})).status_code == 200


@each_resource
async def test_a_cursor_shows_nothing_of_someone_elses(resource: Resource, owner: Person, stranger: Person) -> None:
    for _ in range(3):
        await resource.create(owner)
    cursor = (await owner.get(resource.path, params={"limit": 1})).json()["next_cursor"]
    assert await resource.listed(stranger, cursor=cursor) == []


@each_resource
async def test_filters_do_not_mind_the_case_and_take_the_whole_value(resource: Resource, owner: Person) -> None:
    for name in resource.filtered:
        wanted = await resource.create(owner, **{name: f"Only {name} ÄÉ"})
        await resource.create(owner, **{name: f"Only {name} ÄÉ too"})
        for spelling in (f"Only {name} ÄÉ", f"only {name} äé".upper(), f"  ONLY {name} äé "):
            assert await resource.listed(owner, **{name: spelling}) == [wanted["id"]]
        assert await resource.listed(owner, **{name: f"Only {name}"}) == []
        assert await resource.listed(owner, **{name: "Only %"}) == []
        assert await resource.listed(owner, **{name: f"Only {name} ÄÉ", "q": "no such text"}) == []


async def test_the_year_is_a_filter_of_cars(owner: Person) -> None:
    cars = RESOURCES[0]
    old = await cars.create(owner, year=1971)
    await cars.create(owner, year=1972)
    assert await cars.listed(owner, year=1971) == [old["id"]]
    assert await cars.listed(owner, year=1970) == []


@each_resource
async def test_a_search_text_means_itself(resource: Resource, owner: Person) -> None:
    text = next(iter(resource.texts))
    marked = {special: await resource.create(owner, **{text: f"x{special}"}) for special in SPECIAL}
    await resource.create(owner, **{text: "xyz 100 percent, aXb, cd"})
    for special in SPECIAL:
        expected = {made["id"] for made in marked.values() if special in made[text]}
        assert marked[special]["id"] in expected
        assert set(await resource.listed(owner, q=special)) == expected, special


@each_resource
async def test_a_search_looks_into_every_text_whatever_its_case(resource: Resource, owner: Person) -> None:
    await resource.create(owner)
    for name in resource.searched:
        made = await resource.create(owner, **{name: f"Before Needle{name} after"})
        for wanted in (f"needle{name}", f"NEEDLE{name.upper()} AFT"):
            assert await resource.listed(owner, q=wanted) == [made["id"]]


@each_resource
async def test_one_and_two_letters_are_enough_to_search(resource: Resource, owner: Person) -> None:
    text = next(iter(resource.texts))
    made = await resource.create(owner, **{text: "Quiz"})
    await resource.create(owner)
    assert await resource.listed(owner, q="z") == [made["id"]]
    assert await resource.listed(owner, q="uI") == [made["id"]]


async def test_a_price_and_an_address_are_not_searched(owner: Person) -> None:
    await PARTS.create(owner, **PARTS.whole())
    assert await PARTS.listed(owner, q="129.90") == []
    assert await PARTS.listed(owner, q="shop.example.com") == []


BAD_QUERIES = {
    "limit=0": "limit",
    "limit=101": "limit",
    "limit=-1": "limit",
    "limit=1.5": "limit",
    "limit=true": "limit",
    "limit=1e1": "limit",
    "limit=NaN": "limit",
    "limit=": "limit",
    f"limit={10**30}": "limit",
    "limit=" + "9" * 5000: "limit",
    "deleted=maybe": "deleted",
    "deleted=2": "deleted",
    "q=": "q",
    "q=%20": "q",
    "q=a%00b": "q",
    "q=a%0Ab": "q",
    "q=" + "x" * 60_000: "q",
    "unknown=1": "unknown",
    "Q=1": "Q",
    "owner_id=1": "owner_id",
    "q[]=1": "q[]",
}


@each_resource
async def test_a_query_that_makes_no_sense_is_refused_by_its_name(resource: Resource, owner: Person) -> None:
    own = {f"{name}=%00": name for name in resource.filtered} | {f"{name}=": name for name in resource.filtered}
    for query, name in (BAD_QUERIES | own).items():
        reply = await owner.client.get(f"{resource.path}?{query}", headers=owner.headers)
        document = problem(reply, 422, "request.invalid")
        assert [error["pointer"] for error in document["errors"]] == [f"query/{name}"], query[:50]


@pytest.mark.parametrize("year", ["1885", "2201", "19.5", "true", "1e400", "%00", str(10**30), "NaN", "1990a"])
async def test_a_year_that_is_none_is_refused(owner: Person, year: str) -> None:
    document = problem(await owner.get(f"/cars?year={year}"), 422, "request.invalid")
    assert [error["pointer"] for error in document["errors"]] == ["query/year"]


@each_resource
async def test_bytes_that_are_no_text_find_nothing_and_break_nothing(resource: Resource, owner: Person) -> None:
    await resource.create(owner)
    url = httpx.URL(f"http://monocoque.test/api/v1{resource.path}", query=b"q=%ed%a0%80%ff")
    reply = await owner.client.get(url, headers=owner.headers)
    assert resource.read_page(reply) == []


@each_resource
async def test_other_operations_do_not_take_the_parameters_of_the_list(resource: Resource, owner: Person) -> None:
    made = await resource.create(owner)
    for method, path in (
        ("GET", resource.at(made["id"])),
        ("POST", resource.path),
        ("DELETE", resource.at(made["id"])),
    ):
        reply = await owner.call(method, path, params={"limit": 1}, json=resource.least if method == "POST" else None)
        document = problem(reply, 422, "request.invalid")
        assert [error["pointer"] for error in document["errors"]] == ["query/limit"]
    assert await resource.listed(owner) == [made["id"]]
