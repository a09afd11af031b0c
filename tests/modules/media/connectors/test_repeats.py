"""A source that fails is asked again, later each time; one that says when, then; and never too often at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from monocoque_media.connectors.base import Source
from monocoque_media.connectors.breaker import Pace
from monocoque_media.contracts import ProviderTimeout, ProviderUnavailable
from tests.modules.media.connectors.conftest import Connect
from tests.modules.media.vendors import Reply, Vendors, broken, game, limited, song, volume

BACKOFF = 0.004


class Pauses(list[float]):
    """The seconds to wait before each further attempt, as they are decided."""

    def __init__(self) -> None:
        super().__init__()
        self.decided = asyncio.Event()

    def __call__(self, details: RetryDetails) -> None:
        self.append(details.wait_for)
        self.decided.set()


@pytest.fixture
def pauses() -> Iterator[Pauses]:
    found = Pauses()
    set_on_retry_hooks([found])
    yield found
    set_on_retry_hooks(None)


async def test_pauses_double_with_jitter_up_to_a_limit(connect: Connect, played: Vendors, pauses: Pauses) -> None:
    played.always("google_books", broken(503))
    runs = []
    for _ in range(2):
        google = connect(provider_attempts=8, provider_backoff_seconds=BACKOFF)["google_books"]
        with pytest.raises(ProviderUnavailable):
            await google.fetch("volume000001")
        runs.append(list(pauses))
        pauses.clear()
    for run in runs:
        assert len(run) == 7
        for number, pause in enumerate(run):
            least = min(BACKOFF * 2**number, BACKOFF * 8)
            assert least - 1e-9 <= pause <= min(least + BACKOFF, BACKOFF * 8) + 1e-9
        assert all(before < after for before, after in pairwise(run[:4]))
    assert runs[0][:3] != runs[1][:3]


def later(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("given", "least", "most"),
    [
        ("3", 3, 3),
        ("0", 0, 0),
        (8, 5, 8),
        (-60, 0, 0),
        ("soon", 0.2, 0.4),
        (None, 0.2, 0.4),
    ],
    ids=["seconds", "none", "date", "past", "nonsense", "silent"],
)
async def test_a_source_that_says_when_is_asked_then(
    status: int, given: str | int | None, least: float, most: float, connect: Connect, played: Vendors, pauses: Pauses
) -> None:
    said = later(given) if isinstance(given, int) else given
    headers = {} if said is None else {"Retry-After": said}
    played.always("google_books", Reply({}, status, headers))
    google = connect(provider_timeout_seconds=60, provider_backoff_seconds=0.2)["google_books"]
    asking = asyncio.ensure_future(google.fetch("volume000001"))
    await pauses.decided.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert least <= pauses[0] <= most


async def test_repeats_share_the_time_of_one_call(connect: Connect, played: Vendors) -> None:
    played.always("google_books", replace(broken(503), delay=0.15))
    google = connect(provider_attempts=10, provider_timeout_seconds=0.4)["google_books"]
    started = time.perf_counter()
    with pytest.raises(ProviderTimeout):
        await google.fetch("volume000001")
    assert time.perf_counter() - started < 0.8
    assert 2 <= len(played.seen("google_books")) <= 3


async def test_pages_share_the_time_of_one_call(connect: Connect, played: Vendors) -> None:
    google = connect(provider_timeout_seconds=0.5)["google_books"]
    for first in range(1, 200, 40):
        items = [volume(number) for number in range(first, first + 40)]
        played.script("google_books", Reply({"totalItems": 200, "items": items}, delay=0.2))
    started = time.perf_counter()
    assert len(await google.search("x", max_results=200)) == 80
    assert 0.4 < time.perf_counter() - started < 0.8


@pytest.mark.parametrize(
    ("source", "reply", "ids"),
    [
        ("google_books", volume(), "volume{:06}"),
        ("tmdb", {"id": 1, "title": "One"}, "movie/{}"),
        ("igdb", [game()], "{}"),
        ("lastfm", {"album": song()}, "album/Erik%20Satie/{}"),
    ],
)
async def test_a_source_gets_eight_requests_at_once_at_most(
    source: str, reply: object, ids: str, connect: Connect, played: Vendors
) -> None:
    connector = connect(provider_timeout_seconds=5)[source]
    assert isinstance(connector, Source)
    connector._pace = Pace(None)
    await connector.search("warm")
    played.most_at_once = 0
    # Long enough for eight to arrive, also where the machine is busy with other things.
    played.always(source, Reply(reply, delay=0.2))
    await asyncio.gather(*(connector.fetch(ids.format(number)) for number in range(1, 31)))
    assert played.most_at_once == 8


async def test_a_place_is_free_while_a_source_is_waited_for(connect: Connect, played: Vendors) -> None:
    google = connect(provider_concurrency=1, provider_timeout_seconds=5)["google_books"]
    played.script("google_books", limited("1"))
    limited_one = asyncio.ensure_future(google.fetch("volume000001"))
    await played.asked("google_books")
    await asyncio.wait_for(google.fetch("volume000002"), 0.8)
    assert not limited_one.done()
    limited_one.cancel()
    await asyncio.gather(limited_one, return_exceptions=True)
