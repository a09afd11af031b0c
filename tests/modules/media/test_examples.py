"""What the examples of the API reference say of works outside is what the recorded answers say."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from monocoque_media import examples
from monocoque_media.contracts import NormalisedItem
from monocoque_media.schemas.items import EXAMPLE
from monocoque_media.schemas.values import parse_release
from tests.modules.media.connectors.test_recorded import RECORDED, mapped

pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(),
    reason="[elsewhere] the recorded answers lie beside the repository, or MONOCOQUE_TEST_FIXTURES",
)


def thing(name: str, title: str) -> NormalisedItem:
    [found] = [item for item in mapped(name) if item.title == title]
    return found


def told(item: NormalisedItem) -> dict[str, Any]:
    """Its details as replies have them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(item.details).items()}


def test_the_book_is_as_google_books_has_it() -> None:
    book = thing("google_books/search_isbn_two_authors.json", "Computer Algebra Recipes")
    item, source = examples.ITEM, examples.SOURCE
    assert (book.title, book.subtitle, str(book.release)) == (item["title"], item["subtitle"], item["release_date"])
    assert told(book) == item["details"] == examples.BOOK
    assert (book.source, book.kind, book.external_id) == (source["source"], source["kind"], source["external_id"])
    assert str(book.cover_image_url).startswith(str(item["cover_image_url"]))
    assert examples.LIBRARY_ITEM["creators"] == ", ".join(book.creators)


def test_the_book_to_enter_is_as_google_books_has_it() -> None:
    book = thing("google_books/search_isbn_totalitems_16_year_only.json", str(EXAMPLE["title"]))
    details: Any = EXAMPLE["details"]
    assert str(book.release) == EXAMPLE["release_date"]
    assert parse_release(str(EXAMPLE["release_date"]))[1] == "year"
    assert {**details, "isbn_13": details["isbn_13"].replace("-", "")} == {name: told(book)[name] for name in details}


def test_the_details_of_the_other_types_are_as_their_sources_have_them() -> None:
    [film] = mapped("tmdb/movie_282758_credits_zh_cn.json")
    assert told(film) == examples.MOVIE
    assert told(thing("igdb/games_search_sengoku_expanded.json", "Samurai Warriors 3")) == examples.GAME
    assert told(thing("lastfm/track_getinfo_one_step_closer.json", "One Step Closer")) == examples.MUSIC


def test_what_a_search_of_tmdb_finds_is_what_it_found() -> None:
    found = {(item.external_id, item.title) for item in mapped("tmdb/search_tv_dallas.json")}
    items: Any = examples.INGEST["items"]
    assert {(one["external_id"], one["title"]) for one in items} <= found
