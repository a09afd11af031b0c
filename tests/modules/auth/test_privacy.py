"""Nothing that this service writes or says holds a password or a token that it was given."""

from __future__ import annotations

import logging
from uuid import uuid4

import httpx
import pytest

from monocoque.app import create_app
from monocoque.settings import Settings
from tests.conftest import client_of

SECRET = "a-very-particular-secret-phrase"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "register", {"email": "x", "password": SECRET}),
        ("POST", "register", {"password": SECRET}),
        ("POST", "register", {"email": f"{SECRET}@", "password": [SECRET]}),
        ("POST", "register", {"email": "ada@example.org", "password": SECRET, SECRET[:5]: SECRET}),
        ("POST", "login", {"email": "ada@example.org", "password": SECRET}),
        ("POST", "login", {"email": {"a": SECRET}, "password": {"b": SECRET}}),
        ("POST", "login", [SECRET]),
        ("POST", "login", SECRET),
        ("POST", "refresh", {"refresh_token": SECRET}),
        ("POST", "refresh", {"refresh_token": SECRET, "more": SECRET}),
        ("POST", "token", {"password": SECRET}),
        ("PUT", "me/password", {"current_password": SECRET, "new_password": SECRET}),
        ("PATCH", "me", {"email": f"x{SECRET}@example.org"}),
    ],
)
async def test_an_error_never_repeats_what_was_sent(
    client: httpx.AsyncClient, method: str, path: str, body: object
) -> None:
    reply = await client.request(method, f"/auth/{path}", json=body)
    assert 400 <= reply.status_code < 500
    assert SECRET not in reply.text + str(reply.headers)


async def test_broken_json_is_not_repeated_either(client: httpx.AsyncClient) -> None:
    for body in (f'{{"password": "{SECRET}"', f'{{"password": "{SECRET}", "email": NaN}}', f'"{SECRET}\\ud800"'):
        reply = await client.post("/auth/login", content=body, headers={"content-type": "application/json"})
        assert reply.status_code == 422
        assert SECRET not in reply.text


async def test_no_log_holds_a_password_or_a_token(
    worker_database_url: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = Settings(_env_file=None, modules="auth", log_format="json")
    app = create_app(settings, database_url=worker_database_url)
    email = f"{uuid4().hex}@example.org"
    secrets = [SECRET, f"{SECRET} renewed"]
    async with app.router.lifespan_context(app), client_of(app) as client:
        account = {"email": email, "password": SECRET}
        for _ in range(2):
            replies = [await client.post("/auth/register", json=account, headers={"Idempotency-Key": "once"})]
        replies += [await client.post("/auth/login", json=account | {"password": f"{SECRET}?"})]
        tokens = (await client.post("/auth/login", json=account)).json()
        secrets += [tokens["access_token"], tokens["refresh_token"]]
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        await client.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        replies += [await client.post("/auth/token", data={"username": email, "password": "wrong"})]
        change = {"current_password": SECRET, "new_password": secrets[1]}
        await client.put("/auth/me/password", json=change, headers=bearer)
        replies += [await client.get("/auth/me", headers=bearer)]
    written = "".join(capsys.readouterr()) + caplog.text
    assert "/api/v1/auth/login" in written
    for secret in secrets:
        assert secret not in written
        assert all(secret not in reply.text for reply in replies)
