"""An import keeps what a file says once, tells what became of each row, and loses nothing over a broken one."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from monocoque_media import importing_service
from monocoque_media.importing import chunks
from monocoque_media.queries import imports as queries
from monocoque_media.schemas.imports import ImportRead, ImportRowRead
from monocoque_media.storing_service import Job
from tests.conftest import AppFactory, client_of
from tests.modules.media.conftest import checked
from tests.modules.media.exports import each_recorded, goodreads, goodreads_row, recorded
from tests.support import Person, problem, sign_up


async def send(person: Person, content: bytes, name: str = "export.csv", **query: Any) -> dict[str, Any]:
    """The record of an import that has ended."""
    reply = await person.post("/media/imports", files={"file": (name, content)}, params=query)
    found: dict[str, Any] = checked(reply, 202 if reply.status_code == 202 else 201, ImportRead)
    assert reply.headers["location"].endswith(f"/media/imports/{found['id']}")
    while found["status"] == "running":
        await asyncio.sleep(0.1)
        found = checked(await person.get(f"/media/imports/{found['id']}"), 200, ImportRead)
    return found


async def until(person: Person, path: str, met: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What is at the path as soon as it is so."""
    async with asyncio.timeout(300):
        while True:
            found: dict[str, Any] = (await person.get(path)).json()
            if met(found):
                return found
            await asyncio.sleep(0.02)


async def rows_of(person: Person, record: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    reply = await person.get(f"/media/imports/{record['id']}/rows", params={"limit": 100, **query})
    for row in reply.json()["items"]:
        ImportRowRead.model_validate(row)
    found: list[dict[str, Any]] = reply.json()["items"]
    return found


async def library(person: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await person.get("/media/library", params={"limit": 100})).json()["items"]
    return found


def counts(record: dict[str, Any]) -> dict[str, int]:
    return {name.removesuffix("_count"): record[name] for name in queries.COUNTS if record[name]}


async def test_a_row_becomes_an_item_a_state_with_its_log_and_tags(owner: Person) -> None:
    line = goodreads_row(1, "Cowl", My_Rating="3", Date_Read="2020/02/23", Bookshelves="time, loan")
    record = await send(owner, goodreads(line), "goodreads_library_export.csv")
    assert (record["format"], record["filename"]) == ("goodreads", "goodreads_library_export.csv")
    assert counts(record) == {"row": 1, "imported": 1, "created_item": 1}
    (entry,) = await library(owner)
    assert (entry["status"], entry["rating"], entry["finished_at"]) == ("completed", 60, "2020-02-23")
    assert [tag["name"] for tag in entry["tags"]] == ["loan", "time"]
    item = (await owner.get(f"/media/items/{entry['item']['id']}")).json()
    assert item["own"]
    assert item["details"]["authors"] == ["Ann Author"]
    log = (await owner.get(f"/media/items/{item['id']}/state/log")).json()["items"]
    assert [(line["action"], line["rating"]) for line in log] == [("set", 60)]


@each_recorded
async def test_the_same_recorded_file_twice_changes_nothing(owner: Person, name: str) -> None:
    content, sent = recorded(name), name.replace("_empty", "")
    first = await send(owner, content, sent)
    before = await library(owner)
    second = await send(owner, content, sent)
    assert first["failed_count"] == second["failed_count"] == 0
    assert second["unchanged_count"] == first["imported_count"]
    assert second["imported_count"] == second["created_item_count"] == 0
    assert await library(owner) == before


async def test_the_same_file_again_leaves_alone_what_was_changed_since(owner: Person) -> None:
    content = goodreads(goodreads_row(1, "Cowl", My_Rating="3"), goodreads_row(2, "Prador Moon", My_Rating="4"))
    await send(owner, content)
    first, second = await library(owner)
    await owner.put(f"/media/items/{first['item']['id']}/state", json={"status": "dropped", "rating": 1})
    await owner.delete(f"/media/items/{second['item']['id']}/state")
    record = await send(owner, content)
    assert counts(record) == {"row": 2, "imported": 1, "unchanged": 1}
    ratings = {entry["item"]["title"]: entry["rating"] for entry in await library(owner)}
    assert ratings[first["item"]["title"]] == 1
    assert len(ratings) == 2


async def test_a_later_export_brings_what_is_new(owner: Person) -> None:
    await send(owner, goodreads(goodreads_row(1, "Cowl", Exclusive_Shelf="to-read")))
    record = await send(owner, goodreads(goodreads_row(1, "Cowl: a novel", My_Rating="5", Date_Read="2021/01/02")))
    assert counts(record) == {"row": 1, "imported": 1}
    (entry,) = await library(owner)
    assert (entry["status"], entry["rating"], entry["item"]["title"]) == ("completed", 100, "Cowl")


async def test_what_a_file_leaves_open_stays_and_a_wish_undoes_nothing(owner: Person) -> None:
    header = "Date,Name,Year,Letterboxd URI"
    rated = f"{header},Rating\n2025-08-08,Heat,1995,https://boxd.it/a,4\n"
    seen = f"{header}\n2025-08-08,Heat,1995,https://boxd.it/a\n"
    await send(owner, rated.encode(), "ratings.csv")
    for name in ("watched.csv", "watchlist.csv"):
        assert counts(await send(owner, seen.encode(), name)) == {"row": 1, "unchanged": 1}
    (entry,) = await library(owner)
    assert (entry["status"], entry["rating"]) == ("completed", 80)


async def test_each_day_in_a_diary_is_a_pass_of_the_same_film(owner: Person) -> None:
    header = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n"
    days = ("2020-01-01", "2021-01-01", "2022-01-01")
    lines = "".join(f"{day},Heat,1995,https://boxd.it/{day},,,,{day}\n" for day in days)
    for expected in ({"row": 3, "imported": 3, "created_item": 1}, {"row": 3, "unchanged": 3}):
        assert counts(await send(owner, (header + lines).encode(), "diary.csv")) == expected
    (entry,) = await library(owner)
    assert (entry["pass_number"], entry["finished_at"]) == (3, "2022-01-01")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"details": {"isbn_13": "9780441478125"}}, True),
        ({"title": "COWL", "details": {"authors": ["Someone", "ann author"]}}, True),
        ({"title": "Cowl", "release_date": "2006-03", "details": {"authors": ["Ann Author"]}}, True),
        ({"title": "Cowl", "details": {"authors": ["Ben Author"]}}, False),
        ({"title": "Cowl", "release_date": "1999", "details": {"authors": ["Ann Author"]}}, False),
        ({"title": "Cowl", "details": {"authors": ["Ann Author"], "isbn_13": "9780140449334"}}, False),
        ({"title": "Cowl", "media_type": "movie", "release_date": "2006"}, False),
        ({"title": "Cow"}, False),
    ],
)
async def test_an_item_is_known_by_its_isbn_or_by_title_creator_and_year(
    owner: Person, stranger: Person, given: dict[str, Any], found: bool
) -> None:
    item = {"media_type": "book", "title": "Another name", **given}
    await stranger.post("/media/items", json=item)
    mine = (await owner.post("/media/items", json=item)).json()
    row = goodreads_row(1, "Cowl", Year_Published="2006", ISBN13="9780441478125")
    record = await send(owner, goodreads(row))
    assert record["created_item_count"] == (0 if found else 1)
    (entry,) = await library(owner)
    assert (entry["item"]["id"] == mine["id"]) is found


async def test_a_strangers_entry_is_not_taken_for_ones_own(owner: Person, stranger: Person) -> None:
    row = goodreads(goodreads_row(1, f"Private {uuid4().hex}", ISBN13="9780441478125"))
    for person in (stranger, owner):
        assert (await send(person, row))["created_item_count"] == 1


async def test_rows_of_one_item_make_one_item(owner: Person) -> None:
    rows = [goodreads_row(1, "Twice", Bookshelves=f"tag-{number}") for number in (1, 1, 2)]
    record = await send(owner, goodreads(*rows))
    assert counts(record) == {"row": 3, "imported": 2, "unchanged": 1, "created_item": 1}
    (entry,) = await library(owner)
    assert len(entry["tags"]) == 2


async def test_a_broken_row_is_reported_and_the_others_are_kept(owner: Person) -> None:
    rows = [goodreads_row(number, f"Book {number}", My_Rating="9" if number % 2 else "5") for number in range(1, 51)]
    record = await send(owner, goodreads(*rows))
    assert counts(record) == {"row": 50, "imported": 25, "failed": 25, "created_item": 25}
    failed = await rows_of(owner, record, status="failed")
    assert [row["row_number"] for row in failed] == list(range(1, 51, 2))
    assert failed[0]["reason"] == "My Rating is no number from 0 to 5."
    assert failed[0]["guess"] == {"media_type": "book", "title": "Book 1", "creators": "Ann Author"}
    assert failed[0]["item_id"] is None
    first = (await owner.get(f"/media/imports/{record['id']}/rows", params={"limit": 30})).json()
    rest = await rows_of(owner, record, limit=30, cursor=first["next_cursor"])
    assert [row["row_number"] for row in (*first["items"], *rest)] == list(range(1, 51))
    assert {row["status"] for row in rest} == {"imported", "failed"}


async def test_a_row_that_the_database_refuses_costs_no_other(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    write = chunks.add_item

    def spoil(writes: Any, item_id: Any, row: Any) -> None:
        write(writes, item_id, row)
        if row.title == "Book 7":
            writes.items[-1]["title"] = "x" * 501

    monkeypatch.setattr(chunks, "add_item", spoil)
    record = await send(owner, goodreads(*(goodreads_row(number, f"Book {number}") for number in range(10))))
    assert counts(record) == {"row": 10, "imported": 9, "failed": 1, "created_item": 9}
    (row,) = await rows_of(owner, record, status="failed")
    assert (row["title"], row["reason"]) == ("Book 7", "The row could not be kept.")
    assert row["guess"]["title"] == "Book 7"


async def test_a_dry_run_tells_and_keeps_nothing(owner: Person) -> None:
    content = goodreads(goodreads_row(1, "Cowl", Bookshelves="new"), goodreads_row(2, "Bad", My_Rating="9"))
    for _ in range(2):
        record = await send(owner, content, dry_run="true")
        assert record["dry_run"]
        assert counts(record) == {"row": 2, "imported": 1, "failed": 1, "created_item": 1}
        assert [row["item_id"] for row in await rows_of(owner, record)] == [None, None]
    assert await library(owner) == []
    assert (await owner.get("/media/tags")).json()["items"] == []
    assert counts(await send(owner, content)) == {"row": 2, "imported": 1, "failed": 1, "created_item": 1}
    assert counts(await send(owner, content, dry_run="true")) == {"row": 2, "unchanged": 1, "failed": 1}


async def test_nobody_sees_the_imports_of_others(owner: Person, stranger: Person, client: httpx.AsyncClient) -> None:
    record = await send(owner, goodreads(goodreads_row(1, "Cowl")))
    for path in ("", "/rows"):
        problem(await stranger.get(f"/media/imports/{record['id']}{path}"), 404, "media.import_not_found")
        problem(await client.get(f"/media/imports/{record['id']}{path}"), 401, "auth.unauthenticated")
    assert (await stranger.get("/media/imports")).json()["items"] == []
    assert [found["id"] for found in (await owner.get("/media/imports")).json()["items"]] == [record["id"]]
    reply = await owner.get(f"/media/imports/{record['id']}")
    again = await owner.get(f"/media/imports/{record['id']}", headers={"If-None-Match": reply.headers["etag"]})
    assert again.status_code == 304


async def test_what_is_no_export_is_refused_before_anything_is_kept(owner: Person) -> None:
    for content in (b"", b"a,b\n1,2\n", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), b"[" * 100_000):
        reply = await owner.post("/media/imports", files={"file": ("x.csv", content)})
        document = problem(reply, 422, "media.import_unreadable")
        assert document["errors"][0]["pointer"] == "#/file"
    assert (await owner.get("/media/imports")).json()["items"] == []


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"json": {}}, 415, "request.unsupported_media_type"),
        ({"content": b"x"}, 415, "request.unsupported_media_type"),
        ({"data": {"file": "text"}}, 415, "request.unsupported_media_type"),
        ({"files": {"other": ("x.csv", b"x")}}, 422, "request.invalid"),
        ({"files": {"file": (None, b"x")}}, 422, "request.invalid"),
        ({"files": [("file", ("x", b"x")), ("file", ("y", b"x"))]}, 400, "request.malformed"),
        ({"content": b"--a\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=a"}}, 422, None),
        ({"content": b"junk", "headers": {"Content-Type": "multipart/form-data; boundary=a"}}, 400, None),
        ({"content": b"junk", "headers": {"Content-Type": "multipart/form-data"}}, 400, None),
    ],
)
async def test_a_form_that_is_none_is_refused(
    owner: Person, options: dict[str, Any], status: int, code: str | None
) -> None:
    reply = await owner.post("/media/imports", **options)
    assert reply.status_code == status, reply.text
    if code is not None:
        problem(reply, status, code)


async def test_a_file_may_have_256_mebibytes_and_other_bodies_one(owner: Person, client: httpx.AsyncClient) -> None:
    padding = b" " * (3 * 1024 * 1024)
    record = await send(owner, goodreads(goodreads_row(1, "Cowl")) + b"\n" + padding)
    assert record["status"] == "finished"
    form = {"headers": {"Content-Type": "multipart/form-data; boundary=a", "Content-Length": str(257 * 1024 * 1024)}}
    document = problem(await owner.post("/media/imports", content=b"", **form), 413, "request.too_large")
    assert "268435456 bytes" in document["detail"]
    problem(await owner.post("/media/items", content=padding), 413, "request.too_large")

    async def endless() -> AsyncIterator[bytes]:
        yield b'--a\r\nContent-Disposition: form-data; name="file"; filename="x.csv"\r\n\r\n'
        while True:
            yield padding

    kind = {"Content-Type": "multipart/form-data; boundary=a"}
    for person, path, status, code in (
        (owner, "/media/imports", 413, "request.too_large"),
        (owner, "/media/items", 413, "request.too_large"),
        (client, "/media/imports", 401, "auth.unauthenticated"),
    ):
        problem(await person.post(path, content=endless(), headers=kind), status, code)


async def test_a_long_import_goes_on_without_its_request(
    owner: Person, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = asyncio.Event()
    store = importing_service._store

    async def slowly(*arguments: Any) -> None:
        await store(*arguments)
        await go_on.wait()

    monkeypatch.setattr(importing_service, "_store", slowly)
    monkeypatch.setattr(importing_service, "PATIENCE", 0.3)
    monkeypatch.setattr(importing_service, "CHUNK_ROWS", 10)
    content = goodreads(*(goodreads_row(number, f"Book {number}") for number in range(25)))
    request = asyncio.create_task(owner.post("/media/imports", files={"file": ("x.csv", content)}))
    listed = await until(owner, "/media/imports", lambda found: any(line["row_count"] for line in found["items"]))
    listed = listed["items"]
    assert (listed[0]["status"], listed[0]["row_count"]) == ("running", 10)
    problem(await owner.post("/media/imports", files={"file": ("x.csv", content)}), 409, "media.import_running")
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    go_on.set()
    record = await until(owner, f"/media/imports/{listed[0]['id']}", lambda found: found["status"] != "running")
    assert record["status"] == "finished"
    assert counts(record) == {"row": 25, "imported": 25, "created_item": 25}
    assert len(await library(owner)) == 25


async def test_an_import_whose_process_stops_says_so_and_the_next_goes_on(
    migrated_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping, going = AppFactory(), AppFactory()
    monkeypatch.setattr(importing_service, "PATIENCE", 0.2)
    monkeypatch.setattr(importing_service, "CHUNK_ROWS", 10)
    store, stored = importing_service._store, asyncio.Event()
    content = goodreads(*(goodreads_row(number, f"Book {number}") for number in range(25)))

    async def once_only(database: Any, job: Any, rows: Any) -> None:
        if rows[0].number > 1:
            stored.set()
            await asyncio.Event().wait()
        await store(database, job, rows)

    monkeypatch.setattr(importing_service, "_store", once_only)
    async with client_of(await stopping(migrated_database_url)) as client:
        person = await sign_up(client)
        reply = await person.post("/media/imports", files={"file": ("x.csv", content)})
        assert checked(reply, 202, ImportRead)["status"] == "running"
        await asyncio.wait_for(stored.wait(), 60)
        await stopping.close()
    monkeypatch.setattr(importing_service, "_store", store)
    async with client_of(await going(migrated_database_url)) as client:
        person.client = client
        record = (await person.get(f"/media/imports/{reply.json()['id']}")).json()
        assert (record["status"], record["row_count"]) == ("failed", 10)
        assert "Import the file again" in record["detail"]
        assert counts(await send(person, content)) == {"row": 25, "imported": 15, "unchanged": 10, "created_item": 15}
    await going.close()


async def running(app: FastAPI, person: Person) -> UUID:
    """The id of an import of which only the record is there."""
    import_id = uuid4()
    row = {"id": import_id, "owner_id": person.id, "format": "csv", "filename": None, "digest": bytes(32)}
    await app.state.runtime.database.run(queries.CREATE, **row, dry_run=False)
    return import_id


async def test_an_import_whose_process_died_counts_as_failed_and_bars_no_other(owner: Person, app: FastAPI) -> None:
    database = app.state.runtime.database
    import_id = await running(app, owner)
    content = goodreads(goodreads_row(1, "Cowl"))
    problem(await owner.post("/media/imports", files={"file": ("x.csv", content)}), 409, "media.import_running")
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE monocoque_media.imports SET updated_at = now() - interval '2 minutes' WHERE id = $1", import_id
        )
    record = (await owner.get(f"/media/imports/{import_id}")).json()
    assert (record["status"], record["detail"]) == ("failed", queries.ENDED)
    assert (await send(owner, content))["status"] == "finished"
    assert not await database.run(queries.FINISH, id=import_id, new_status="finished", detail=None)


async def test_an_import_that_was_given_up_writes_no_more(owner: Person, app: FastAPI) -> None:
    database = app.state.runtime.database
    import_id = await running(app, owner)
    await database.run(queries.FINISH, id=import_id, new_status="failed", detail="Given up.")
    assert owner.id is not None
    job = Job(import_id, owner.id, "goodreads", dry_run=False)
    with tempfile.SpooledTemporaryFile() as file:
        file.write(goodreads(goodreads_row(1, "Cowl")))
        _, export = importing_service._open(file, "x.csv")  # type: ignore[arg-type]
        await importing_service._run(database, job, export, file)  # type: ignore[arg-type]
        assert file.closed
    assert await library(owner) == []
