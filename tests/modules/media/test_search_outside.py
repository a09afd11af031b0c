"""A search with the sources outside: each takes part as it can, and no source's trouble is the search's."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from monocoque_media import facade
from tests.conftest import AppFactory, client_of
from tests.modules.media.conftest import Limits, Open, Outside
from tests.modules.media.vendors import Reply, broken, cut_off, huge, limited, not_json, slow, volume, web_page
from tests.support import sign_up, until


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
    outside = await open_outside(provider_attempts=1)
    await outside.book("Metropolis at Night")
    outside.vendors.always("google_books", reply)
    found = await outside.search("metropolis", include_external=True)
    assert found["sources"]["google_books"]["status"] == status
    assert found["sources"]["tmdb"]["status"] == "ok"
    assert "Metropolis at Night" in [item["title"] for item in found["items"]]


async def test_a_source_that_is_slow_costs_its_share_and_no_more(outside: Outside, limits: Limits) -> None:
    await outside.book("Metropolis at Night")
    outside.vendors.always("google_books", slow())
    searching = asyncio.ensure_future(outside.search("metropolis", include_external=True))
    await outside.vendors.asked("google_books")
    others = [source for name, source in facade.connectors(outside.runtime).items() if name != "google_books"]
    await until(lambda: all(source.health().last_success for source in others))
    limits.over()
    found = await searching
    assert {name: report["status"] for name, report in found["sources"].items()} == {
        "google_books": "timeout",
        "tmdb": "ok",
        "igdb": "ok",
        "lastfm": "ok",
    }
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


async def test_sources_are_asked_at_the_same_time(outside: Outside) -> None:
    vendors, answering = outside.vendors, asyncio.Event()
    bodies: dict[str, Any] = {"google_books": {"items": []}, "tmdb": {"results": []}, "igdb": []}
    for source, body in bodies.items():
        vendors.always(source, Reply(body, until=answering))
    started = time.perf_counter()
    searching = asyncio.ensure_future(outside.search("metropolis", include_external=True))
    for source in bodies:
        await vendors.asked(source)
    # None has been answered, and all have been asked.
    await asyncio.sleep(0.1)
    answering.set()
    found = await searching
    took_ms = (time.perf_counter() - started) * 1000
    for source in bodies:
        assert found["sources"][source]["status"] == "ok"
        assert 100 <= found["sources"][source]["took_ms"] <= took_ms + 1


async def test_a_source_that_is_slow_is_given_its_time_and_no_more(open_outside: Open, limits: Limits) -> None:
    outside = await open_outside(provider_timeout_seconds=17)
    await outside.book("Metropolis")
    sources = ("google_books", "tmdb", "igdb", "lastfm")
    for source in sources:
        outside.vendors.always(source, slow())
    searching = asyncio.ensure_future(outside.search("metropolis", include_external=True))
    for source in sources:
        await outside.vendors.asked(source)
    assert set(limits.given) == {17}
    limits.over()
    found = await searching
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
