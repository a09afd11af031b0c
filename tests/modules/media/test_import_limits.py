"""A row that PostgreSQL refuses costs no other, and the rows of a long file cost no more than those of a short one."""

from __future__ import annotations

import asyncio
import io
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from statistics import median
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI

from monocoque import json
from monocoque_media import importing_service
from monocoque_media.importing.recognise import open_export
from monocoque_media.queries import matching
from monocoque_media.schemas.imports import ImportRead
from tests.modules.media.conftest import checked
from tests.modules.media.exports import goodreads, goodreads_row
from tests.modules.media.test_imports import counts, library, rows_of, send, until
from tests.support import Person, problem

KEPT = "what was imported stays as it is."


@asynccontextmanager
async def refusing(app: FastAPI, title: str, sqlstate: str) -> AsyncIterator[None]:
    """PostgreSQL refuses items of this title in this way."""
    name = f"refuse_{uuid4().hex}"
    async with app.state.runtime.database.connection() as connection:
        await connection.execute(
            f"CREATE FUNCTION monocoque_media.{name}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{sqlstate}'; END $$; "
            f"CREATE TRIGGER {name} BEFORE INSERT ON monocoque_media.items FOR EACH ROW "
            f"WHEN (NEW.title = '{title}') EXECUTE FUNCTION monocoque_media.{name}()"
        )
    try:
        yield
    finally:
        async with app.state.runtime.database.connection() as connection:
            await connection.execute(f"DROP FUNCTION monocoque_media.{name}() CASCADE")


@pytest.mark.parametrize(
    ("sqlstate", "reason"),
    [
        ("54000", "The row is larger than can be kept."),
        ("54001", "The row is larger than can be kept."),
        ("57014", "Keeping the row took too long."),
        ("55P03", "Somebody else was changing its item for too long."),
        ("22P05", "The row could not be kept."),
        ("23514", "The row could not be kept."),
        ("0A000", "The row could not be kept."),
        ("P0001", "The row could not be kept."),
        ("XX000", "The row could not be kept."),
    ],
)
async def test_whatever_postgresql_refuses_costs_the_one_row(
    app: FastAPI, owner: Person, sqlstate: str, reason: str
) -> None:
    titles = [f"Book {number} {uuid4().hex}" for number in range(9)]
    content = goodreads(*(goodreads_row(number, title) for number, title in enumerate(titles)))
    async with refusing(app, titles[5], sqlstate):
        record = await send(owner, content)
    assert counts(record) == {"row": 9, "imported": 8, "failed": 1, "created_item": 8}
    (row,) = await rows_of(owner, record, status="failed")
    assert (row["row_number"], row["title"], row["reason"]) == (6, titles[5], reason)
    assert row["guess"] == {"media_type": "book", "title": titles[5], "creators": "Ann Author"}
    assert counts(await send(owner, content)) == {"row": 9, "imported": 1, "unchanged": 8, "created_item": 1}


@pytest.mark.parametrize("sqlstate", ["53100", "57P01", "58030"])
async def test_a_server_in_trouble_ends_the_import_and_blames_no_row(
    app: FastAPI, owner: Person, sqlstate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing_service, "CHUNK_ROWS", 2)
    titles = [f"Book {number} {uuid4().hex}" for number in range(6)]
    content = goodreads(*(goodreads_row(number, title) for number, title in enumerate(titles)))
    async with refusing(app, titles[3], sqlstate):
        record = await send(owner, content)
    assert (record["status"], counts(record)) == ("failed", {"row": 2, "imported": 2, "created_item": 2})
    assert record["detail"].endswith(KEPT)
    assert counts(await send(owner, content)) == {"row": 6, "imported": 4, "unchanged": 2, "created_item": 4}


async def test_of_a_row_that_failed_the_item_is_told_that_it_probably_is_about(owner: Person, stranger: Person) -> None:
    title = f"Cowl {uuid4().hex}"
    body = {"media_type": "book", "title": title, "details": {"authors": ["Ann Author"]}}
    mine, theirs = [(await person.post("/media/items", json=body)).json()["id"] for person in (owner, stranger)]
    rows = (
        goodreads_row(1, title.upper(), My_Rating="9"),
        goodreads_row(2, title, Author="Ben Author", My_Rating="9"),
        goodreads_row(3, title, My_Rating="9")[:-4] + '"',
    )
    record = await send(owner, goodreads(*rows))
    assert counts(record) == {"row": 3, "failed": 3}
    failed = await rows_of(owner, record)
    assert [row["item_id"] for row in failed] == [mine, None, mine]
    assert theirs not in {row["item_id"] for row in failed}
    assert await library(owner) == []


async def test_the_same_row_again_and_again_says_something_new_once(owner: Person) -> None:
    record = await send(owner, goodreads(*[goodreads_row(1, "Again")] * 30))
    assert counts(record) == {"row": 30, "imported": 1, "unchanged": 29, "created_item": 1}


async def test_a_row_is_known_again_at_once_however_often_it_came(app: FastAPI, owner: Person) -> None:
    """Of thousands of rows of one item, all but one are left alone: a file of them would take hours otherwise."""
    record = await send(owner, goodreads(goodreads_row(1, "Again")))
    async with app.state.runtime.database.connection() as connection, connection.transaction():
        await connection.execute(
            "INSERT INTO monocoque_media.import_rows (import_id, row_number, status, item_id, identity, digest) "
            "SELECT import_id, number, 'unchanged', item_id, identity, digest FROM monocoque_media.import_rows, "
            "generate_series(2, 3000) AS number WHERE import_id = $1",
            record["id"],
        )
        known = await connection.fetchrow(
            "SELECT encode(identity, 'hex') AS identity, encode(digest, 'hex') AS digest "
            "FROM monocoque_media.import_rows WHERE import_id = $1 LIMIT 1",
            record["id"],
        )
        row = {"place": 0, "own": False, "media_type": "book", "title": "Again", "sources": [], **dict(known)}
        await connection.execute(matching.PLAN_ANEW.sql)
        explained = await connection.fetchval(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {matching.MATCH.sql}",
            *matching.MATCH.arguments(
                {"owner_id": owner.id, "import_id": uuid4(), "format": "goodreads", "lasting": False, "rows": [row]}
            ),
        )
    [plan] = json.loads(json.dumps(explained))
    read = [node["Actual Rows"] for node in nodes(plan["Plan"]) if node.get("Relation Name") == "import_rows"]
    assert len(read) >= 3
    assert max(read) <= 1


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


async def uploaded(person: Person, pieces: Iterable[bytes]) -> dict[str, Any]:
    """The record of the import of a file that is sent piece by piece, so that nothing of it is held here."""

    async def form() -> AsyncIterator[bytes]:
        yield b'--a\r\nContent-Disposition: form-data; name="file"; filename="x.csv"\r\n\r\n'
        for piece in pieces:
            yield piece
        yield b"\r\n--a--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=a"}
    reply = await person.post("/media/imports", content=form(), headers=headers)
    record = checked(reply, reply.status_code, ImportRead)
    return await until(person, f"/media/imports/{record['id']}", lambda found: found["status"] != "running")


async def peak_of(person: Person, pieces: Iterable[bytes]) -> tuple[dict[str, Any], int]:
    """The record of an import, and the bytes that were allocated at most while it ran."""
    tracemalloc.start()
    try:
        record = await uploaded(person, pieces)
        return record, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def long_rows(count: int) -> Iterator[bytes]:
    yield goodreads()
    for number in range(count):
        yield (
            goodreads_row(count * 10_000 + number, f"Book {number} of {count}", My_Review="x" * 9_000).encode() + b"\n"
        )


async def test_ten_times_the_rows_take_no_more_memory(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing_service, "CHUNK_ROWS", 50)
    # Nobody asks meanwhile how far it is, which takes memory too.
    monkeypatch.setattr(importing_service, "PATIENCE", 300)
    await uploaded(owner, long_rows(60))
    few, of_few = await peak_of(owner, long_rows(150))
    many, of_many = await peak_of(owner, long_rows(1500))
    assert (few["imported_count"], many["imported_count"]) == (150, 1500)
    assert of_many < of_few * 1.3
    assert of_many < 1500 * 9_000 / 2


async def test_a_large_file_is_held_on_disk(owner: Person) -> None:
    blank = b" " * 1023 + b"\n"
    pieces = (goodreads(goodreads_row(1, "Cowl")), *[blank * 1024] * 49)
    record, peak = await peak_of(owner, pieces)
    assert counts(record) == {"row": 1, "imported": 1, "created_item": 1}
    assert peak < 12 * 2**20


async def test_nobody_sends_two_files_at_once(owner: Person, stranger: Person) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()
    content = goodreads(goodreads_row(1, "Cowl"))

    async def form() -> AsyncIterator[bytes]:
        began.set()
        yield b'--a\r\nContent-Disposition: form-data; name="file"; filename="x.csv"\r\n\r\n'
        await go_on.wait()
        yield content + b"\r\n--a--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=a"}
    sending = asyncio.create_task(owner.post("/media/imports", content=form(), headers=headers))
    await asyncio.wait_for(began.wait(), 60)
    other = await owner.post("/media/imports", files={"file": ("x.csv", b"a,b\n1,2\n")})
    problem(other, 409, "media.import_running")
    assert (await send(stranger, content))["imported_count"] == 1
    go_on.set()
    assert counts(checked(await sending, 201, ImportRead)) == {"row": 1, "imported": 1, "created_item": 1}
    assert (await send(owner, content))["unchanged_count"] == 1


def test_of_long_rows_fewer_make_a_chunk() -> None:
    file = io.BytesIO(goodreads(*(goodreads_row(n, f"Book {n}", My_Review="x" * 9_000) for n in range(400))))
    export = open_export(file, "x.csv")
    sizes = []
    while rows := importing_service._next_chunk(export.rows, file):
        sizes.append(len(rows))
    assert sum(sizes) == 400
    assert max(sizes) * 9_000 < 2 * importing_service.CHUNK_BYTES


@pytest.mark.slow
async def test_of_ten_thousand_rows_the_last_take_no_longer_than_the_first(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compared with each other, since how long either takes is the machine's affair; medians know of no stalls."""
    store, took = importing_service._store, list[float]()

    async def timed(*arguments: Any) -> None:
        began = time.perf_counter()
        await store(*arguments)
        took.append(time.perf_counter() - began)

    monkeypatch.setattr(importing_service, "_store", timed)
    rows = (
        goodreads_row(
            n, f"Book {n}", Author=f"Author {n % 977}", Year_Published=str(1900 + n % 120), Bookshelves="a, b"
        )
        for n in range(10_000)
    )
    content = goodreads(*rows)
    record = await send(owner, content)
    assert counts(record) == {"row": 10_000, "imported": 10_000, "created_item": 10_000}
    assert counts(await send(owner, content)) == {"row": 10_000, "unchanged": 10_000}
    chunks_of_each = 10_000 // importing_service.CHUNK_ROWS
    assert len(took) == 2 * chunks_of_each
    first = median(took[:8])
    assert median(took[chunks_of_each - 8 : chunks_of_each]) < 5 * first
    # What is known already is found among all of them, and nothing of it is written.
    assert median(took[chunks_of_each:]) < 3 * first
