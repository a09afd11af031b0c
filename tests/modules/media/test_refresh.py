"""A refresh brings what the sources know now, and never takes away what a person said."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from monocoque_media.contracts import BookDetails, NormalisedItem
from monocoque_media.keeping_service import upsert
from monocoque_media.schemas.items import ItemRead, ItemWithRead
from tests.modules.media.conftest import Open, Outside, checked
from tests.modules.media.vendors import Reply, broken, film, volume
from tests.support import problem

CHANGED = {
    "title": "Metropolis, restored",
    "overview": "A city of two levels.",
    "release_date": "1927-03-13",
    "runtime": 153,
    "credits": {"cast": [], "crew": [{"name": "Thea von Harbou", "job": "Director"}]},
}


async def metropolis(outside: Outside) -> str:
    reply = await outside.person.post("/media/ingest/tmdb", json={"external_id": "movie/1"})
    return str(checked(reply, 201, ItemRead)["id"])


async def refresh(outside: Outside, item_id: str, mode: str = "missing") -> dict[str, Any]:
    reply = await outside.person.post(f"/media/items/{item_id}/refresh?mode={mode}")
    item: dict[str, Any] = checked(reply, 200, ItemRead)
    assert reply.headers["etag"] == f'"{item["version"]}"'
    return item


async def statement(outside: Outside, sql: str, *arguments: Any) -> None:
    connection = await asyncpg.connect(outside.url)
    await connection.execute(sql, *arguments)
    await connection.close()


async def lock(outside: Outside, item_id: str, *fields: str) -> None:
    sql = "UPDATE monocoque_media.items SET locked_fields = $2 WHERE id = $1"
    await statement(outside, sql, item_id, list(fields))


async def test_missing_fills_what_is_empty_and_changes_nothing_else(outside: Outside) -> None:
    item_id = await metropolis(outside)
    outside.vendors.always("tmdb", Reply(film(1, **CHANGED)))
    item = await refresh(outside, item_id)
    assert item["description"] == "A city of two levels."
    assert (item["title"], item["release_date"]) == ("Metropolis", "1927-02-06")
    assert (item["details"]["runtime"], item["details"]["directors"]) == (148, ["Fritz Lang"])
    assert item["version"] == 2


async def test_all_replaces_what_the_source_tells(outside: Outside) -> None:
    item_id = await metropolis(outside)
    outside.vendors.always("tmdb", Reply(film(1, **CHANGED)))
    item = await refresh(outside, item_id, "all")
    assert (item["title"], item["release_date"]) == ("Metropolis, restored", "1927-03-13")
    assert (item["details"]["runtime"], item["details"]["directors"]) == (153, ["Thea von Harbou"])
    assert await outside.titles("harbou restored") == ["Metropolis, restored"]
    assert await outside.titles("fritz lang") == []


@pytest.mark.parametrize("mode", ["missing", "all"])
async def test_a_refresh_without_news_is_no_new_version(outside: Outside, mode: str) -> None:
    item_id = await metropolis(outside)
    assert (await refresh(outside, item_id, mode))["version"] == 1


@pytest.mark.parametrize("mode", ["missing", "all"])
async def test_what_is_locked_survives(outside: Outside, mode: str) -> None:
    item_id = await metropolis(outside)
    await lock(outside, item_id, "title", "description", "release_date", "directors", "runtime", "metadata")
    before = (await outside.person.get(f"/media/items/{item_id}")).json()
    outside.vendors.always("tmdb", Reply(film(1, **CHANGED, genres=[{"id": 1, "name": "Drama"}])))
    after = await refresh(outside, item_id, mode)
    for field in ("title", "description", "release_date", "metadata"):
        assert after[field] == before[field], field
    assert after["details"]["directors"] == ["Fritz Lang"]
    assert after["details"]["runtime"] == 148
    assert await outside.titles("fritz lang") == ["Metropolis"]


@pytest.mark.parametrize("mode", ["missing", "all"])
async def test_what_a_person_entered_and_edited_survives(outside: Outside, mode: str) -> None:
    item_id = await outside.book("My Frankenstein", release_date="1831", details={"isbn_13": "9780141439471"})
    reply = await outside.person.post("/media/ingest/google_books", json={"external_id": "volume000001"})
    assert checked(reply, 200, ItemRead)["id"] == item_id
    reply = await outside.person.patch(f"/media/items/{item_id}", json={"subtitle": "or, mine"})
    assert reply.status_code == 200, reply.text
    news = volume(1, title="Frankenstein", subtitle="or, theirs", description="News.", pageCount=280)
    outside.vendors.always("google_books", Reply(news))
    item = await refresh(outside, item_id, mode)
    assert (item["title"], item["subtitle"], item["release_date"]) == ("My Frankenstein", "or, mine", "1831")
    assert (item["description"], item["details"]["page_count"]) == ("News.", 280)
    assert item["own"] is True


async def test_the_new_answer_is_kept(outside: Outside) -> None:
    item_id = await metropolis(outside)
    outside.vendors.always("tmdb", Reply(film(1, **CHANGED)))
    await refresh(outside, item_id)
    reply = await outside.person.get(f"/media/items/{item_id}?include=raw")
    [source] = checked(reply, 200, ItemWithRead)["sources"]
    assert source["raw_payload"]["title"] == "Metropolis, restored"


async def test_the_two_forms_of_an_isbn_stay_together(outside: Outside) -> None:
    database = outside.runtime.database
    base: dict[str, Any] = {"media_type": "book", "title": "Frankenstein", "source": "google_books", "kind": "volume"}
    old = NormalisedItem(
        **base, external_id="volume000001", details=BookDetails(isbn_13="9780441478125"), raw_payload={}
    )
    [taken] = await upsert(database, [old])
    item = await refresh(outside, str(taken.item_id), "all")
    assert (item["details"]["isbn_13"], item["details"]["isbn_10"]) == ("9780141439471", "0141439475")
    await lock(outside, str(taken.item_id), "isbn_10")
    french = [{"type": "ISBN_13", "identifier": "9791032305690"}]
    outside.vendors.always("google_books", Reply(volume(1, industryIdentifiers=french)))
    item = await refresh(outside, str(taken.item_id), "all")
    assert (item["details"]["isbn_13"], item["details"]["isbn_10"]) == ("9780141439471", "0141439475")
    await lock(outside, str(taken.item_id))
    item = await refresh(outside, str(taken.item_id), "all")
    assert (item["details"]["isbn_13"], item["details"]["isbn_10"]) == ("9791032305690", None)


async def test_of_two_sources_the_first_is_believed_and_one_may_fail(open_outside: Open) -> None:
    outside = await open_outside(provider_attempts=1)
    item_id = await metropolis(outside)
    sql = (
        "INSERT INTO monocoque_media.sources (id, item_id, source, kind, external_id, raw_payload) "
        "VALUES (uuidv7(), $1, 'tmdb', 'movie', 'movie/2', '{}')"
    )
    await statement(outside, sql, item_id)
    one, other = film(1, overview="One.", runtime=1), film(2, overview="Other.", tagline="More.")
    outside.vendors.at("/movie/1", Reply(one))
    outside.vendors.at("/movie/2", Reply(other))
    for mode in ("missing", "all"):
        item = await refresh(outside, item_id, mode)
        assert (item["title"], item["description"]) == ("Metropolis", "One."), mode
    outside.vendors.at("/movie/1", broken(500))
    outside.vendors.at("/movie/2", Reply(film(2, overview="Only one left.")))
    assert (await refresh(outside, item_id, "all"))["description"] == "Only one left."
    outside.vendors.at("/movie/2", broken(500))
    reply = await outside.person.post(f"/media/items/{item_id}/refresh")
    problem(reply, 502, "media.source_unavailable")


async def test_there_is_nothing_to_refresh_from(open_outside: Open) -> None:
    outside = await open_outside()
    own = await outside.book("Only mine")
    problem(await outside.person.post(f"/media/items/{own}/refresh"), 409, "media.source_missing")
    item_id = await metropolis(outside)
    bare = await open_outside(tmdb_token=None)
    problem(await bare.person.post(f"/media/items/{item_id}/refresh"), 409, "media.source_missing")


async def test_a_refresh_of_nothing_of_a_merged_item_or_in_an_unknown_mode(outside: Outside) -> None:
    item_id = await metropolis(outside)
    nobody = "0198c5a0-f1a2-7c8e-9d3b-5f6a7b8c9d0e"
    problem(await outside.person.post(f"/media/items/{nobody}/refresh"), 404, "media.not_found")
    problem(await outside.person.post(f"/media/items/{item_id}/refresh?mode=some"), 422, "request.invalid")
    problem(await outside.person.client.post(f"/media/items/{item_id}/refresh"), 401, "auth.unauthenticated")
    into = await outside.book("The one that stays")
    sql = "UPDATE monocoque_media.items SET deleted_at = now(), merged_into = $2 WHERE id = $1"
    await statement(outside, sql, item_id, into)
    reply = await outside.person.post(f"/media/items/{item_id}/refresh?mode=all")
    problem(reply, 308, "media.merged")
    target = reply.request.url.join(reply.headers["location"])
    assert target.path == f"/api/v1/media/items/{into}/refresh"
    assert target.query == b"mode=all"
