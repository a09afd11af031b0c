"""What is known already: deleted things come back as they were, and nobody's entry stands for a book of others."""

from __future__ import annotations

from typing import Any

import pytest

from monocoque_media.schemas.items import ItemRead, ItemWithRead
from tests.modules.media.catalogue import make_admin
from tests.modules.media.conftest import Outside, checked
from tests.modules.media.vendors import Reply, volume
from tests.support import Person, sign_up

ISBN = "9780141439471"
SPAM = {
    "media_type": "book",
    "title": "BUY PILLS",
    "cover_image_url": "https://pills.example/x.png",
    "details": {"isbn_13": ISBN},
}


async def taken_in(person: Person, source: str, external_id: str, status: int) -> dict[str, Any]:
    reply = await person.post(f"/media/ingest/{source}", json={"external_id": external_id})
    found: dict[str, Any] = checked(reply, status, ItemRead)
    return found


async def with_all(person: Person, item_id: str) -> dict[str, Any]:
    reply = await person.get(f"/media/items/{item_id}?include=sources,state,tags")
    found: dict[str, Any] = checked(reply, 200, ItemWithRead)
    return found


@pytest.mark.parametrize("how", ["fetched", "found", "searched"])
async def test_what_was_deleted_comes_back_with_all_that_hung_on_it(outside: Outside, how: str) -> None:
    item = await taken_in(outside.person, "tmdb", "movie/1", 201)
    path = f"/media/items/{item['id']}"
    assert (await outside.person.put(f"{path}/state", json={"status": "completed", "rating": 90})).status_code == 200
    before = await with_all(outside.person, item["id"])
    admin = await make_admin(outside.app, await sign_up(outside.person.client))
    assert (await admin.delete(path)).status_code == 204
    assert (await outside.person.get(path)).status_code == 404
    if how == "fetched":
        assert (await taken_in(outside.person, "tmdb", "movie/1", 200))["id"] == item["id"]
    elif how == "found":
        reply = await outside.person.post("/media/ingest/tmdb", json={"query": "metropolis", "type": "movie"})
        assert (item["id"], False) in [(one["id"], one["created"]) for one in reply.json()["items"]]
    else:
        assert item["id"] in [one["id"] for one in (await outside.search("metropolis", include_external=True))["items"]]
    after = await with_all(outside.person, item["id"])
    assert after["version"] > before["version"]
    changing = ("version", "updated_at", "sources")
    assert {**after, **dict.fromkeys(changing)} == {**before, **dict.fromkeys(changing)}
    assert [source["external_id"] for source in after["sources"]] == ["movie/1"]
    assert checked(await admin.post(f"{path}/restore"), 200, ItemRead)["version"] == after["version"]


async def test_a_book_that_was_deleted_comes_back_by_its_isbn_too(outside: Outside) -> None:
    item = await taken_in(outside.person, "google_books", "volume000001", 201)
    admin = await make_admin(outside.app, await sign_up(outside.person.client))
    assert (await admin.delete(f"/media/items/{item['id']}")).status_code == 204
    identifiers = volume(1)["volumeInfo"]["industryIdentifiers"]
    outside.vendors.script("google_books", Reply(volume(2, industryIdentifiers=identifiers)))
    assert (await taken_in(outside.person, "google_books", "volume000002", 200))["id"] == item["id"]
    sources = (await with_all(outside.person, item["id"]))["sources"]
    assert [source["external_id"] for source in sources] == ["volume000001", "volume000002"]


async def test_what_a_person_entered_and_deleted_stays_deleted(outside: Outside) -> None:
    entered = await outside.book("Frankenstein, mine", details={"isbn_13": ISBN})
    assert (await taken_in(outside.person, "google_books", "volume000001", 200))["id"] == entered
    assert (await outside.person.delete(f"/media/items/{entered}")).status_code == 204
    assert (await taken_in(outside.person, "google_books", "volume000001", 201))["id"] != entered
    assert (await outside.person.get(f"/media/items/{entered}")).status_code == 404


async def test_an_entry_with_an_isbn_stands_for_that_book_to_who_entered_it_alone(outside: Outside) -> None:
    stranger = await sign_up(outside.person.client)
    spam = checked(await stranger.post("/media/items", json=SPAM), 201, ItemRead)
    item = await taken_in(outside.person, "google_books", "volume000001", 201)
    assert (item["title"], item["own"]) == ("Frankenstein", False)
    found = await outside.search(ISBN, include_external=True)
    assert item["id"] in [one["id"] for one in found["items"]]
    assert (await with_all(stranger, spam["id"]))["sources"] == []


async def test_an_entry_is_not_found_for_others_by_the_isbn_that_a_source_tells(outside: Outside) -> None:
    stranger = await sign_up(outside.person.client)
    spam = checked(await stranger.post("/media/items", json=SPAM), 201, ItemRead)
    found = await outside.search("frankenstein", include_external=True)
    assert "BUY PILLS" not in [one["title"] for one in found["items"]]
    assert "Frankenstein" in [one["title"] for one in found["items"]]
    assert (await with_all(stranger, spam["id"]))["sources"] == []
