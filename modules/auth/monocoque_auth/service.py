"""The rules of accounts."""

from __future__ import annotations

from typing import Any, NoReturn
from uuid import UUID

from asyncpg import Record

from monocoque.database import Executor, Transaction
from monocoque.idempotency import forget
from monocoque.problems import PRECONDITION_FAILED, UNAUTHENTICATED, UNAVAILABLE, Problem, invalid
from monocoque.runtime import Runtime
from monocoque.security import Principal
from monocoque.statements import merge_parameters
from monocoque.types import new_id
from monocoque_auth import queries
from monocoque_auth.emails import email_key
from monocoque_auth.passwords import PasswordHashingBusy, Passwords
from monocoque_auth.problems import (
    CREDENTIALS_WRONG,
    DISABLED,
    PASSWORD_IS_EMAIL,
    PASSWORD_NEEDED,
    PASSWORD_WRONG,
    REGISTRATION_CLOSED,
    SESSION_NOT_FOUND,
)
from monocoque_auth.schemas import PasswordChange, ProfilePatch, Registration
from monocoque_auth.sessions import Caller, Grant, end_sessions, ending, open_session
from monocoque_auth.settings import AuthSettings
from monocoque_auth.throttle import Attempt, begin_attempt

PASSWORDS = "auth.passwords"


async def prepare_account(runtime: Runtime, account: Registration, role: str = "user") -> dict[str, Any]:
    """The row of a new account, its password hashed; no connection is held meanwhile. Raises a 403, 422 or 503."""
    if role == "user" and not _settings(runtime).registration_open:
        raise Problem(REGISTRATION_CLOSED)
    key = email_key(account.email)
    _check_password(account.password, key, "#/password")
    return {
        "id": new_id(),
        "email": account.email,
        "email_key": key,
        "password_hash": await _hash(runtime, account.password),
        "display_name": account.display_name,
        "role": role,
    }


async def create_account(executor: Executor, row: dict[str, Any]) -> Record:
    """Add an account; raises a 409 (by constraint) when its e-mail has one."""
    created = await executor.first(queries.CREATE_USER, **row)
    assert created is not None
    return created


async def log_in(runtime: Runtime, email: str, password: str, caller: Caller) -> Grant:
    """Begin a session; raises a 401, the same for an unknown e-mail, a 403 for a disabled account, a 429 or 503."""
    settings, database = _settings(runtime), runtime.database
    key = email_key(email)
    async with begin_attempt(database, settings, key, caller.address) as attempt:
        return await _try(runtime, attempt, key, password, caller)


async def _try(runtime: Runtime, attempt: Attempt, key: str, password: str, caller: Caller) -> Grant:
    settings, database = _settings(runtime), runtime.database
    user = await database.first(queries.FIND_CREDENTIALS, email_key=key)
    if not await _verify(runtime, attempt, password, user["password_hash"] if user else None) or user is None:
        raise Problem(CREDENTIALS_WRONG, headers={"WWW-Authenticate": "Bearer"})
    if user["disabled_at"] is not None:
        await attempt.succeeded(database)
        raise Problem(DISABLED)
    verified_hash: str = user["password_hash"]
    stronger = None
    if _passwords(runtime).needs_rehash(verified_hash):
        stronger = await _hash(runtime, password)

    async def begin(transaction: Transaction) -> Grant | None:
        current = verified_hash
        if stronger is not None and await transaction.run(
            queries.REHASH, id=user["id"], verified_hash=verified_hash, password_hash=stronger
        ):
            current = stronger
        grant = await open_session(transaction, settings, user["id"], current, caller)
        await attempt.succeeded(transaction)
        return grant

    grant = await database.transact(begin)
    if grant is None:
        # Disabled, deleted or given another password while the old one was being checked.
        raise Problem(CREDENTIALS_WRONG, headers={"WWW-Authenticate": "Bearer"})
    return grant


async def find_me(runtime: Runtime, user_id: UUID) -> Record:
    """The account behind a token; raises a 401 when it is gone."""
    row = await runtime.database.first(queries.FIND_USER, id=user_id)
    return row or _gone()


async def merge_me(
    runtime: Runtime, user_id: UUID, change: ProfilePatch, versions: list[int] | None, caller: Caller
) -> Record:
    """Set what was sent; raises a 401, 403, 409, 412, 422, 429 or 503.

    A new e-mail needs the current password, which is looked at whenever it is sent.
    """
    derived: dict[str, Any] = {}
    if "current_password" in change.model_fields_set:
        await _confirm(runtime, user_id, change.current_password, caller)
    if "email" in change.model_fields_set:
        if "current_password" not in change.model_fields_set:
            raise invalid("#/current_password", PASSWORD_NEEDED, PASSWORD_NEEDED.detail)
        derived["email_key"] = email_key(change.email)
    parameters = merge_parameters(change, queries.PROFILE, **derived)
    row = await runtime.database.first(queries.MERGE_USER, id=user_id, versions=versions, **parameters)
    return row or await _refuse(runtime.database, user_id)


async def delete_me(runtime: Runtime, user_id: UUID, versions: list[int] | None) -> None:
    """Delete the account and, by foreign keys, what it owns in every module; raises a 401 or 412."""

    async def delete(transaction: Transaction) -> tuple[None, list[UUID]]:
        if await transaction.first(queries.LOCK_USER, id=user_id, versions=versions) is None:
            await _refuse(transaction, user_id)
        ended = await end_sessions(runtime, transaction, user_id)
        await forget(transaction, user_id)
        await transaction.run(queries.DELETE_USER, id=user_id)
        return None, ended

    await ending(runtime, delete)


async def change_password(runtime: Runtime, user_id: UUID, change: PasswordChange, caller: Caller) -> Grant:
    """Set the password, end every session and begin a new one; raises a 401, 403, 422, 429 or 503."""
    user = await _confirm(runtime, user_id, change.current_password, caller)
    _check_password(change.new_password, user["email_key"], "#/new_password")
    fresh = await _hash(runtime, change.new_password)

    async def set_password(transaction: Transaction) -> tuple[Grant | None, list[UUID]]:
        changed = await transaction.first(
            queries.SET_PASSWORD, id=user_id, verified_hash=user["password_hash"], password_hash=fresh
        )
        if changed is None:
            return None, []
        ended = await end_sessions(runtime, transaction, user_id)
        return await open_session(transaction, _settings(runtime), user_id, fresh, caller), ended

    return await ending(runtime, set_password) or _gone()


async def log_out(runtime: Runtime, caller: Principal) -> None:
    """End the session that asks."""

    async def end(transaction: Transaction) -> tuple[None, list[UUID]]:
        return None, await end_sessions(runtime, transaction, caller.user_id, only=caller.session_id)

    await ending(runtime, end)


async def end_session(runtime: Runtime, user_id: UUID, session_id: UUID) -> None:
    """End one of a person's sessions; raises a 404."""

    async def end(transaction: Transaction) -> tuple[bool, list[UUID]]:
        ended = await end_sessions(runtime, transaction, user_id, only=session_id)
        return bool(ended), ended

    if not await ending(runtime, end):
        raise Problem(SESSION_NOT_FOUND)


async def end_other_sessions(runtime: Runtime, caller: Principal) -> None:
    """End a person's sessions but the one that asks."""

    async def end(transaction: Transaction) -> tuple[None, list[UUID]]:
        return None, await end_sessions(runtime, transaction, caller.user_id, but=caller.session_id)

    await ending(runtime, end)


async def set_disabled(runtime: Runtime, email: str, *, disabled: bool) -> bool:
    """Disable an account, which ends its sessions, or enable it; False when there is none."""

    async def change(transaction: Transaction) -> tuple[bool, list[UUID]]:
        user_id = await transaction.value(queries.SET_DISABLED, email_key=email_key(email), disabled=disabled)
        if user_id is None:
            return False, []
        return True, await end_sessions(runtime, transaction, user_id) if disabled else []

    return await ending(runtime, change)


async def set_role(runtime: Runtime, email: str, role: str) -> bool:
    """Give an account a role; its sessions end, because their tokens carry the old one. False when there is none."""

    async def change(transaction: Transaction) -> tuple[bool, list[UUID]]:
        user_id = await transaction.value(queries.SET_ROLE, email_key=email_key(email), role=role)
        if user_id is None:
            return False, []
        return True, await end_sessions(runtime, transaction, user_id)

    return await ending(runtime, change)


async def _confirm(runtime: Runtime, user_id: UUID, password: str, caller: Caller) -> Record:
    """The credentials of somebody who gave the right password once more; throttled as sign-in is."""
    user = await runtime.database.first(queries.FIND_OWN_CREDENTIALS, id=user_id)
    if user is None:
        _gone()
    async with begin_attempt(runtime.database, _settings(runtime), user["email_key"], caller.address) as attempt:
        if not await _verify(runtime, attempt, password, user["password_hash"]):
            raise Problem(PASSWORD_WRONG)
        await attempt.succeeded(runtime.database)
    return user


async def _verify(runtime: Runtime, attempt: Attempt, password: str, hashed: str | None) -> bool:
    try:
        return await _passwords(runtime).verify_password(password, hashed)
    except PasswordHashingBusy as busy:
        await attempt.abandoned(runtime.database)
        raise _too_busy(busy) from None


async def _hash(runtime: Runtime, password: str) -> str:
    try:
        return await _passwords(runtime).hash_password(password)
    except PasswordHashingBusy as busy:
        raise _too_busy(busy) from None


def _too_busy(busy: PasswordHashingBusy) -> Problem:
    return Problem(UNAVAILABLE, str(busy), headers={"Retry-After": str(busy.retry_after)})


def _check_password(password: str, key: str, pointer: str) -> None:
    if email_key(password) == key:
        raise invalid(pointer, PASSWORD_IS_EMAIL, PASSWORD_IS_EMAIL.detail)


async def _refuse(executor: Executor, user_id: UUID) -> NoReturn:
    if await executor.first(queries.FIND_USER, id=user_id) is None:
        _gone()
    raise Problem(PRECONDITION_FAILED)


def _gone() -> NoReturn:
    raise Problem(UNAUTHENTICATED, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


def _settings(runtime: Runtime) -> AuthSettings:
    return runtime.settings_of("auth", AuthSettings)


def _passwords(runtime: Runtime) -> Passwords:
    found: Passwords = runtime.resources[PASSWORDS]
    return found
