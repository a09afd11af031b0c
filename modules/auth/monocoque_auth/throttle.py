"""How often sign-in may fail, by account and by address, before somebody has to wait; counted in PostgreSQL."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address

from monocoque.database import Executor
from monocoque.problems import Problem
from monocoque_auth import queries
from monocoque_auth.problems import THROTTLED
from monocoque_auth.settings import AuthSettings

_IPV6_NETWORK = 64
_UNDER_WAY_SECONDS = 1
_UNDER_WAY = "Other sign-ins are under way: try again after the seconds in the Retry-After header."
# Attempts of this process whose outcome is open, by key.
_under_way: Counter[bytes] = Counter()


@dataclass(frozen=True, slots=True)
class Attempt:
    """A counted sign-in. It counts as failed until it is taken back."""

    account: bytes
    address: bytes | None

    async def succeeded(self, executor: Executor) -> None:
        """The password was right: the account starts afresh, and its address did not fail."""
        await executor.run(queries.FORGET_ATTEMPTS, key=self.account)
        if self.address is not None:
            await executor.run(queries.TAKE_BACK_ATTEMPT, key=self.address)

    async def abandoned(self, executor: Executor) -> None:
        """Nobody looked at the password."""
        await executor.run(queries.TAKE_BACK_ATTEMPT, key=self.account)
        if self.address is not None:
            await executor.run(queries.TAKE_BACK_ATTEMPT, key=self.address)


@asynccontextmanager
async def begin_attempt(
    executor: Executor, settings: AuthSettings, email_key: str, address: str | None
) -> AsyncIterator[Attempt]:
    """Count a sign-in, or raise a 429 with Retry-After; it is under way until the block ends.

    Counted and committed before the password is looked at, so that many at once get no further than one by one.
    """
    attempt = Attempt(account_key(email_key), _address_key(address))
    limits = {attempt.account: settings.login_attempts_per_account}
    if attempt.address is not None:
        limits[attempt.address] = settings.login_attempts_per_address
    rows = await executor.all(
        queries.COUNT_ATTEMPT, keys=list(limits), window=timedelta(minutes=settings.login_attempts_minutes)
    )
    exceeded = {row["key"]: float(row["seconds_left"]) for row in rows if row["failures"] > limits[row["key"]]}
    if exceeded:
        if all(_under_way[key] for key in exceeded):
            # They count as failed until they end: if one of them succeeds, there is nothing to wait for.
            raise Problem(THROTTLED, _UNDER_WAY, headers={"Retry-After": str(_UNDER_WAY_SECONDS)})
        raise Problem(THROTTLED, headers={"Retry-After": str(max(1, math.ceil(max(exceeded.values()))))})
    _under_way.update(limits.keys())
    try:
        yield attempt
    finally:
        for key in limits:
            _under_way[key] -= 1
            if not _under_way[key]:
                del _under_way[key]


def account_key(email_key: str) -> bytes:
    """Under which an account's failures are counted."""
    return _key("account", email_key)


def _address_key(address: str | None) -> bytes | None:
    if address is None:
        return None
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address):
        # One line has a whole network of addresses.
        return _key("address", str(int(parsed) >> (128 - _IPV6_NETWORK)))
    return _key("address", str(parsed))


def _key(kind: str, value: str) -> bytes:
    return hashlib.sha256(f"{kind}\0{value}".encode()).digest()
