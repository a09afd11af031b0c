"""Asking once: however many ask for the same thing at once, in however many processes, a source is asked once."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any

import httpx
import pytest

from monocoque.types import new_id
from monocoque_media import facade
from monocoque_media.flights import Flights, digest_of
from monocoque_media.jobs import purge_claims
from monocoque_media.queries import claims
from monocoque_media.schemas.items import ItemRead
from monocoque_media.schemas.searching import IngestReport, SearchRead
from tests.conftest import AppFactory, client_of
from tests.modules.media.conftest import Crowd, Open, Outside, checked
from tests.modules.media.vendors import Reply, broken, film, limited, volume
from tests.support import problem, sign_up

FILM = {**film(1), "runtime": 148, "credits": {"cast": [], "crew": []}}


@pytest.fixture
async def processes(open_outside: Open) -> list[Outside]:
    """Two that know of each other by their database alone."""
    return [await open_outside(provider_attempts=1, provider_timeout_seconds=60) for _ in range(2)]


def ingest(outside: Outside, source: str = "tmdb", **body: Any) -> asyncio.Future[httpx.Response]:
    return asyncio.ensure_future(
        outside.person.post(f"/media/ingest/{source}", json=body or {"external_id": "movie/1"})
    )


async def rows(outside: Outside, table: str) -> int:
    async with outside.runtime.database.connection() as connection:
        found: int = await connection.fetchval(f"SELECT count(*) FROM monocoque_media.{table}")
        return found


async def test_two_processes_make_one_row_and_one_call(processes: list[Outside], crowd: Crowd) -> None:
    vendors, answering = processes[0].vendors, asyncio.Event()
    vendors.always("tmdb", Reply(FILM, until=answering))
    asking = [ingest(process) for process in processes * 4]
    await crowd.of(8, following=1)
    answering.set()
    replies = await asyncio.gather(*asking)
    assert sorted(reply.status_code for reply in replies) == [200] * 7 + [201]
    assert len({reply.json()["id"] for reply in replies}) == 1
    assert len(vendors.seen("tmdb")) == 1
    assert (await rows(processes[0], "items"), await rows(processes[0], "sources")) == (1, 1)


async def test_what_was_stored_between_the_look_and_the_claim_is_found(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    flights = facade.flights(outside.runtime)
    claimed = flights._claimed

    async def after_somebody_else(*arguments: Any) -> Any:
        monkeypatch.setattr(flights, "_claimed", claimed)
        other = Flights(outside.runtime.database, 2)
        monkeypatch.setitem(outside.runtime.resources, "media.flights", other)
        checked(await ingest(outside), 201, ItemRead)
        return await claimed(*arguments)

    monkeypatch.setattr(flights, "_claimed", after_somebody_else)
    checked(await ingest(outside), 200, ItemRead)
    assert len(outside.vendors.seen("tmdb")) == 1


async def test_a_failure_is_told_to_all_who_waited_and_not_kept(processes: list[Outside], crowd: Crowd) -> None:
    vendors = processes[0].vendors
    nothing = Reply({"success": False, "status_code": 34}, 404)
    for number, (reply, status, code, detail) in enumerate(
        (
            (broken(500), 502, "media.source_unavailable", "tmdb: failed with status 500"),
            (nothing, 404, "media.source_item_unknown", "tmdb: knows nothing by this id"),
            (limited("0"), 429, "media.source_rate_limited", "tmdb: limits how often it may be asked"),
        )
    ):
        answering = asyncio.Event()
        vendors.always("tmdb", reply.when(answering))
        asking = [ingest(process) for process in processes * 2]
        await crowd.of(4, following=1)
        answering.set()
        for answer in await asyncio.gather(*asking):
            assert problem(answer, status, code)["detail"] == detail
        assert len(vendors.seen("tmdb")) == number + 1
    vendors.always("tmdb", None)
    checked(await ingest(processes[1]), 201, ItemRead)


async def test_a_limit_is_told_to_all_with_its_time(processes: list[Outside], crowd: Crowd) -> None:
    answering = asyncio.Event()
    processes[0].vendors.always("tmdb", limited("17").when(answering))
    asking = [ingest(process) for process in processes]
    await crowd.of(2, following=1)
    answering.set()
    for reply in await asyncio.gather(*asking):
        problem(reply, 429, "media.source_rate_limited")
        assert reply.headers["retry-after"] == "17"
    assert len(processes[0].vendors.seen("tmdb")) == 1


async def test_a_search_of_a_source_is_asked_once_and_counted_once(processes: list[Outside], crowd: Crowd) -> None:
    vendors, answering = processes[0].vendors, asyncio.Event()
    vendors.always("google_books", Reply({"totalItems": 2, "items": [volume(1), volume(2)]}, until=answering))
    bodies = ({"query": "Frankenstein"}, {"query": "  frankenstein "})
    asking = [ingest(process, "google_books", **body) for process in processes for body in bodies]
    await crowd.of(4, following=1)
    answering.set()
    reports = [checked(reply, 200, IngestReport) for reply in await asyncio.gather(*asking)]
    assert sorted((report["created"], report["known"]) for report in reports) == [(0, 2)] * 3 + [(2, 0)]
    assert len({tuple(item["id"] for item in report["items"]) for report in reports}) == 1
    assert len(vendors.seen("google_books")) == 1
    checked(await ingest(processes[0], "google_books", query="frankenstein", year=1818), 200, IngestReport)
    assert len(vendors.seen("google_books")) == 2


async def test_a_refresh_asks_once(processes: list[Outside], crowd: Crowd) -> None:
    vendors, answering = processes[0].vendors, asyncio.Event()
    item = checked(await ingest(processes[0]), 201, ItemRead)
    vendors.always("tmdb", Reply({**FILM, "overview": "A city of two levels."}, until=answering))
    path = f"/media/items/{item['id']}/refresh"
    asking = [asyncio.ensure_future(process.person.post(path)) for process in processes * 3]
    await crowd.of(6, following=1)
    answering.set()
    for reply in await asyncio.gather(*asking):
        refreshed = checked(reply, 200, ItemRead)
        assert (refreshed["description"], refreshed["version"]) == ("A city of two levels.", item["version"] + 1)
    assert len(vendors.seen("tmdb")) == 2


async def test_a_search_outside_asks_each_source_once(processes: list[Outside], crowd: Crowd) -> None:
    vendors, answering = processes[0].vendors, asyncio.Event()
    vendors.always("google_books", Reply({"totalItems": 1, "items": [volume(1)]}, until=answering))
    vendors.always("tmdb", broken(500).when(answering))
    path = "/media/search?q=Franken stein&include_external=true"
    asking = [asyncio.ensure_future(process.person.get(path)) for process in processes * 3]
    await crowd.of(6, following=1)
    answering.set()
    answers = [checked(reply, 200, SearchRead) for reply in await asyncio.gather(*asking)]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["sources"]["tmdb"]["status"] == "unavailable"
    assert "Frankenstein" in [item["title"] for item in answers[0]["items"]]
    assert [len(vendors.seen(source)) for source in ("google_books", "tmdb", "igdb", "lastfm")] == [1, 1, 1, 2]


async def test_a_process_that_died_holds_nobody_up_for_long(open_outside: Open) -> None:
    outside = await open_outside(provider_timeout_seconds=60)
    key, hold = digest_of(("item", "tmdb", "movie/1")), timedelta(seconds=0.6)
    started = time.perf_counter()
    assert await outside.runtime.database.value(claims.TAKE, key=key, holder=new_id(), hold=hold) is not None
    checked(await ingest(outside), 201, ItemRead)
    # Until that claim ended, and not as long as one of its own would last.
    assert 0.5 < time.perf_counter() - started < 30


async def test_a_claim_ends_a_little_after_a_source_has_to_have_answered(open_outside: Open) -> None:
    outside = await open_outside(provider_timeout_seconds=20)
    answering = asyncio.Event()
    outside.vendors.always("tmdb", Reply(FILM, until=answering))
    async with outside.runtime.database.connection() as connection:
        before = await connection.fetchval("SELECT now()")
        under_way = ingest(outside)
        await outside.vendors.asked("tmdb")
        after, ends = await connection.fetchrow("SELECT now(), expires_at FROM monocoque_media.claims")
    assert before + timedelta(seconds=20) < ends <= after + timedelta(seconds=22)
    answering.set()
    await under_way


async def test_nobody_holds_a_connection_while_waiting(
    processes: list[Outside], make_app: AppFactory, migrated_database_url: str, crowd: Crowd
) -> None:
    one, vendors, answering = processes[0], processes[0].vendors, asyncio.Event()
    vendors.always("tmdb", Reply(FILM, until=answering))
    small = await make_app(migrated_database_url, database_pool_size=1)
    async with client_of(small) as client:
        person = await sign_up(client)
        asking = ingest(one)
        await vendors.asked("tmdb")
        waiting = [ingest(Outside(small, person, vendors, one.url)) for _ in range(20)]
        await crowd.of(21, following=1)
        for _ in range(5):
            assert (await person.get("/media/items")).status_code == 200
        assert not asking.done()
        answering.set()
        assert {reply.status_code for reply in await asyncio.gather(*waiting)} == {200}
        assert (await asking).status_code == 201
    assert len(vendors.seen("tmdb")) == 1


async def test_who_leaves_lets_the_next_process_ask(processes: list[Outside], crowd: Crowd) -> None:
    one, other = processes
    one.vendors.script("tmdb", Reply(FILM, until=asyncio.Event()))
    leaving = ingest(one)
    await one.vendors.asked("tmdb")
    staying = ingest(other)
    await crowd.of(2, following=1)
    assert len(one.vendors.seen("tmdb")) == 1
    leaving.cancel()
    started = time.perf_counter()
    checked(await staying, 201, ItemRead)
    # Without waiting for the claim to expire.
    assert time.perf_counter() - started < 30
    assert len(one.vendors.seen("tmdb")) == 2
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_one_who_leaves_takes_nobody_along(outside: Outside) -> None:
    flights, calls = Flights(outside.runtime.database, 20), 0
    going, answering = asyncio.Event(), asyncio.Event()

    async def slow() -> str:
        nonlocal calls
        calls += 1
        going.set()
        await answering.wait()
        return "answer"

    first, second = (asyncio.ensure_future(flights.share(("key",), slow)) for _ in range(2))
    await going.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    answering.set()
    assert await second == ("answer", True)
    assert calls == 1
    assert flights._under_way == {}


async def test_a_process_that_ends_lets_go_of_what_it_asks(outside: Outside) -> None:
    flights, going = Flights(outside.runtime.database, 20), asyncio.Event()

    async def endless() -> None:
        going.set()
        await asyncio.Event().wait()

    under_way = asyncio.ensure_future(flights.share(("key",), endless))
    await going.wait()
    assert await rows(outside, "claims") == 1
    await flights.close()
    assert await rows(outside, "claims") == 0
    with pytest.raises(asyncio.CancelledError):
        await under_way


async def test_claims_say_nothing_of_what_was_asked_and_are_cleared_away(outside: Outside) -> None:
    await outside.search("a private matter", include_external=True)
    async with outside.runtime.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM monocoque_media.claims") == 1
        assert await connection.fetchval("SELECT count(*) FROM monocoque_media.claims c WHERE c::text ~ 'private'") == 0
        await purge_claims(outside.runtime)
        assert await connection.fetchval("SELECT count(*) FROM monocoque_media.claims") == 1
        await connection.execute("UPDATE monocoque_media.claims SET expires_at = now() - interval '1 second'")
        await purge_claims(outside.runtime)
        assert await connection.fetchval("SELECT count(*) FROM monocoque_media.claims") == 0
