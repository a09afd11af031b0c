"""Whatever a vendor does, a call ends in time, with one of our errors, and without telling a key."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from monocoque_media.connectors import http
from monocoque_media.connectors.base import Source
from monocoque_media.contracts import (
    ItemUnknown,
    NotConfigured,
    ProviderAnswerInvalid,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
)
from tests.modules.media.conftest import Limits
from tests.modules.media.connectors.conftest import Connect
from tests.modules.media.connectors.test_breaker import Clock
from tests.modules.media.vendors import (
    KEYS,
    Reply,
    Vendors,
    broken,
    cut_off,
    elsewhere,
    huge,
    limited,
    not_json,
    packed_huge,
    slow,
    volume,
    web_page,
)

FETCHES = {
    "google_books": "volume000001",
    "tmdb": "movie/1",
    "igdb": "1",
    "lastfm": "track/Erik%20Satie/Gymnop%C3%A9die%20No.%201",
}
NAMES = sorted(FETCHES)


async def failure(connect: Connect, source: str = "google_books", **changes: Any) -> ProviderError:
    """The error of one fetch."""
    with pytest.raises(ProviderError) as caught:
        await connect(**changes)[source].fetch(FETCHES[source])
    assert caught.value.source == source
    return caught.value


@pytest.mark.parametrize("source", NAMES)
async def test_a_slow_source_is_given_up_in_time(source: str, connect: Connect, played: Vendors) -> None:
    played.always(source, slow())
    async with asyncio.timeout(60):
        error = await failure(connect, source, provider_timeout_seconds=0.3)
    assert isinstance(error, ProviderTimeout)
    # The limit of the whole call, and not those of three attempts.
    assert error.detail == "did not answer within 0.3 seconds"
    assert len(played.seen(source)) <= 1


@pytest.mark.parametrize("source", NAMES)
async def test_a_source_that_recovers_is_asked_again(source: str, connect: Connect, played: Vendors) -> None:
    played.script(source, broken(500), broken(503))
    assert (await connect()[source].fetch(FETCHES[source])).source == source
    assert len(played.seen(source)) == 3


@pytest.mark.parametrize("source", NAMES)
async def test_a_source_that_stays_broken_is_unavailable(source: str, connect: Connect, played: Vendors) -> None:
    played.always(source, broken(502))
    error = await failure(connect, source)
    assert isinstance(error, ProviderUnavailable)
    assert "502" in error.detail
    assert len(played.seen(source)) == 3


@pytest.mark.parametrize("source", NAMES)
@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_the_sources_trouble_and_not_asked_again(
    source: str, status: int, connect: Connect, played: Vendors
) -> None:
    played.always(source, Reply(b"error code: 1010", status, {"Content-Type": "text/plain"}))
    error = await failure(connect, source)
    assert isinstance(error, ProviderUnavailable)
    assert error.detail == "refused our key"
    # IGDB tries a new token first.
    assert len(played.seen(source)) == (2 if (source, status) == ("igdb", 401) else 1)


@pytest.mark.parametrize("source", NAMES)
async def test_a_limit_is_waited_out_where_there_is_time(source: str, connect: Connect, played: Vendors) -> None:
    played.script(source, limited("1"))
    started = time.perf_counter()
    await connect()[source].fetch(FETCHES[source])
    assert time.perf_counter() - started >= 1


@pytest.mark.parametrize("source", NAMES)
async def test_a_limit_longer_than_the_call_is_told_at_once(source: str, connect: Connect, played: Vendors) -> None:
    played.always(source, limited("30"))
    error = await failure(connect, source)
    assert isinstance(error, RateLimited)
    assert error.retry_after == 30
    assert len(played.seen(source)) == 1


async def test_a_source_that_asked_to_wait_is_not_asked_meanwhile(connect: Connect, played: Vendors) -> None:
    played.script("google_books", limited("300"))
    google = connect()["google_books"]
    for _ in range(2):
        with pytest.raises(RateLimited) as caught:
            await google.fetch("volume000001")
        assert caught.value.retry_after is not None
        assert 200 < caught.value.retry_after <= 300
    assert len(played.seen("google_books")) == 1
    assert google.health().quota_left == 0


async def test_a_used_up_day_is_not_asked_again(connect: Connect, played: Vendors) -> None:
    message = "Quota exceeded for quota metric 'Queries' and limit 'Queries per day'"
    played.always("google_books", Reply({"error": {"code": 429, "message": message}}, 429))
    error = await failure(connect)
    assert isinstance(error, RateLimited)
    assert error.retry_after is None
    assert len(played.seen("google_books")) == 1


@pytest.mark.parametrize(
    ("fault", "asked"),
    [
        (web_page(), 1),
        (not_json(), 1),
        (Reply(b""), 1),
        (Reply(b"[" * 100_000), 1),
        (Reply(b"null"), 1),
        (Reply(["a list"]), 1),
        (Reply({"no": "volume"}), 1),
        (Reply({}, headers={"Content-Encoding": "br"}), 1),
        (Reply(b"no gzip", headers={"Content-Encoding": "gzip"}), 3),
        (huge(), 1),
        (packed_huge(), 1),
        (cut_off(), 3),
        (Reply({}, 418), 1),
    ],
    ids=["html", "json", "empty", "deep", "null", "list", "else", "br", "gzip", "huge", "packed", "cut", "teapot"],
)
async def test_an_answer_that_is_none_is_said_to_be_invalid(
    fault: Reply, asked: int, connect: Connect, played: Vendors
) -> None:
    played.always("google_books", fault)
    assert isinstance(await failure(connect), ProviderAnswerInvalid)
    assert len(played.seen("google_books")) == asked


async def test_what_is_cut_off_once_is_asked_again(connect: Connect, played: Vendors) -> None:
    played.script("google_books", cut_off())
    assert (await connect()["google_books"].fetch("volume000001")).title == "Frankenstein"


async def test_a_large_answer_is_not_read_to_its_end(connect: Connect, played: Vendors) -> None:
    played.always("google_books", huge(200))
    error = await failure(connect)
    assert "5242880 bytes" in error.detail
    # What was read, and what was on its way.
    assert played.bodies < 100


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(status: int, connect: Connect, played: Vendors) -> None:
    played.script("google_books", elsewhere(f"{played.url}/tmdb/movie/1", status))
    error = await failure(connect)
    assert isinstance(error, ProviderAnswerInvalid)
    assert "redirects" in error.detail
    assert not played.seen("tmdb")


async def test_a_source_that_cannot_be_reached_is_unavailable(connect: Connect) -> None:
    error = await failure(connect, google_books_base_url="http://127.0.0.1:1")
    assert isinstance(error, ProviderUnavailable)


@pytest.mark.parametrize(("source", "key"), [(name.partition("_")[0], name) for name in KEYS])
async def test_a_source_without_its_key_is_not_configured(
    source: str, key: str, connect: Connect, played: Vendors
) -> None:
    source = {"google": "google_books"}.get(source, source)
    connector = connect(**{key: None})[source]
    assert not connector.configured
    assert not connector.health().configured
    with pytest.raises(NotConfigured):
        await connector.fetch(FETCHES[source])
    with pytest.raises(NotConfigured):
        await connector.search("frankenstein")
    assert not played.requests


@pytest.mark.parametrize(
    ("source", "external_id"),
    [
        ("google_books", "../../evil"),
        ("google_books", "volume000001?key=x"),
        ("google_books", ""),
        ("tmdb", "movie/../../x"),
        ("tmdb", "movie/0"),
        ("tmdb", "person/1"),
        ("tmdb", "movie/1/credits"),
        ("tmdb", "movie/1\n"),
        ("igdb", "1; fields *"),
        ("igdb", "1 | id > 0"),
        ("igdb", "\u0661"),
        ("lastfm", "artist/x"),
        ("lastfm", "track//x"),
        ("lastfm", "track/http:/evil/x"),
        ("lastfm", "track/" + "x" * 3000 + "/y"),
        ("lastfm", "track/not-an-mbid"),
    ],
)
async def test_an_id_that_cannot_be_one_is_unknown_without_a_call(
    source: str, external_id: str, connect: Connect, played: Vendors
) -> None:
    with pytest.raises(ItemUnknown):
        await connect()[source].fetch(external_id)
    assert not played.requests


@pytest.mark.parametrize(
    ("source", "external_id"),
    [("google_books", "volume999999"), ("tmdb", "tv/999"), ("igdb", "999"), ("lastfm", "album/Erik%20Satie/Nothing")],
)
async def test_an_id_that_the_source_does_not_know_is_unknown(
    source: str, external_id: str, connect: Connect, played: Vendors
) -> None:
    connector = connect()[source]
    with pytest.raises(ItemUnknown):
        await connector.fetch(external_id)
    assert len(played.seen(source)) == 1
    assert connector.health().breaker == "closed"


async def test_a_failing_source_is_left_alone_and_tried_again_later(connect: Connect, played: Vendors) -> None:
    google = connect(provider_breaker_failures=2, provider_breaker_seconds=30, provider_attempts=1)["google_books"]
    assert isinstance(google, Source)
    clock = google._watch._breaker._clock = Clock()
    played.always("google_books", broken())
    for _ in range(2):
        with pytest.raises(ProviderUnavailable, match="status 500"):
            await google.fetch("volume000001")
    assert google.health().breaker == "open"
    with pytest.raises(ProviderUnavailable, match="left alone"):
        await google.fetch("volume000001")
    assert len(played.seen("google_books")) == 2
    clock.now += 30
    assert google.health().breaker == "half_open"
    with pytest.raises(ProviderUnavailable, match="status 500"):
        await google.fetch("volume000001")
    assert google.health().breaker == "open"
    played.always("google_books", None)
    clock.now += 30
    await google.fetch("volume000001")
    health = google.health()
    assert health.breaker == "closed"
    assert health.last_success is not None


async def test_quota_is_known_where_the_source_tells_it(connect: Connect, played: Vendors) -> None:
    google = connect()["google_books"]
    assert google.health().quota_left is None
    played.script("google_books", Reply(volume(), headers={"X-RateLimit-Remaining": "17"}))
    await google.fetch("volume000001")
    assert google.health().quota_left == 17


@pytest.mark.parametrize(
    "fault", [None, broken(), web_page(), cut_off(), slow(), limited("90"), elsewhere("http://x/")]
)
@pytest.mark.parametrize("source", NAMES)
async def test_no_key_stands_in_a_log_line_or_an_error(
    source: str,
    fault: Reply | None,
    connect: Connect,
    played: Vendors,
    limits: Limits,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for logger in ("", "httpx", "httpcore", "stamina", "monocoque.media.connectors"):
        caplog.set_level(logging.DEBUG, logger=logger or None)
    played.always(source, fault)
    told = ""
    asking = asyncio.ensure_future(connect()[source].fetch(FETCHES[source]))
    if fault == slow():
        await played.asked(source)
        limits.over()
    try:
        await asking
    except ProviderError as error:
        told = f"{error!r} {error} {error.detail} {error.__cause__!r}"
    told += caplog.text
    assert f"source={source}" in told
    assert played.requests
    for key in [*KEYS.values(), played.token]:
        assert key not in told


async def test_keys_arrive_where_the_vendor_wants_them(connect: Connect, played: Vendors) -> None:
    connectors = connect()
    for source, external_id in FETCHES.items():
        await connectors[source].fetch(external_id)
    by_source = {request.source: request for request in played.requests}
    assert by_source["google_books"].query["key"] == KEYS["google_books_api_key"]
    assert by_source["lastfm"].query["api_key"] == KEYS["lastfm_api_key"]
    assert by_source["tmdb"].headers["authorization"] == f"Bearer {KEYS['tmdb_token']}"
    assert by_source["igdb"].headers["client-id"] == KEYS["igdb_client_id"]
    assert f"client_secret={KEYS['igdb_client_secret']}" in by_source["twitch"].body
    assert by_source["lastfm"].headers["user-agent"].startswith("monocoque/")


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("7", 7), ("0", 0), ("999999999", 86_400), ("-1", None), ("soon", None), ("", None), ("\u0667", None)],
)
def test_retry_after_in_seconds(given: str, seconds: float | None) -> None:
    assert http.retry_after(httpx.Headers([(b"Retry-After", given.encode())])) == seconds


def test_retry_after_as_a_date() -> None:
    moment = datetime.now(UTC) + timedelta(seconds=4000)
    found = http.retry_after(httpx.Headers({"Retry-After": format_datetime(moment, usegmt=True)}))
    assert found is not None
    assert 3900 <= found <= 4000


@pytest.mark.parametrize(
    ("body", "document"),
    [
        (b'{"a": "x\\u0000y"}', {"a": "x\ufffdy"}),
        (b'{"a": "\\ud800"}', {"a": "\ufffd"}),
        (b'{"a": NaN, "b": 1e999}', {"a": None, "b": None}),
        (b'{"a": 99999999999999999999999}', {"a": "99999999999999999999999"}),
        ('{"a": "ソニック 🎮"}'.encode(), {"a": "ソニック 🎮"}),
    ],
)
def test_what_postgresql_could_not_store_is_replaced(body: bytes, document: Any) -> None:
    assert http.read_json(body) == document


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"<html>", b"{", b"[" * 5000 + b"]" * 5000, b"1" * 5000])
def test_what_cannot_be_read_is_said_to_be_so(body: bytes) -> None:
    assert http.is_unreadable(http.read_json(body))
