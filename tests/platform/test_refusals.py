"""What is refused is refused as what it is, on the real modules: addresses, vanished people, lost connections."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import AnyHttpUrl, BaseModel, BeforeValidator, Field, ValidationError

from monocoque.cli.contracts import problems_text
from monocoque.errors import backstop_hits, problem_for, validation_problem
from monocoque.problems import Problem
from monocoque.queries import Query
from monocoque.registry import Inventory
from monocoque.runtime import Runtime
from monocoque_cars import queries as car_queries
from monocoque_cars import service as car_service
from monocoque_parts import queries as part_queries
from monocoque_parts import service as part_service
from tests.support import Person, problem


@pytest.mark.parametrize("path", ["/cars", "/parts", "/cars/vin/JM1NA3518L0112345", "/modules", "/nowhere"])
async def test_a_line_feed_at_its_end_makes_another_address(owner: Person, path: str) -> None:
    document = problem(await owner.get(f"{path}%0A"), 404, "request.not_found")
    assert document["instance"] == f"/api/v1{path}%0A"


@pytest.mark.parametrize(
    ("sent", "instance"),
    [
        ("/a%20b", "/a%20b"),
        ("/%E2%80%AEtxt", "/%E2%80%AEtxt"),
        ("/%22%3Cb%3E", "/%22%3Cb%3E"),
        ("/a:b@c!$&'()*+,;=~-._", "/a:b@c!$&'()*+,;=~-._"),
    ],
)
async def test_the_instance_of_a_problem_is_a_uri(client: httpx.AsyncClient, sent: str, instance: str) -> None:
    document = problem(await client.get(sent), 404, "request.not_found")
    assert document["instance"] == f"/api/v1{instance}"


@pytest.mark.parametrize(
    ("path", "body"), [("/cars", {"make": "Mazda", "model": "MX-5", "year": 1990}), ("/parts", {"name": "Brake pads"})]
)
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "once"}])
async def test_whoever_is_gone_by_the_time_of_the_write_is_not_signed_in(
    app: FastAPI, owner: Person, path: str, body: dict[str, Any], headers: dict[str, str]
) -> None:
    """The account goes between the check of the token and the statement: here, without word of it."""
    runtime: Runtime = app.state.runtime
    async with runtime.database.connection() as connection:
        assert await connection.execute("DELETE FROM monocoque_auth.users WHERE id = $1", owner.id) == "DELETE 1"
    before = backstop_hits.total()
    reply = await owner.post(path, json=body, headers=headers)
    problem(reply, 401, "auth.unauthenticated")
    assert reply.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert backstop_hits.total() == before


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/cars", {"make": "Mazda", "model": "MX-5", "year": 1885}),
        ("/cars", {"make": "Mazda", "model": "MX-5", "year": 1990, "vin": "O" * 17}),
        ("/parts", {"name": "Brake pads", "url": "javascript:alert(1)"}),
        ("/parts", {"name": "Brake pads", "url": "https://ada:secret@example.org"}),
    ],
)
async def test_a_modules_own_code_for_a_field_is_in_the_registry(
    owner: Person, inventory: Inventory, path: str, body: dict[str, Any]
) -> None:
    document = problem(await owner.post(path, json=body), 422, "request.invalid")
    known = {code for codes in json.loads(problems_text(inventory)).values() for code in codes}
    assert {error["code"] for error in document["errors"]} <= known


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        (None, "#", "Input should be an object."),
        ([], "#", "Input should be an object."),
        ({"name": "x", "price": "12"}, "#/price", "Input should be an object."),
        (
            {"name": "x", "price": {"amount": "99999999999", "currency": "EUR"}},
            "#/price/amount",
            "Input should be less than or equal to 9999999999.9999.",
        ),
    ],
)
async def test_what_is_wrong_is_said_in_the_words_of_json(owner: Person, body: Any, pointer: str, detail: str) -> None:
    sent = {"content": json.dumps(body), "headers": {"Content-Type": "application/json"}}
    document = problem(await owner.post("/parts", **sent), 422, "request.invalid")
    assert [(error["pointer"], error["detail"]) for error in document["errors"]] == [(pointer, detail)]


class Everything(BaseModel):
    """What modules may ask for, in kinds whose messages pydantic writes for Python."""

    count: Annotated[Decimal, BeforeValidator(str), Field(le=Decimal("0.5"))] = Decimal(0)
    choice: Annotated[Decimal, Field(ge=0)] = Decimal(0)
    names: Annotated[list[str], Field(max_length=1)] = []
    pair: tuple[int, int] = (1, 2)
    kinds: set[str] = set()
    table: dict[str, int] = {}
    id: UUID | None = None
    page: AnyHttpUrl | None = None
    day: date | None = None
    nothing: None = None


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"count": 7}, "Input should be less than or equal to 0.5."),
        ({"choice": []}, "Input should be a valid number."),
        ({"names": ["a", "b"]}, "Input should have at most 1 item."),
        ({"pair": 3}, "Input should be a valid list."),
        ({"kinds": 3}, "Input should be a valid list."),
        ({"table": 3}, "Input should be an object."),
        ({"id": 3}, "Input should be a valid UUID."),
        ({"id": "secret"}, "Input should be a valid UUID."),
        ({"page": 3}, "Input should be a valid URL."),
        ({"page": "secret"}, "Input should be a valid URL."),
        ({"day": "2020-01-01T10:00:00"}, "Input should be a date without a time."),
        ({"nothing": 3}, "Input should be null."),
    ],
)
def test_no_message_speaks_of_python(sent: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Everything.model_validate(sent)
    refusal = validation_problem(RequestValidationError(caught.value.errors()))
    assert [error.detail for error in refusal.errors] == [said]


def test_a_connection_that_the_server_has_just_ended_is_no_failure_of_ours() -> None:
    """asyncpg hands it out until the end of the stream arrives, and then trips over its own state."""
    error = asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")
    refusal = problem_for(error, {"type": "http"})
    assert (refusal.code.status, refusal.code.code) == (503, "server.unavailable")
    assert refusal.headers["Retry-After"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=a", b"no part"),
        ("application/x-www-form-urlencoded", b"a=1&" * 2000),
    ],
)
async def test_a_form_that_cannot_be_read_is_a_400_that_is_documented(
    app: FastAPI, client: httpx.AsyncClient, kind: str, body: bytes
) -> None:
    reply = await client.post("/auth/token", content=body, headers={"Content-Type": kind})
    problem(reply, 400, "request.malformed")
    documented = app.openapi()["paths"]["/api/v1/auth/token"]["post"]["responses"]
    assert "request.malformed" in documented["400"]["content"]["application/problem+json"]["examples"]


class RestoredInBetween:
    """What a request meets that comes between a deletion and a restoration: not there to be changed, there after."""

    async def first(self, query: Query, /, **_parameters: Any) -> Any:
        return object() if query in (car_queries.EXISTS, part_queries.EXISTS) else None


@pytest.mark.parametrize(
    ("delete", "code"),
    [(car_service.delete_car, "cars.not_found"), (part_service.delete_part, "parts.not_found")],
)
async def test_without_a_precondition_nothing_is_stale(delete: Callable[..., Awaitable[None]], code: str) -> None:
    for versions, expected in ((None, code), ([1], "request.stale")):
        with pytest.raises(Problem) as refused:
            await delete(RestoredInBetween(), uuid4(), uuid4(), versions)
        assert refused.value.code.code == expected
