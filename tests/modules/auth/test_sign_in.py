"""Signing in: two ways in, one answer for every wrong guess, and a limit to guessing."""

from __future__ import annotations

import asyncio
from collections import Counter
from uuid import uuid4

import bcrypt
import httpx
import pytest
from fastapi import FastAPI

from monocoque_auth import service
from monocoque_auth.jobs import purge_expired
from monocoque_auth.passwords import Passwords
from monocoque_auth.throttle import account_key
from tests.conftest import AppFactory, client_of
from tests.modules.auth.scenes import WRONG, client_at, fetch, held_passwords, log_in, runtime_of, somewhere
from tests.support import PASSWORD, Person, awaited, problem, sign_up

TOKEN_MEMBERS = {"access_token", "token_type", "expires_in", "refresh_token"}


def form(person: Person, **changes: str) -> dict[str, str]:
    return {"grant_type": "password", "username": person.email, "password": person.password} | changes


def check_tokens(reply: httpx.Response) -> None:
    assert reply.status_code == 200, reply.text
    tokens = reply.json()
    assert tokens.keys() == TOKEN_MEMBERS
    assert (tokens["token_type"], tokens["expires_in"]) == ("bearer", 900)
    assert reply.headers["cache-control"] == "no-store"


async def test_both_ways_in_give_tokens_that_nobody_may_cache(owner: Person) -> None:
    for reply in (
        await log_in(owner.client, owner.email, PASSWORD),
        await owner.client.post("/auth/token", data=form(owner)),
        await owner.client.post("/auth/token", data=form(owner, scope="", client_id="x", client_secret="y")),
    ):
        check_tokens(reply)
        token = reply.json()["access_token"]
        me = await owner.client.get("/auth/me", headers={"Authorization": f"Bearer {token}"})
        assert me.json()["id"] == str(owner.id)


async def test_the_api_reference_sends_its_authorize_form_to_where_it_is_taken(owner: Person, app: FastAPI) -> None:
    flow = app.openapi()["components"]["securitySchemes"]["bearer"]["flows"]["password"]
    check_tokens(await owner.client.post(f"http://monocoque.test{flow['tokenUrl']}", data=form(owner)))


@pytest.mark.parametrize(
    "changes", [{"grant_type": "refresh_token"}, {"password": ""}, {"extra": "x"}, {"username": ""}]
)
async def test_a_form_that_is_not_of_the_password_grant_is_refused(owner: Person, changes: dict[str, str]) -> None:
    reply = await owner.client.post("/auth/token", data=form(owner, **changes))
    document = problem(reply, 422, "request.invalid")
    assert document["errors"][0]["pointer"] == f"#/{next(iter(changes))}"
    assert PASSWORD not in reply.text


async def test_wrong_password_and_unknown_account_are_one_answer_at_the_price_of_one_hash(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[int] = []
    check, make = bcrypt.checkpw, bcrypt.hashpw

    def counted_check(password: bytes, stored: bytes) -> bool:
        hashed.append(int(stored[4:6]))
        return check(password, stored)

    def counted_make(password: bytes, salt: bytes) -> bytes:
        hashed.append(int(salt[4:6]))
        return make(password, salt)

    monkeypatch.setattr(bcrypt, "checkpw", counted_check)
    monkeypatch.setattr(bcrypt, "hashpw", counted_make)
    documents = []
    for email in (owner.email, f"{uuid4().hex}@example.org", "no e-mail at all"):
        hashed.clear()
        reply = await log_in(owner.client, email, WRONG)
        document = problem(reply, 401, "auth.credentials_wrong")
        assert reply.headers["www-authenticate"] == "Bearer"
        documents.append({name: value for name, value in document.items() if name != "request_id"})
        assert hashed == [4]
    assert documents[0] == documents[1] == documents[2]


async def test_fifty_wrong_guesses_at_once_are_all_counted_and_get_no_further_than_ten(
    client: httpx.AsyncClient, app: FastAPI
) -> None:
    person = await sign_up(client)
    async with client_at(app, somewhere()) as attacker:
        replies = await asyncio.gather(*(log_in(attacker, person.email, f"guess number {n}") for n in range(50)))
        assert Counter(reply.status_code for reply in replies) == {401: 10, 429: 40}
        for reply in replies:
            if reply.status_code == 429:
                problem(reply, 429, "auth.throttled")
                assert 0 < int(reply.headers["retry-after"]) <= 900
        key = account_key(person.email)
        assert await fetch(app, "SELECT failures FROM monocoque_auth.login_attempts WHERE key = $1", key) == [50]
    # The account waits, from wherever it is tried and with whichever password; its sessions go on.
    async with client_at(app, somewhere()) as elsewhere:
        problem(await log_in(elsewhere, person.email.upper(), PASSWORD), 429, "auth.throttled")
    assert (await person.get("/auth/me")).status_code == 200


@pytest.mark.parametrize(("password", "settled"), [(PASSWORD, 200), (WRONG, 401)])
async def test_who_signs_in_while_enough_others_do_waits_only_until_it_is_known_how_they_fared(
    client: httpx.AsyncClient, app: FastAPI, password: str, settled: int
) -> None:
    person = await sign_up(client)
    async with client_at(app, somewhere()) as caller, held_passwords(app) as held:
        attempts = [asyncio.create_task(log_in(caller, person.email, password)) for _ in range(16)]
        async with asyncio.timeout(60):
            finishing = asyncio.as_completed(attempts)
            refused = [await next(finishing) for _ in range(6)]
        for early in refused:
            assert "under way" in problem(early, 429, "auth.throttled")["detail"]
            assert early.headers["retry-after"] == "1"
        held.go_on.set()
        statuses = Counter(reply.status_code for reply in await asyncio.gather(*attempts))
        assert statuses == {settled: 10, 429: 6}
        late = await log_in(caller, person.email, PASSWORD)
    if settled == 200:
        assert late.status_code == 200
    else:
        assert "under way" not in problem(late, 429, "auth.throttled")["detail"]
        assert int(late.headers["retry-after"]) > 600


async def test_an_unknown_account_is_throttled_as_any_other(app: FastAPI) -> None:
    email = f"{uuid4().hex}@example.org"
    async with client_at(app, somewhere()) as attacker:
        statuses = [(await log_in(attacker, email, WRONG)).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]


async def test_after_the_window_the_account_is_tried_afresh(client: httpx.AsyncClient, app: FastAPI) -> None:
    person = await sign_up(client)
    async with client_at(app, somewhere()) as caller:
        for _ in range(11):
            last = await log_in(caller, person.email, WRONG)
        problem(last, 429, "auth.throttled")
        key = account_key(person.email)
        closing = "UPDATE monocoque_auth.login_attempts SET window_ends_at = now() WHERE key = $1 RETURNING failures"
        assert await fetch(app, closing, key) == [11]
        problem(await log_in(caller, person.email, WRONG), 401, "auth.credentials_wrong")
        assert (await log_in(caller, person.email, PASSWORD)).status_code == 200


async def test_signing_in_forgives_the_account_what_went_before(client: httpx.AsyncClient, app: FastAPI) -> None:
    person = await sign_up(client)
    async with client_at(app, somewhere()) as caller:
        for _ in range(3):
            for _ in range(9):
                problem(await log_in(caller, person.email, WRONG), 401, "auth.credentials_wrong")
            assert (await log_in(caller, person.email, PASSWORD)).status_code == 200


async def test_an_address_that_tries_many_accounts_waits_and_a_success_does_not_reset_it(
    make_app: AppFactory, worker_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONOCOQUE_AUTH_LOGIN_ATTEMPTS_PER_ADDRESS", "5")
    app = await make_app(worker_database_url, modules="auth")
    address = somewhere()
    async with client_at(app, address) as caller, client_at(app, address.replace("::1", "::2")) as neighbour:
        person = await sign_up(caller)
        for failure in range(5):
            problem(await log_in(caller, f"{uuid4().hex}@example.org", WRONG), 401, "auth.credentials_wrong")
            if failure < 4:
                assert (await log_in(caller, person.email, PASSWORD)).status_code == 200
        for client in (caller, neighbour):
            reply = await log_in(client, person.email, PASSWORD)
            problem(reply, 429, "auth.throttled")
            assert int(reply.headers["retry-after"]) > 0
    async with client_at(app, somewhere()) as elsewhere:
        assert (await log_in(elsewhere, person.email, PASSWORD)).status_code == 200


async def test_guessing_the_password_with_a_stolen_token_is_throttled_too(client: httpx.AsyncClient) -> None:
    person = await sign_up(client)
    guess = {"current_password": WRONG, "new_password": "a new password"}
    statuses = [(await person.put("/auth/me/password", json=guess)).status_code for _ in range(11)]
    assert statuses == [403] * 10 + [429]


async def test_only_the_right_password_learns_that_an_account_is_disabled(
    client: httpx.AsyncClient, app: FastAPI
) -> None:
    person = await sign_up(client)
    assert await service.set_disabled(runtime_of(app), person.email, disabled=True)
    problem(await log_in(client, person.email, WRONG), 401, "auth.credentials_wrong")
    problem(await log_in(client, person.email, PASSWORD), 403, "auth.disabled")
    problem(await client.post("/auth/refresh", json={"refresh_token": person.refresh_token}), 403, "auth.disabled")
    problem(await person.get("/auth/me"), 401, "auth.unauthenticated")
    assert await service.set_disabled(runtime_of(app), person.email, disabled=False)
    assert (await log_in(client, person.email, PASSWORD)).status_code == 200
    problem(await person.get("/auth/me"), 401, "auth.unauthenticated")


@pytest.mark.parametrize("meanwhile", ["disabled", "deleted", "another password"])
async def test_what_happens_while_a_password_is_checked_is_not_missed(
    make_app: AppFactory, worker_database_url: str, meanwhile: str
) -> None:
    # One connection: were it held during the check, what happens meanwhile would have to wait for it in vain.
    app = await make_app(worker_database_url, modules="auth", database_pool_size=1)
    async with client_of(app) as client:
        person = await sign_up(client)
        async with held_passwords(app) as held:
            late = asyncio.create_task(log_in(client, person.email, PASSWORD))
            await held.reached.wait()
            if meanwhile == "disabled":
                assert await service.set_disabled(runtime_of(app), person.email, disabled=True)
            elif meanwhile == "deleted":
                assert (await person.delete("/auth/me")).status_code == 204
            else:
                changed = "UPDATE monocoque_auth.users SET password_hash = 'x' WHERE id = $1 RETURNING 1"
                assert await fetch(app, changed, person.id) == [1]
            held.go_on.set()
            problem(await late, 401, "auth.credentials_wrong")
        open_sessions = "SELECT count(*) FROM monocoque_auth.sessions WHERE user_id = $1 AND revoked_at IS NULL"
        assert await fetch(app, open_sessions, person.id) == [1 if meanwhile == "another password" else 0]


async def test_a_sign_in_waits_for_the_disabling_that_has_begun(owner: Person, app: FastAPI) -> None:
    async with runtime_of(app).database.connection() as connection:
        disabling = connection.transaction()
        await disabling.start()
        await connection.execute("UPDATE monocoque_auth.users SET disabled_at = now() WHERE id = $1", owner.id)
        late = asyncio.create_task(log_in(owner.client, owner.email, PASSWORD))
        await awaited(connection)
        assert not late.done()
        await disabling.commit()
    problem(await late, 401, "auth.credentials_wrong")


async def test_too_many_passwords_at_once_is_a_503_that_counts_against_nobody(owner: Person, app: FastAPI) -> None:
    resources = runtime_of(app).resources
    usual, resources["auth.passwords"] = resources["auth.passwords"], Passwords(4, 1, 0)
    resources["auth.passwords"]._slots.acquire()
    try:
        for _ in range(12):
            reply = await log_in(owner.client, owner.email, PASSWORD)
            problem(reply, 503, "server.unavailable")
            assert reply.headers["retry-after"] == "1"
        fresh = {"email": f"{uuid4().hex}@example.org", "password": PASSWORD}
        problem(await owner.client.post("/auth/register", json=fresh), 503, "server.unavailable")
    finally:
        resources["auth.passwords"].close()
        resources["auth.passwords"] = usual
    assert (await log_in(owner.client, owner.email, PASSWORD)).status_code == 200


async def test_a_stored_hash_is_renewed_at_the_configured_cost_when_its_owner_signs_in(
    owner: Person, make_app: AppFactory, worker_database_url: str, monkeypatch: pytest.MonkeyPatch, app: FastAPI
) -> None:
    monkeypatch.setenv("MONOCOQUE_AUTH_PASSWORD_ROUNDS", "5")
    stored = "SELECT password_hash FROM monocoque_auth.users WHERE id = $1"
    assert (await fetch(app, stored, owner.id))[0].startswith("$2b$04$")
    async with client_of(await make_app(worker_database_url, modules="auth")) as client:
        assert (await log_in(client, owner.email, PASSWORD)).status_code == 200
        assert (await fetch(app, stored, owner.id))[0].startswith("$2b$05$")
        assert (await log_in(client, owner.email, PASSWORD)).status_code == 200
    assert (await owner.get("/auth/me")).json()["version"] == 1


async def test_closed_windows_are_swept(app: FastAPI) -> None:
    async with client_at(app, somewhere()) as caller:
        email = f"{uuid4().hex}@example.org"
        await log_in(caller, email, WRONG)
    key = account_key(email)
    kept = "SELECT failures FROM monocoque_auth.login_attempts WHERE key = $1"
    await purge_expired(runtime_of(app))
    assert await fetch(app, kept, key) == [1]
    ended = "UPDATE monocoque_auth.login_attempts SET window_ends_at = now() - interval '1 second' WHERE key = $1"
    await fetch(app, ended, key)
    await purge_expired(runtime_of(app))
    assert await fetch(app, kept, key) == []
