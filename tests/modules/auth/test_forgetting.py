"""A deleted account leaves nothing behind, not even in what the shell keeps for repeated requests."""

from __future__ import annotations

from uuid import uuid4

import httpx
from fastapi import FastAPI

from tests.support import PASSWORD, Person, problem


async def test_the_replies_kept_for_a_person_go_with_the_account(client: httpx.AsyncClient, app: FastAPI) -> None:
    email = f"{uuid4().hex}@example.org"
    keyed = {"Idempotency-Key": uuid4().hex}
    registration = {"email": email, "password": PASSWORD}
    first = await client.post("/auth/register", json=registration, headers=keyed)
    again = await client.post("/auth/register", json=registration, headers=keyed)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    person = Person(client, email)
    await person.login()
    car = {"make": "Mazda", "model": "MX-5", "year": 1990, "notes": f"noted-{email}"}
    assert (await person.post("/cars", json=car, headers=keyed)).status_code == 201
    assert (await person.delete("/auth/me")).status_code == 204

    async with app.state.runtime.database.connection() as connection:
        kept = await connection.fetchval(
            "SELECT count(*) FROM monocoque.idempotency_keys WHERE position($1::bytea IN body) > 0", email.encode()
        )
    assert kept == 0
    anew = await client.post("/auth/register", json=registration, headers=keyed)
    assert anew.status_code == 201
    assert anew.json()["id"] != first.json()["id"]
    problem(await client.post("/auth/register", json=registration), 409, "auth.email_taken")
