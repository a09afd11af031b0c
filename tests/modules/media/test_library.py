"""The library: what one keeps a state of, in any order, page after page, and added up."""

from __future__ import annotations

from typing import Any

import pytest

from monocoque_media.schemas.library import LibraryEntry, LibraryStats
from tests.modules.media.catalogue import add_tag, enter, held, held_page, pages, set_state
from tests.support import Person, problem


@pytest.fixture
async def shelf(owner: Person, stranger: Person) -> dict[str, str]:
    """Titles of the owner's library by the item's id; somebody else keeps the same items."""
    longest = "\U0001f4d5" * 500
    wanted: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("book", {"title": "beta", "release_date": "1999"}, {"status": "completed", "rating": 80}),
        ("book", {"title": "Alpha", "release_date": "1999-06-01"}, {"status": "active", "rating": 0}),
        ("game", {"title": "alpha"}, {"status": "completed", "rating": 80, "finished_at": "2024-05-01"}),
        ("music", {"title": longest}, {"status": "dropped", "favorite": True, "finished_at": "2024-04-30"}),
        ("music", {"title": longest}, {"status": "completed", "finished_at": "2024-05-31", "rating": 35}),
    ]
    shelf = {}
    for media_type, values, state in wanted:
        item = await enter(stranger, media_type, **values)
        await set_state(owner, item, **state)
        await set_state(stranger, item, status="planned", rating=1)
        shelf[item["id"]] = item["title"]
    return shelf


async def test_an_entry_tells_the_item_the_state_and_ones_own_tags(owner: Person, stranger: Person) -> None:
    item = await enter(stranger, "music", title="Kind of Blue", details={"artist": "Miles Davis"})
    tag, theirs = await add_tag(owner, "Jazz"), await add_tag(stranger, "Mine")
    await owner.put(f"/media/items/{item['id']}/tags/{tag['id']}")
    await stranger.put(f"/media/items/{item['id']}/tags/{theirs['id']}")
    state = await set_state(owner, item, notes="Again and again.")
    [entry] = held_page(LibraryEntry, await owner.get("/media/library"))
    assert {name: entry[name] for name in state} == state
    assert entry["tags"] == [{"id": tag["id"], "name": "Jazz"}]
    assert (entry["item"]["id"], entry["item"]["creators"]) == (item["id"], "Miles Davis")
    assert await pages(stranger, "/media/library") == []


ORDERS: dict[str, list[int]] = {
    "updated": [4, 3, 2, 1, 0],
    "rating": [2, 0, 4, 1, 3],
    "title": [1, 2, 0, 3, 4],
    "finished": [4, 2, 3, 1, 0],
}


@pytest.mark.parametrize("sort", ORDERS)
@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_each_order_goes_on_where_it_stopped(owner: Person, shelf: dict[str, str], sort: str, limit: int) -> None:
    ids = list(shelf)
    found = await pages(owner, "/media/library", sort=sort, limit=limit)
    assert [ids.index(entry["item"]["id"]) for entry in found] == ORDERS[sort]


async def test_a_cursor_belongs_to_its_order(owner: Person, shelf: dict[str, str]) -> None:
    assert shelf
    cursor = (await owner.get("/media/library", params={"limit": 1})).json()["next_cursor"]
    for query in ({"sort": "title"}, {"sort": "updated"}, {"status": "active"}):
        reply = await owner.get("/media/library", params={"cursor": cursor, **query})
        problem(reply, 422, "request.cursor_invalid")


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ({"status": "completed"}, {0, 2, 4}),
        ({"type": "music"}, {3, 4}),
        ({"favorite": "true"}, {3}),
        ({"favorite": "false"}, {0, 1, 2, 4}),
        ({"rating_min": 80}, {0, 2}),
        ({"rating_max": 35}, {1, 4}),
        ({"rating_min": 0, "rating_max": 0}, {1}),
        ({"rating_min": 50, "rating_max": 40}, set()),
        ({"year": 1999}, {0, 1}),
        ({"year": 1999, "status": "active", "type": "book"}, {1}),
    ],
)
async def test_filters_narrow_it(owner: Person, shelf: dict[str, str], query: dict[str, Any], places: set[int]) -> None:
    ids = list(shelf)
    found = await pages(owner, "/media/library", **query)
    assert {ids.index(entry["item"]["id"]) for entry in found} == places


async def test_a_tag_narrows_it_to_what_has_it(owner: Person, stranger: Person, shelf: dict[str, str]) -> None:
    first, *_ = shelf
    tag, theirs = await add_tag(owner, "One"), await add_tag(stranger, "One")
    await owner.put(f"/media/items/{first}/tags/{tag['id']}")
    await stranger.put(f"/media/items/{first}/tags/{theirs['id']}")
    assert [entry["item"]["id"] for entry in await pages(owner, "/media/library", tag=tag["id"])] == [first]
    assert await pages(owner, "/media/library", tag=theirs["id"]) == []


@pytest.mark.parametrize(
    "query", [{"sort": "colour"}, {"status": "begun"}, {"rating_min": "101"}, {"tag": "x"}, {"year": "0"}, {"q": "x"}]
)
async def test_what_is_no_filter_is_refused(owner: Person, query: dict[str, str]) -> None:
    problem(await owner.get("/media/library", params=query), 422, "request.invalid")


async def test_it_adds_up(owner: Person, shelf: dict[str, str]) -> None:
    reply = await owner.get("/media/library/stats")
    stats = held(LibraryStats, reply)
    whole = {"count": 5, "favorites": 1, "rated": 4, "average_rating": 48.75}
    assert {name: stats[name] for name in whole} == whole
    assert [(sums["status"], sums["count"], sums["average_rating"]) for sums in stats["by_status"]] == [
        ("active", 1, 0.0),
        ("completed", 3, 65.0),
        ("dropped", 1, None),
    ]
    assert {sums["media_type"]: sums["count"] for sums in stats["by_type"]} == {"book": 2, "game": 1, "music": 2}
    assert [(sums["month"], sums["count"]) for sums in stats["by_month"]] == [("2024-05", 2), ("2024-04", 1)]
    again = await owner.get("/media/library/stats", headers={"If-None-Match": reply.headers["etag"]})
    assert again.status_code == 304
    await owner.delete(f"/media/items/{next(iter(shelf))}/state")
    assert (await owner.get("/media/library/stats")).json()["count"] == 4


async def test_an_empty_library_adds_up_to_nothing(owner: Person) -> None:
    stats = held(LibraryStats, await owner.get("/media/library/stats"))
    assert (stats["count"], stats["average_rating"]) == (0, None)
    assert stats["by_status"] == stats["by_type"] == stats["by_month"] == []


async def test_what_is_deleted_is_in_no_library(owner: Person) -> None:
    item = await enter(owner)
    await set_state(owner, item)
    assert (await owner.delete(f"/media/items/{item['id']}")).status_code == 204
    assert await pages(owner, "/media/library") == []
    assert (await owner.get("/media/library/stats")).json()["count"] == 0
    await owner.post(f"/media/items/{item['id']}/restore")
    assert len(await pages(owner, "/media/library")) == 1
