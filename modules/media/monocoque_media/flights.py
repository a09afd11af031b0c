"""Single flight: what several ask for at once is asked once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from typing import Any


class Flight:
    """One call that everybody who joined shares; it goes on while anyone is left to hear the answer."""

    __slots__ = ("_task", "passengers")

    def __init__(self) -> None:
        self._task: asyncio.Task[Any] | None = None
        self.passengers = 0

    async def result[T](self, call: Callable[[], Awaitable[T]]) -> T:
        """What the first caller's `call` gives or raises."""
        if self._task is None:
            self._task = asyncio.ensure_future(_awaited(call))
        answer: T = await asyncio.shield(self._task)
        return answer

    def cancel(self) -> None:
        """End a call that nobody waits for any more; a failure that nobody heard of is no matter."""
        if self._task is None:
            return
        if not self._task.done():
            self._task.cancel()
        elif not self._task.cancelled():
            self._task.exception()


async def _awaited[T](call: Callable[[], Awaitable[T]]) -> T:
    return await call()


class Flights:
    """The calls under way in this process, by what they ask for."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, Flight] = {}

    @asynccontextmanager
    async def join(self, key: Hashable) -> AsyncIterator[Flight]:
        """The flight for this key; what was answered stays known until the last who joined has left."""
        flight = self._under_way.setdefault(key, Flight())
        flight.passengers += 1
        try:
            yield flight
        finally:
            flight.passengers -= 1
            if not flight.passengers:
                del self._under_way[key]
                flight.cancel()
