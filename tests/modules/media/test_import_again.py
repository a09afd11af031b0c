"""What was imported before, or is being imported, is told apart from what is new."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from fastapi import FastAPI

from monocoque import json
from monocoque_media import importing_service
from monocoque_media.schemas.tags import MAX_NAME
from tests.modules.media.catalogue import add_tag, enter, make_admin, set_state
from tests.modules.media.exports import goodreads, goodreads_row, only, read
from tests.modules.media.test_imports import counts, library, rows_of, running, send
from tests.support import Person, problem


@pytest.mark.parametrize("form", ["json", "csv"])
@pytest.mark.parametrize("is_removed", [False, True])
async def test_a_backup_is_restored_though_it_was_imported_before(owner: Person, form: str, is_removed: bool) -> None:
    item = await enter(owner)
    await set_state(owner, item, rating=90)
    content = (await owner.get("/media/export", params={"format": form})).content
    path = f"/media/items/{item['id']}/state"
    for _ in range(2):
        assert counts(await send(owner, content, f"x.{form}")) == {"row": 1, "unchanged": 1}
        await (owner.delete(path) if is_removed else set_state(owner, item, rating=1))
        assert counts(await send(owner, content, f"x.{form}")) == {"row": 1, "imported": 1}
        assert (await owner.get(path)).json()["rating"] == 90
        log = (await owner.get(f"{path}/log")).json()["items"]
        assert (log[0]["action"], log[0]["rating"]) == ("set", 90)


async def test_a_backup_finds_ones_entry_where_it_was_merged_into_the_catalogue(owner: Person, app: FastAPI) -> None:
    item, other = [await enter(owner) for _ in range(2)]
    await set_state(owner, item, rating=90)
    content = (await owner.get("/media/export")).content
    async with app.state.runtime.database.connection() as connection:
        await connection.execute("UPDATE monocoque_media.items SET created_by = NULL WHERE id = $1", other["id"])
    await make_admin(app, owner)
    assert (await owner.post(f"/media/items/{item['id']}/merge", json={"into": other["id"]})).status_code == 200
    await owner.delete(f"/media/items/{other['id']}/state")
    record = await send(owner, content, "x.json")
    assert record["created_item_count"] == 1  # the other one, which is nobody's any more
    assert (await owner.get(f"/media/items/{other['id']}/state")).json()["rating"] == 90


@pytest.mark.parametrize("form", ["json", "csv"])
async def test_a_state_that_comes_back_has_no_version_of_an_earlier_one(owner: Person, form: str) -> None:
    item = await enter(owner)
    state = await set_state(owner, item, rating=90)
    path = f"/media/items/{item['id']}/state"
    content = (await owner.get("/media/export", params={"format": form})).content
    await set_state(owner, item, rating=80)
    await owner.delete(path)
    await send(owner, content, f"x.{form}")
    restored = (await owner.get(path)).json()
    assert restored["rating"] == 90
    assert restored["version"] > 2
    reply = await owner.put(path, json={"status": "dropped"}, headers={"If-Match": f'"{state["version"]}"'})
    assert reply.status_code == 412


async def test_a_long_tag_is_cut_unless_it_is_there_already(owner: Person, stranger: Person, app: FastAPI) -> None:
    long = "Shelf " + "x" * 90
    kept = await add_tag(owner, "soon long")
    async with app.state.runtime.database.connection() as connection:
        await connection.execute(
            "UPDATE monocoque_media.tags SET name = $2, name_key = $3 WHERE id = $1", kept["id"], long, long.casefold()
        )
    content = goodreads(goodreads_row(1, "Cowl", Bookshelves=f"{long}, {'y' * 500}"))
    for person, names in ((owner, {long, "y" * MAX_NAME}), (stranger, {long[:MAX_NAME], "y" * MAX_NAME})):
        record = await send(person, content)
        assert counts(record) == {"row": 1, "imported": 1, "created_item": 1}
        (row,) = await rows_of(person, record)
        assert row["reason"] == f"Of tags that are longer, the first {MAX_NAME} characters were kept."
        assert {tag["name"] for tag in (await person.get("/media/tags")).json()["items"]} == names
        assert counts(await send(person, content)) == {"row": 1, "unchanged": 1}
        backup = (await person.get("/media/export")).content
        assert (await send(person, backup, "x.json"))["unchanged_count"] == 3


@pytest.mark.parametrize(
    ("author", "others", "expected"),
    [
        ("Martin Luther King, Jr.", "", ["Martin Luther King, Jr."]),
        ("Ann Author", "Bo Other, Jr., C. D. Third, III, Eve Last, PhD", None),
        ("Ann Author", "Jr. Walker, Ann Author", ["Ann Author", "Jr. Walker"]),
    ],
)
def test_what_follows_a_name_after_a_comma_is_no_author(author: str, others: str, expected: list[str] | None) -> None:
    row = only(read(goodreads(goodreads_row(1, "Book", Author=author, Additional_Authors=others)))[1])
    assert row.creators == (expected or ["Ann Author", "Bo Other, Jr.", "C. D. Third, III", "Eve Last, PhD"])


@pytest.mark.parametrize(("edited", "is_kept"), [(["title"], True), (["title", "publisher"], False)])
async def test_what_a_source_told_of_an_entry_costs_no_row(owner: Person, edited: list[str], is_kept: bool) -> None:
    record: dict[str, Any] = {"record": "item", "media_type": "book", "title": "Cowl", "edited_fields": edited}
    record |= {"details": {"publisher": "x" * 501, "page_count": 384}, "state": {"status": "active"}}
    document = {"format": "monocoque-media", "version": 1, "records": [record]}
    imported = await send(owner, json.dumps(document), "x.json")
    assert counts(imported) == ({"row": 1, "imported": 1, "created_item": 1} if is_kept else {"row": 1, "failed": 1})
    assert len(await library(owner)) == is_kept


@pytest.mark.parametrize("is_dry", [False, True])
async def test_an_account_that_is_deleted_ends_its_import_quietly(
    owner: Person, app: FastAPI, is_dry: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(importing_service, "CHUNK_ROWS", 2)
    store, stored = importing_service._store, 0

    async def then_delete(*arguments: Any) -> None:
        nonlocal stored
        await store(*arguments)
        stored += 1
        async with app.state.runtime.database.connection() as connection:
            await connection.execute("DELETE FROM monocoque_auth.users WHERE id = $1", owner.id)

    monkeypatch.setattr(importing_service, "_store", then_delete)
    content = goodreads(*(goodreads_row(number, f"Gone {number}") for number in range(6)))
    with caplog.at_level(logging.INFO, "monocoque.media.imports"):
        reply = await owner.post("/media/imports", files={"file": ("x.csv", content)}, params={"dry_run": is_dry})
    document = problem(reply, 404, "media.import_not_found")
    assert document["detail"] == "The account was deleted while the file was imported; nothing of it is kept."
    assert stored == 1
    (line,) = [record for record in caplog.records if record.name == "monocoque.media.imports"]
    assert (line.levelno, line.exc_info) == (logging.INFO, None)
    assert "its account was deleted" in line.getMessage()


async def test_who_has_an_import_running_is_told_how_long_to_wait(owner: Person, app: FastAPI) -> None:
    import_id = await running(app, owner)
    content = goodreads(goodreads_row(1, "Cowl"))
    async with app.state.runtime.database.connection() as connection:
        for seconds, low, high in ((0, 1, 60), (55, 1, 5), (59.9, 1, 1)):
            await connection.execute(
                "UPDATE monocoque_media.imports SET updated_at = clock_timestamp() - $2 * interval '1 second' "
                "WHERE id = $1",
                import_id,
                seconds,
            )
            reply = await owner.post("/media/imports", files={"file": ("x.csv", content)})
            if reply.status_code == 201:
                # A machine that stalled for so long finds nothing running any more.
                assert seconds
                break
            problem(reply, 409, "media.import_running")
            assert low <= int(reply.headers["retry-after"]) <= high
