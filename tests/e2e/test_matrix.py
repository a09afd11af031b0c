"""Every operation of the OpenAPI document, called by everybody: no cell without a verdict, no violation."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from jose import jwt

from monocoque.settings import DEVELOPMENT_SECRET
from tests.e2e.cast import BODIES, FILES, NOTES, QUERIES, REFUSED_FOR_OTHERS, SHARED, Stage, set_stage
from tests.support import Person, sign_up

METHODS = ("get", "post", "put", "patch", "delete")
SIGNED_OUT = ("nobody", "disabled", "deleted", "expired", "tampered", "refresh token")
SIGNED_IN = ("somebody else", "admin")


def operations(app: FastAPI) -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path below the prefix, operation) of every operation that needs a sign-in."""
    return [
        (method.upper(), path.removeprefix("/api/v1"), operation)
        for path, item in app.openapi()["paths"].items()
        for method, operation in item.items()
        if method in METHODS and operation.get("security")
    ]


def verdict(caller: str, operation: str) -> set[int]:
    """The statuses that this caller may get."""
    if caller in SIGNED_OUT:
        return {401}
    shared = SHARED.get(operation, {})
    if caller in shared:
        return {shared[caller]}
    if caller == "owner" or ("{" not in operation.replace("{vin}", "")):
        wanted = REFUSED_FOR_OTHERS.get(operation)
        return {wanted} if wanted and caller != "owner" else {200, 201, 202, 204}
    return {404}


def body_of(name: str, operation: dict[str, Any], stage: Stage) -> dict[str, Any]:
    """The options of a request that give it a body; a KeyError for an operation that nobody gave one."""
    if name in FILES:
        return {"files": FILES[name]}
    return {"json": BODIES[name](stage)} if "requestBody" in operation else {}


async def tokens(client: httpx.AsyncClient, app: FastAPI) -> dict[str, dict[str, str]]:
    """The headers of every caller but the owner."""
    disabled, deleted, other, admin = [await sign_up(client) for _ in range(4)]
    database = app.state.runtime.database
    async with database.connection() as connection:
        await connection.execute("UPDATE monocoque_auth.users SET role = 'admin' WHERE id = $1", admin.id)
    await admin.login()
    assert (await deleted.delete("/auth/me")).status_code == 204
    await disable(app, disabled)
    claims = jwt.get_unverified_claims(other.access_token)
    past = int(time.time()) - 3600
    expired = jwt.encode({**claims, "iat": past, "exp": past + 900}, DEVELOPMENT_SECRET, "HS256")
    header, payload, signature = other.access_token.split(".")
    tampered = f"{header}.{payload}.{signature[:-4]}{'AAAA' if signature[-4:] != 'AAAA' else 'BBBB'}"
    return {
        "nobody": {},
        "disabled": disabled.headers,
        "deleted": deleted.headers,
        "expired": {"Authorization": f"Bearer {expired}"},
        "tampered": {"Authorization": f"Bearer {tampered}"},
        "refresh token": {"Authorization": f"Bearer {other.refresh_token}"},
        "somebody else": other.headers,
        "admin": admin.headers,
    }


async def disable(app: FastAPI, person: Person) -> None:
    """As `monocoque users disable` does."""
    from monocoque_auth.administration import set_disabled

    await set_disabled(app.state.runtime, person.email, disabled=True)


@pytest.fixture
async def stage(client: httpx.AsyncClient) -> Stage:
    return await set_stage(client)


async def test_every_operation_has_a_verdict_for_every_caller(app: FastAPI, client: httpx.AsyncClient) -> None:
    cells, violations = 0, []
    callers = await tokens(client, app)
    for method, path, operation in operations(app):
        stage = await set_stage(client)
        name = f"{method} {path}"
        for caller in (*SIGNED_OUT, *SIGNED_IN, "owner"):
            if caller == "somebody else" and path.startswith("/auth/"):
                # What they do to their own account must not end their part in the rest of the matrix.
                headers = (await sign_up(client)).headers
            elif caller == "admin" and path.startswith("/auth/"):
                continue
            else:
                headers = stage.owner.headers if caller == "owner" else callers[caller]
            options: dict[str, Any] = {"headers": headers}
            options |= body_of(name, operation, stage)
            options["params"] = QUERIES.get(name)
            reply = await client.request(method, path.format(**stage.path_values(path)), **options)
            cells += 1
            if reply.status_code not in verdict(caller, name):
                violations.append(f"{name} by {caller}: {reply.status_code} {reply.text[:200]}")
            if caller != "owner" and any(secret in strip(reply) for secret in stage.secrets_from(caller, path)):
                violations.append(f"{name} by {caller}: tells what is the owner's")
    assert not violations, "\n".join(violations)
    assert cells > 250


def strip(reply: httpx.Response) -> str:
    """The body without what the caller sent themselves: a problem's `instance` is the path they asked for."""
    document = reply.json() if reply.content and "json" in reply.headers.get("content-type", "") else None
    if isinstance(document, dict) and "instance" in document:
        document.pop("instance")
        return str(document)
    return reply.text


async def test_what_needs_no_sign_in_is_a_short_list(app: FastAPI) -> None:
    public = {
        f"{method.upper()} {path}"
        for path, item in app.openapi()["paths"].items()
        for method, operation in item.items()
        if method in METHODS and not operation.get("security")
    }
    assert public == {
        "GET /",
        "GET /health",
        "GET /health/db",
        "GET /health/ready",
        "GET /api/v1/modules",
        "POST /api/v1/auth/register",
        "POST /api/v1/auth/login",
        "POST /api/v1/auth/token",
        "POST /api/v1/auth/refresh",
        "GET /api/v1/public/build-lists/{token}",
        "GET /api/v1/public/menus/{slug}",
        "GET /api/v1/public/build-lists/{token}/export",
    }


async def test_nothing_of_the_owner_is_gone_after_everybody_else_tried(
    app: FastAPI, client: httpx.AsyncClient, stage: Stage
) -> None:
    callers = await tokens(client, app)
    for method, path, operation in operations(app):
        if "{" not in path or method == "GET":
            continue
        for caller in (*SIGNED_OUT, *SIGNED_IN):
            options: dict[str, Any] = {"headers": callers[caller]}
            options |= body_of(f"{method} {path}", operation, stage)
            await client.request(method, path.format(**stage.path_values(path)), **options)
    items = (await stage.owner.get(f"/build-lists/{stage.build_list}/items")).json()["items"]
    assert [(item["id"], item["status"], item["quantity"]) for item in items] == [(stage.item, "wanted", 2)]
    assert (await stage.owner.get(f"/cars/{stage.car}")).headers["etag"] == '"1"'
    assert (await stage.owner.get(f"/parts/{stage.part}")).headers["etag"] == '"1"'
    assert (await client.get(f"/public/build-lists/{stage.token}")).status_code == 200
    menu = (await client.get(f"/public/menus/{stage.menu_link}")).json()
    assert [[entry["notes"] for entry in course["items"]] for course in menu["courses"]] == [[NOTES]]
    assert [tag["name"] for tag in (await stage.owner.get("/media/tags")).json()["items"]] == ["To lend"]
