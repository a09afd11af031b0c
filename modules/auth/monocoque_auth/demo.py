"""The demo data of auth: two people, whose passwords everyone may know."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from monocoque.demo import Demo, demo_id
from monocoque.failures import StartupError
from monocoque.idempotency import forget
from monocoque_auth import queries
from monocoque_auth.contracts import DEMO_PEOPLE
from monocoque_auth.emails import email_key
from monocoque_auth.models import User
from monocoque_auth.passwords import Passwords
from monocoque_auth.schemas import Registration
from monocoque_auth.service import PASSWORDS, create_account
from monocoque_auth.sessions import end_sessions

_CURATOR, _MECHANIC = DEMO_PEOPLE
PEOPLE = {
    _CURATOR: Registration(
        display_name="Demo curator",
        email="curator@demo.example",
        password="neon rain on wet asphalt",  # noqa: S106  it is told to everyone
    ),
    _MECHANIC: Registration(
        display_name="Demo mechanic",
        email="mechanic@demo.example",
        password="torque to specification",  # noqa: S106  likewise
    ),
}


async def load(demo: Demo) -> None:
    """Add the people, and show how to sign in as them."""
    # Each by themselves: who deleted their account comes back, whoever else is there.
    missing = [name for person in PEOPLE for name in await demo.missing(User, [person])]
    for name in missing:
        await _check_free(demo, PEOPLE[name].email)
    hashes = await asyncio.gather(*(_passwords(demo).hash_password(PEOPLE[name].password) for name in missing))
    for name, hashed in zip(missing, hashes, strict=True):
        person = PEOPLE[name]
        row = {"id": demo_id(name), "email": person.email, "email_key": email_key(person.email), "role": "user"}
        await create_account(demo.transaction, {**row, "password_hash": hashed, "display_name": person.display_name})
    accounts = {name: await _account(demo, name) for name in PEOPLE}
    texts = await asyncio.gather(*(_sign_in(demo, name, account) for name, account in accounts.items()))
    for name, text in zip(accounts, texts, strict=True):
        demo.note(name.partition(".")[2].capitalize(), text)


async def reset(demo: Demo) -> None:
    """Delete the accounts and, by foreign keys, what they own in every module."""
    for name in PEOPLE:
        user_id = demo_id(name)
        if await demo.transaction.first(queries.LOCK_USER, id=user_id, versions=None) is not None:
            await end_sessions(demo.runtime, demo.transaction, user_id)
            await forget(demo.transaction, user_id)
            await demo.transaction.run(queries.DELETE_USER, id=user_id)


async def _check_free(demo: Demo, email: str) -> None:
    if await demo.transaction.first(queries.FIND_CREDENTIALS, email_key=email_key(email)) is not None:
        raise StartupError(
            f"There is an account for {email} that is not of the demo data.",
            hint="Give that account another e-mail, or do without the demo data.",
        )


async def _account(demo: Demo, name: str) -> dict[str, Any]:
    user = await demo.transaction.first(queries.FIND_USER, id=demo_id(name))
    assert user is not None
    credentials = await demo.transaction.first(queries.FIND_CREDENTIALS, email_key=email_key(user["email"]))
    assert credentials is not None
    return {**user, **credentials}


async def _sign_in(demo: Demo, name: str, account: Mapping[str, Any]) -> str:
    """How to sign in, which the person may have changed since."""
    email, password = account["email"], PEOPLE[name].password
    if account["disabled_at"] is not None:
        return f"{email}, which is disabled"
    new = demo_id(name) in demo.added
    if new or await _passwords(demo).verify_password(password, account["password_hash"]):
        return f"{email}, password: {password}"
    return f"{email}, whose password was changed"


def _passwords(demo: Demo) -> Passwords:
    found: Passwords = demo.runtime.resources[PASSWORDS]
    return found
