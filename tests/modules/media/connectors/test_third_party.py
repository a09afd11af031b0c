"""A third party's module adds a source: through its contract alone, and whatever it does, a call is held to ours."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from functools import partial
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest

from monocoque.failures import StartupError
from monocoque.lifecycle import build_runtime
from monocoque.modules import Module
from monocoque.registry import Installed, discover, order
from monocoque.runtime import Runtime
from monocoque.settings import Settings
from monocoque_media.connectors.registry import build_connectors, close_connectors, provided_connectors
from monocoque_media.contracts import (
    CONNECTORS,
    BookDetails,
    Connector,
    ConnectorHealth,
    ItemUnknown,
    MediaType,
    NormalisedItem,
    NotConfigured,
    PartialDate,
    ProviderAnswerInvalid,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
)
from monocoque_media.settings import MediaSettings
from tests.modules.media.conftest import Limits
from tests.support import until

OURS = MediaSettings(_env_file=None)
ITEM = NormalisedItem(
    media_type="book",
    title="Little Nemo in Slumberland",
    details=BookDetails(authors=("Winsor McCay",)),
    release=PartialDate(date(1905, 10, 15), "day"),
    source="acme_comics",
    kind="strip",
    external_id="nemo",
    raw_payload={"id": "nemo"},
)


class Comics:
    """A connector as somebody else writes it."""

    name = "acme_comics"
    media_types: frozenset[MediaType] = frozenset({"book"})
    configured = True

    def __init__(self) -> None:
        self.answer: Any = ITEM
        self.told: Any = ConnectorHealth(configured=True, breaker="closed")
        self.asked = 0
        self.at_once = self.most_at_once = 0
        self.closed = False

    async def search(
        self, query: str, *, media_type: MediaType | None = None, year: int | None = None, max_results: int = 20
    ) -> list[NormalisedItem]:
        found = await self.fetch(query)
        return [found] if isinstance(found, NormalisedItem) else found

    async def fetch(self, external_id: str) -> NormalisedItem:
        self.asked += 1
        if isinstance(self.answer, BaseException):
            raise self.answer
        if self.answer == "slow":
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            try:
                await asyncio.sleep(600)
            finally:
                self.at_once -= 1
        found: NormalisedItem = self.answer
        return found

    def health(self) -> ConnectorHealth:
        if isinstance(self.told, BaseException):
            raise self.told
        found: ConnectorHealth = self.told
        return found

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def package() -> Iterator[ModuleType]:
    """Somebody else's package, importable by its name."""
    made = ModuleType(f"acme_{uuid4().hex}")
    sys.modules[made.__name__] = made
    yield made
    del sys.modules[made.__name__]


def runtime_with(package: ModuleType) -> Runtime:
    """A runtime of the installed modules and one more, which is not connected."""
    comics = Module(
        name="comics",
        package=package.__name__,
        summary="Comics from elsewhere.",
        requires=("media",),
        provides={CONNECTORS: f"{package.__name__}:make"},
    )
    wanted = [found for found in discover() if found.module.name in {"auth", "media"}]
    settings = Settings(_env_file=None, environment="test")
    return build_runtime(settings, order([*wanted, Installed(comics, "1")]), "postgresql://127.0.0.1:1/nowhere")


@asynccontextmanager
async def comics(**changes: Any) -> AsyncIterator[tuple[Comics, Connector]]:
    """A foreign source, and what calls it."""
    inner = Comics()
    settings = MediaSettings(_env_file=None, **{"provider_timeout_seconds": 20, **changes})
    connectors = build_connectors(settings, [inner])
    yield inner, connectors["acme_comics"]


async def test_a_module_adds_a_source_through_its_contract(package: ModuleType) -> None:
    inner = Comics()
    vars(package)["make"] = lambda _runtime: inner
    runtime = runtime_with(package)
    connectors = build_connectors(runtime.settings_of("media", MediaSettings), provided_connectors(runtime))
    assert list(connectors) == ["google_books", "tmdb", "igdb", "lastfm", "acme_comics"]
    assert all(isinstance(connector, Connector) for connector in connectors.values())
    source = connectors["acme_comics"]
    assert await source.fetch("nemo") == ITEM
    assert await source.search("nemo", media_type="book") == [ITEM]
    assert await source.search("nemo", media_type="game") == []
    assert source.health().last_success is not None
    await close_connectors(connectors)
    assert inner.closed


@pytest.mark.parametrize("make", [None, Comics, lambda runtime: runtime.no_such_thing], ids=["none", "arity", "broken"])
def test_a_maker_that_is_none_is_told_with_its_module(make: Any, package: ModuleType) -> None:
    vars(package)["make"] = make
    with pytest.raises(StartupError, match="The module 'comics' cannot make its media source"):
        provided_connectors(runtime_with(package))


@pytest.mark.parametrize("name", ["Acme", "", "a/b", "x" * 41, 7])
def test_a_source_with_no_proper_name_is_refused(name: Any) -> None:
    inner = Comics()
    inner.name = name
    with pytest.raises(StartupError, match="no connector"):
        build_connectors(OURS, [inner])


def test_what_is_no_connector_is_refused() -> None:
    with pytest.raises(StartupError, match="no connector: str"):
        build_connectors(OURS, ["tmdb"])


def test_the_name_of_a_source_is_taken_once() -> None:
    inner = Comics()
    inner.name = "tmdb"
    with pytest.raises(StartupError, match="Two media sources are named 'tmdb'"):
        build_connectors(OURS, [inner])


@pytest.mark.parametrize("answer", [None, {}, ["x"], replace(ITEM, source="tmdb"), [replace(ITEM, source="tmdb")]])
async def test_what_is_no_item_of_its_own_is_an_invalid_answer(answer: Any) -> None:
    async with comics() as (inner, source):
        inner.answer = answer
        with pytest.raises(ProviderAnswerInvalid):
            await source.fetch("nemo")
        with pytest.raises(ProviderAnswerInvalid):
            await source.search("nemo")


async def test_what_is_no_item_of_its_own_costs_no_other(caplog: pytest.LogCaptureFixture) -> None:
    async with comics() as (inner, source):
        inner.answer = [None, ITEM, replace(ITEM, source="tmdb"), "x", replace(ITEM, external_id="second")]
        assert [item.external_id for item in await source.search("nemo", max_results=2)] == ["nemo", "second"]
        assert "source=acme_comics call=search left_out=3" in caplog.text
        assert source.health().breaker == "closed"


NOON = datetime(2024, 5, 17, 12, tzinfo=UTC)


async def test_what_it_tells_of_its_health_is_shown() -> None:
    async with comics() as (inner, source):
        inner.told = ConnectorHealth(configured=False, breaker="open", last_success=NOON, quota_left=17)
        assert source.health() == ConnectorHealth(
            configured=True, breaker="closed", last_success=NOON, quota_left=17
        ), "whether it may be asked is ours to say"
        await source.fetch("nemo")
        seen = source.health().last_success
        assert seen is not None
        assert seen > NOON
        inner.told = replace(inner.told, quota_left=None)
        inner.answer = RateLimited("acme_comics", "wait")
        with pytest.raises(RateLimited):
            await source.fetch("nemo")
        assert source.health().quota_left == 0
        inner.answer = ITEM
        await source.fetch("nemo")
        assert source.health().quota_left is None


async def _later() -> ConnectorHealth:
    raise AssertionError("not awaited")


NO_CALLS: tuple[Any, ...] = (-1, True, "3", 2.5, 2**80)
NO_MOMENTS: tuple[Any, ...] = (
    "today",
    0,
    NOON.replace(tzinfo=None),
    datetime.min.replace(tzinfo=timezone(timedelta(hours=9))),
)


@pytest.mark.parametrize(
    "told",
    [
        lambda: None,
        lambda: {"quota_left": 3},
        lambda: RuntimeError("no idea"),
        _later,
        *(partial(ConnectorHealth, configured=True, breaker="closed", quota_left=value) for value in NO_CALLS),
        *(partial(ConnectorHealth, configured=True, breaker="closed", last_success=value) for value in NO_MOMENTS),
    ],
)
async def test_nonsense_about_its_health_is_passed_over(told: Callable[[], Any]) -> None:
    async with comics() as (inner, source):
        inner.told = told()
        assert source.health() == ConnectorHealth(configured=True, breaker="closed")


async def test_more_than_was_asked_for_is_cut() -> None:
    async with comics() as (inner, source):
        inner.answer = [ITEM] * 10
        assert len(await source.search("nemo", max_results=3)) == 3


async def test_a_bug_is_the_sources_trouble() -> None:
    async with comics(provider_breaker_failures=2) as (inner, source):
        inner.answer = KeyError("id")
        for _ in range(2):
            with pytest.raises(ProviderUnavailable, match="acme_comics failed"):
                await source.fetch("nemo")
        assert source.health().breaker == "open"
        with pytest.raises(ProviderUnavailable, match="left alone"):
            await source.fetch("nemo")
        assert inner.asked == 2


async def test_a_slow_source_is_given_up_in_time_and_left_alone_when_it_stays_slow() -> None:
    async with comics(provider_timeout_seconds=0.05, provider_breaker_failures=2) as (inner, source):
        inner.answer = "slow"
        for ask in (source.search, source.fetch):
            with pytest.raises(ProviderTimeout):
                await ask("nemo")
        with pytest.raises(ProviderUnavailable, match="left alone"):
            await source.fetch("nemo")
        assert (inner.asked, source.health().breaker) == (2, "open")


async def test_it_gets_eight_calls_at_once_at_most_and_waiting_is_part_of_its_time(limits: Limits) -> None:
    async with comics(provider_timeout_seconds=17, provider_breaker_failures=100) as (inner, source):
        inner.answer = "slow"
        asking = [asyncio.ensure_future(source.fetch(str(number))) for number in range(20)]
        await until(lambda: inner.at_once == 8)
        # Those whose turn has not come have their time from now on, too.
        assert limits.given == [17] * 20
        limits.over()
        results = await asyncio.gather(*asking, return_exceptions=True)
        assert {type(result) for result in results} == {ProviderTimeout}
        assert (inner.most_at_once, len(limits.given)) == (8, 20)


async def test_one_that_asked_to_wait_is_not_asked_meanwhile() -> None:
    async with comics() as (inner, source):
        inner.answer = RateLimited("acme_comics", "wait", 300)
        for _ in range(2):
            with pytest.raises(RateLimited) as caught:
                await source.fetch("nemo")
            assert caught.value.retry_after is not None
            assert 200 < caught.value.retry_after <= 300
        assert inner.asked == 1


async def test_each_call_is_a_line_in_the_log_without_what_was_searched_for(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="monocoque.media.connectors")
    async with comics() as (_, source):
        await source.search("a private matter")
    assert "source=acme_comics call=search outcome=ok took_ms=" in caplog.text
    assert "private" not in caplog.text


async def test_one_that_cannot_say_whether_it_is_configured_is_not() -> None:
    class Odd(Comics):
        @property
        def configured(self) -> bool:  # type: ignore[override]
            if self.asked >= 0:
                raise RuntimeError("no settings")
            return True

    odd = Odd.__new__(Odd)
    odd.asked, odd.answer, odd.told = -1, ITEM, None
    source = build_connectors(OURS, [odd])["acme_comics"]
    odd.asked = 0
    assert not source.configured
    assert not source.health().configured


@pytest.mark.parametrize("error", [ItemUnknown("acme_comics", "no"), RateLimited("acme_comics", "wait", 7)])
async def test_errors_of_the_contract_come_through_as_they_are(error: Exception) -> None:
    async with comics(provider_breaker_failures=1) as (inner, source):
        inner.answer = error
        with pytest.raises(type(error)) as caught:
            await source.fetch("nemo")
        assert caught.value is error
        assert source.health().breaker == "closed"


async def test_a_source_without_its_key_is_not_configured() -> None:
    async with comics() as (inner, source):
        inner.configured = False
        assert not source.health().configured
        with pytest.raises(NotConfigured):
            await source.search("nemo")
        assert inner.asked == 0


@pytest.mark.parametrize(
    "change",
    [
        {"title": ""},
        {"title": "x" * 501},
        {"title": "two\nlines"},
        {"title": "NUL\0"},
        {"external_id": ""},
        {"subtitle": ""},
        {"description": "NUL\0"},
        {"description": "x" * 20_001},
        {"url": "javascript:alert(1)"},
        {"cover_image_url": "//x.net/"},
        {"cover_image_url": "https://x.net/" + "x" * 2000},
        {"media_type": "game"},
        {"release": PartialDate(date(1, 1, 1), "day")},
        {"release": PartialDate(date(9999, 12, 31), "year")},
    ],
)
def test_an_item_that_could_not_be_stored_cannot_be_made(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\."):
        replace(ITEM, **change)


def test_creators_are_who_made_it() -> None:
    assert ITEM.creators == ("Winsor McCay",)
    assert str(ITEM.release) == "1905-10-15"
