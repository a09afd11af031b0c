"""A source that fails is asked again, later each time; one that says when, then; and never too often at once."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
import stamina
from stamina.instrumentation import RetryDetails, get_on_retry_hooks, set_on_retry_hooks

from monocoque_media.connectors.base import Source
from monocoque_media.connectors.breaker import Pace
from monocoque_media.contracts import ProviderTimeout, ProviderUnavailable
from tests.modules.media.conftest import Limits
from tests.modules.media.connectors.conftest import Connect
from tests.modules.media.vendors import Reply, Vendors, broken, game, limited, slow, song, volume

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
    found, before = Pauses(), get_on_retry_hooks()
    set_on_retry_hooks([found])
    yield found
    set_on_retry_hooks(before)


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


async def test_each_repeat_is_one_line_in_the_log_with_its_cause_and_its_pause(
    connect: Connect, played: Vendors, caplog: pytest.LogCaptureFixture
) -> None:
    played.script("google_books", broken(503), limited("0"), Reply(volume()))
    google = connect(provider_attempts=3, provider_backoff_seconds=BACKOFF)["google_books"]
    await google.fetch("volume000001")
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    expected = [
        r"source=google_books call=/volumes/volume000001 attempt=1 cause=ProviderUnavailable again_in_ms=[0-9]+",
        r"source=google_books call=/volumes/volume000001 attempt=2 cause=RateLimited again_in_ms=0",
    ]
    assert len(told) == len(expected), told
    for line, pattern in zip(told, expected, strict=True):
        assert re.fullmatch(pattern, line)


def test_who_else_repeats_in_this_process_is_told_of_as_before(caplog: pytest.LogCaptureFixture) -> None:
    for attempt in stamina.retry_context(on=ValueError, attempts=2, wait_initial=0, wait_max=0, wait_jitter=0):
        with attempt:
            if attempt.num == 1:
                raise ValueError
    assert [(record.name, record.getMessage()) for record in caplog.records] == [("stamina", "stamina.retry_scheduled")]


def later(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("given", "least", "most"),
    [
        ("3", 3, 3),
        ("0", 0, 0),
        (50, 20, 50),
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


async def test_repeats_share_the_time_of_one_call(connect: Connect, played: Vendors, limits: Limits) -> None:
    played.script("google_books", broken(503), broken(503), slow())
    google = connect(provider_attempts=10, provider_timeout_seconds=17)["google_books"]
    asking = asyncio.ensure_future(google.fetch("volume000001"))
    await played.asked("google_books", 3)
    assert limits.given == [17]
    limits.over()
    with pytest.raises(ProviderTimeout):
        await asking
    assert len(played.seen("google_books")) == 3


async def test_pages_share_the_time_of_one_call(connect: Connect, played: Vendors, limits: Limits) -> None:
    google = connect(provider_timeout_seconds=17)["google_books"]
    for first in (1, 41):
        items = [volume(number) for number in range(first, first + 40)]
        played.script("google_books", Reply({"totalItems": 200, "items": items}))
    played.script("google_books", slow())
    began = asyncio.get_running_loop().time()
    asking = asyncio.ensure_future(google.search("x", max_results=200))
    await played.asked("google_books", 3)
    second, third = limits.until
    assert began + 17 <= second == third <= asyncio.get_running_loop().time() + 17
    limits.over()
    assert len(await asking) == 80
    assert len(played.seen("google_books")) == 3


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
    connector, answering = connect(provider_timeout_seconds=60)[source], asyncio.Event()
    assert isinstance(connector, Source)
    connector._pace = Pace(None)
    await connector.search("warm")
    before = len(played.seen(source))
    played.always(source, Reply(reply, until=answering))
    fetches = asyncio.gather(*(connector.fetch(ids.format(number)) for number in range(1, 31)))
    await played.asked(source, before + 8)
    # Time in which a ninth would arrive: what takes longer than to send a request.
    await connect()["google_books" if source != "google_books" else "tmdb"].search("meanwhile")
    answering.set()
    await fetches
    assert played.most_at_once[source] == 8


async def test_a_place_is_free_while_a_source_is_waited_for(connect: Connect, played: Vendors) -> None:
    google = connect(provider_concurrency=1, provider_timeout_seconds=60)["google_books"]
    played.script("google_books", limited("50"))
    limited_one = asyncio.ensure_future(google.fetch("volume000001"))
    await played.asked("google_books")
    await asyncio.wait_for(google.fetch("volume000002"), 30)
    assert not limited_one.done()
    limited_one.cancel()
    await asyncio.gather(limited_one, return_exceptions=True)
