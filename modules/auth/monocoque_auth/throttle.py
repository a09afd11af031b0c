"""How often sign-in may fail, by account and by address, before somebody has to wait; counted in PostgreSQL."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address

from monocoque.database import Executor
from monocoque.problems import Problem
from monocoque_auth import queries
from monocoque_auth.problems import THROTTLED
from monocoque_auth.settings import AuthSettings

_IPV6_NETWORK = 64


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


async def begin_attempt(executor: Executor, settings: AuthSettings, email_key: str, address: str | None) -> Attempt:
    """Count a sign-in, or raise a 429 with Retry-After.

    Counted and committed before the password is looked at, so that many at once get no further than one by one.
    """
    attempt = Attempt(account_key(email_key), _address_key(address))
    limits = {attempt.account: settings.login_attempts_per_account}
    if attempt.address is not None:
        limits[attempt.address] = settings.login_attempts_per_address
    rows = await executor.all(
        queries.COUNT_ATTEMPT, keys=list(limits), window=timedelta(minutes=settings.login_attempts_minutes)
    )
    waits = [float(row["seconds_left"]) for row in rows if row["failures"] > limits[row["key"]]]
    if waits:
        raise Problem(THROTTLED, headers={"Retry-After": str(max(1, math.ceil(max(waits))))})
    return attempt


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
