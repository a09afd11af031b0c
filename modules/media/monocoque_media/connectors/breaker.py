"""Leaving a failing source alone, and not asking it faster than it likes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from monocoque_media.contracts import BreakerState

Clock = Callable[[], float]


class BreakerOpen(Exception):
    """The call was not made; `seconds` until the next may be."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"open for another {seconds:.1f} s")
        self.seconds = seconds


class Breaker:
    """Opens after `failures` failures in a row; `seconds` later one call is let through, whose outcome decides."""

    def __init__(self, failures: int, seconds: float, clock: Clock = time.monotonic) -> None:
        self._threshold = failures
        self._seconds = seconds
        self._clock = clock
        self._failed = 0
        self._open_until: float | None = None
        self._probing = False

    @property
    def state(self) -> BreakerState:
        if self._open_until is None:
            return "closed"
        return "open" if self._clock() < self._open_until else "half_open"

    @contextmanager
    def guard(self, failures: tuple[type[Exception], ...]) -> Iterator[None]:
        """Let a call through or raise BreakerOpen.

        `failures` count as such, whatever else comes out as success, a cancellation as nothing.
        """
        probe = self._enter()
        try:
            yield
        except failures:
            self._failed += 1
            if probe or self._failed >= self._threshold:
                self._open_until = self._clock() + self._seconds
            raise
        except Exception:
            self._close()
            raise
        else:
            self._close()
        finally:
            if probe:
                self._probing = False

    def _enter(self) -> bool:
        if self._open_until is None:
            return False
        left = self._open_until - self._clock()
        if left > 0 or self._probing:
            raise BreakerOpen(max(left, 0.0))
        self._probing = True
        return True

    def _close(self) -> None:
        self._failed = 0
        self._open_until = None


class Pace:
    """Spreads calls so that at most `per_second` begin in a second; None is no limit."""

    def __init__(self, per_second: float | None, clock: Clock = time.monotonic) -> None:
        self._gap = 1 / per_second if per_second else 0.0
        self._clock = clock
        self._next = 0.0

    async def wait(self) -> None:
        """Until it is this call's turn."""
        if not self._gap:
            return
        now = self._clock()
        turn = max(now, self._next)
        self._next = turn + self._gap
        if turn > now:
            await asyncio.sleep(turn - now)
