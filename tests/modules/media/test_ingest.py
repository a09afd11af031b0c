"""Taking in: one item for one thing, whoever tells of it, and however many ask at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from monocoque.database import Transaction
from monocoque_media.contracts import BookDetails, GameDetails, NormalisedItem, PartialDate
from monocoque_media.keeping_service import Upserted, upsert
from monocoque_media.schemas.items import ItemRead, ItemWithRead
from monocoque_media.schemas.searching import IngestReport
from tests.modules.media.conftest import Crowd, Open, Outside, checked
from tests.modules.media.vendors import Reply, broken, cut_off, limited, slow, volume
from tests.support import problem, sign_up


def book(number: int = 1, *, source: str = "google_books", isbn: str | None = None, **fields: Any) -> NormalisedItem:
    details = BookDetails(authors=("Mary Shelley",), isbn_13=isbn, page_count=fields.pop("pages", None))
    values: dict[str, Any] = {"title": f"Book {number}", "raw_payload": {"number": number}, **fields}
    return NormalisedItem(
        media_type="book", details=details, source=source, kind="volume", external_id=f"b{number}", **values
    )


def game(number: int) -> NormalisedItem:
    return NormalisedItem(
        media_type="game",
        title=f"Game {number}",
        details=GameDetails(developers=("A Studio", "Another")),
        source="igdb",
        kind="game",
        external_id=str(number),
        raw_payload={"id": number},
    )


class Counting:
    """An executor that counts the statements it is given."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.statements = 0

    async def transact[T](self, action: Callable[[Transaction], Awaitable[T]]) -> T:
        async def counted(transaction: Transaction) -> T:
            inside = Counting(transaction)
            try:
                return await action(inside)  # type: ignore[arg-type]
            finally:
                self.statements += inside.statements

        return await self._inner.transact(counted)  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._inner, name)

        async def counted(*arguments: Any, **parameters: Any) -> Any:
            self.statements += 1
            return await call(*arguments, **parameters)

        return counted


async def ingest(outside: Outside, source: str, **body: Any) -> httpx.Response:
    return await outside.person.post(f"/media/ingest/{source}", json=body)


async def count(outside: Outside, table: str) -> int:
    connection = await asyncpg.connect(outside.url)
    try:
        found: int = await connection.fetchval(f"SELECT count(*) FROM monocoque_media.{table}")
        return found
    finally:
        await connection.close()


async def test_one_item_is_new_once_and_then_known_without_asking(outside: Outside) -> None:
    reply = await ingest(outside, "tmdb", external_id="movie/1")
    item = checked(reply, 201, ItemRead)
    assert reply.headers["etag"] == '"1"'
    location = httpx.URL("http://here/api/v1/media/ingest/tmdb").join(reply.headers["location"])
    assert location.path == f"/api/v1/media/items/{item['id']}"
    assert (item["title"], item["release_date"], item["details"]["directors"]) == (
        "Metropolis",
        "1927-02-06",
        ["Fritz Lang"],
    )
    assert (item["own"], item["locked_fields"]) == (False, [])
    calls = len(outside.vendors.requests)
    assert checked(await ingest(outside, "tmdb", external_id="movie/1"), 200, ItemRead) == item
    assert len(outside.vendors.requests) == calls


async def test_the_answer_is_kept_complete(outside: Outside) -> None:
    item = checked(await ingest(outside, "google_books", external_id="volume000001"), 201, ItemRead)
    reply = await outside.person.get(f"/media/items/{item['id']}?include=raw")
    [source] = checked(reply, 200, ItemWithRead)["sources"]
    assert source["raw_payload"] == volume(1)
    assert (source["source"], source["kind"], source["external_id"]) == ("google_books", "volume", "volume000001")


async def test_a_search_of_a_source_is_answered_with_a_report(outside: Outside) -> None:
    checked(await ingest(outside, "igdb", external_id="2"), 201, ItemRead)
    outside.vendors.sizes["games"] = 30
    report = checked(await ingest(outside, "igdb", query="tetris", max_results=25), 200, IngestReport)
    assert (report["source"], report["created"], report["known"]) == ("igdb", 24, 1)
    assert [item["external_id"] for item in report["items"]] == [str(number) for number in range(1, 26)]
    assert [item["external_id"] for item in report["items"] if not item["created"]] == ["2"]
    assert await count(outside, "items") == 25


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"external_id": "1", "query": "one"},
        {"external_id": ""},
        {"query": " "},
        {"query": "x", "max_results": 0},
        {"query": "x", "max_results": 101},
        {"query": "x", "max_results": True},
        {"query": "x", "type": "opera"},
        {"external_id": "a\u0000"},
        {"external_id": "1", "more": 1},
    ],
)
async def test_a_request_that_says_no_one_thing_is_refused(outside: Outside, body: dict[str, Any]) -> None:
    problem(await ingest(outside, "igdb", **body), 422, "request.invalid")
    assert outside.vendors.requests == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"external_id": "movie/1", "query": "metropolis"}, "#/query"),
        ({"external_id": "movie/1", "type": "movie"}, "#/type"),
        ({"external_id": "movie/1", "year": 1927}, "#/year"),
        ({"external_id": "movie/1", "max_results": 20}, "#/max_results"),
        ({"query": "metropolis", "type": "book"}, "#/type"),
    ],
)
async def test_what_would_count_for_nothing_is_refused(outside: Outside, body: dict[str, Any], pointer: str) -> None:
    document = problem(await ingest(outside, "tmdb", **body), 422, "request.invalid")
    assert [error["pointer"] for error in document["errors"]] == [pointer]
    assert outside.vendors.requests == []
    told = dict.fromkeys(("query", "type", "year"))
    checked(await ingest(outside, "tmdb", external_id="movie/1", **told), 201, ItemRead)


async def test_what_is_not_there_is_a_404(outside: Outside) -> None:
    problem(await ingest(outside, "imdb", external_id="1"), 404, "media.source_unknown")
    problem(await ingest(outside, "igdb", external_id="999"), 404, "media.source_item_unknown")
    problem(await ingest(outside, "igdb", external_id="../tokens"), 404, "media.source_item_unknown")
    problem(
        await outside.person.client.post("/media/ingest/igdb", json={"external_id": "1"}), 401, "auth.unauthenticated"
    )


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        (broken(500), 502, "media.source_unavailable"),
        (broken(401), 502, "media.source_unavailable"),
        (cut_off(), 502, "media.source_unavailable"),
        (slow(), 504, "media.source_timeout"),
    ],
)
@pytest.mark.parametrize("body", [{"external_id": "volume000001"}, {"query": "frankenstein"}])
async def test_a_source_that_fails_is_named(
    open_outside: Open, reply: Reply, status: int, code: str, body: dict[str, Any]
) -> None:
    outside = await open_outside(provider_timeout_seconds=0.5 if status == 504 else 20, provider_attempts=1)
    outside.vendors.always("google_books", reply)
    document = problem(await ingest(outside, "google_books", **body), status, code)
    assert "google_books" in document["detail"]
    assert "made-up" not in str(document)
    assert await count(outside, "items") == 0


async def test_a_sources_limit_is_passed_on_with_its_time(open_outside: Open) -> None:
    outside = await open_outside(provider_attempts=1)
    outside.vendors.always("lastfm", limited("17"))
    reply = await ingest(outside, "lastfm", query="satie")
    problem(reply, 429, "media.source_rate_limited")
    assert reply.headers["retry-after"] == "17"
    outside.vendors.always("tmdb", limited(None))
    reply = await ingest(outside, "tmdb", query="metropolis")
    problem(reply, 429, "media.source_rate_limited")
    assert int(reply.headers["retry-after"]) > 0


async def test_a_source_without_its_key_is_not_configured(open_outside: Open) -> None:
    outside = await open_outside(igdb_client_secret=None)
    document = problem(await ingest(outside, "igdb", external_id="1"), 503, "media.source_not_configured")
    assert "igdb" in document["detail"]


async def test_many_at_once_make_one_row_and_one_call(outside: Outside) -> None:
    replies = await asyncio.gather(*(ingest(outside, "tmdb", external_id="movie/2") for _ in range(12)))
    assert sorted(reply.status_code for reply in replies) == [200] * 11 + [201]
    assert len({reply.json()["id"] for reply in replies}) == 1
    assert len(outside.vendors.seen("tmdb")) == 1
    assert (await count(outside, "items"), await count(outside, "sources")) == (1, 1)


async def test_a_failure_that_many_share_is_told_to_each_and_not_kept(open_outside: Open, crowd: Crowd) -> None:
    outside, answering = await open_outside(provider_attempts=1, provider_timeout_seconds=20), asyncio.Event()
    outside.vendors.script("tmdb", broken(500).when(answering))
    asking = [asyncio.ensure_future(ingest(outside, "tmdb", external_id="movie/1")) for _ in range(5)]
    await crowd.of(5)
    answering.set()
    replies = await asyncio.gather(*asking)
    assert {reply.status_code for reply in replies} == {502}
    assert len(outside.vendors.seen("tmdb")) == 1
    checked(await ingest(outside, "tmdb", external_id="movie/1"), 201, ItemRead)


async def test_the_same_key_gives_the_same_reply_and_asks_nobody(outside: Outside) -> None:
    headers = {"Idempotency-Key": uuid4().hex}
    body = {"query": "tetris"}
    first = await outside.person.post("/media/ingest/igdb", json=body, headers=headers)
    assert checked(first, 200, IngestReport)["created"] == 3
    outside.vendors.always("igdb", broken(500))
    second = await outside.person.post("/media/ingest/igdb", json=body, headers=headers)
    assert (second.status_code, second.json()) == (200, first.json())
    assert second.headers["idempotency-replayed"] == "true"
    other = await outside.person.post("/media/ingest/igdb", json={"query": "chess"}, headers=headers)
    problem(other, 422, "request.idempotency_key_reused")


async def test_a_hundred_results_take_at_most_five_statements(outside: Outside) -> None:
    items = [*(book(number, isbn=None) for number in range(60)), *(game(number) for number in range(40))]
    executor = Counting(outside.runtime.database)
    taken = await upsert(executor, items)
    assert 1 <= executor.statements <= 5
    assert len({one.item_id for one in taken}) == 100
    assert all(one.created for one in taken)
    again = Counting(outside.runtime.database)
    assert [one.created for one in await upsert(again, items, fetched=True)] == [False] * 100
    assert 1 <= again.statements <= 5
    assert (await count(outside, "book_items"), await count(outside, "game_items")) == (60, 40)
    assert await count(outside, "sources") == 100
    assert await upsert(outside.runtime.database, []) == []
    async with outside.runtime.database.connection() as connection:
        await connection.execute("UPDATE monocoque_media.items SET deleted_at = now()")
        back = Counting(outside.runtime.database)
        assert [one.item_id for one in await upsert(back, items)] == [one.item_id for one in taken]
        assert 1 <= back.statements <= 5
        assert await connection.fetchval("SELECT count(*) FROM monocoque_media.items WHERE deleted_at IS NULL") == 100


async def test_a_batch_of_known_and_new_takes_no_more(outside: Outside) -> None:
    numbers = [f"9780000{number:05}" for number in range(50)]
    isbns = [number + str(-sum((3 if i % 2 else 1) * int(d) for i, d in enumerate(number)) % 10) for number in numbers]
    await upsert(outside.runtime.database, [book(number, isbn=isbn) for number, isbn in enumerate(isbns)])
    other = [book(number, source="open_shelf", isbn=isbn, pages=9) for number, isbn in enumerate(isbns)]
    executor = Counting(outside.runtime.database)
    taken = await upsert(executor, [*other, *(game(number) for number in range(50))])
    assert 1 <= executor.statements <= 5
    assert [one.created for one in taken] == [False] * 50 + [True] * 50


async def test_books_of_one_isbn_are_one_item_with_two_sources(outside: Outside) -> None:
    database, isbn = outside.runtime.database, "9780141439471"
    [first] = await upsert(database, [book(1, isbn=isbn)])
    other = book(7, source="open_shelf", isbn=isbn, description="Told by another.", pages=280)
    [second] = await upsert(database, [other])
    assert (second.item_id, second.created) == (first.item_id, False)
    reply = await outside.person.get(f"/media/items/{first.item_id}?include=sources")
    item = checked(reply, 200, ItemWithRead)
    assert [source["source"] for source in item["sources"]] == ["google_books", "open_shelf"]
    assert (item["title"], item["description"], item["details"]["page_count"]) == ("Book 1", "Told by another.", 280)
    assert item["version"] == 2


async def test_what_comes_twice_in_one_batch_is_one(outside: Outside) -> None:
    isbn = "9780141439471"
    batch = [book(1, isbn=isbn), book(1, isbn=isbn), book(2, source="open_shelf", isbn=isbn), book(3)]
    taken = await upsert(outside.runtime.database, batch)
    assert [one.created for one in taken] == [True, False, False, True]
    assert len({one.item_id for one in taken}) == 2
    assert await count(outside, "sources") == 3


async def test_an_isbn_10_is_the_same_book_as_its_isbn_13(outside: Outside) -> None:
    item_id = await outside.book("The Left Hand of Darkness", details={"isbn_13": "9780441478125"})
    details = BookDetails(isbn_10="0441478123")
    told = NormalisedItem(
        media_type="book",
        title="Left Hand",
        details=details,
        source="open_shelf",
        kind="volume",
        external_id="x",
        raw_payload={},
    )
    [taken] = await upsert(outside.runtime.database, [told], user_id=outside.person.id)
    assert taken == Upserted(UUID(item_id), created=False)


async def test_overlapping_batches_at_once_leave_one_item_each(outside: Outside) -> None:
    batches = [[book(number, isbn=None) for number in range(start, start + 30)] for start in (0, 10, 20, 5)]
    batches += [list(reversed(batch)) for batch in batches]
    taken = await asyncio.gather(*(upsert(outside.runtime.database, batch) for batch in batches))
    assert sum(one.created for batch in taken for one in batch) == 50
    assert (await count(outside, "items"), await count(outside, "sources")) == (50, 50)


async def test_a_search_result_leaves_what_is_known_in_detail_as_it_is(outside: Outside) -> None:
    database = outside.runtime.database
    full = book(1, description="Whole.", raw_payload={"whole": True}, release=PartialDate(date(1818, 1, 1), "day"))
    [taken] = await upsert(database, [full], fetched=True)
    await upsert(database, [book(1, title="Shorter", raw_payload={"lite": True})])
    reply = await outside.person.get(f"/media/items/{taken.item_id}?include=raw")
    item = checked(reply, 200, ItemWithRead)
    assert (item["title"], item["version"], item["sources"][0]["raw_payload"]) == ("Book 1", 1, {"whole": True})


async def test_everyone_may_take_in_and_nobody_owns_it(outside: Outside) -> None:
    item = checked(await ingest(outside, "igdb", external_id="1"), 201, ItemRead)
    stranger = await sign_up(outside.person.client)
    assert checked(await stranger.get(f"/media/items/{item['id']}"), 200, ItemWithRead)["own"] is False
    for person in (stranger, outside.person):
        reply = await person.patch(f"/media/items/{item['id']}", json={"title": "Mine"})
        problem(reply, 403, "media.not_yours")
