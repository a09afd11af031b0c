"""A reply is never sent before its COMMIT, and a request with an Idempotency-Key takes effect once."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import Form
from pydantic import BaseModel
from sqlalchemy import bindparam, text
from sqlalchemy.types import Integer, Uuid
from starlette.responses import Response

from monocoque.database import Executor
from monocoque.idempotency import CurrentOnce
from monocoque.jobs import SHELL_JOBS, run_job
from monocoque.problems import Problem, ProblemCode
from monocoque.queries import Query
from monocoque.replies import created, no_content
from monocoque.routing import Router
from monocoque.runtime import Db
from monocoque.security import CurrentPrincipal
from monocoque.settings import DEVELOPMENT_SECRET
from tests.platform.workshop import Workshop, bearer
from tests.support import problem

PATH = "/api/v1/notes"
TAKEN = ProblemCode("notes.taken", 409, "Taken")
SETUP = """
CREATE SCHEMA made_up_notes;
CREATE TABLE made_up_notes.notes (
    id uuid PRIMARY KEY, n int NOT NULL, version int NOT NULL DEFAULT 1, CONSTRAINT uq_notes_n UNIQUE (n)
        DEFERRABLE INITIALLY DEFERRED
);
CREATE FUNCTION made_up_notes.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.n < 0 THEN RAISE EXCEPTION 'too late' USING ERRCODE = lpad((-NEW.n)::text, 5, '0'); END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON made_up_notes.notes
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION made_up_notes.refuse();
"""
ADD = Query(
    text("INSERT INTO made_up_notes.notes (id, n) VALUES (:id, :n) RETURNING id, n, version").bindparams(
        bindparam("id", type_=Uuid), bindparam("n", type_=Integer)
    )
)
COUNT = Query(text("SELECT count(*) FROM made_up_notes.notes"))


class Note(BaseModel):
    n: int


class Gate:
    """Holds the action of a request until it is opened."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()
        self.runs = 0


def routes(gate: Gate) -> Router:  # noqa: C901  one route after the other
    router = Router()

    async def add(executor: Executor, note: Note) -> Any:
        gate.runs += 1
        gate.entered.set()
        row = await executor.first(ADD, id=uuid4(), n=note.n)
        await gate.open.wait()
        return row

    async def once_added(note: Note, owner: CurrentPrincipal, once: CurrentOnce) -> Response:
        """Add a note, once."""

        async def action(executor: Executor) -> Response:
            if note.n == 418:
                raise Problem(TAKEN)
            row = await add(executor, note)
            return created(row, once.location(row["id"]))

        return await once.run(owner.user_id, action)

    router.post("", status_code=201, summary="Add a note")(once_added)
    router.post("/{place}/more", status_code=201, summary="Add a note elsewhere")(once_added)

    @router.post("/block", status_code=201, summary="Add in a transaction")
    async def add_in_block(note: Note, db: Db) -> Response:
        """Add a note inside an explicit transaction."""
        async with db.transaction() as transaction:
            row = await add(transaction, note)
        return created(row, f"{PATH}/{row['id']}")

    @router.post("/teapot", summary="Fail with a reply")
    async def answer_with_an_error(note: Note, owner: CurrentPrincipal, once: CurrentOnce) -> Response:
        """Answer with an error that was not raised."""

        async def action(executor: Executor) -> Response:
            gate.runs += 1
            return Response(status_code=418)

        return await once.run(owner.user_id, action)

    @router.post("/empty", status_code=204, summary="Answer with nothing")
    async def answer_with_nothing(note: Note, owner: CurrentPrincipal, once: CurrentOnce) -> Response:
        """Answer without a body."""

        async def action(executor: Executor) -> Response:
            await add(executor, note)
            return no_content()

        return await once.run(owner.user_id, action)

    @router.post("/form", status_code=201, summary="Add by form")
    async def add_by_form(n: int = Form(), *, owner: CurrentPrincipal, once: CurrentOnce) -> Response:
        """Add a note that came as a form."""

        async def action(executor: Executor) -> Response:
            row = await add(executor, Note(n=n))
            return created(row, once.location(row["id"]))

        return await once.run(owner.user_id, action)

    return router


class Desk:
    """A client of the notes, and what it has done to them."""

    def __init__(self, client: httpx.AsyncClient, app: Any, gate: Gate) -> None:
        self.client, self.app, self.gate = client, app, gate
        self.database = app.state.runtime.database
        self.me = bearer()

    async def add(self, n: int, key: str | None = None, *, path: str = PATH, **options: Any) -> httpx.Response:
        headers = {**(options.pop("who", None) or self.me), **({} if key is None else {"Idempotency-Key": key})}
        return await self.client.post(path, json={"n": n}, headers=headers, **options)

    async def count(self) -> int:
        return int(await self.database.value(COUNT))

    async def execute(self, statement: str) -> None:
        async with self.database.connection() as connection:
            await connection.execute(statement)


async def desk_in(workshop: Workshop, **settings: Any) -> Desk:
    gate = Gate()
    problems = {"CONSTRAINTS": {"uq_notes_n": TAKEN}}
    module = workshop.module("notes", router=routes(gate), problems=problems, contract={"package": "made_up_notes"})
    app = await workshop.app(module, database_pool_size=8, **settings)
    return Desk(workshop.client(app), app, gate)


@pytest.fixture
async def desk(own_workshop: Workshop) -> Desk:
    found = await desk_in(own_workshop)
    await found.execute(SETUP)
    return found


@pytest.mark.parametrize("key", [None, "k1"])
@pytest.mark.parametrize("path", [PATH, f"{PATH}/block"])
@pytest.mark.parametrize(("refusal", "status"), [(-23514, 422), (-40001, 503), (-57014, 503), (-99999, 500)])
async def test_when_the_commit_fails_the_client_hears_so_and_nothing_is_stored(
    desk: Desk, key: str | None, path: str, refusal: int, status: int
) -> None:
    for _ in range(2):
        reply = await desk.add(refusal, key, path=path)
        assert reply.status_code == status
        assert reply.headers["content-type"] == "application/problem+json"
        assert "idempotency-replayed" not in reply.headers
        assert "too late" not in reply.text
    assert await desk.count() == 0


async def test_a_constraint_that_is_checked_at_commit_is_its_problem(desk: Desk) -> None:
    for number, key in enumerate((None, "k1")):
        assert (await desk.add(number, key)).status_code == 201
        problem(await desk.add(number), 409, "notes.taken")
        problem(await desk.add(number, "another"), 409, "notes.taken")
        problem(await desk.add(number, path=f"{PATH}/block"), 409, "notes.taken")
    assert await desk.count() == 2


async def test_a_request_that_is_repeated_gets_the_first_reply_again(desk: Desk) -> None:
    first = await desk.add(1, "k")
    again = await desk.add(1, "k")
    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert {name: again.headers[name] for name in ("etag", "location", "content-type")} == {
        name: first.headers[name] for name in ("etag", "location", "content-type")
    }
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert len(again.headers.get_list("x-request-id")) == 1
    assert (await desk.count(), desk.gate.runs) == (1, 1)


async def test_a_reply_without_a_body_is_repeated_without_one(desk: Desk) -> None:
    for _ in range(2):
        reply = await desk.add(5, "k", path=f"{PATH}/empty")
        assert (reply.status_code, reply.content) == (204, b"")
    assert await desk.count() == 1


async def test_a_form_is_repeated_like_any_other_body(desk: Desk) -> None:
    headers = {**desk.me, "Idempotency-Key": "k"}
    replies = [await desk.client.post(f"{PATH}/form", data={"n": "7"}, headers=headers) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [201, 201]
    other = await desk.client.post(f"{PATH}/form", data={"n": "8"}, headers=headers)
    problem(other, 422, "request.idempotency_key_reused")
    assert await desk.count() == 1


async def test_without_a_key_every_request_counts(desk: Desk) -> None:
    assert [(await desk.add(number)).status_code for number in (1, 2)] == [201, 201]
    assert await desk.count() == 2


@pytest.mark.parametrize("change", ["body", "query"])
async def test_a_key_that_comes_with_another_request_is_refused(desk: Desk, change: str) -> None:
    path = f"{PATH}/here/more"
    await desk.add(1, "k", path=path)
    if change == "body":
        reply = await desk.add(2, "k", path=path)
        document = problem(reply, 422, "request.idempotency_key_reused")
        assert document["errors"][0]["pointer"] == "header/Idempotency-Key"
    assert await desk.count() == 1


async def test_after_a_change_of_the_secret_key_a_repeated_request_is_still_told(
    own_workshop: Workshop, desk: Desk
) -> None:
    first = await desk.add(1, "k")
    keys = {"secret_key": "2" * 40, "secret_key_previous": DEVELOPMENT_SECRET}
    rotated = await desk_in(own_workshop, **keys)
    again = await rotated.add(1, "k", who=desk.me)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    problem(await rotated.add(2, "k", who=desk.me), 422, "request.idempotency_key_reused")
    assert (await rotated.add(3, "new", who=desk.me)).status_code == 201
    later = await desk_in(own_workshop, secret_key="3" * 40, secret_key_previous="2" * 40)
    assert (await later.add(3, "new", who=desk.me)).headers["idempotency-replayed"] == "true"
    problem(await later.add(1, "k", who=desk.me), 422, "request.idempotency_key_reused")
    assert await desk.count() == 2


async def test_while_the_first_is_under_way_the_second_is_told_so(desk: Desk) -> None:
    desk.gate.open.clear()
    first = asyncio.create_task(desk.add(1, "k"))
    await desk.gate.entered.wait()
    second = await desk.add(1, "k")
    problem(second, 409, "request.idempotency_in_flight")
    assert second.headers["retry-after"] == "1"
    desk.gate.open.set()
    assert (await first).status_code == 201
    assert (await desk.add(1, "k")).headers["idempotency-replayed"] == "true"


async def test_twenty_at_once_take_effect_once(desk: Desk) -> None:
    replies = await asyncio.gather(*(desk.add(1, "k") for _ in range(20)))
    statuses = sorted(reply.status_code for reply in replies)
    fresh = [reply for reply in replies if reply.status_code == 201 and "idempotency-replayed" not in reply.headers]
    assert len(fresh) == 1
    assert set(statuses) <= {201, 409}
    assert (await desk.count(), desk.gate.runs) == (1, 1)


async def test_people_and_paths_have_keys_of_their_own(desk: Desk) -> None:
    somebody = bearer()
    assert (await desk.add(1, "k")).status_code == 201
    assert (await desk.add(2, "k", who=somebody)).status_code == 201
    assert (await desk.add(3, "k", path=f"{PATH}/here/more")).status_code == 201
    assert (await desk.add(4, "k", path=f"{PATH}/there/more")).status_code == 201
    assert await desk.count() == 4


async def test_what_failed_is_not_kept(desk: Desk) -> None:
    for _ in range(2):
        problem(await desk.add(418, "k"), 409, "notes.taken")
    assert (await desk.add(1, "k")).status_code == 201
    for _ in range(2):
        assert (await desk.add(1, "t", path=f"{PATH}/teapot")).status_code == 418
    assert desk.gate.runs == 3


async def test_after_a_day_a_key_is_free_again_and_the_record_is_purged(desk: Desk) -> None:
    await desk.add(1, "k")
    await desk.execute("UPDATE monocoque.idempotency_keys SET expires_at = now() - interval '1 second'")
    assert (await desk.add(2, "k")).status_code == 201
    assert (await desk.add(2, "k")).headers["idempotency-replayed"] == "true"
    await desk.execute("UPDATE monocoque.idempotency_keys SET expires_at = now() - interval '1 second'")
    await desk.execute("INSERT INTO monocoque.revocations VALUES (gen_random_uuid(), now() - interval '1 second')")
    assert await run_job(desk.app.state.runtime, SHELL_JOBS[0])
    for table in ("idempotency_keys", "revocations"):
        assert await desk.database.value(Query(text(f"SELECT count(*) FROM monocoque.{table}"))) == 0


@pytest.mark.parametrize("key", ["", "with blank", "k" * 201, "é"])
async def test_a_key_is_up_to_two_hundred_visible_ascii_characters(desk: Desk, key: str) -> None:
    headers = {**{k.encode(): v.encode() for k, v in desk.me.items()}, b"Idempotency-Key": key.encode("latin-1")}
    reply = await desk.client.post(PATH, json={"n": 1}, headers=headers)
    document = problem(reply, 422, "request.invalid")
    assert document["errors"][0]["pointer"] == "header/Idempotency-Key"
    assert await desk.count() == 0


async def test_a_path_with_odd_characters_makes_a_clean_location(desk: Desk) -> None:
    reply = await desk.add(1, "k", path=f"{PATH}/a%0D%0Ab%C3%BC/more")
    assert reply.headers["location"].startswith(f"{PATH}/a%0D%0Ab%C3%BC/more/")
    assert UUID(reply.headers["location"].rpartition("/")[2])
