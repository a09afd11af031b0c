"""An account belongs to one e-mail, whatever its case, and to whoever knows its password."""

from __future__ import annotations

import asyncio
import hashlib
import json
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from monocoque.queries import Query
from monocoque_auth.administration import set_disabled
from monocoque_auth.contracts import ACTIVE_USERS
from monocoque_auth.facade import find_user
from monocoque_auth.schemas import UserRead
from tests.conftest import AppFactory, client_of
from tests.modules.auth.scenes import WRONG, fetch, log_in, runtime_of
from tests.support import PASSWORD, Person, problem, sign_up

NO_EMAILS = [
    *("", "ada", "ada@", "@example.org", "ada@example", "a b@example.org", "Ada <ada@example.org>", "a@b@example.org"),
    *("ada@[127.0.0.1]", '"a b"@example.org', "ada@example.org\r\nBcc: x@example.org", "ada@-example.org"),
    *("a" * 65 + "@example.org", "a@" + "b." * 130 + "org", "ada\x00@example.org", "\ud800@example.org"),
]


def unused() -> str:
    return f"{uuid4().hex}@example.org"


async def register(client: httpx.AsyncClient, email: str, password: str = PASSWORD, **more: object) -> httpx.Response:
    return await client.post("/auth/register", json={"email": email, "password": password, **more})


async def test_registering_gives_the_account_and_never_its_hash(client: httpx.AsyncClient) -> None:
    email = unused()
    reply = await register(client, email, display_name="  Ada  ")
    assert reply.status_code == 201
    account = UserRead.model_validate(reply.json(), strict=False)
    assert reply.json().keys() == UserRead.model_fields.keys()
    assert (account.email, account.display_name, account.role, account.version) == (email, "Ada", "user", 1)
    assert reply.headers["location"] == "/api/v1/auth/me"
    assert reply.headers["etag"] == '"1"'


async def test_twenty_at_once_for_one_email_in_many_cases_make_one_account(client: httpx.AsyncClient) -> None:
    email = f"straße-{uuid4().hex}@Bücher.example"
    spellings = [email, email.upper(), email.title(), email.swapcase()] * 5
    replies = await asyncio.gather(*(register(client, spelling) for spelling in spellings))
    assert sorted(reply.status_code for reply in replies) == [201] + [409] * 19
    for reply in replies:
        if reply.status_code == 409:
            problem(reply, 409, "auth.email_taken")


async def test_an_email_signs_in_in_any_case_and_composition(client: httpx.AsyncClient) -> None:
    email = f"Zoë.{uuid4().hex}@example.org"
    assert (await register(client, email)).status_code == 201
    for spelling in (email.lower(), email.upper(), email.replace("ë", "e\u0308")):
        assert (await log_in(client, spelling, PASSWORD)).status_code == 200


@pytest.mark.parametrize(
    "email",
    NO_EMAILS,
    ids=ascii,
)
async def test_what_is_no_email_is_refused_without_repeating_it(client: httpx.AsyncClient, email: str) -> None:
    body = json.dumps({"email": email, "password": PASSWORD})
    reply = await client.post("/auth/register", content=body, headers={"content-type": "application/json"})
    document = problem(reply, 422, "request.invalid")
    assert [error["pointer"] for error in document["errors"]] in (["#/email"], ["#"])
    assert PASSWORD not in reply.text


@pytest.mark.parametrize(
    "password", ["", "seven77", "x" * 1001, "e\u0301" * 7, "\ufb2c" * 900, "correct\u0000horse"], ids=ascii
)
async def test_a_password_has_eight_to_a_thousand_characters_of_text(client: httpx.AsyncClient, password: str) -> None:
    document = problem(await register(client, unused(), password), 422, "request.invalid")
    assert [error["pointer"] for error in document["errors"]] == ["#/password"]


@pytest.mark.parametrize("password", ["e\u0301" * 7, "\ufb2c" * 900], ids=ascii)
async def test_the_length_of_a_password_is_that_of_its_composed_form(client: httpx.AsyncClient, password: str) -> None:
    document = problem(await register(client, unused(), password), 422, "request.invalid")
    assert [error["code"] for error in document["errors"]] == ["auth.password_length"]


@pytest.mark.parametrize("password", ["12345678", "        ", "x" * 1000, "🔑" * 64, "пароль-пароль"], ids=ascii)
async def test_nothing_else_is_asked_of_a_password_and_all_of_it_counts(
    client: httpx.AsyncClient, password: str
) -> None:
    email = unused()
    assert (await register(client, email, password)).status_code == 201
    assert (await log_in(client, email, password)).status_code == 200
    problem(await log_in(client, email, password[:-1]), 401, "auth.credentials_wrong")


async def test_the_password_is_not_the_email(client: httpx.AsyncClient) -> None:
    email = unused()
    document = problem(await register(client, email, email.upper()), 422, "auth.password_is_email")
    assert document["errors"][0]["pointer"] == "#/password"


async def test_registration_sent_twice_with_one_key_makes_one_account(client: httpx.AsyncClient, app: FastAPI) -> None:
    email, key = unused(), uuid4().hex
    body = {"email": email, "password": PASSWORD}
    replies = [await client.post("/auth/register", json=body, headers={"Idempotency-Key": key}) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [201, 201]
    assert replies[0].json() == replies[1].json()
    assert replies[1].headers["idempotency-replayed"] == "true"
    # What is stored for the comparison must not serve to try passwords.

    plain = hashlib.sha256(b"\0" + replies[0].request.content).digest()
    assert await fetch(app, "SELECT key FROM monocoque.idempotency_keys WHERE fingerprint = $1", plain) == []
    assert await fetch(app, "SELECT key FROM monocoque.idempotency_keys WHERE key = $1", key) == [key]


async def test_closed_registration_is_said_before_any_work(
    make_app: AppFactory, worker_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONOCOQUE_AUTH_REGISTRATION_OPEN", "false")
    async with client_of(await make_app(worker_database_url, modules="auth")) as client:
        problem(await register(client, unused()), 403, "auth.registration_closed")


async def test_my_account_is_mine_with_an_etag(owner: Person) -> None:
    reply = await owner.get("/auth/me")
    assert (reply.json()["id"], reply.json()["email"]) == (str(owner.id), owner.email)
    again = await owner.get("/auth/me", headers={"If-None-Match": reply.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_changing_my_name_leaves_the_rest(owner: Person) -> None:
    before = (await owner.get("/auth/me")).json()
    after = (await owner.patch("/auth/me", json={"display_name": "Grace"})).json()
    assert after == before | {"display_name": "Grace", "version": 2, "updated_at": after["updated_at"]}
    assert (await owner.patch("/auth/me", json={"display_name": None})).json()["display_name"] is None
    problem(
        await owner.patch("/auth/me", json={"display_name": "x"}, headers={"If-Match": '"1"'}), 412, "request.stale"
    )


@pytest.mark.parametrize("member", ["role", "id", "disabled_at", "password", "version"])
async def test_what_is_not_mine_to_change_is_an_error(owner: Person, member: str) -> None:
    document = problem(await owner.patch("/auth/me", json={member: "admin"}), 422, "request.invalid")
    assert document["errors"][0]["pointer"] == f"#/{member}"
    assert (await owner.get("/auth/me")).json()["version"] == 1


async def test_a_new_email_needs_the_password_and_must_be_free(owner: Person, stranger: Person) -> None:
    fresh = unused()
    problem(await owner.patch("/auth/me", json={"email": fresh}), 422, "auth.password_needed")
    wrong = {"email": fresh, "current_password": WRONG}
    problem(await owner.patch("/auth/me", json=wrong), 403, "auth.password_wrong")
    taken = {"email": stranger.email.upper(), "current_password": PASSWORD}
    problem(await owner.patch("/auth/me", json=taken), 409, "auth.email_taken")
    assert (await owner.get("/auth/me")).json()["email"] == owner.email
    reply = await owner.patch("/auth/me", json={"email": fresh, "current_password": PASSWORD})
    assert (reply.status_code, reply.json()["email"]) == (200, fresh)
    assert (await log_in(owner.client, fresh, PASSWORD)).status_code == 200
    problem(await log_in(owner.client, owner.email, PASSWORD), 401, "auth.credentials_wrong")


async def test_a_password_that_is_sent_is_looked_at_whatever_is_changed(owner: Person) -> None:
    for change in ({}, {"display_name": "Grace"}):
        wrong = {**change, "current_password": WRONG}
        problem(await owner.patch("/auth/me", json=wrong), 403, "auth.password_wrong")
    assert (await owner.get("/auth/me")).json()["version"] == 1
    reply = await owner.patch("/auth/me", json={"display_name": "Grace", "current_password": PASSWORD})
    assert (reply.status_code, reply.json()["display_name"]) == (200, "Grace")


async def test_my_own_email_can_change_its_case(owner: Person) -> None:
    shouted = owner.email.partition("@")[0].upper() + "@example.org"
    reply = await owner.patch("/auth/me", json={"email": shouted, "current_password": PASSWORD})
    assert reply.json()["email"] == shouted


async def test_deleting_my_account_deletes_what_it_owns_and_nothing_else(
    owner: Person, stranger: Person, app: FastAPI
) -> None:
    for person in (owner, stranger):
        reply = await person.post("/cars", json={"make": "Mazda", "model": "MX-5", "year": 1990})
        assert reply.status_code == 201
    problem(await owner.delete("/auth/me", headers={"If-Match": '"7"'}), 412, "request.stale")
    assert (await owner.delete("/auth/me")).status_code == 204
    for table, column in (("monocoque_cars.cars", "owner_id"), ("monocoque_auth.sessions", "user_id")):
        for person, left in ((owner, 0), (stranger, 1)):
            counted = f"SELECT count(*) FROM {table} WHERE {column} = $1"
            assert await fetch(app, counted, person.id) == [left]
    problem(await owner.get("/auth/me"), 401, "auth.unauthenticated")
    problem(await log_in(owner.client, owner.email, PASSWORD), 401, "auth.credentials_wrong")
    assert (await register(owner.client, owner.email)).status_code == 201


async def test_other_modules_see_a_card_of_a_person_and_never_the_email(
    client: httpx.AsyncClient, app: FastAPI
) -> None:
    person = await sign_up(client, display_name="Ada")
    assert person.id is not None
    card = await find_user(runtime_of(app).database, person.id)
    assert card is not None
    assert (card.id, card.display_name, card.role) == (person.id, "Ada", "user")
    assert person.email not in repr(card)
    assert await find_user(runtime_of(app).database, uuid4()) is None


async def test_other_modules_can_join_the_accounts_that_are_not_disabled(
    client: httpx.AsyncClient, app: FastAPI
) -> None:
    person, disabled = await sign_up(client), await sign_up(client)
    runtime = runtime_of(app)
    await set_disabled(runtime, disabled.email, disabled=True)
    rows = await runtime.database.all(Query(select(ACTIVE_USERS)))
    # Nothing but ids: the view is all that the others get to see.
    async with runtime.database.connection() as connection:
        whole = await connection.fetchrow("SELECT * FROM monocoque_auth.active_users LIMIT 1")
    assert list(whole.keys()) == [column.name for column in ACTIVE_USERS.columns] == ["id"]
    active = {row["id"] for row in rows}
    assert (person.id in active, disabled.id in active) == (True, False)
    await set_disabled(runtime, disabled.email, disabled=False)
    active = {row["id"] for row in await runtime.database.all(Query(select(ACTIVE_USERS)))}
    assert disabled.id in active
