"""`monocoque users`: what it does takes effect in the processes that serve, and it never shows a password."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from typer.testing import CliRunner, Result

from monocoque_auth.commands import PASSWORD_VARIABLE
from monocoque_auth.commands import app as users
from tests.modules.auth.scenes import log_in, refused_within_a_second
from tests.support import PASSWORD, Person, problem

Run = Callable[..., Awaitable[Result]]


@pytest.fixture
def run(worker_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command against this worker's database, as a process beside the one that serves."""
    monkeypatch.setenv("MONOCOQUE_DATABASE_URL", worker_database_url)
    monkeypatch.setenv("MONOCOQUE_MODULES", "auth")
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)

    async def invoke(*arguments: str, stdin: str | None = None) -> Result:
        result = await asyncio.to_thread(CliRunner().invoke, users, arguments, input=stdin)
        assert PASSWORD not in result.output
        return result

    return invoke


async def role_of(client: httpx.AsyncClient, email: str, password: str = PASSWORD) -> str:
    token = (await log_in(client, email, password)).json()["access_token"]
    return str((await client.get("/auth/me", headers={"Authorization": f"Bearer {token}"})).json()["role"])


def test_the_group_is_called_users() -> None:
    assert users.info.name == "users"


async def test_an_admin_is_created_with_a_password_from_standard_input(client: httpx.AsyncClient, run: Run) -> None:
    email = f"{uuid4().hex}@example.org"
    result = await run("create-admin", email, stdin=f"{PASSWORD}\n")
    assert (result.exit_code, result.output) == (0, f"{email} is an admin.\n")
    assert await role_of(client, email) == "admin"


async def test_an_admin_is_created_with_a_password_from_the_environment(
    client: httpx.AsyncClient, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    monkeypatch.setenv("MONOCOQUE_AUTH_REGISTRATION_OPEN", "false")
    email = f"{uuid4().hex}@example.org"
    assert (await run("create-admin", email)).exit_code == 0
    assert await role_of(client, email) == "admin"


@pytest.mark.parametrize(
    ("email", "password", "said"),
    [
        ("no e-mail", PASSWORD, "email: Give an e-mail such as ada@example.org."),
        ("ada@example.org", "short", "password: String should have at least 8 characters."),
        ("somebody@example.org", "Somebody@Example.org", "Choose a password that is not your e-mail."),
    ],
)
async def test_bad_input_is_explained_in_a_line(run: Run, email: str, password: str, said: str) -> None:
    result = await run("create-admin", email, stdin=f"{password}\n")
    assert (result.exit_code, result.output.strip()) == (1, said)


async def test_an_existing_account_is_promoted_only_when_told_so(owner: Person, run: Run) -> None:
    refused = await run("create-admin", owner.email.upper(), stdin=f"{PASSWORD}\n")
    assert refused.exit_code == 1
    assert "--promote" in refused.output
    assert await role_of(owner.client, owner.email) == "user"
    assert (await run("create-admin", owner.email.upper(), "--promote")).exit_code == 0
    assert await role_of(owner.client, owner.email) == "admin"


async def test_a_role_taken_away_counts_at_once(owner: Person, run: Run) -> None:
    assert (await run("set-role", owner.email, "admin")).exit_code == 0
    await owner.login()
    assert (await run("set-role", owner.email, "user")).exit_code == 0
    assert await refused_within_a_second(owner, owner.client)
    assert await role_of(owner.client, owner.email) == "user"
    assert (await run("set-role", owner.email, "emperor")).exit_code == 2


async def test_disabling_ends_the_sessions_of_the_serving_process_within_a_second(owner: Person, run: Run) -> None:
    assert (await run("disable", owner.email)).exit_code == 0
    assert await refused_within_a_second(owner, owner.client)
    problem(await log_in(owner.client, owner.email, PASSWORD), 403, "auth.disabled")
    lines = (await run("list")).output.splitlines()
    assert [line for line in lines if line.startswith(owner.email)] == [f"{owner.email}\tuser\tdisabled\t"]
    assert (await run("enable", owner.email)).exit_code == 0
    assert (await log_in(owner.client, owner.email, PASSWORD)).status_code == 200


@pytest.mark.parametrize(
    "arguments", [("disable",), ("enable",), ("create-admin", "--promote"), ("set-role", "admin")], ids=" ".join
)
async def test_an_unknown_account_is_an_error(run: Run, app: FastAPI, arguments: tuple[str, ...]) -> None:
    email = f"{uuid4().hex}@example.org"
    command, *rest = arguments
    result = await run(command, email, *rest)
    assert result.exit_code == 1
    assert f"There is no account for {email}." in result.output
