"""Sessions: how they begin, go on by refresh tokens, and end everywhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address
from uuid import UUID

from fastapi import Request

from monocoque.database import Transaction
from monocoque.problems import Problem, ProblemCode
from monocoque.runtime import Runtime
from monocoque.types import new_id
from monocoque_auth import queries
from monocoque_auth.problems import DISABLED, REFRESH_INVALID, REFRESH_REUSED
from monocoque_auth.refresh_tokens import digest, new_refresh_token
from monocoque_auth.settings import AuthSettings

MAX_REPEATS = 32
"""Answers that a used token gets within the grace, at most."""
_USER_AGENT_LENGTH = 200
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a sign-in comes from, as the owner of the account is shown it."""

    address: str | None
    user_agent: str | None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token pair is made of."""

    user_id: UUID
    session_id: UUID
    role: str
    refresh_token: str


def caller_of(request: Request) -> Caller:
    """The caller's address, and its User-Agent in printable ASCII of bounded length."""
    agent = request.headers.get("user-agent", "")
    shown = "".join(character for character in agent if character.isascii() and character.isprintable())
    return Caller(_address(request), shown[:_USER_AGENT_LENGTH].strip() or None)


def _address(request: Request) -> str | None:
    try:
        address = ip_address(request.client.host.partition("%")[0]) if request.client else None
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address) if address is not None else None


async def open_session(
    transaction: Transaction, settings: AuthSettings, user_id: UUID, verified_hash: str, caller: Caller
) -> Grant | None:
    """Begin a session, or None when the account was disabled, deleted or given another password in the meantime."""
    user = await transaction.first(queries.ADMIT, id=user_id, verified_hash=verified_hash)
    if user is None:
        return None
    session_id = new_id()
    await transaction.run(
        queries.OPEN_SESSION,
        id=session_id,
        user_id=user_id,
        user_agent=caller.user_agent,
        address=caller.address,
        lifetime=settings.session_lifetime,
    )
    token = await _issue(transaction, settings, session_id, 0)
    return Grant(user_id, session_id, user["role"], token)


async def refresh(runtime: Runtime, token: str) -> Grant:
    """Use up a refresh token and continue its session; raises a 401 or 403 problem.

    Tokens of one generation are used up together, by one conditional update. A token that was used up within the
    grace is answered once more, with a sibling of what the first use gave: only digests are stored, so the same text
    cannot be given twice. Later it has been copied, and the session ends; that is committed before the problem is
    raised.
    """
    settings = runtime.settings_of("auth", AuthSettings)
    presented = digest(token)
    if presented is None:
        raise Problem(REFRESH_INVALID, headers=_CHALLENGE)

    async def rotate(transaction: Transaction) -> tuple[Grant | ProblemCode, list[UUID]]:
        session = await transaction.first(queries.LOCK_FAMILY, digest=presented)
        if session is None:
            return REFRESH_INVALID, []
        if session["ended"]:
            if session["disabled_at"] is not None:
                return DISABLED, []
            return (
                REFRESH_REUSED if await transaction.value(queries.IS_USED, digest=presented) else REFRESH_INVALID
            ), []
        first = await transaction.all(queries.USE_TOKEN, digest=presented)
        if not first and not await transaction.run(
            queries.REPEAT_TOKEN,
            digest=presented,
            grace=timedelta(seconds=settings.refresh_grace_seconds),
            most=MAX_REPEATS,
        ):
            return REFRESH_REUSED, await end_sessions(runtime, transaction, session["user_id"], only=session["id"])
        generation = await transaction.value(
            queries.CONTINUE_SESSION, id=session["id"], step=1 if first else 0, lifetime=settings.session_lifetime
        )
        fresh = await _issue(transaction, settings, session["id"], generation)
        return Grant(session["user_id"], session["id"], session["role"], fresh), []

    outcome = await ending(runtime, rotate)
    if isinstance(outcome, ProblemCode):
        raise Problem(outcome, headers=_CHALLENGE if outcome.status == 401 else None)
    return outcome


async def ending[T](runtime: Runtime, action: Callable[[Transaction], Awaitable[tuple[T, list[UUID]]]]) -> T:
    """Run `action` in a transaction; the sessions that it names as ended are refused here from the commit on."""
    result, ended = await runtime.database.transact(action)
    if ended:
        runtime.revocations.apply(ended, runtime.settings_of("auth", AuthSettings).revocation_lifetime)
    return result


async def end_sessions(
    runtime: Runtime,
    transaction: Transaction,
    user_id: UUID,
    *,
    only: UUID | None = None,
    but: UUID | None = None,
) -> list[UUID]:
    """End a person's sessions, all of them unless told otherwise, and announce it; gives the ids that ended.

    Part of a transaction that `ending` runs.
    """
    rows = await transaction.all(queries.END_SESSIONS, user_id=user_id, only=only, but=but)
    ended = [row["id"] for row in rows]
    lifetime = runtime.settings_of("auth", AuthSettings).revocation_lifetime
    await runtime.revocations.revoke(transaction, ended, lifetime)
    return ended


async def _issue(transaction: Transaction, settings: AuthSettings, session_id: UUID, generation: int) -> str:
    token, stored = new_refresh_token()
    await transaction.run(
        queries.ISSUE_TOKEN,
        digest=stored,
        session_id=session_id,
        generation=generation,
        lifetime=settings.session_lifetime,
    )
    return token
