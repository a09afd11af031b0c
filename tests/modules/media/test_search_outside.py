"""A search with the sources outside: each takes part as it can, and no source's trouble is the search's."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from monocoque_media import facade
from tests.conftest import AppFactory, client_of
from tests.modules.media.conftest import Open, Outside
from tests.modules.media.vendors import Reply, broken, cut_off, huge, limited, not_json, slow, volume, web_page
from tests.support import sign_up


async def test_sources_are_asked_at_once_and_merged_into_one_answer(outside: Outside) -> None:
    await outside.book("Metropolis")
    found = await outside.search("metropolis", include_external=True, limit=50)
    assert {name: (report["status"], report["found"]) for name, report in found["sources"].items()} == {
        "google_books": ("ok", 3),
        "tmdb": ("ok", 6),
        "igdb": ("ok", 3),
        "lastfm": ("ok", 6),
    }
    titles = [item["title"] for item in found["items"]]
    assert titles[:2] == ["Metropolis", "Metropolis"]
    assert {"Frankenstein", "Tetris", "Series 1", "Gymnopédie No. 1"} <= set(titles)
    assert len({item["id"] for item in found["items"]}) == len(found["items"]) == 19
    again = await outside.search("metropolis", include_external=True, limit=50)
    assert again["items"] == found["items"]


async def test_only_sources_that_fit_the_type_are_asked(outside: Outside) -> None:
    found = await outside.search("frankenstein", type="book", include_external=True)
    statuses = {name: report["status"] for name, report in found["sources"].items()}
    assert statuses == {"google_books": "ok", "tmdb": "skipped", "igdb": "skipped", "lastfm": "skipped"}
    assert {request.source for request in outside.vendors.requests} == {"google_books"}
    assert (await outside.search("frankenstein"))["sources"] == {}


@pytest.mark.parametrize("text", ["ISBN 0-14-044604-4", "isbn-10: 0140446044", "0140446044"])
async def test_a_source_is_asked_for_the_isbn_that_the_catalogue_understands(outside: Outside, text: str) -> None:
    await outside.search(text, type="book", include_external=True)
    assert [request.query["q"] for request in outside.vendors.seen("google_books")] == ["isbn:0140446044"]


async def test_a_source_without_its_key_is_not_configured_and_not_asked(open_outside: Open) -> None:
    outside = await open_outside(tmdb_token=None)
    found = await outside.search("metropolis", include_external=True)
    assert found["sources"]["tmdb"]["status"] == "not_configured"
    assert outside.vendors.seen("tmdb") == []


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (slow(30), "timeout"),
        (limited("30"), "rate_limited"),
        (broken(500), "unavailable"),
        (broken(401), "unavailable"),
        (cut_off(), "unavailable"),
        (web_page(), "unavailable"),
        (huge(), "unavailable"),
        (not_json(), "unavailable"),
    ],
)
async def test_a_source_in_trouble_costs_its_share_and_no_more(open_outside: Open, reply: Reply, status: str) -> None:
    outside = await open_outside(provider_timeout_seconds=3.0, provider_attempts=1)
    await outside.book("Metropolis at Night")
    outside.vendors.always("google_books", reply)
    started = time.perf_counter()
    found = await outside.search("metropolis", include_external=True)
    assert time.perf_counter() - started < 15
    assert found["sources"]["google_books"]["status"] == status
    assert found["sources"]["tmdb"]["status"] == "ok"
    assert "Metropolis at Night" in [item["title"] for item in found["items"]]


async def test_hostile_content_is_kept_out_or_kept_harmless(outside: Outside) -> None:
    nasty = volume(1, title="Nul \u0000 and half \ud800", description="x" * 100_000, publisher="\u0000")
    outside.vendors.always("google_books", Reply({"items": [nasty, {"id": 5}, None, volume(2)]}))
    found = await outside.search("frankenstein", type="book", include_external=True)
    assert found["sources"]["google_books"]["status"] == "ok"
    assert "Frankenstein 2" in [item["title"] for item in found["items"]]
    assert all("\x00" not in item["title"] for item in found["items"])


async def test_no_connection_is_held_while_sources_are_asked(
    open_outside: Open, make_app: AppFactory, migrated_database_url: str
) -> None:
    outside, answering = await open_outside(provider_timeout_seconds=20), asyncio.Event()
    outside.vendors.always("google_books", Reply({"items": [volume(1)]}, until=answering))
    small = await make_app(migrated_database_url, database_pool_size=1)
    async with client_of(small) as client:
        other = replace(outside, app=small, person=await sign_up(client))
        searches = [asyncio.ensure_future(other.search(q, type="book", include_external=True)) for q in "abcd"]
        await outside.vendors.asked("google_books", len(searches))
        assert await other.titles("frankenstein") == []
        assert not any(search.done() for search in searches)
        answering.set()
        for search in searches:
            assert (await search)["sources"]["google_books"]["status"] == "ok"


async def test_sources_are_asked_at_the_same_time(open_outside: Open) -> None:
    outside = await open_outside(provider_timeout_seconds=20)
    await outside.search("warm", include_external=True)
    for source, body in (("google_books", {"items": []}), ("tmdb", {"results": []}), ("igdb", [])):
        outside.vendors.always(source, Reply(body, delay=0.5))
    started = time.perf_counter()
    found = await outside.search("metropolis", include_external=True)
    assert 0.5 <= time.perf_counter() - started < 1
    for source in ("google_books", "tmdb", "igdb"):
        assert found["sources"][source]["status"] == "ok"
        assert 500 <= found["sources"][source]["took_ms"] < 1000


async def test_a_source_that_is_slow_is_given_its_time_and_no_more(open_outside: Open) -> None:
    outside = await open_outside(provider_timeout_seconds=0.5)
    await outside.book("Metropolis")
    for source in ("google_books", "tmdb", "igdb", "lastfm"):
        outside.vendors.always(source, slow(30))
    started = time.perf_counter()
    found = await outside.search("metropolis", include_external=True)
    assert time.perf_counter() - started < 1.5
    assert {report["status"] for report in found["sources"].values()} == {"timeout"}
    assert [item["title"] for item in found["items"]] == ["Metropolis"]


async def test_a_limit_is_told_as_one_and_kept_to(outside: Outside) -> None:
    outside.vendors.always("lastfm", limited("30"))
    for _ in range(2):
        report = (await outside.search("satie", type="music", include_external=True))["sources"]["lastfm"]
        assert (report["status"], report["found"]) == ("rate_limited", 0)
    # A track search and an album search at once, and nothing while it wants to be left alone.
    assert len(outside.vendors.seen("lastfm")) == 2


def test_the_sources_are_ours_and_in_this_order(outside: Outside) -> None:
    assert list(facade.connectors(outside.runtime)) == ["google_books", "tmdb", "igdb", "lastfm"]
