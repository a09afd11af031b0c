"""Items: a catalogue that everyone reads and in which each changes their own entries."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from monocoque.errors import backstop_hits
from monocoque_media.isbn import normalise_isbn, to_isbn_10, to_isbn_13
from monocoque_media.item_service import merge_patch
from monocoque_media.queries import items as queries
from monocoque_media.schemas.items import ItemRead, ItemWithRead
from tests.modules.media.catalogue import (
    NOWHERE,
    STATE,
    add_tag,
    enter,
    held,
    held_page,
    make_admin,
    pages,
    set_state,
)
from tests.support import Person, problem

DETAILS: dict[str, dict[str, Any]] = {
    "book": {
        "authors": ["Ursula K. Le Guin"],
        "page_count": 286,
        "isbn_10": "0441478123",
        "isbn_13": "9780441478125",
        "publisher": "Ace",
        "language": "en",
    },
    "movie": {"runtime": 117, "directors": ["Ridley Scott"], "original_title": "Blade Runner"},
    "tv": {"runtime": 50, "directors": [], "original_title": None},
    "game": {"platforms": ["PC"], "developers": ["Mobius Digital"], "publishers": ["Annapurna"]},
    "music": {"kind": "album", "artist": "Nina Simone", "album": None, "track_number": None, "duration_ms": 1000},
}


@pytest.fixture(autouse=True)
def nothing_is_left_to_the_database() -> Iterator[None]:
    before = backstop_hits.total()
    yield
    assert backstop_hits.total() == before, backstop_hits


@pytest.mark.parametrize("media_type", DETAILS)
async def test_an_entry_keeps_everything_that_its_type_has(owner: Person, media_type: str) -> None:
    whole = {
        "title": "Title",
        "subtitle": "Subtitle",
        "description": "Two\nlines.",
        "release_date": "1969-03-01",
        "cover_image_url": "https://covers.example.org/1.jpg",
        "metadata": {"series": {"name": "Hainish", "number": 4}, "awards": ["Hugo", None], "score": 4.1},
    }
    made = await enter(owner, media_type, **whole, details=DETAILS[media_type])
    assert {name: made[name] for name in whole} == whole
    own = {"tmdb_type": media_type} if media_type in {"movie", "tv"} else {}
    assert made["details"] == {**own, **DETAILS[media_type]}
    assert (made["own"], made["version"]) == (True, 1)
    reply = await owner.get(f"/media/items/{made['id']}")
    assert held(ItemRead, reply) == made
    assert reply.headers["etag"] == '"1"'
    unchanged = await owner.get(f"/media/items/{made['id']}", headers={"If-None-Match": '"1"'})
    assert unchanged.status_code == 304


async def test_a_date_is_as_precise_as_it_was_given(owner: Person) -> None:
    for text in ("1999", "1999-05", "1999-05-17", "0002", "9999", "2000-02-29"):
        made = await enter(owner, release_date=text)
        assert made["release_date"] == text
        assert (await owner.get(f"/media/items/{made['id']}")).json()["release_date"] == text
    changed = await owner.patch(f"/media/items/{made['id']}", json={"release_date": "2001"})
    assert changed.json()["release_date"] == "2001"
    emptied = await owner.patch(f"/media/items/{made['id']}", json={"release_date": None})
    assert emptied.json()["release_date"] is None


@pytest.mark.parametrize(
    "text", ["99", "0000", "0001", "9999-12-31", "1999-13", "1999-02-30", "1999-5", "1999-05-17T00:00", "soon", 1999]
)
async def test_what_is_no_date_is_refused(owner: Person, text: object) -> None:
    reply = await owner.post("/media/items", json={"media_type": "book", "title": "x", "release_date": text})
    [error] = problem(reply, 422, "request.invalid")["errors"]
    assert error["pointer"] == "#/release_date"


async def test_one_isbn_gives_the_other(owner: Person) -> None:
    for details in ({"isbn_10": "0-441-47812-3"}, {"isbn_13": "978-0 441-47812-5"}):
        made = await enter(owner, details=details)
        assert (made["details"]["isbn_10"], made["details"]["isbn_13"]) == ("0441478123", "9780441478125")
    path = f"/media/items/{made['id']}"
    changed = (await owner.patch(path, json={"details": {"isbn_13": "979-10-90636-07-1"}})).json()["details"]
    assert (changed["isbn_10"], changed["isbn_13"]) == (None, "9791090636071")
    emptied = (await owner.patch(path, json={"details": {"isbn_10": None}})).json()["details"]
    assert (emptied["isbn_10"], emptied["isbn_13"]) == (None, None)


@pytest.mark.parametrize(
    ("details", "pointer", "code"),
    [
        ({"isbn_13": "9780441478126"}, "#/details/isbn_13", "media.isbn_invalid"),
        ({"isbn_13": "0441478123"}, "#/details/isbn_13", "media.isbn_invalid"),
        ({"isbn_10": "044147812X"}, "#/details/isbn_10", "media.isbn_invalid"),
        ({"isbn_10": "0441478123", "isbn_13": "9791090636071"}, "#/details", "media.isbn_mismatch"),
        ({"runtime": 90}, "#/details/runtime", "extra_forbidden"),
        ({"page_count": 0}, "#/details/page_count", "greater_than_equal"),
        ({"page_count": True}, "#/details/page_count", "int_type"),
        ({"authors": ["x"] * 101}, "#/details/authors", "too_long"),
        ({"authors": ["a\x00"]}, "#/details/authors/0", "text_control"),
        ([], "#/details", "model_type"),
        (None, "#/details", "model_type"),
    ],
)
async def test_details_that_do_not_fit_are_named(owner: Person, details: Any, pointer: str, code: str) -> None:
    entry = {"media_type": "book", "title": "x", "details": details}
    [error] = problem(await owner.post("/media/items", json=entry), 422, "request.invalid")["errors"]
    assert (error["pointer"], error["code"]) == (pointer, code)
    made = await enter(owner)
    reply = await owner.patch(f"/media/items/{made['id']}", json={"details": details})
    pointers = [error["pointer"] for error in problem(reply, 422, "request.invalid")["errors"]]
    assert pointers == [pointer]


DEEP: Any = 1
for _ in range(9):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "metadata",
    [
        '"text"',
        "[]",
        '{"a": NaN}',
        '{"a": 1e400}',
        '{"a": 99999999999999999999999999}',
        '{"a": 1e300}',
        '{"a": [-1e19]}',
        '{"a": 9223372036854775808.0}',
        '{"a": 1e-300}',
        '{"a": 5e-324}',
        f'{{"a": [-1{"0" * 400}]}}',
        '{"a": "\\u0000"}',
        '{"\\u0000": 1}',
        '{"a": "\\ud800"}',
        json.dumps({"a": DEEP}),
        json.dumps({"a": "x" * 10_001}),
    ],
)
async def test_metadata_that_cannot_be_kept_is_refused(owner: Person, metadata: str) -> None:
    made = await enter(owner, metadata={"a": 0})
    path = f"/media/items/{made['id']}"
    headers = {"Content-Type": "application/json"}
    body = f'{{"media_type": "book", "title": "x", "metadata": {metadata}}}'
    problem(await owner.post("/media/items", content=body, headers=headers), 422, "request.invalid")
    change = f'{{"metadata": {metadata}}}'
    problem(await owner.patch(path, content=change, headers=headers), 422, "request.invalid")
    assert (await owner.get(path)).json()["metadata"] == {"a": 0}


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "//host/x", "https://", "https://me:pw@host/", "file:///x", "x"]
)
async def test_a_cover_is_a_web_address(owner: Person, url: str) -> None:
    reply = await owner.post("/media/items", json={"media_type": "book", "title": "x", "cover_image_url": url})
    assert problem(reply, 422, "request.invalid")["errors"][0]["code"] == "media.url_invalid"


async def test_a_patch_merges_and_what_it_sets_counts_as_edited(owner: Person) -> None:
    made = await enter(owner, "movie", metadata={"a": {"b": 1, "c": 2}}, details={"runtime": 100, "directors": ["X"]})
    assert made["edited_fields"] == made["locked_fields"] == ["directors", "metadata", "runtime", "title"]
    path = f"/media/items/{made['id']}"
    change = {"description": "New", "metadata": {"a": {"b": None, "d": 3}}, "details": {"runtime": None}}
    reply = await owner.patch(path, json=change, headers={"If-Match": '"1"'})
    changed = held(ItemRead, reply)
    assert changed["metadata"] == {"a": {"c": 2, "d": 3}}
    assert (changed["details"]["runtime"], changed["details"]["directors"]) == (None, ["X"])
    assert (changed["title"], changed["description"], changed["version"]) == (made["title"], "New", 2)
    assert changed["edited_fields"] == ["description", "directors", "metadata", "runtime", "title"]
    assert (changed["locks"], changed["locked_fields"]) == ([], changed["edited_fields"])
    problem(await owner.patch(path, json={"title": "x"}, headers={"If-Match": '"1"'}), 412, "request.stale")


def test_a_merge_patch_is_that_of_rfc_7396() -> None:
    assert merge_patch({"a": "b"}, {"a": {"c": None, "d": 1}}) == {"a": {"d": 1}}
    assert merge_patch({"a": [1]}, {"a": None}) == {}
    assert merge_patch({"a": {"b": "c"}}, {"a": [1, None]}) == {"a": [1, None]}


async def test_a_change_of_creators_is_found_by_them(owner: Person) -> None:
    made = await enter(owner, "game", details={"developers": ["First Forge"]})
    name = f"Studio {made['id']}"
    await owner.patch(f"/media/items/{made['id']}", json={"details": {"developers": [name, "Other"]}})
    assert [item["id"] for item in await pages(owner, "/media/items", q=name.lower())] == [made["id"]]


async def test_everyone_reads_and_only_the_creator_and_administrators_change(
    app: FastAPI, owner: Person, stranger: Person
) -> None:
    made = await enter(owner)
    path = f"/media/items/{made['id']}"
    assert held(ItemRead, await stranger.get(path)) == {**made, "own": False, "created_by": None}
    problem(await stranger.patch(path, json={"title": "Mine"}), 403, "media.not_yours")
    problem(await stranger.put(f"{path}/locks", json={"fields": []}), 403, "media.not_yours")
    problem(await stranger.delete(f"{path}/edits/title"), 403, "media.not_yours")
    problem(await stranger.delete(path), 403, "media.not_yours")
    problem(await stranger.post(f"{path}/restore"), 403, "media.not_yours")
    await make_admin(app, stranger)
    assert (await stranger.patch(path, json={"title": "Better"})).status_code == 200
    assert (await owner.get(path)).json()["title"] == "Better"


async def test_what_somebody_else_keeps_is_deleted_by_administrators_alone(
    app: FastAPI, owner: Person, stranger: Person
) -> None:
    made = await enter(owner)
    path = f"/media/items/{made['id']}"
    await set_state(owner, made)
    await set_state(stranger, made)
    problem(await owner.delete(path), 409, "media.in_use")
    assert (await stranger.delete(f"{path}/state")).status_code == 204
    tag = await add_tag(stranger, "Keep")
    assert (await stranger.put(f"{path}/tags/{tag['id']}")).status_code == 204
    problem(await owner.delete(path), 409, "media.in_use")
    await make_admin(app, stranger)
    assert (await stranger.delete(path)).status_code == 204
    problem(await owner.get(path), 404, "media.not_found")
    problem(await owner.get(f"{path}/state"), 404, "media.not_found")
    restored = held(ItemRead, await owner.post(f"{path}/restore"))
    assert restored["version"] == made["version"] + 2
    assert (await owner.get(f"{path}/state")).status_code == 200
    assert held(ItemRead, await owner.post(f"{path}/restore")) == restored


async def test_a_deleted_item_is_purged_after_the_retention_time(app: FastAPI, owner: Person) -> None:
    old, kept = await enter(owner), await enter(owner)
    for item in (old, kept):
        assert (await owner.delete(f"/media/items/{item['id']}")).status_code == 204
    database = app.state.runtime.database
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE monocoque_media.items SET deleted_at = deleted_at - interval '2 days' WHERE id = $1", old["id"]
        )
    await database.run(queries.PURGE, retention=timedelta(days=1))
    problem(await owner.post(f"/media/items/{old['id']}/restore"), 404, "media.not_found")
    assert (await owner.post(f"/media/items/{kept['id']}/restore")).status_code == 200


async def test_a_reply_includes_what_was_asked_for_and_no_more(app: FastAPI, owner: Person, stranger: Person) -> None:
    made = await enter(owner)
    path = f"/media/items/{made['id']}"
    tag, other = await add_tag(owner, "Mine"), await add_tag(stranger, "Theirs")
    assert (await owner.put(f"{path}/tags/{tag['id']}")).status_code == 204
    assert (await stranger.put(f"{path}/tags/{other['id']}")).status_code == 204
    await set_state(owner, made, **STATE)
    payload = {"id": made["id"], "deep": [1.5, None]}
    async with app.state.runtime.database.connection() as connection:
        await connection.execute(
            "INSERT INTO monocoque_media.sources (id, item_id, source, kind, external_id, raw_payload) "
            "VALUES (gen_random_uuid(), $1, 'test', 'volume', $2, $3)",
            made["id"],
            made["id"],
            payload,
        )
    assert (await owner.get(path, params={"include": "details"})).json() == made
    whole = held(ItemWithRead, await owner.get(path, params={"include": "sources,tags,state,details"}))
    assert whole["tags"] == [{"id": tag["id"], "name": "Mine"}]
    assert {name: whole["state"][name] for name in STATE} == STATE
    [source] = whole["sources"]
    assert (source["source"], source["external_id"]) == ("test", made["id"])
    assert "raw_payload" not in source
    raw = await owner.get(path, params={"include": "raw"})
    assert raw.json()["sources"][0]["raw_payload"] == payload
    assert raw.json().keys() == {*made, "sources"}
    theirs = held(ItemWithRead, await stranger.get(path, params={"include": "sources,tags,state"}))
    assert (theirs["state"], [tag["name"] for tag in theirs["tags"]]) == (None, ["Theirs"])
    again = await owner.get(path, params={"include": "raw"}, headers={"If-None-Match": raw.headers["etag"]})
    assert again.status_code == 304
    problem(await owner.get(path, params={"include": "state,secrets"}), 422, "request.invalid")


async def test_the_list_filters_and_goes_on(owner: Person, stranger: Person) -> None:
    word = (await enter(owner))["id"]
    made = [
        await enter(owner, "book", title=f"100%_{word}", release_date="1999-05"),
        await enter(owner, "book", title=f"Plain {word}", release_date="2000"),
        await enter(owner, "music", title="Song", details={"artist": f"Band {word}"}),
        await enter(stranger, "book", title=f"Theirs {word}", release_date="1999-12-31"),
    ]
    ids = [item["id"] for item in reversed(made)]

    async def found(**query: Any) -> list[str]:
        return [item["id"] for item in await pages(owner, "/media/items", q=word, **query)]

    assert await found() == await found(limit=1) == ids
    assert await found(created_by="me") == ids[1:]
    assert await found(type="book", year=1999) == [ids[0], ids[3]]
    assert await found(type="music") == [ids[1]]
    assert [item["id"] for item in await pages(owner, "/media/items", q=f"%_{word}")] == [ids[3]]
    assert await pages(owner, "/media/items", q=f"_%{word}") == []
    assert held_page(ItemRead, await owner.get("/media/items", params={"q": f"plain {word.upper()}"})) == [made[1]]
    for query in ({"type": "vinyl"}, {"year": "0"}, {"created_by": str(owner.id)}, {"q": "\x00"}, {"year": "1e3"}):
        problem(await owner.get("/media/items", params=query), 422, "request.invalid")


async def test_text_within_titles_and_creators_is_found_by_the_trigram_indexes(app: FastAPI, owner: Person) -> None:
    query = queries.LIST[False, True]
    empty = dict.fromkeys(("before", "creator", "first_day", "last_day"))
    parameters = {"user_id": owner.id, "is_admin": False, "pattern": "%left hand%", "limit": 21, **empty}
    async with app.state.runtime.database.connection() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
        plan = await connection.fetch(f"EXPLAIN {query.sql}", *query.arguments(parameters))
    used = "\n".join(line[0] for line in plan)
    assert "ix_items_title_trigrams" in used
    assert "ix_items_creators_trigrams" in used


async def test_an_entry_posted_twice_with_one_key_is_entered_once(owner: Person) -> None:
    body = {"media_type": "book", "title": "Once"}
    headers = {"Idempotency-Key": NOWHERE}
    first, second = [await owner.post("/media/items", json=body, headers=headers) for _ in range(2)]
    assert (first.status_code, first.json(), first.headers["location"]) == (
        201,
        second.json(),
        second.headers["location"],
    )
    assert (await owner.get(first.headers["location"].removeprefix("/api/v1"))).json() == first.json()


async def test_changes_at_once_come_one_by_one(owner: Person) -> None:
    made = await enter(owner)
    path = f"/media/items/{made['id']}"
    changes = [owner.patch(path, json={"metadata": {f"key{number}": number}}) for number in range(20)]
    assert {reply.status_code for reply in await asyncio.gather(*changes)} == {200}
    item = (await owner.get(path)).json()
    assert (len(item["metadata"]), item["version"]) == (20, 21)
    stale = [owner.patch(path, json={"title": "New"}, headers={"If-Match": '"21"'}) for _ in range(10)]
    assert sorted(reply.status_code for reply in await asyncio.gather(*stale)) == [200] + [412] * 9


def test_isbns_are_checked_and_derived() -> None:
    assert normalise_isbn(" 0-8044-2957-x ") == "080442957X"
    assert normalise_isbn("978-0-441-47812-5") == "9780441478125"
    for wrong in ("", "080442957", "0804429571", "9780441478126", "9770441478125", "٩780441478125", "x" * 10):
        assert normalise_isbn(wrong) is None
    assert to_isbn_13("080442957X") == "9780804429573"
    assert to_isbn_10("9780804429573") == "080442957X"
    assert to_isbn_10("9791090636071") is None
