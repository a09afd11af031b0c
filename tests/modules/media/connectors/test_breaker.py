"""The breaker and the pace, on a clock of their own."""

from __future__ import annotations

import asyncio

import pytest

from monocoque_media.connectors.breaker import Breaker, BreakerOpen, Pace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Trouble(Exception):
    pass


def fail(breaker: Breaker, error: type[BaseException] = Trouble) -> None:
    with pytest.raises(error), breaker.guard((Trouble,)):
        raise error


def state(breaker: Breaker) -> str:
    return breaker.state


def succeed(breaker: Breaker) -> None:
    with breaker.guard((Trouble,)):
        pass


def test_it_opens_after_failures_in_a_row() -> None:
    breaker = Breaker(3, 10, Clock())
    for _ in range(3):
        fail(breaker)
        fail(breaker)
        succeed(breaker)
    assert state(breaker) == "closed"
    for _ in range(3):
        fail(breaker)
    assert state(breaker) == "open"


def test_what_is_no_failure_of_the_source_counts_as_success() -> None:
    breaker = Breaker(2, 10, Clock())
    fail(breaker)
    fail(breaker, LookupError)
    fail(breaker)
    assert state(breaker) == "closed"


def test_one_call_decides_whether_it_closes() -> None:
    clock = Clock()
    breaker = Breaker(1, 10, clock)
    fail(breaker)
    with pytest.raises(BreakerOpen) as caught, breaker.guard((Trouble,)):
        pass
    assert caught.value.seconds == 10
    clock.now += 10
    assert state(breaker) == "half_open"
    with breaker.guard((Trouble,)), pytest.raises(BreakerOpen), breaker.guard((Trouble,)):
        pass
    assert state(breaker) == "closed"


def test_a_probe_that_fails_opens_it_again_whatever_the_threshold() -> None:
    clock = Clock()
    breaker = Breaker(3, 10, clock)
    for _ in range(3):
        fail(breaker)
    clock.now += 10
    fail(breaker)
    assert state(breaker) == "open"
    clock.now += 9
    assert state(breaker) == "open"


def test_a_probe_that_is_cancelled_leaves_the_way_free_for_another() -> None:
    clock = Clock()
    breaker = Breaker(1, 10, clock)
    fail(breaker)
    clock.now += 10
    fail(breaker, asyncio.CancelledError)
    assert state(breaker) == "half_open"
    succeed(breaker)
    assert state(breaker) == "closed"


async def test_a_pace_spreads_calls() -> None:
    loop = asyncio.get_running_loop()
    pace = Pace(50)
    started = loop.time()
    await asyncio.gather(*(pace.wait() for _ in range(6)))
    assert loop.time() - started >= 0.095


def test_without_a_pace_nobody_waits() -> None:
    pace = Pace(None)
    for _ in range(1000):
        # Done at its first step, without a moment in which others could run.
        with pytest.raises(StopIteration):
            pace.wait().send(None)
