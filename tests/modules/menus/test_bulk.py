"""Many entries at once: a report on each, or a problem and nothing."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from monocoque.runtime import Runtime
from monocoque_menus import bulk_service
from monocoque_menus.queries import items as queries
from monocoque_menus.schemas import BulkReport
from tests.support import Person, problem

from .conftest import Curator, checked


@pytest.fixture
async def shelf(curator: Curator) -> tuple[dict[str, Any], dict[str, Any], str]:
    """A menu with a course that has one entry, and the film that this is of."""
    menu = await curator.menu()
    course, film = await curator.course(menu), await curator.film()
    await curator.item(menu, course, film)
    return await curator.read(menu), course, film


async def bulk(curator: Curator, menu: dict[str, Any], course: dict[str, Any], **body: Any) -> httpx.Response:
    return await curator.person.post(f"/menus/{menu['id']}/courses/{course['id']}/items:bulk", json=body)


Shelf = tuple[dict[str, Any], dict[str, Any], str]


async def test_what_is_named_is_added_in_its_order_and_reported(curator: Curator, shelf: Shelf) -> None:
    menu, course, _ = shelf
    titles = [f"{letter} {uuid4().hex}" for letter in "BCA"]
    films = [await curator.film(title, release_date="1950", details={"directors": ["Somebody"]}) for title in titles]
    report = checked(await bulk(curator, menu, course, media_item_ids=films), 200, BulkReport)
    assert (report["added"], report["skipped"]) == (3, 0)
    items = await curator.items(menu, course)
    assert [item["title"] for item in items[1:]] == titles
    assert [(item["year"], item["creators"], item["notes"]) for item in items[1:]] == [(1950, "Somebody", None)] * 3
    assert report["items"] == [
        {"media_item_id": item["media_item_id"], "title": item["title"], "status": "added", "id": item["id"]}
        for item in items[1:]
    ]
    after = await curator.read(menu)
    assert (after["item_count"], after["version"]) == (4, menu["version"] + 1)


@pytest.mark.parametrize(("duplicates", "status", "added"), [("allow", 200, 3), ("skip", 200, 1), ("reject", 409, 0)])
async def test_duplicates_are_allowed_skipped_or_rejected(
    curator: Curator, shelf: Shelf, duplicates: str, status: int, added: int
) -> None:
    menu, _, film = shelf
    # Anywhere in the menu counts, not only in this course.
    other, new = await curator.course(menu, "Tuesday"), await curator.film()
    menu = await curator.read(menu)
    reply = await bulk(curator, menu, other, media_item_ids=[film, new, new], duplicates=duplicates)
    if status == 409:
        document = problem(reply, 409, "menus.duplicate")
        assert [(error["pointer"], error["code"]) for error in document["errors"]] == [
            ("#/media_item_ids/0", "menus.duplicate"),
            ("#/media_item_ids/2", "menus.duplicate"),
        ]
        assert await curator.read(menu) == menu
        assert (await bulk(curator, menu, other, media_item_ids=[new], duplicates="reject")).json()["added"] == 1
        return
    report = checked(reply, status, BulkReport)
    assert (report["added"], report["skipped"]) == (added, 3 - added)
    assert [line["status"] for line in report["items"]][1] == "added"
    assert [line["id"] is None for line in report["items"]] == [line["status"] == "skipped" for line in report["items"]]
    assert len(await curator.items(menu, other)) == added


async def test_duplicates_are_skipped_unless_told_otherwise_and_then_nothing_changes(
    curator: Curator, shelf: Shelf
) -> None:
    menu, course, film = shelf
    report = checked(await bulk(curator, menu, course, media_item_ids=[film]), 200, BulkReport)
    assert (report["added"], report["skipped"]) == (0, 1)
    assert await curator.read(menu) == menu


async def test_what_a_search_finds_is_added_the_best_first(curator: Curator, shelf: Shelf) -> None:
    menu, course, _ = shelf
    word = f"zither{uuid4().hex[:8]}"
    exact = await curator.film(word, release_date="1949")
    longer = await curator.film(f"The {word} player", release_date="1949-05-01")
    await curator.film(f"The {word} player again", release_date="1950")
    report = checked(
        await bulk(curator, menu, course, search={"q": word, "type": "movie", "year": 1949}), 200, BulkReport
    )
    assert [line["media_item_id"] for line in report["items"]] == [exact, longer]
    reply = await bulk(curator, menu, course, search={"q": word}, duplicates="reject")
    assert {error["pointer"] for error in problem(reply, 409, "menus.duplicate")["errors"]} == {"#/search"}
    limited = await bulk(curator, menu, course, search={"q": word, "limit": 1}, duplicates="allow")
    assert limited.json()["added"] == 1
    before = await curator.read(menu)
    nothing = checked(await bulk(curator, menu, course, search={"q": uuid4().hex, "type": "game"}), 200, BulkReport)
    assert nothing == {"added": 0, "skipped": 0, "items": []}
    assert await curator.read(menu) == before


async def test_one_that_is_not_in_the_catalogue_keeps_all_others_out(
    owner: Person, curator: Curator, shelf: Shelf
) -> None:
    menu, course, _ = shelf
    good, gone = await curator.film(), await curator.film()
    await owner.delete(f"/media/items/{gone}")
    reply = await bulk(curator, menu, course, media_item_ids=[good, gone, good, str(uuid4())])
    document = problem(reply, 422, "menus.media_item_unknown")
    assert [error["pointer"] for error in document["errors"]] == ["#/media_item_ids/1", "#/media_item_ids/3"]
    assert await curator.read(menu) == menu


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#"),
        ({"media_item_ids": None}, "#"),
        ({"media_item_ids": []}, "#/media_item_ids"),
        ({"media_item_ids": ["x"]}, "#/media_item_ids/0"),
        ({"media_item_ids": [str(uuid4())], "search": {"q": "x"}}, "#"),
        ({"media_item_ids": [str(uuid4())] * 1001}, "#/media_item_ids"),
        ({"search": {}}, "#/search/q"),
        ({"search": {"q": ""}}, "#/search/q"),
        ({"search": {"q": "x", "limit": 101}}, "#/search/limit"),
        ({"search": {"q": "x", "year": "1949"}}, "#/search/year"),
        ({"search": {"q": "x", "type": "play"}}, "#/search/type"),
        ({"media_item_ids": [str(uuid4())], "duplicates": "ask"}, "#/duplicates"),
    ],
)
async def test_what_cannot_be_read_adds_nothing(
    curator: Curator, shelf: Shelf, body: dict[str, Any], pointer: str
) -> None:
    menu, course, _ = shelf
    document = problem(await bulk(curator, menu, course, **body), 422, "request.invalid")
    assert document["errors"][0]["pointer"] == pointer
    if pointer == "#":
        assert document["errors"][0]["code"] == "menus.bulk_ambiguous"
    assert await curator.read(menu) == menu


async def test_what_is_too_much_is_told_with_the_room_that_there_is(
    curator: Curator, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    menu, course, film = shelf
    word = f"zither{uuid4().hex[:8]}"
    for _ in range(3):
        await curator.film(word)
    monkeypatch.setattr(bulk_service, "MAX_ITEMS", 3)
    for pointer, wish in (
        ("#/media_item_ids", {"media_item_ids": [film] * 3}),
        ("#/search", {"search": {"q": word}}),
    ):
        document = problem(await bulk(curator, menu, course, **wish, duplicates="allow"), 422, "menus.too_many_items")
        assert document["errors"] == [
            {"pointer": pointer, "code": "menus.too_many_items", "detail": "There is room for 2 more."}
        ]
    assert await curator.read(menu) == menu


async def test_the_same_items_at_once_are_in_the_menu_once(curator: Curator, shelf: Shelf) -> None:
    menu, course, _ = shelf
    films = [await curator.film() for _ in range(4)]
    replies = await asyncio.gather(
        *(bulk(curator, menu, course, media_item_ids=films if number % 2 else films[::-1]) for number in range(6))
    )
    assert sorted(reply.json()["added"] for reply in replies) == [0, 0, 0, 0, 0, 4]
    items = await curator.items(menu, course)
    assert sorted(item["media_item_id"] for item in items[1:]) == sorted(films)


async def test_however_many_are_added_it_takes_one_insert(
    curator: Curator, shelf: Shelf, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    from monocoque.database import Transaction

    menu, course, _ = shelf
    films = [await curator.film() for _ in range(30)]
    inserted: list[int] = []
    run = Transaction.run

    async def counted(transaction: Transaction, query: Any, /, **parameters: Any) -> int:
        touched = await run(transaction, query, **parameters)
        if query.sql.startswith("INSERT INTO monocoque_menus.course_items"):
            assert query is queries.ADD_ALL
            inserted.append(touched)
        return touched

    monkeypatch.setattr(Transaction, "run", counted)
    assert (await bulk(curator, menu, course, media_item_ids=films)).json()["added"] == 30
    assert inserted == [30]
