"""The export holds everything that a person owns, and imports again without loss, whatever the texts are."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monocoque_media import exporting_service
from monocoque_media.contracts import DETAILS, NormalisedItem, PartialDate
from monocoque_media.importing.own import CSV_COLUMNS, from_csv_text, to_csv_text
from monocoque_media.keeping_service import upsert
from monocoque_media.schemas.items import ItemWrite
from monocoque_media.schemas.values import parse_release
from tests.modules.media.exports import goodreads, goodreads_row
from tests.modules.media.test_imports import counts, send
from tests.support import Person, problem, sign_up

ICO = {"media_type": "game", "title": "Ico"}
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "'", "''", "'=", " =", "\uff1d", '"', ",", "\n", "{", "[")
_characters = st.one_of(
    st.sampled_from("\"',;=+-@\\{}[]:\n\r\t|%_\u00a0\u2028\ufeff\u200b\U0001f600e\u0301"),
    st.characters(exclude_categories=("Cs", "Cc")),
)


def _texts(most: int, *, lines: bool) -> st.SearchStrategy[str]:
    """What clients may send, formulas among it; something is left of it when the outer blanks are gone."""
    found = st.builds(str.__add__, st.sampled_from(("", *FORMULA_STARTS)), st.text(_characters, max_size=most))
    if not lines:
        found = found.map(lambda text: "".join(" " if mark in "\n\r\u2028\u2029" else mark for mark in text))
    return found.filter(lambda text: bool(text.strip(" \t\r\n")))


_line = _texts(30, lines=False)
_long = _texts(80, lines=True)
_names = st.lists(_line, max_size=3)
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | _long,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_line, inner, max_size=2),
    max_leaves=4,
)
_whole = st.integers(1, 2**31 - 1)
_film = st.fixed_dictionaries({}, optional={"runtime": _whole, "directors": _names, "original_title": _line})
_details = {
    "book": st.fixed_dictionaries(
        {},
        optional={
            "authors": _names,
            "publisher": _line,
            "language": st.just("pt-BR"),
            "page_count": _whole,
            "isbn_13": st.sampled_from(["9780441478125", "9780140449334", "9791032705773"]),
        },
    )
    | st.just({"isbn_10": "080442957X"}),
    "movie": _film,
    "tv": _film,
    "game": st.fixed_dictionaries({}, optional={"platforms": _names, "developers": _names, "publishers": _names}),
    "music": st.fixed_dictionaries(
        {"kind": st.sampled_from(["track", "album"])},
        optional={"artist": _line, "album": _line, "track_number": _whole, "duration_ms": _whole},
    ),
}
_types = st.sampled_from(sorted(_details))
_item = _types.flatmap(
    lambda kind: st.fixed_dictionaries(
        {"media_type": st.just(kind), "title": _line},
        optional={
            "subtitle": _line,
            "description": _long,
            "release_date": st.sampled_from(["1999", "1999-05", "1999-05-17", "0007"]),
            "cover_image_url": st.just("https://covers.example.org/1.png?a=1,2#'"),
            "metadata": st.dictionaries(_line, _json, max_size=2),
            "details": _details[kind],
        },
    )
)
_state = st.fixed_dictionaries(
    {"status": st.sampled_from(["planned", "active", "completed", "paused", "dropped"])},
    optional={
        "rating": st.integers(0, 100),
        "favorite": st.booleans(),
        "notes": _long,
        "started_at": st.just("2024-02-29"),
        "finished_at": st.dates(date(2024, 3, 1), date(9999, 12, 30)).map(str),
        "pass_number": st.integers(1, 10_000),
    },
)
_common = st.sampled_from(["title", "subtitle", "description", "release_date", "cover_image_url", "metadata"])


@dataclass(frozen=True)
class Entry:
    """An item, the person's own or one that a source tells of, and what the person makes of it."""

    item: dict[str, Any]
    states: list[dict[str, Any] | None] = field(default_factory=list)
    """One after the other; None takes the state away."""
    tags: list[str] = field(default_factory=list)
    from_source: bool = False
    locks: list[str] = field(default_factory=list)
    given_back: list[str] = field(default_factory=list)


_library = st.lists(
    st.builds(
        Entry,
        _item,
        st.lists(_state | st.none(), max_size=3),
        st.lists(_line, max_size=2),
        st.booleans(),
        st.lists(_common, max_size=2),
        st.lists(_common, max_size=2),
    ),
    max_size=3,
)


async def exported(person: Person) -> list[dict[str, Any]]:
    """The records of a person's export, without the ids."""
    reply = await person.get("/media/export")
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/json"
    records = [{name: value for name, value in record.items() if name != "id"} for record in reply.json()["records"]]
    return sorted(records, key=str)


async def fill(person: Person, app: FastAPI, *entries: Entry) -> None:
    for entry in entries:
        item_id = await tell(app, entry.item) if entry.from_source else await enter(person, entry)
        path = f"/media/items/{item_id}"
        for state in entry.states:
            reply = await (person.delete(f"{path}/state") if state is None else person.put(f"{path}/state", json=state))
            assert reply.status_code in ({204, 404} if state is None else {200}), reply.text
        for tag in entry.tags:
            made = await person.post("/media/tags", json={"name": tag})
            if made.status_code == 201:
                await person.put(f"{path}/tags/{made.json()['id']}")


async def enter(person: Person, entry: Entry) -> str:
    reply = await person.post("/media/items", json=entry.item)
    assert reply.status_code == 201, reply.text
    path = f"/media/items/{reply.json()['id']}"
    assert (await person.put(f"{path}/locks", json={"fields": entry.locks})).status_code == 200
    for name in entry.given_back:
        assert (await person.delete(f"{path}/edits/{name}")).status_code == 204
    return str(reply.json()["id"])


async def tell(app: FastAPI, item: dict[str, Any]) -> UUID:
    """The id of an item that a source tells of, with an id and an answer of its own."""
    given = ItemWrite.model_validate(item)
    details = given.details.model_dump()
    if given.media_type in {"movie", "tv"}:
        details["tmdb_type"] = given.media_type
    if details.get("isbn_13") is not None:
        details |= {"isbn_10": None, "isbn_13": new_isbn()}
    frozen: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in details.items()
    }
    told = NormalisedItem(
        media_type=given.media_type,
        # What sources tell is told to everyone: no other test may take it for what it looks for.
        title=f"{given.title[:100]} {uuid4().hex}",
        details=DETAILS[given.media_type](**frozen),
        source="made_up",
        kind="thing",
        external_id=uuid4().hex,
        raw_payload={"answer": item},
        url="https://source.example.org/1",
        subtitle=given.subtitle,
        description=given.description,
        release=None if given.release_date is None else PartialDate(*parse_release(given.release_date)),  # type: ignore[arg-type]
        cover_image_url=given.cover_image_url,
        metadata=given.metadata,
    )
    [kept] = await upsert(app.state.runtime.database, [told])
    return kept.item_id


def new_isbn() -> str:
    digits = f"979{uuid4().int % 10**9:09}"
    return f"{digits}{-sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(digits)) % 10}"


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(entries=_library)
async def test_what_was_exported_imports_again_without_loss(
    app: FastAPI, client: httpx.AsyncClient, entries: list[Entry]
) -> None:
    first = await sign_up(client)
    await fill(first, app, *entries)
    expected = await exported(first)
    for form in ("json", "csv"):
        content = (await first.get("/media/export", params={"format": form})).content
        other = await sign_up(client)
        record = await send(other, content, f"x.{form}")
        assert record["format"] == form
        assert record["failed_count"] == record["skipped_count"] == 0
        assert await exported(other) == expected
        for person in (other, first):
            again = await send(person, content, f"x.{form}")
            assert again["unchanged_count"] == again["row_count"] == record["row_count"]
            assert await exported(person) == expected


@settings(deadline=None)
@given(text=st.text(_characters, max_size=40) | st.sampled_from(FORMULA_STARTS))
def test_a_cell_is_no_formula_and_gives_its_text_back(text: str) -> None:
    cell = to_csv_text(text)
    assert from_csv_text(cell) == text
    assert not cell.lstrip().startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
    assert not cell.startswith(("\t", "\r", "\n"))


def test_an_apostrophe_of_ones_own_is_kept() -> None:
    assert from_csv_text("'Tis a book") == "'Tis a book"
    assert from_csv_text("'=1+1") == "=1+1"


async def test_no_cell_of_the_export_is_a_formula(owner: Person, app: FastAPI) -> None:
    title = '=HYPERLINK("https://a.example","x")'
    item = {"media_type": "book", "title": title}
    await fill(owner, app, Entry(item, [{"status": "planned", "notes": "@SUM(A1)"}], ["-1+1"]))
    reply = await owner.get("/media/export", params={"format": "csv"})
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    assert reply.headers["content-disposition"] == 'attachment; filename="monocoque-media.csv"'
    header, *rows = csv.reader(io.StringIO(reply.text, newline=""))
    assert tuple(header) == CSV_COLUMNS
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
    assert rows[1][header.index("title")] == "'" + title


async def test_what_was_removed_and_tags_without_items_are_there_too(
    owner: Person, stranger: Person, app: FastAPI
) -> None:
    await owner.post("/media/tags", json={"name": "Nowhere"})
    await fill(owner, app, Entry(ICO, [{"status": "active"}, {"status": "completed"}, None]))
    records = await exported(owner)
    entry = next(record for record in records if record["record"] == "item")
    assert entry["state"] is None
    assert [line["action"] for line in entry["log"]] == ["set", "set", "removed"]
    assert {"record": "tag", "title": "Nowhere"} in records
    await send(stranger, (await owner.get("/media/export")).content)
    assert await exported(stranger) == records


async def test_the_state_of_anothers_entry_is_in_and_finds_that_entry_again(owner: Person, stranger: Person) -> None:
    made = await stranger.post("/media/items", json={"media_type": "game", "title": "Ico", "metadata": {"secret": 1}})
    path = f"/media/items/{made.json()['id']}"
    await owner.put(f"{path}/state", json={"status": "active", "rating": 70})
    (record,) = await exported(owner)
    assert (record["own"], record["state"]["rating"], record["metadata"]) == (False, 70, {})
    content = (await owner.get("/media/export")).content
    await owner.delete(f"{path}/state")
    assert counts(await send(owner, content)) == {"row": 1, "imported": 1}
    assert (await owner.get(f"{path}/state")).json()["rating"] == 70


async def test_others_get_nothing_of_it(
    owner: Person, stranger: Person, client: httpx.AsyncClient, app: FastAPI
) -> None:
    await fill(owner, app, Entry(ICO, [{"status": "active"}], ["mine"]))
    assert await exported(stranger) == []
    problem(await client.get("/media/export"), 401, "auth.unauthenticated")
    problem(await owner.get("/media/export?format=xml"), 422, "request.invalid")


async def test_a_long_export_comes_in_pages(owner: Person, app: FastAPI) -> None:
    rows = (goodreads_row(n, f"Book {n}", Bookshelves=f"tag-{n}") for n in range(2 * exporting_service.PAGE + 1))
    await send(owner, goodreads(*rows))
    assert owner.id is not None
    pieces = [piece async for piece in exporting_service.as_json(app.state.runtime.database, owner.id)]
    assert max(map(len, pieces)) < sum(map(len, pieces)) / 2
    records = await exported(owner)
    titles = {record["title"] for record in records}
    assert titles == {f"{name}{n}" for n in range(401) for name in ("Book ", "tag-")}
    assert len(records) == len(titles)
