"""A search finds what it should in our own catalogue, and no source's trouble is the search's."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from monocoque.database import Database
from monocoque_media.schemas.searching import SearchRead
from tests.modules.media.catalogue import make_admin
from tests.modules.media.conftest import Outside, checked
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


async def test_an_isbn_finds_its_book_however_either_is_written(outside: Outside) -> None:
    await outside.book("The Left Hand of Darkness", details={"isbn_13": "9780441478125"})
    await outside.book("Frankenstein", details={"isbn_10": "0-14-143947-5"})
    for asked in (
        *("978-0-441-47812-5", "9780441478125", "0441478123", "0-441-47812-3"),
        *("ISBN 0 441 47812 3", "isbn-13:978\u20110441478125", "ISBN-10: 0441478123"),
    ):
        assert await match(outside, asked) == [("The Left Hand of Darkness", "id")], asked
    for asked in ("978-0-14-143947-1", "0141439475"):
        assert await match(outside, asked) == [("Frankenstein", "id")], asked


async def test_the_id_of_a_source_finds_its_item_with_and_without_its_kind(outside: Outside) -> None:
    outside.vendors.sizes["games"] = 700
    for source, external_id in (
        ("tmdb", "movie/2"),
        ("tmdb", "tv/3"),
        ("igdb", "603"),
        ("google_books", "volume000001"),
    ):
        reply = await outside.person.post(f"/media/ingest/{source}", json={"external_id": external_id})
        assert reply.status_code == 201, reply.text
    assert await match(outside, "movie/2") == [("Metropolis 2", "id")]
    assert (await match(outside, "2"))[0] == ("Metropolis 2", "id")
    assert (await match(outside, "3", type="tv"))[0] == ("Series 3", "id")
    assert (await match(outside, "603"))[0] == ("Tetris 603", "id")
    assert await match(outside, "volume000001") == [("Frankenstein", "id")]
    assert "id" not in [how for _, how in await match(outside, "60")]


async def test_a_number_that_is_a_title_is_the_title_first(outside: Outside) -> None:
    outside.vendors.sizes["games"] = 400
    assert (await outside.person.post("/media/ingest/igdb", json={"external_id": "300"})).status_code == 201
    await outside.book("300")
    await outside.book("300 Days of Sun")
    assert await match(outside, "300") == [("300", "title"), ("Tetris 300", "id"), ("300 Days of Sun", "prefix")]


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
    for title in ("100% Wolf", "100 Wolves", "snake_case", "snakeXcase", "back\\slash", "backslash", "%a", "Xa", "_b"):
        await outside.book(title)
    assert await outside.titles("100%") == ["100% Wolf"]
    assert await outside.titles("snake_") == ["snake_case"]
    assert await outside.titles("back\\") == ["back\\slash"]
    assert await outside.titles("%A") == ["%a"]
    assert await outside.titles("_b") == ["_b"]
    assert await outside.titles("10") == ["100% Wolf", "100 Wolves"]
    for sign in ("%%%", "__", "\\%", "%_", "'", "' & !", ":*", "\U0010ffff"):
        assert await outside.titles(sign) == [], sign


async def test_nothing_but_signs_finds_the_titles_that_have_them_and_those_that_begin_so_first(
    outside: Outside,
) -> None:
    for title in (
        "The 7%% Solution",
        "% of the Whole",
        "At 100%",
        "Under_score 5%",
        "_why",
        "a\\b",
        "50\uff05",
        "Plain",
    ):
        await outside.book(title)
    assert await match(outside, "%") == [
        ("% of the Whole", "prefix"),
        ("50\uff05", "words"),
        ("At 100%", "words"),
        ("Under_score 5%", "words"),
        ("The 7%% Solution", "words"),
    ]
    assert await outside.titles("_") == ["_why", "Under_score 5%"]
    assert await outside.titles("\\") == ["a\\b"]
    assert await outside.titles("%%") == ["The 7%% Solution"]
    assert await outside.titles("% _") == ["Under_score 5%"]
    assert "50\uff05" in await outside.titles("\uff05")
    assert await outside.titles("%", type="game") == []
    assert await outside.titles("%", year=1999) == []


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


@pytest.mark.parametrize("asked", ["Neuromancer two", "two Neuromencer", "Neuromancer Gibson two sisters"])
async def test_words_too_many_do_not_hide_what_the_others_find(outside: Outside, asked: str) -> None:
    await outside.book("Neuromancer", details={"authors": ["William Gibson"]})
    await outside.book("Two Sisters", details={"authors": ["Ivo Andrić"]})
    assert await match(outside, asked) == [("Neuromancer", "similar")]
    assert await match(outside, asked, type="movie") == []


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


async def test_a_type_and_a_year_find_what_few_letters_begin_however_many_others_begin_so(outside: Outside) -> None:
    connection = await asyncpg.connect(outside.url)
    await connection.execute(
        "INSERT INTO monocoque_media.items (id, media_type, title, release_date, release_precision) "
        "SELECT gen_random_uuid(), 'book', 'Qy' || to_char(n, 'FM000') || ' a ty' || n, '2001-01-01', 'year' "
        "FROM generate_series(1, 700) AS n"
    )
    await connection.close()
    for body in (
        {"media_type": "music", "title": "Qyzzulu", "release_date": "1999-05-17"},
        {"media_type": "book", "title": "Qyzzz", "release_date": "1999"},
        {"media_type": "music", "title": "The Qyzzzzulu", "release_date": "1970"},
        {"media_type": "music", "title": "Another"},
    ):
        assert (await outside.person.post("/media/items", json=body)).status_code == 201
    for asked in ("q", "qy"):
        assert (await match(outside, asked, type="music"))[0] == ("Qyzzulu", "prefix"), asked
        assert await outside.titles(asked, year=1999) == ["Qyzzz", "Qyzzulu"], asked
        assert await outside.titles(asked, year=1999, type="book") == ["Qyzzz"], asked
        assert await outside.titles(asked, year=1998) == [], asked
        assert len(await outside.titles(asked, type="book", limit=100)) == 100, asked
        assert await outside.titles(asked, type="game") == [], asked
    # A word within the title, which comes after its likelier endings.
    assert await match(outside, "qy", type="music", year=1970) == [("The Qyzzzzulu", "words")]
    assert await outside.titles("ty", type="music") == []
    assert await outside.titles("yea", year=1999) == []


async def test_an_isbn_of_an_item_that_was_merged_finds_what_it_became(outside: Outside) -> None:
    first = await outside.book("A Printing", details={"isbn_13": "9780441478125"})
    second = await outside.book("Another Printing", details={"isbn_13": "9780141439471"})
    third = await outside.book("The Work")
    await make_admin(outside.app, outside.person)
    for old, new in ((first, second), (second, third)):
        reply = await outside.person.post(f"/media/items/{old}/merge", json={"into": new})
        assert reply.status_code == 200, reply.text
    for isbn in ("9780441478125", "9780141439471", "0441478123"):
        assert await match(outside, isbn) == [("The Work", "id")], isbn
    assert (await outside.person.delete(f"/media/items/{third}")).status_code == 204
    assert await match(outside, "9780441478125") == []


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
