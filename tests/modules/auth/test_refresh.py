"""A refresh token is good for one use; a copy of it is worth nothing, and gives the thief away."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from monocoque_auth.jobs import purge_expired
from monocoque_auth.refresh_tokens import digest
from monocoque_auth.service import set_role
from monocoque_auth.sessions import MAX_REPEATS
from monocoque_auth.settings import AuthSettings
from tests.conftest import AppFactory, client_of
from tests.modules.auth.scenes import fetch, refresh, refused_within_a_second, runtime_of
from tests.support import Person, problem

LATER = "UPDATE monocoque_auth.refresh_tokens SET used_at = used_at - $2::interval WHERE digest = $1 RETURNING 1"


@pytest.fixture
def long_grace(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """A grace that passes only where a test lets it, however slow the machine."""
    settings = grace_of(app).model_copy(update={"refresh_grace_seconds": 300})
    monkeypatch.setitem(runtime_of(app).module_settings, "auth", settings)


def grace_of(app: FastAPI) -> AuthSettings:
    return runtime_of(app).settings_of("auth", AuthSettings)


async def used(person: Person, token: str) -> str:
    """Use a token; the one that comes for it."""
    reply = await refresh(person.client, token)
    assert reply.status_code == 200, reply.text
    return str(reply.json()["refresh_token"])


async def let_the_grace_pass(app: FastAPI, token: str) -> None:
    grace = timedelta(seconds=grace_of(app).refresh_grace_seconds + 1)
    assert await fetch(app, LATER, digest(token), grace) == [1]


async def count_sessions(person: Person) -> int:
    return len((await person.get("/auth/sessions")).json()["items"])


async def test_a_refresh_continues_the_same_session_with_tokens_that_work(owner: Person, app: FastAPI) -> None:
    reply = await refresh(owner.client, owner.refresh_token)
    assert reply.status_code == 200
    assert reply.headers["cache-control"] == "no-store"
    tokens = reply.json()
    assert tokens["token_type"] == "bearer"
    assert tokens["refresh_token"] != owner.refresh_token
    assert tokens["access_token"] != owner.access_token
    owner.access_token = tokens["access_token"]
    assert (await owner.get("/auth/me")).json()["id"] == str(owner.id)
    assert await count_sessions(owner) == 1


async def test_only_digests_are_stored(owner: Person, app: FastAPI) -> None:
    stored = "SELECT t::text FROM monocoque_auth.refresh_tokens t JOIN monocoque_auth.sessions s ON s.id = t.session_id"
    rows = await fetch(app, f"{stored} WHERE s.user_id = $1", owner.id)
    assert len(rows) == 1
    assert owner.refresh_token not in rows[0]
    assert owner.refresh_token.encode().hex() not in rows[0]


@pytest.mark.usefixtures("long_grace")
async def test_sixteen_refreshes_at_once_all_get_an_answer_and_the_session_goes_on(owner: Person, app: FastAPI) -> None:
    replies = await asyncio.gather(*(refresh(owner.client, owner.refresh_token) for _ in range(16)))
    assert [reply.status_code for reply in replies] == [200] * 16
    answers = {reply.json()["refresh_token"] for reply in replies}
    assert len(answers) == 16
    assert await count_sessions(owner) == 1
    # Whichever of them the client kept, it continues; and so does what that one gives.
    kept = answers.pop()
    assert await used(owner, await used(owner, kept))
    # The first token is worthless afterwards, and showing it again ends them all.
    await let_the_grace_pass(app, owner.refresh_token)
    problem(await refresh(owner.client, owner.refresh_token), 401, "auth.refresh_reused")
    for token in answers:
        assert (await refresh(owner.client, token)).status_code == 401


@pytest.mark.usefixtures("long_grace")
async def test_a_lost_answer_can_be_asked_for_again_within_the_grace(owner: Person) -> None:
    lost = await used(owner, owner.refresh_token)
    found = await used(owner, owner.refresh_token)
    assert lost != found
    assert await used(owner, found)


async def test_reuse_after_the_grace_ends_the_session_and_that_stays(
    owner: Person, app: FastAPI, make_app: AppFactory, worker_database_url: str
) -> None:
    assert grace_of(app).refresh_grace_seconds == 10
    fresh = await used(owner, owner.refresh_token)
    await let_the_grace_pass(app, owner.refresh_token)
    reply = await refresh(owner.client, owner.refresh_token)
    problem(reply, 401, "auth.refresh_reused")
    assert "www-authenticate" in reply.headers
    # Committed before the answer: another process, started now, knows it.
    async with client_of(await make_app(worker_database_url, modules="auth")) as elsewhere:
        problem(await elsewhere.get("/auth/me", headers=owner.headers), 401, "auth.unauthenticated")
        problem(await refresh(elsewhere, fresh), 401, "auth.refresh_invalid")
        problem(await refresh(elsewhere, owner.refresh_token), 401, "auth.refresh_reused")
    problem(await owner.get("/auth/me"), 401, "auth.unauthenticated")
    problem(await refresh(owner.client, fresh), 401, "auth.refresh_invalid")


async def test_reuse_ends_the_one_session_and_no_other(owner: Person, app: FastAPI) -> None:
    other = Person(owner.client, owner.email)
    await other.login()
    await used(owner, owner.refresh_token)
    await let_the_grace_pass(app, owner.refresh_token)
    problem(await refresh(owner.client, owner.refresh_token), 401, "auth.refresh_reused")
    assert (await other.get("/auth/me")).status_code == 200
    assert await used(other, other.refresh_token)


@pytest.mark.usefixtures("long_grace")
async def test_of_two_answers_to_one_token_only_one_line_lives_on(owner: Person, app: FastAPI) -> None:
    # A thief who copies a token within the grace gets an answer; as soon as both go on, the theft shows.
    of_the_owner, of_the_thief = await used(owner, owner.refresh_token), await used(owner, owner.refresh_token)
    next_of_the_owner = await used(owner, of_the_owner)
    await let_the_grace_pass(app, of_the_thief)
    problem(await refresh(owner.client, of_the_thief), 401, "auth.refresh_reused")
    problem(await refresh(owner.client, next_of_the_owner), 401, "auth.refresh_invalid")


@pytest.mark.usefixtures("long_grace")
async def test_answers_within_the_grace_are_bounded(owner: Person) -> None:
    await used(owner, owner.refresh_token)
    for _ in range(MAX_REPEATS):
        last = await used(owner, owner.refresh_token)
    problem(await refresh(owner.client, owner.refresh_token), 401, "auth.refresh_reused")
    problem(await refresh(owner.client, last), 401, "auth.refresh_invalid")


async def test_without_a_grace_one_of_sixteen_wins_and_the_session_ends(
    owner: Person, make_app: AppFactory, worker_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONOCOQUE_AUTH_REFRESH_GRACE_SECONDS", "0")
    async with client_of(await make_app(worker_database_url, modules="auth")) as strict:
        replies = await asyncio.gather(*(refresh(strict, owner.refresh_token) for _ in range(16)))
        assert sorted(reply.status_code for reply in replies) == [200] + [401] * 15
        winner = next(reply for reply in replies if reply.status_code == 200)
        problem(await refresh(strict, winner.json()["refresh_token"]), 401, "auth.refresh_invalid")
    assert await refused_within_a_second(owner, owner.client)


@pytest.mark.parametrize(
    "token",
    ["x", "mrt_", "mrt_" + "A" * 43, "mrt_" + "A" * 4000, "é" * 50, "mrt_" + "A" * 43 + " "],
    ids=["letter", "prefix", "unknown", "long", "accents", "blank"],
)
async def test_what_was_never_issued_is_refused(client: httpx.AsyncClient, token: str) -> None:
    reply = await refresh(client, token)
    problem(reply, 401, "auth.refresh_invalid")
    assert token == "x" or token not in reply.text


async def test_an_access_token_is_no_refresh_token_and_the_other_way_round(owner: Person) -> None:
    problem(await refresh(owner.client, owner.access_token), 401, "auth.refresh_invalid")
    for token in (owner.refresh_token, "garbage", "a.b.c", owner.access_token[:-2] + "AA", owner.access_token + "x"):
        reply = await owner.client.get("/auth/me", headers={"Authorization": f"Bearer {token}"})
        problem(reply, 401, "auth.unauthenticated")


async def test_a_session_lives_thirty_days_from_its_last_use(owner: Person, app: FastAPI) -> None:
    [before] = (await owner.get("/auth/sessions")).json()["items"]
    shift = "UPDATE monocoque_auth.sessions SET expires_at = now() + interval '1 hour' WHERE user_id = $1"
    await fetch(app, shift, owner.id)
    token = await used(owner, owner.refresh_token)
    [session] = (await owner.get("/auth/sessions")).json()["items"]
    assert session["id"] == before["id"]
    left = datetime.fromisoformat(session["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=29, hours=23) < left <= timedelta(days=30)
    await fetch(app, "UPDATE monocoque_auth.sessions SET expires_at = now() WHERE user_id = $1", owner.id)
    problem(await refresh(owner.client, token), 401, "auth.refresh_invalid")
    assert await count_sessions(owner) == 0


async def test_a_new_role_shows_in_new_tokens_and_ends_the_old_ones(owner: Person, app: FastAPI) -> None:
    assert await set_role(runtime_of(app), owner.email, "admin")
    problem(await refresh(owner.client, owner.refresh_token), 401, "auth.refresh_invalid")
    problem(await owner.get("/auth/me"), 401, "auth.unauthenticated")
    await owner.login()
    assert (await owner.get("/auth/me")).json()["role"] == "admin"
    assert not await set_role(runtime_of(app), f"{uuid4().hex}@example.org", "admin")


async def test_what_has_ended_is_swept_a_day_later_and_what_lives_stays(owner: Person, app: FastAPI) -> None:
    gone = Person(owner.client, owner.email)
    await gone.login()
    assert (await gone.post("/auth/logout")).status_code == 204
    ids = "SELECT id FROM monocoque_auth.sessions WHERE user_id = $1"
    await purge_expired(runtime_of(app))
    assert len(await fetch(app, ids, owner.id)) == 2
    aged = "UPDATE monocoque_auth.sessions SET revoked_at = now() - interval '25 hours' WHERE revoked_at IS NOT NULL"
    await fetch(app, f"{aged} AND user_id = $1", owner.id)
    await purge_expired(runtime_of(app))
    [left] = await fetch(app, ids, owner.id)
    assert [str(left)] == [session["id"] for session in (await owner.get("/auth/sessions")).json()["items"]]
    assert await used(owner, owner.refresh_token)
