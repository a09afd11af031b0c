"""What was exported here is imported on a server that knows nothing of it, however much there is of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from monocoque.types import new_id
from monocoque_media import exporting_service
from monocoque_media.contracts import BookDetails, MovieDetails, NormalisedItem, PartialDate
from monocoque_media.keeping_service import upsert
from tests.conftest import AppFactory, client_of
from tests.modules.media.connectors.test_recorded import RECORDED, THINGS, files, mapped
from tests.modules.media.test_exports import Entry, exported, fill, new_isbn
from tests.modules.media.test_imports import counts, rows_of, send
from tests.support import Person, sign_up

FORMS = ("json", "csv")


@pytest.fixture
async def elsewhere(migrated_database_url: str, make_app: AppFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A client of another server, on an empty database of its own."""
    async with client_of(await make_app(migrated_database_url)) as client:
        yield client


async def export(person: Person, form: str) -> bytes:
    return (await person.get("/media/export", params={"format": form})).content


async def test_what_is_ones_own_comes_back_whole_elsewhere(
    owner: Person, app: FastAPI, elsewhere: httpx.AsyncClient
) -> None:
    film = {"media_type": "movie", "title": "Riddick", "details": {"runtime": 119, "directors": ["David Twohy"]}}
    await fill(
        owner,
        app,
        Entry(film, [{"status": "active"}, {"status": "completed", "pass_number": 3}], ["seen"], locks=["subtitle"]),
        Entry({"media_type": "tv", "title": "Dallas", "metadata": {"a": [1.5, None]}}, [{"status": "planned"}, None]),
        Entry({"media_type": "book", "title": "Given back"}, given_back=["title"]),
    )
    expected = await exported(owner)
    for form in FORMS:
        other = await sign_up(elsewhere)
        record = await send(other, await export(owner, form), f"x.{form}")
        assert counts(record) == {"row": 4, "imported": 4, "created_item": 3}
        assert await exported(other) == expected


async def test_a_library_keeps_its_order_elsewhere(owner: Person, app: FastAPI, elsewhere: httpx.AsyncClient) -> None:
    await fill(owner, app, *(Entry({"media_type": "game", "title": f"{n}"}, [{"status": "planned"}]) for n in range(5)))
    for entry in [(await owner.get("/media/library")).json()["items"][place] for place in (3, 0)]:
        await owner.put(f"/media/items/{entry['item']['id']}/state", json={"status": "active"})
    expected = await order_of(owner)
    assert expected == ["4", "1", "3", "2", "0"]
    for form in FORMS:
        other = await sign_up(elsewhere)
        await send(other, await export(owner, form), f"x.{form}")
        assert await order_of(other) == expected


async def order_of(person: Person) -> list[str]:
    entries = (await person.get("/media/library")).json()["items"]
    assert all(entry["created_at"] <= entry["updated_at"] for entry in entries)
    return [entry["item"]["title"] for entry in entries]


async def test_what_somebody_made_of_the_catalogue_comes_back_elsewhere(
    owner: Person, app: FastAPI, elsewhere: httpx.AsyncClient
) -> None:
    """The catalogue itself is not theirs: elsewhere its items become entries of their own."""
    told = NormalisedItem(
        media_type="book",
        title=f"Recipes {new_id()}",
        details=BookDetails(authors=("Richard H. Enns", "x" * 600), isbn_13=new_isbn(), page_count=384),
        source="made_up",
        kind="volume",
        external_id=str(new_id()),
        raw_payload={},
        release=PartialDate(date(2007, 12, 31), "day"),
        cover_image_url="https://covers.example.org/a b.png",
        metadata={"categories": ["Mathematics"] * 2_000},
    )
    [kept] = await upsert(app.state.runtime.database, [told])
    path = f"/media/items/{kept.item_id}"
    assert (await owner.put(f"{path}/state", json={"status": "completed", "rating": 90})).status_code == 200
    (expected,) = await exported(owner)
    for form in FORMS:
        other = await sign_up(elsewhere)
        record = await send(other, await export(owner, form), f"x.{form}")
        assert counts(record) == {"row": 1, "imported": 1, "created_item": 1}
        (found,) = await exported(other)
        same = {"title", "release_date", "state", "log", "tags", "description"}
        assert {name: found[name] for name in same} == {name: expected[name] for name in same}
        assert (found["own"], found["cover_image_url"]) == (True, None)
        assert found["details"] == {**expected["details"], "authors": []}


async def test_an_entry_to_which_sources_added_much_comes_back_whole(owner: Person, app: FastAPI) -> None:
    await fill(owner, app, Entry({"media_type": "movie", "title": "Riddick", "metadata": {"mine": 1}}))
    (record,) = (await owner.get("/media/export")).json()["records"]
    told = NormalisedItem(
        media_type="movie",
        title="Riddick",
        details=MovieDetails(tmdb_type="movie"),
        source="made_up",
        kind="movie",
        external_id=str(new_id()),
        raw_payload={},
        metadata={f"genre-{number}": "x" * 200 for number in range(200)},
    )
    assert (await owner.delete(f"/media/items/{record['id']}/edits/metadata")).status_code == 204
    await upsert(app.state.runtime.database, [told], target=UUID(record["id"]))
    (expected,) = await exported(owner)
    assert len(expected["metadata"]) == 201
    for form in FORMS:
        other = await sign_up(owner.client)
        assert counts(await send(other, await export(owner, form), f"x.{form}"))["imported"] == 1
        (found,) = await exported(other)
        assert found == {**expected, "sources": []}


async def test_a_log_of_any_length_comes_back_whole(owner: Person, app: FastAPI, stranger: Person) -> None:
    await fill(owner, app, Entry({"media_type": "game", "title": "Ico"}, [{"status": "active", "notes": "last"}]))
    (record,) = (await owner.get("/media/export")).json()["records"]
    async with app.state.runtime.database.connection() as connection:
        await connection.executemany(
            "INSERT INTO monocoque_media.state_log "
            "(id, owner_id, item_id, at, action, pass_number, status, favorite, notes) "
            "VALUES ($1, $2, $3, now() + $4 * interval '1 second', 'set', 1, 'active', false, $5)",
            [(new_id(), owner.id, record["id"], number, f"{number}" + '"' * 9_000) for number in range(80)],
        )
        await connection.execute(
            "UPDATE monocoque_media.user_item_states SET notes = $2 WHERE owner_id = $1",
            owner.id,
            "79" + '"' * 9_000,
        )
    whole = (await exported_log(owner))[1]
    assert len(whole) == 81
    for form in FORMS:
        content = await export(owner, form)
        assert len(content) > 2**20
        other = await sign_up(owner.client)
        record = await send(other, content, f"x.{form}")
        assert (record["failed_count"], record["created_item_count"]) == (0, 1)
        assert await exported_log(other) == await exported_log(owner)
        for person in (other, owner):
            again = await send(person, content, f"x.{form}")
            assert again["unchanged_count"] == again["row_count"]
        assert await exported_log(other) == await exported_log(owner)


async def exported_log(person: Person) -> tuple[Any, list[Any]]:
    """The state and the log of the one item that a person has, from however many records."""
    records = (await person.get("/media/export")).json()["records"]
    assert {record["id"] for record in records} == {records[0]["id"]}
    assert all(len(str(record)) < 2 * exporting_service.LONGEST for record in records)
    return records[-1]["state"], [entry for record in records for entry in record["log"]]


@pytest.mark.skipif(not RECORDED.is_dir(), reason="[elsewhere] the recorded answers lie beside the repository")
async def test_a_library_of_everything_that_was_recorded_comes_back_elsewhere(
    owner: Person, app: FastAPI, elsewhere: httpx.AsyncClient
) -> None:
    things = [thing for source in THINGS for name in files(source) for thing in mapped(name)]
    kept = await upsert(app.state.runtime.database, things)
    ids = {taken.item_id for taken in kept}
    assert len(ids) > 100
    async with app.state.runtime.database.connection() as connection:
        await connection.executemany(
            "INSERT INTO monocoque_media.user_item_states (owner_id, item_id, status) VALUES ($1, $2, 'planned')",
            [(owner.id, item_id) for item_id in ids],
        )
    expected = {record["title"]: record for record in await exported(owner)}
    for form in FORMS:
        other = await sign_up(elsewhere)
        record = await send(other, await export(owner, form), f"x.{form}")
        assert await rows_of(other, record, status="failed") == []
        assert record["imported_count"] == len(ids)
        found = {record["title"]: record for record in await exported(other)}
        assert found.keys() == expected.keys()
        for title, one in found.items():
            same = ("subtitle", "description", "release_date", "cover_image_url", "details", "state")
            assert {name: one[name] for name in same} == {name: expected[title][name] for name in same}
    async with app.state.runtime.database.connection() as connection:
        # The catalogue is everyone's: another test must not take these for what it looks for.
        await connection.execute("DELETE FROM monocoque_media.items WHERE id = ANY($1)", list(ids))
