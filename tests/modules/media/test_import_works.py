"""Different works stay different, however much alike they are, and the same file twice still changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI

from monocoque import json
from monocoque_media import importing_service
from monocoque_media.contracts import MovieDetails, MusicDetails, NormalisedItem
from monocoque_media.importing import goodreads as goodreads_rows
from monocoque_media.importing import letterboxd, own
from monocoque_media.keeping_service import upsert
from tests.modules.media.catalogue import enter, make_admin
from tests.modules.media.exports import goodreads, goodreads_row
from tests.modules.media.test_exports import new_isbn
from tests.modules.media.test_imports import counts, library, rows_of, send
from tests.support import Person

TMDB = "TMDb ID,IMDb ID,Type,Name,Release Date,Season Number,Episode Number,Rating,Your Rating,Date Rated\n{rows}"
ALBUM_AND_TRACK = (
    "media_type,title,artist,kind,status,rating\n"
    "music,{name},{name},album,completed,90\n"
    "music,{name},{name},track,completed,10\n"
)


def tmdb(name: str, *ids: int) -> bytes:
    """Ratings of films of one name and year; each is a tenth of the last digit of its id."""
    return TMDB.format(
        rows="".join(f"{number},,movie,{name},2015-01-01T00:00:00Z,,,5,{number % 10},\n" for number in ids)
    ).encode()


def ratings(name: str, **stars: int) -> bytes:
    """Letterboxd's ratings of films of one name and year, by their addresses."""
    rows = "".join(f"2025-08-08,{name},2012,https://boxd.it/{address},{given}\n" for address, given in stars.items())
    return f"Date,Name,Year,Letterboxd URI,Rating\n{rows}".encode()


def ours(records: Iterable[dict[str, Any]]) -> bytes:
    """Our own JSON."""
    return json.dumps({"format": "monocoque-media", "version": 1, "records": list(records)})


def film(name: str, number: int, rating: int) -> dict[str, Any]:
    return {
        "record": "item",
        "id": str(uuid4()),
        "own": False,
        "media_type": "movie",
        "title": name,
        "release_date": f"2012-05-0{number}",
        "sources": [{"source": "tmdb", "kind": "movie", "external_id": f"movie/{uuid4()}"}],
        "state": {"status": "completed", "rating": rating},
    }


def without(record: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in names}


async def told(app: FastAPI, **values: Any) -> UUID:
    """The id of an item of everyone's, from a source."""
    given = {"raw_payload": {}, "external_id": uuid4().hex, **values}
    [kept] = await upsert(app.state.runtime.database, [NormalisedItem(**given)])
    return kept.item_id


async def rated(person: Person) -> list[int]:
    return sorted(entry["rating"] for entry in await library(person))


def title() -> str:
    """One that nobody else in the catalogue has."""
    return f"Eden {uuid4().hex}"


@pytest.fixture(params=[1, 500])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Rows that are written at once: what is the same does not depend on where a chunk ends."""
    monkeypatch.setattr(importing_service, "CHUNK_ROWS", request.param)
    number: int = request.param
    return number


def two_of_ours(name: str) -> bytes:
    return ours(film(name, number, number) for number in (1, 2))


def two_of_ours_by_their_sources(name: str) -> bytes:
    return ours(without(film(name, number, number), "id") for number in (1, 2))


TWO_WORKS = {
    "ours": (two_of_ours, "x.json", [1, 2]),
    "ours, by their sources": (two_of_ours_by_their_sources, "x.json", [1, 2]),
    "album and track": (lambda name: ALBUM_AND_TRACK.format(name=name).encode(), "x.csv", [10, 90]),
    "tmdb": (lambda name: tmdb(name, 9103, 9104), "ratings.csv", [30, 40]),
    "letterboxd": (lambda name: ratings(name, a=1, b=2), "ratings.csv", [20, 40]),
    "letterboxd, the same rating": (lambda name: ratings(name, a=1, b=1), "ratings.csv", [20, 20]),
    "goodreads": (
        lambda name: goodreads(goodreads_row(1, name, My_Rating="1"), goodreads_row(2, name, My_Rating="2")),
        "x.csv",
        [20, 40],
    ),
}


@pytest.mark.parametrize("form", TWO_WORKS)
@pytest.mark.usefixtures("chunk")
async def test_two_works_of_one_title_and_year_stay_two(owner: Person, form: str) -> None:
    make, filename, expected = TWO_WORKS[form]
    content = make(title())
    predicted = await send(owner, content, filename, dry_run="true")
    record = await send(owner, content, filename)
    assert counts(predicted) == counts(record) == {"row": 2, "imported": 2, "created_item": 2}
    assert await rated(owner) == expected
    assert counts(await send(owner, content, filename)) == {"row": 2, "unchanged": 2}
    assert counts(await send(owner, content, filename, dry_run="true")) == {"row": 2, "unchanged": 2}
    assert await rated(owner) == expected


@pytest.mark.usefixtures("chunk")
async def test_two_works_are_not_both_the_one_that_the_catalogue_has(owner: Person, app: FastAPI) -> None:
    name = title()
    given = {"media_type": "movie", "title": name, "release_date": "2012"}
    mine = (await owner.post("/media/items", json=given)).json()["id"]
    content = ratings(name, a=1, b=2)
    predicted = await send(owner, content, "ratings.csv", dry_run="true")
    record = await send(owner, content, "ratings.csv")
    assert counts(predicted) == counts(record) == {"row": 2, "imported": 2, "created_item": 1}
    assert {entry["item"]["id"]: entry["rating"] for entry in await library(owner)}[mine] == 20
    assert await rated(owner) == [20, 40]
    # Another file of the same service means them by the same names, and another work by another.
    third = await send(owner, ratings(name, b=2, c=3), "ratings.csv")
    assert counts(third) == {"row": 2, "imported": 1, "unchanged": 1, "created_item": 1}
    assert await rated(owner) == [20, 40, 60]


async def test_another_id_of_the_same_source_is_another_work(owner: Person, app: FastAPI) -> None:
    name, number = title(), uuid4().int % 10**8 * 10
    known = await told(
        app,
        media_type="movie",
        title=name,
        details=MovieDetails(tmdb_type="movie"),
        source="tmdb",
        kind="movie",
        external_id=f"movie/{number + 1}",
        release=None,
    )
    async with app.state.runtime.database.connection() as connection:
        await connection.execute(
            "UPDATE monocoque_media.items SET release_date = '2015-01-01', release_precision = 'day' WHERE id = $1",
            known,
        )
    record = await send(owner, tmdb(name, number + 2, number + 1), "ratings.csv")
    assert counts(record) == {"row": 2, "imported": 2, "created_item": 1}
    found = {UUID(entry["item"]["id"]): entry["rating"] for entry in await library(owner)}
    assert found.pop(known) == 10
    assert list(found.values()) == [20]


async def test_an_album_is_not_the_track_that_the_catalogue_has(owner: Person, app: FastAPI) -> None:
    name = title()
    track = await told(
        app,
        media_type="music",
        title=name,
        details=MusicDetails(kind="track", artist=name),
        source="lastfm",
        kind="track",
    )
    record = await send(owner, ALBUM_AND_TRACK.format(name=name).encode())
    assert counts(record) == {"row": 2, "imported": 2, "created_item": 1}
    assert {UUID(entry["item"]["id"]): entry["rating"] for entry in await library(owner)}[track] == 10


@pytest.mark.parametrize("form", ["letterboxd", "goodreads", "ours, by their sources"])
async def test_a_file_that_an_earlier_version_read_is_known_again(
    owner: Person, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had no names for films, and made two of an author with a comma."""
    name = title()
    content, filename = {
        "letterboxd": (ratings(name, a=1), "ratings.csv"),
        "goodreads": (goodreads(goodreads_row(1, name, Author="Martin Luther King, Jr.", My_Rating="1")), "x.csv"),
        "ours, by their sources": (ours([without(film(name, 1, 20), "id")]), "x.json"),
    }[form]
    with monkeypatch.context() as earlier:
        for module, function in ((letterboxd, "read"), (goodreads_rows, "read"), (own, "read_record")):
            read = getattr(module, function)

            def formerly(*arguments: Any, read: Any = read, **options: Any) -> Any:
                row = read(*arguments, **options)
                return replace(row if row.formerly is None else row.formerly)

            earlier.setattr(module, function, formerly)
        assert (await send(owner, content, filename))["created_item_count"] == 1
    (entry,) = await library(owner)
    await owner.put(f"/media/items/{entry['item']['id']}/state", json={"status": "dropped", "rating": 1})
    record = await send(owner, content, filename)
    if form == "ours, by their sources":
        # A backup is restored, though of the same item.
        assert counts(record) == {"row": 1, "imported": 1}
        assert await rated(owner) == [20]
    else:
        assert counts(record) == {"row": 1, "unchanged": 1}
        assert await rated(owner) == [1]


async def test_a_row_is_known_again_though_its_item_has_another_title_now(owner: Person) -> None:
    content = f"media_type,title,status\ngame,{title()},active\n".encode()
    await send(owner, content)
    (entry,) = await library(owner)
    reply = await owner.patch(f"/media/items/{entry['item']['id']}", json={"title": title()})
    assert reply.status_code == 200, reply.text
    assert counts(await send(owner, content)) == {"row": 1, "unchanged": 1}


@pytest.mark.usefixtures("chunk")
async def test_a_dry_run_counts_what_would_happen(owner: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    if importing_service.CHUNK_ROWS == 1:
        monkeypatch.setattr(importing_service, "CHUNK_ROWS", 7)
    name, isbn = title(), new_isbn()
    rows = [
        *(goodreads_row(0, f"{name} {n % 10}", My_Rating=str(n % 3), Bookshelves=f"s{n % 4}") for n in range(60)),
        *(goodreads_row(n, f"{name} by isbn {n}", ISBN13=isbn, My_Review=f"{n % 2}") for n in (1, 2, 3)),
        goodreads_row(4, f"{name} 3", Year_Published="1999"),
    ]
    nameless = [row.replace('"0"', '""', 1) if row.startswith('"0"') else row for row in rows]
    content = goodreads(*nameless, *nameless)
    predicted = await send(owner, content, dry_run="true")
    assert await library(owner) == []
    assert {row["item_id"] for row in await rows_of(owner, predicted)} == {None}
    record = await send(owner, content)
    assert counts(predicted) == counts(record)
    assert record["created_item_count"] == 11
    statuses = [[row["status"] for row in await rows_of(owner, one)] for one in (predicted, record)]
    assert statuses[0] == statuses[1]


async def test_a_dry_run_of_a_backup_counts_what_would_happen(
    owner: Person, stranger: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        made = (await owner.post("/media/items", json={"media_type": "game", "title": title()})).json()["id"]
        for status in ("active", "completed")[: 1 + number % 2]:
            await owner.put(f"/media/items/{made}/state", json={"status": status, "notes": f"{number}"})
        await owner.delete(f"/media/items/{made}/state") if number == 4 else None
    content = (await owner.get("/media/export")).content
    monkeypatch.setattr(importing_service, "CHUNK_ROWS", 2)
    for person in (owner, stranger):
        predicted = await send(person, content, "x.json", dry_run="true")
        assert counts(predicted) == counts(await send(person, content, "x.json"))
    again = await send(stranger, content, "x.json", dry_run="true")
    assert again["unchanged_count"] == again["row_count"]


async def test_the_isbn_of_an_item_that_was_merged_finds_what_it_was_merged_into(owner: Person, app: FastAPI) -> None:
    isbns = [new_isbn(), new_isbn()]
    old, new = [(await enter(owner, title=title(), details={"isbn_13": isbn}))["id"] for isbn in isbns]
    admin = await make_admin(app, owner)
    assert (await admin.post(f"/media/items/{old}/merge", json={"into": new})).status_code == 200
    record = await send(owner, goodreads(goodreads_row(1, title(), ISBN13=isbns[0])))
    assert counts(record) == {"row": 1, "imported": 1}
    assert [entry["item"]["id"] for entry in await library(owner)] == [new]
