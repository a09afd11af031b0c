"""A session that ends, ends everywhere within a second, whatever ended it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from monocoque.pagination import Page
from monocoque.revocations import PULSE
from monocoque_auth.facade import AUDIENCE, ISSUER
from monocoque_auth.schemas import SessionRead
from monocoque_auth.service import set_disabled
from monocoque_auth.tokens import AccessTokens
from tests.conftest import AppFactory, client_of
from tests.modules.auth.scenes import WRONG, fetch, log_in, refresh, refused_within_a_second, runtime_of
from tests.support import PASSWORD, Person, problem, sign_up, until

NEW_PASSWORD = "paper lantern over the harbour"


async def another_session(person: Person, **headers: str) -> Person:
    """The same person, signed in once more."""
    reply = await person.client.post(
        "/auth/login", json={"email": person.email, "password": person.password}, headers=headers
    )
    other = Person(person.client, person.email, id=person.id)
    other.access_token, other.refresh_token = reply.json()["access_token"], reply.json()["refresh_token"]
    return other


async def sessions_of(person: Person) -> list[dict[str, object]]:
    reply = await person.get("/auth/sessions", params={"limit": 100})
    assert reply.status_code == 200, reply.text
    Page[SessionRead].model_validate(reply.json())
    items: list[dict[str, object]] = reply.json()["items"]
    return items


async def end_by_log_out(person: Person, _app: FastAPI) -> None:
    assert (await person.post("/auth/logout")).status_code == 204


async def end_by_deletion(person: Person, _app: FastAPI) -> None:
    assert (await person.delete("/auth/me")).status_code == 204


async def end_by_disabling(person: Person, app: FastAPI) -> None:
    assert await set_disabled(runtime_of(app), person.email, disabled=True)


async def end_by_password(person: Person, _app: FastAPI) -> None:
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert (await person.put("/auth/me/password", json=change)).status_code == 200


async def end_by_id(person: Person, _app: FastAPI) -> None:
    [session] = await sessions_of(person)
    assert (await person.delete(f"/auth/sessions/{session['id']}")).status_code == 204


async def end_by_reuse(person: Person, app: FastAPI) -> None:
    assert (await refresh(person.client, person.refresh_token)).status_code == 200
    later = "UPDATE monocoque_auth.refresh_tokens SET used_at = used_at - interval '1 minute' WHERE used_at IS NOT NULL"
    await fetch(app, later)
    problem(await refresh(person.client, person.refresh_token), 401, "auth.refresh_reused")


ENDINGS = [end_by_log_out, end_by_deletion, end_by_disabling, end_by_password, end_by_id, end_by_reuse]


@pytest.fixture(scope="module")
async def elsewhere_app(worker_database_url: str) -> object:
    """A second process on the same database."""
    factory = AppFactory()
    yield await factory(worker_database_url, modules="auth")
    await factory.close()


@pytest.mark.parametrize("end", ENDINGS, ids=lambda end: end.__name__)
async def test_an_ended_session_is_refused_here_at_once_and_elsewhere_within_a_second(
    owner: Person, app: FastAPI, elsewhere_app: FastAPI, end: Callable[[Person, FastAPI], Awaitable[None]]
) -> None:
    async with client_of(elsewhere_app) as elsewhere:
        # Both have verified the token and cached that.
        assert (await elsewhere.get("/auth/me", headers=owner.headers)).status_code == 200
        await end(owner, app)
        problem(await owner.get("/auth/me"), 401, "auth.unauthenticated")
        assert await refused_within_a_second(owner, elsewhere)
        assert (await refresh(elsewhere, owner.refresh_token)).status_code in {401, 403}


async def test_a_process_whose_news_are_cut_off_asks_the_table_and_is_not_fooled(
    owner: Person, stranger: Person, app: FastAPI, elsewhere_app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def out_of_reach() -> None:
        raise OSError("cut off by a test")

    runtime = runtime_of(elsewhere_app)
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query = $1"
    async with client_of(elsewhere_app) as elsewhere:
        assert (await elsewhere.get("/auth/me", headers=owner.headers)).status_code == 200
        await until(lambda: runtime.revocations.trusted)
        with monkeypatch.context() as patched:
            patched.setattr(runtime.database, "connect", out_of_reach)
            # Those who listen here or there: the last that each has asked is whether it still hears.
            assert await fetch(app, cut, PULSE.sql)
            await until(lambda: not runtime.revocations.trusted)
            assert (await elsewhere.get("/auth/me", headers=owner.headers)).status_code == 200
            await owner.post("/auth/logout")
            problem(await elsewhere.get("/auth/me", headers=owner.headers), 401, "auth.unauthenticated")
            assert (await elsewhere.get("/auth/me", headers=stranger.headers)).status_code == 200
            assert not runtime.revocations.trusted
        await until(lambda: runtime.revocations.trusted)
        problem(await elsewhere.get("/auth/me", headers=owner.headers), 401, "auth.unauthenticated")
        assert runtime.revocations.trusted


async def test_logging_out_ends_this_session_and_no_other(owner: Person, stranger: Person) -> None:
    other = await another_session(owner)
    assert (await owner.post("/auth/logout")).status_code == 204
    problem(await owner.get("/auth/me"), 401, "auth.unauthenticated")
    problem(await owner.post("/auth/logout"), 401, "auth.unauthenticated")
    problem(await refresh(owner.client, owner.refresh_token), 401, "auth.refresh_invalid")
    for person in (other, stranger):
        assert (await person.get("/auth/me")).status_code == 200
        assert (await refresh(person.client, person.refresh_token)).status_code == 200


async def test_my_sessions_say_where_i_am_signed_in_and_which_one_asks(owner: Person) -> None:
    agent = "Browser/1.0 \x7f\x1b[31m" + "x" * 300
    other = await another_session(owner, **{"User-Agent": agent})
    newest, oldest = await sessions_of(owner)
    assert (newest["current"], oldest["current"]) == (False, True)
    assert str(newest["user_agent"]).startswith("Browser/1.0 [31mxxx")
    assert len(str(newest["user_agent"])) == 200
    assert newest["address"] == "127.0.0.1"
    assert [session["current"] for session in await sessions_of(other)] == [True, False]


async def test_sessions_come_in_pages(owner: Person) -> None:
    for _ in range(2):
        await another_session(owner)
    first = (await owner.get("/auth/sessions", params={"limit": 2})).json()
    rest = (await owner.get("/auth/sessions", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [len(page["items"]) for page in (first, rest)] == [2, 1]
    assert rest["next_cursor"] is None


async def test_ending_the_others_leaves_this_one(owner: Person, stranger: Person) -> None:
    others = [await another_session(owner) for _ in range(3)]
    problem(await owner.delete("/auth/sessions"), 422, "request.invalid")
    problem(await owner.delete("/auth/sessions", params={"scope": "all"}), 422, "request.invalid")
    assert len(await sessions_of(owner)) == 4
    assert (await owner.delete("/auth/sessions", params={"scope": "others"})).status_code == 204
    assert [session["current"] for session in await sessions_of(owner)] == [True]
    for other in others:
        problem(await other.get("/auth/me"), 401, "auth.unauthenticated")
    assert (await stranger.get("/auth/me")).status_code == 200


async def test_only_ones_own_living_sessions_can_be_ended(owner: Person, stranger: Person) -> None:
    other = await another_session(owner)
    session_id = next(session["id"] for session in await sessions_of(owner) if not session["current"])
    problem(await stranger.delete(f"/auth/sessions/{session_id}"), 404, "auth.session_not_found")
    assert (await other.get("/auth/me")).status_code == 200
    assert (await owner.delete(f"/auth/sessions/{session_id}")).status_code == 204
    problem(await owner.delete(f"/auth/sessions/{session_id}"), 404, "auth.session_not_found")
    problem(await owner.delete(f"/auth/sessions/{uuid4()}"), 404, "auth.session_not_found")
    problem(await owner.delete("/auth/sessions/not-an-id"), 422, "request.invalid")


async def test_a_new_password_ends_every_session_and_keeps_the_person_signed_in(owner: Person) -> None:
    other = await another_session(owner)
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    reply = await owner.put("/auth/me/password", json=change)
    assert reply.status_code == 200
    assert reply.headers["cache-control"] == "no-store"
    for person in (owner, other):
        problem(await person.get("/auth/me"), 401, "auth.unauthenticated")
        problem(await refresh(person.client, person.refresh_token), 401, "auth.refresh_invalid")
    owner.access_token = reply.json()["access_token"]
    assert [session["current"] for session in await sessions_of(owner)] == [True]
    assert (await refresh(owner.client, reply.json()["refresh_token"])).status_code == 200
    problem(await log_in(owner.client, owner.email, PASSWORD), 401, "auth.credentials_wrong")
    assert (await log_in(owner.client, owner.email, NEW_PASSWORD)).status_code == 200


async def test_a_password_that_may_not_be_changes_nothing(owner: Person) -> None:
    for change, status, code in (
        ({"current_password": WRONG, "new_password": NEW_PASSWORD}, 403, "auth.password_wrong"),
        ({"current_password": PASSWORD, "new_password": owner.email}, 422, "auth.password_is_email"),
        ({"current_password": PASSWORD, "new_password": "short"}, 422, "request.invalid"),
        ({"new_password": NEW_PASSWORD}, 422, "request.invalid"),
    ):
        reply = await owner.put("/auth/me/password", json=change)
        problem(reply, status, code)
        assert NEW_PASSWORD not in reply.text
    assert (await owner.get("/auth/me")).json()["version"] == 1
    assert (await log_in(owner.client, owner.email, PASSWORD)).status_code == 200


async def test_of_two_password_changes_at_once_one_counts(client: httpx.AsyncClient) -> None:
    person = await sign_up(client)
    passwords = [f"{NEW_PASSWORD} {n}" for n in range(4)]
    replies = await asyncio.gather(
        *(
            person.put("/auth/me/password", json={"current_password": PASSWORD, "new_password": password})
            for password in passwords
        )
    )
    assert [reply.status_code for reply in replies].count(200) == 1
    winner = next(n for n, reply in enumerate(replies) if reply.status_code == 200)
    statuses = [(await log_in(client, person.email, password)).status_code for password in passwords]
    assert [n for n, status in enumerate(statuses) if status == 200] == [winner]


async def test_an_expired_access_token_says_so(owner: Person, app: FastAPI) -> None:
    [session] = await sessions_of(owner)
    secret = runtime_of(app).settings.signing_secret
    old = AccessTokens(secret, issuer=ISSUER, audience=AUDIENCE, clock=lambda: time.time() - 3600)
    assert owner.id is not None
    token = old.issue(user_id=owner.id, session_id=owner.id, role="user")
    reply = await owner.client.get("/auth/me", headers={"Authorization": f"Bearer {token}"})
    problem(reply, 401, "auth.token_expired")
    assert reply.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert session["current"] is True
