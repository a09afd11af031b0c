"""Connections at hand: asyncpg's pool, with the free ones kept in front of it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import asyncpg

_TRIM_SECONDS = 60.0


class PoolExhausted(Exception):
    """No connection became free within the time that a request may wait."""


class ConnectionPool:
    """asyncpg's pool makes, checks and closes the connections; this keeps those that are free ready to hand.

    Giving a connection back to asyncpg's pool and taking it again costs as much as a small statement: a task, a timer
    and two look-ups. A connection whose statement ended well, with nobody waiting, is therefore kept here and handed
    out as it is. In every other case it goes back, and asyncpg decides what becomes of it.
    """

    def __init__(self, pool: asyncpg.Pool, wait: float) -> None:
        self._pool = pool
        self._wait = wait
        self._free: list[Any] = []
        self._waiting = 0
        self._closing = False
        self._trim: asyncio.TimerHandle | None = None

    async def take(self) -> Any:
        """A connection; raises PoolExhausted when none became free in time, or what connecting raises."""
        while self._free:
            held = self._free.pop()
            if _usable(held):
                return held
            await self.give_back(held)
        self._waiting += 1
        try:
            return await self._pool.acquire(timeout=self._wait)
        except TimeoutError:
            raise PoolExhausted from None
        finally:
            self._waiting -= 1

    def keep(self, held: Any) -> bool:
        """Keep a connection whose work ended well; False when it has to go back instead."""
        if self._waiting or self._closing or not _usable(held):
            return False
        self._free.append(held)
        if self._trim is None:
            # Now and then all go back, so that asyncpg can close what has not been needed for long.
            self._trim = asyncio.get_running_loop().call_later(_TRIM_SECONDS, self._let_go)
        return True

    async def give_back(self, held: Any) -> None:
        """Return a connection to asyncpg, which resets, replaces or closes it as needed."""
        await self._pool.release(held, timeout=self._wait)

    async def close(self, patience: float) -> None:
        """Let running statements end for so many seconds, then cut the connections."""
        self._closing = True
        if self._trim is not None:
            self._trim.cancel()
        try:
            async with asyncio.timeout(patience):
                await self._empty()
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    async def _empty(self) -> None:
        while self._free:
            with suppress(asyncpg.InterfaceError, asyncpg.PostgresError, OSError):
                await self.give_back(self._free.pop())

    def _let_go(self) -> None:
        self._trim = None
        self._trimming = asyncio.ensure_future(self._empty())


def _usable(held: Any) -> bool:
    try:
        return not held.is_closed()
    except asyncpg.InterfaceError:
        # The server cut it, and asyncpg has taken it back already.
        return False
