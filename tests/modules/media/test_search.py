"""A search finds what it should in our own catalogue, and no source's trouble is the search's."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import asyncpg
import pytest

from monocoque.database import Database
from monocoque_media import facade, searching_service
from monocoque_media.schemas.searching import SearchRead
from tests.modules.media.conftest import Open, Outside, checked
from tests.modules.media.vendors import Reply, broken, cut_off, huge, limited, not_json, slow, volume, web_page
from tests.support import problem


async def match(outside: Outside, q: str, **parameters: Any) -> list[tuple[str, str]]:
    reply = await outside.person.get("/media/search", params={"q": q, **parameters})
    return [(item["title"], item["match"]) for item in checked(reply, 200, SearchRead)["items"]]


async def test_the_best_reason_comes_first(outside: Outside) -> None:
    await outside.book("A History of Dune Grass")
    await outside.book("Dune Messiah")
    await outside.book("Dune")
    await outside.book("Duneland")
    await outside.book("The Making of a Film", details={"authors": ["Dune Walker"]})
    assert await match(outside, "dune") == [
        ("Dune", "title"),
        ("Duneland", "prefix"),
        ("Dune Messiah", "prefix"),
        ("The Making of a Film", "words"),
        ("A History of Dune Grass", "words"),
    ]
    assert await outside.titles("dune", limit=2) == ["Dune", "Duneland"]


@pytest.mark.parametrize("asked", ["978-0-441-47812-5", "9780441478125", "0441478123", "0-441-47812-3"])
async def test_an_isbn_finds_its_book_however_it_is_written(outside: Outside, asked: str) -> None:
    await outside.book("The Left Hand of Darkness", details={"isbn_13": "9780441478125"})
    await outside.book("Another Book", details={"isbn_13": "9780141439471"})
    assert await match(outside, asked) == [("The Left Hand of Darkness", "id")]


async def test_the_id_of_a_source_finds_its_item(outside: Outside) -> None:
    reply = await outside.person.post("/media/ingest/tmdb", json={"external_id": "movie/1"})
    assert reply.status_code == 201, reply.text
    assert await match(outside, "movie/1") == [("Metropolis", "id")]


async def test_words_are_found_in_any_order_and_the_last_may_be_unfinished(outside: Outside) -> None:
    await outside.book("The Fellowship of the Ring", details={"authors": ["J. R. R. Tolkien"]})
    await outside.book("A Ring of Endless Light")
    assert await outside.titles("ring fellowship") == ["The Fellowship of the Ring"]
    assert await outside.titles("tolkien fellow") == ["The Fellowship of the Ring"]
    assert await outside.titles("ring endl") == ["A Ring of Endless Light"]


async def test_an_item_of_very_many_words_is_found_by_each(outside: Outside) -> None:
    words = [f"{first}{second}word" for first in "abcdefg" for second in "abcdefg"]
    await outside.book(" ".join(words[:40]), details={"authors": [" ".join(words[40:])]})
    await outside.book(" ".join(words[:20]))
    assert len(await outside.titles("aaword bbword")) == 2
    assert len(await outside.titles(" ".join(words[:9]))) == 2
    assert await outside.titles("ggword aaword eeword") == [" ".join(words[:40])]
    assert {how for _, how in await match(outside, "aaword unheardof")} == {"similar"}


async def test_two_words_that_never_meet_are_not_found_together(outside: Outside) -> None:
    for number in range(300):
        await outside.book(f"Left{number} Right{number}")
    for number in range(0, 298, 7):
        # Two words may share a digest; what is found then is at most alike.
        assert {how for _, how in await match(outside, f"right{number} left{number + 1}")} <= {"similar"}
        assert await match(outside, f"right{number} left{number}") == [(f"Left{number} Right{number}", "words")]


async def test_one_and_two_letters_are_the_beginning_of_a_title(outside: Outside) -> None:
    for title in ("Ubik", "Ulysses", "Up", "A Princess of Mars"):
        await outside.book(title)
    assert await outside.titles("u") == ["Up", "Ubik", "Ulysses"]
    assert await outside.titles("UL") == ["Ulysses"]


async def test_signs_that_patterns_are_made_of_mean_themselves(outside: Outside) -> None:
    for title in ("100% Wolf", "100 Wolves", "snake_case", "snakeXcase", "back\\slash", "backslash"):
        await outside.book(title)
    assert await outside.titles("100%") == ["100% Wolf"]
    assert await outside.titles("snake_") == ["snake_case"]
    assert await outside.titles("back\\") == ["back\\slash"]
    for sign in ("%", "_", "\\", "%%%", "__", "\\%", "'", "' & !", ":*", "\U0010ffff"):
        assert await outside.titles(sign) == [], sign
    await outside.book("% of the Whole")
    assert await outside.titles("%") == ["% of the Whole"]


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        ("amelie", "Amélie"),
        ("AMÉLIE", "Amélie"),
        ("dont look now", "Don't Look Now"),
        ("don\u2019t look", "Don't Look Now"),
        ("spider man", "Spider-Man: Far From Home"),
        ("catch 22", "Catch-22"),
        ("acdc", "AC DC Acdc"),
        ("\uff44\uff55\uff4e\uff45", "Dune"),
        ("七人の", "七人の侍"),
    ],
)
async def test_spelling_that_differs_in_form_only_is_no_difference(outside: Outside, asked: str, title: str) -> None:
    await outside.book(title)
    assert await outside.titles(asked) == [title]


@pytest.mark.parametrize("asked", ["matirx", "the martix", "teh matrix", "matrixx", "wachovski matrix"])
async def test_a_misspelt_word_still_finds(outside: Outside, asked: str) -> None:
    await outside.book("The Matrix", details={"authors": ["Lana Wachowski"]})
    await outside.book("Completely Different")
    assert await match(outside, asked) == [("The Matrix", "similar")]


async def test_what_fits_exactly_is_not_diluted_with_what_is_alike(outside: Outside) -> None:
    await outside.book("Martian Time-Slip")
    await outside.book("Martial Arts")
    assert await outside.titles("martian") == ["Martian Time-Slip"]


async def test_type_and_year_hold_for_every_way_of_finding(outside: Outside) -> None:
    details = {"isbn_13": "9780441478125"}
    await outside.book("Solaris", release_date="1961", details=details)
    film = {"media_type": "movie", "title": "Solaris", "release_date": "1972-03-20"}
    assert (await outside.person.post("/media/items", json=film)).status_code == 201
    for asked in ("solaris", "sol", "so", "solarsi"):
        items = (await outside.search(asked, type="movie"))["items"]
        assert [(item["media_type"], item["release_date"]) for item in items] == [("movie", "1972-03-20")], asked
        items = (await outside.search(asked, year=1961))["items"]
        assert [(item["media_type"], item["release_date"]) for item in items] == [("book", "1961")], asked
    assert await outside.titles("9780441478125", type="movie") == []


async def test_what_was_deleted_or_renamed_is_found_no_more(outside: Outside) -> None:
    gone, renamed = await outside.book("Gone Tomorrow"), await outside.book("Working Title")
    assert (await outside.person.delete(f"/media/items/{gone}")).status_code == 204
    assert (await outside.person.patch(f"/media/items/{renamed}", json={"title": "Final Title"})).status_code == 200
    assert await outside.titles("gone tomorrow") == []
    assert await outside.titles("working") == []
    assert await outside.titles("final") == ["Final Title"]


async def test_words_common_to_thousands_are_searched_in_a_part_of_the_catalogue(outside: Outside) -> None:
    connection = await asyncpg.connect(outside.url)
    await connection.execute(
        "INSERT INTO monocoque_media.items (id, media_type, title) SELECT gen_random_uuid(), 'book', "
        "'Volume ' || n || ' of all the days' FROM generate_series(1, 3000) AS n"
    )
    await outside.book("Days of all")
    assert len(await outside.titles("days all of", limit=50)) == 50
    assert (await outside.titles("days of all", limit=50))[0] == "Days of all"
    assert await outside.titles("all days 2718") == ["Volume 2718 of all the days"]
    await connection.close()


async def test_a_search_is_refused_with_the_parameter_that_is_wrong(outside: Outside) -> None:
    for query in ("", "q=", "q=%20", "q=a&limit=0", "q=a&limit=101", "q=a&type=opera", "q=a&year=0", "q=a&page=2"):
        problem(await outside.person.get(f"/media/search?{query}"), 422, "request.invalid")
    problem(await outside.person.client.get("/media/search?q=a"), 401, "auth.unauthenticated")


async def test_long_and_odd_searches_are_answered(outside: Outside) -> None:
    await outside.book("ﷺ" * 499)
    for asked in ("a" * 200, "ﷺ" * 200, "a " * 100, "- " * 100, "\U0001f600" * 50, "x" * 61 + "y"):
        assert isinstance(await outside.titles(asked), list)


async def test_sources_are_asked_at_once_and_merged_into_one_answer(outside: Outside) -> None:
    await outside.book("Metropolis")
    found = await outside.search("metropolis", include_external=True, limit=50)
    assert {name: (report["status"], report["found"]) for name, report in found["sources"].items()} == {
        "google_books": ("ok", 3),
        "tmdb": ("ok", 6),
        "igdb": ("ok", 3),
        "lastfm": ("ok", 6),
    }
    titles = [item["title"] for item in found["items"]]
    assert titles[:2] == ["Metropolis", "Metropolis"]
    assert {"Frankenstein", "Tetris", "Series 1", "Gymnopédie No. 1"} <= set(titles)
    assert len({item["id"] for item in found["items"]}) == len(found["items"]) == 19
    again = await outside.search("metropolis", include_external=True, limit=50)
    assert again["items"] == found["items"]


async def test_only_sources_that_fit_the_type_are_asked(outside: Outside) -> None:
    found = await outside.search("frankenstein", type="book", include_external=True)
    statuses = {name: report["status"] for name, report in found["sources"].items()}
    assert statuses == {"google_books": "ok", "tmdb": "skipped", "igdb": "skipped", "lastfm": "skipped"}
    assert {request.source for request in outside.vendors.requests} == {"google_books"}
    assert (await outside.search("frankenstein"))["sources"] == {}


async def test_a_source_without_its_key_is_not_configured_and_not_asked(open_outside: Open) -> None:
    outside = await open_outside(tmdb_token=None)
    found = await outside.search("metropolis", include_external=True)
    assert found["sources"]["tmdb"]["status"] == "not_configured"
    assert outside.vendors.seen("tmdb") == []


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (slow(30), "timeout"),
        (limited("30"), "rate_limited"),
        (broken(500), "unavailable"),
        (broken(401), "unavailable"),
        (cut_off(), "unavailable"),
        (web_page(), "unavailable"),
        (huge(), "unavailable"),
        (not_json(), "unavailable"),
    ],
)
async def test_a_source_in_trouble_costs_its_share_and_no_more(open_outside: Open, reply: Reply, status: str) -> None:
    outside = await open_outside(provider_timeout_seconds=3.0, provider_attempts=1)
    await outside.book("Metropolis at Night")
    outside.vendors.always("google_books", reply)
    started = time.perf_counter()
    found = await outside.search("metropolis", include_external=True)
    assert time.perf_counter() - started < 15
    assert found["sources"]["google_books"]["status"] == status
    assert found["sources"]["tmdb"]["status"] == "ok"
    assert "Metropolis at Night" in [item["title"] for item in found["items"]]


async def test_hostile_content_is_kept_out_or_kept_harmless(outside: Outside) -> None:
    nasty = volume(1, title="Nul \u0000 and half \ud800", description="x" * 100_000, publisher="\u0000")
    outside.vendors.always("google_books", Reply({"items": [nasty, {"id": 5}, None, volume(2)]}))
    found = await outside.search("frankenstein", type="book", include_external=True)
    assert found["sources"]["google_books"]["status"] == "ok"
    assert "Frankenstein 2" in [item["title"] for item in found["items"]]
    assert all("\x00" not in item["title"] for item in found["items"])


async def test_no_connection_is_held_while_sources_are_asked(open_outside: Open) -> None:
    outside = await open_outside(provider_timeout_seconds=1.5, provider_attempts=1)
    outside.vendors.always("google_books", slow())
    taken: list[str] = []
    pool: Any = outside.runtime.database
    take = pool._take

    async def counted() -> Any:
        taken.append("taken")
        return await take()

    pool._take = counted
    under_way = asyncio.ensure_future(outside.search("metropolis", type="book", include_external=True))
    await asyncio.sleep(0.5)
    assert len(outside.vendors.seen("google_books")) == 1
    assert taken == []
    assert (await under_way)["sources"]["google_books"]["status"] == "timeout"
    assert taken != []


async def test_what_cannot_be_kept_is_the_sources_trouble(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*_: Any, **__: Any) -> Any:
        raise asyncpg.UntranslatableCharacterError("unsupported Unicode escape sequence")

    monkeypatch.setattr(searching_service, "upsert", refused)
    await outside.book("Metropolis")
    found = await outside.search("metropolis", include_external=True)
    assert {report["status"] for report in found["sources"].values()} == {"unavailable"}
    assert [item["title"] for item in found["items"]] == ["Metropolis"]


async def test_a_correction_that_takes_too_long_is_done_without(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def too_long(*_: Any, **__: Any) -> Any:
        raise asyncpg.QueryCanceledError("canceling statement due to statement timeout")

    await outside.book("The Matrix")
    monkeypatch.setattr(Database, "transact", too_long)
    assert await outside.titles("matirx") == []


async def test_a_correction_leaves_no_setting_behind(outside: Outside) -> None:
    await outside.book("The Matrix")
    assert await outside.titles("matirx") == ["The Matrix"]
    async with outside.runtime.database.connection() as connection:
        assert await connection.fetchval("SHOW statement_timeout") == "10s"
        assert float(await connection.fetchval("SHOW pg_trgm.similarity_threshold")) == pytest.approx(0.3)


def test_the_sources_are_ours_and_in_this_order(outside: Outside) -> None:
    assert list(facade.connectors(outside.runtime)) == ["google_books", "tmdb", "igdb", "lastfm"]
