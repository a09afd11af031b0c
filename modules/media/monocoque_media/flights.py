"""Single flight: what several ask for at once is asked once, in this process and in all that share its database.

Within a process one task asks and the others hear its answer. Among processes a row in `claims` says who asks, and
later what came of it. Nobody holds a connection while a source is asked or while waiting: each step is a statement of
its own, so a pool of one is enough, and a pooler in any mode will do. A process that died holds nothing up for longer
than a source may take, since its claim ends by itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from monocoque import json
from monocoque.database import Database
from monocoque.errors import AWAY
from monocoque.types import new_id
from monocoque_media.connectors.http import storable
from monocoque_media.contracts import (
    ItemUnknown,
    NotConfigured,
    ProviderAnswerInvalid,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
)
from monocoque_media.queries import claims as queries

_log = logging.getLogger("monocoque.media.flights")
_ERRORS = (ItemUnknown, NotConfigured, RateLimited, ProviderTimeout, ProviderAnswerInvalid, ProviderUnavailable)
_MARGIN = 2.0
"""Seconds that storing an answer may take before somebody else asks too."""
_KEPT = timedelta(seconds=10)
"""How long those who wait have to look what came of it."""
_PAUSES = (0.03, 0.25)
"""Seconds between two looks, at first and at last."""

type Key = tuple[str | int | None, ...]
type Call = Callable[[], Awaitable[Any]]
"""Gives JSON values, and raises a ProviderError for what the others are to hear too."""


class _Flight:
    """One call that everybody who joined shares; it goes on while anyone is left to hear the answer."""

    __slots__ = ("heard", "passengers", "task")

    def __init__(self, task: asyncio.Task[tuple[Any, bool]]) -> None:
        self.task = task
        self.passengers = 0
        self.heard = False


class Flights:
    """What is being asked just now; `seconds` is how long a source may take."""

    def __init__(self, database: Database, seconds: float) -> None:
        self._database = database
        self._hold = timedelta(seconds=seconds + _MARGIN)
        self._under_way: dict[bytes, _Flight] = {}

    async def share(self, key: Key, call: Call) -> tuple[Any, bool]:
        """The answer of `call`, or of an equal one under way, and whether it is this one's own; raises what it raised.

        Of all who share an answer exactly one is told that it is its own; a failure is shared, and not kept.
        """
        digest = digest_of(key)
        flight = self._under_way.get(digest)
        if flight is None:
            flight = self._under_way[digest] = _Flight(asyncio.create_task(self._once(digest, call)))
            # Whoever comes when it is over asks anew.
            flight.task.add_done_callback(lambda _: self._forget(digest, flight))
        flight.passengers += 1
        try:
            answer, own = await asyncio.shield(flight.task)
        finally:
            flight.passengers -= 1
            if not flight.passengers:
                self._forget(digest, flight)
                _end(flight.task)
        own, flight.heard = own and not flight.heard, True
        return answer, own

    async def close(self) -> None:
        """Break off what is under way."""
        tasks = [flight.task for flight in self._under_way.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, digest: bytes, flight: _Flight) -> None:
        if self._under_way.get(digest) is flight:
            del self._under_way[digest]

    async def _once(self, key: bytes, call: Call) -> tuple[Any, bool]:
        holder = new_id()
        try:
            outcome = await self._claimed(key, holder)
            answer = await call() if outcome is None else None
        except ProviderError as error:
            await self._settle(key, holder, _error_document(error))
            raise
        except BaseException:
            # Nothing to tell: whoever waits may ask.
            with suppress(asyncpg.PostgresError, *AWAY):
                await self._database.run(queries.RELEASE, key=key, holder=holder)
            raise
        if outcome is not None:
            return _told(outcome), False
        await self._settle(key, holder, {"answer": answer})
        return answer, True

    async def _claimed(self, key: bytes, holder: UUID) -> Mapping[str, Any] | None:
        """None when it is ours to ask; else, after waiting, what came of the claim of another process."""
        given_up = time.monotonic() + self._hold.total_seconds() + _MARGIN
        # One after the other may ask and fail: then better a call too many than no answer.
        while time.monotonic() <= given_up:
            if await self._database.value(queries.TAKE, key=key, holder=holder, hold=self._hold) is not None:
                return None
            outcome = await self._followed(key, given_up)
            if outcome is not None:
                return outcome
        return None

    async def _followed(self, key: bytes, given_up: float) -> Mapping[str, Any] | None:
        """What came of the claim of another process; None where it is gone, or it took too long."""
        pause, longest = _PAUSES
        while time.monotonic() <= given_up:
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  no secret depends on it
            pause = min(pause * 1.5, longest)
            row = await self._database.first(queries.LOOK, key=key)
            if row is None:
                return None
            if row["outcome"] is not None:
                outcome: Mapping[str, Any] = row["outcome"]
                return outcome
        return None

    async def _settle(self, key: bytes, holder: UUID, outcome: Mapping[str, Any]) -> None:
        try:
            await self._database.run(queries.SETTLE, key=key, holder=holder, outcome=storable(outcome), hold=_KEPT)
        except (asyncpg.PostgresError, *AWAY) as error:
            # What was asked for is there; those who wait ask themselves when the claim has expired.
            _log.warning("a claim could not be settled: %s", type(error).__name__)


def digest_of(key: Key) -> bytes:
    """What stands for the key in the database, and tells nobody who reads it what was asked."""
    return hashlib.sha256(json.dumps(list(key))).digest()


def _end(task: asyncio.Task[tuple[Any, bool]]) -> None:
    """Break off a call that nobody waits for any more; a failure that nobody heard of is no matter."""
    if not task.done():
        task.cancel()
    elif not task.cancelled():
        task.exception()


def _error_document(error: ProviderError) -> dict[str, Any]:
    kind = next((known for known in _ERRORS if isinstance(error, known)), ProviderUnavailable)
    document = {"error": kind.__name__, "source": error.source, "detail": error.detail}
    return {**document, "retry_after": error.retry_after} if isinstance(error, RateLimited) else document


def _told(outcome: Mapping[str, Any]) -> Any:
    """The answer that another process got; raises the error that it got."""
    if "error" not in outcome:
        return outcome["answer"]
    kind = next(known for known in _ERRORS if known.__name__ == outcome["error"])
    if kind is RateLimited:
        raise RateLimited(outcome["source"], outcome["detail"], outcome["retry_after"])
    raise kind(outcome["source"], outcome["detail"])
