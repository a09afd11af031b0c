"""Every recorded answer of the four vendors maps without loss. The recordings are kept beside the repository."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from monocoque_media.connectors.base import Source, member
from monocoque_media.connectors.cleaning import entries
from monocoque_media.connectors.google_books import GoogleBooks
from monocoque_media.connectors.http import Answer
from monocoque_media.connectors.igdb import Igdb
from monocoque_media.connectors.lastfm import Lastfm
from monocoque_media.connectors.mapping_google_books import map_volume
from monocoque_media.connectors.mapping_igdb import companies, cover, map_game, map_search_row, release_of
from monocoque_media.connectors.mapping_lastfm import map_album, map_track
from monocoque_media.connectors.mapping_tmdb import directors, map_mixed, map_title
from monocoque_media.connectors.tmdb import Tmdb
from monocoque_media.contracts import (
    ItemUnknown,
    NormalisedItem,
    ProviderAnswerInvalid,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
)
from monocoque_media.settings import MediaSettings
from tests.modules.media.connectors.samples import value_of

ROOT = Path(__file__).resolve().parents[4]
RECORDED = Path(os.environ.get("MONOCOQUE_TEST_FIXTURES") or ROOT.parent / "shared" / "fixtures")
pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(),
    reason="[elsewhere] the recorded answers lie beside the repository, or MONOCOQUE_TEST_FIXTURES",
)


def recorded(name: str) -> Any:
    return json.loads((RECORDED / name).read_text(encoding="utf-8-sig"))


def files(source: str) -> list[str]:
    return sorted(f"{source}/{file.name}" for file in (RECORDED / source).glob("*.json"))


def mapped(name: str) -> list[NormalisedItem]:
    """Every thing in a file, none left out."""
    document = recorded(name)
    source, _, file = name.partition("/")
    return [mapping(payload) for mapping, payload in THINGS[source](file, document)]


Pairs = list[tuple[Callable[[Any], NormalisedItem], Any]]


def _volumes(_file: str, document: Any) -> Pairs:
    alone = [document] if "volumeInfo" in document else []
    return [(map_volume, payload) for payload in alone + document.get("items", [])]


def _titles(_file: str, document: Any) -> Pairs:
    results = [*document.get("results", []), *document.get("movie_results", []), *document.get("tv_results", [])]
    results += [film for person in results for film in person.get("known_for", [])]
    results = [entry for entry in results if "known_for" not in entry]
    alone = [document] if "title" in document or "name" in document else []
    return [(_title if "media_type" not in entry else map_mixed, entry) for entry in alone + results]


def _title(payload: Any) -> NormalisedItem:
    return map_title(payload, "movie" if "title" in payload else "tv")


def _games(file: str, document: Any) -> Pairs:
    if file == "search_sonic.json":
        return [(map_search_row, row) for row in document if "game" in row]
    named = document if file.startswith("games_") and "mixed" not in file else []
    return [(map_game, entry) for entry in named]


def _music(_file: str, document: Any) -> Pairs:
    found: Pairs = []
    for kind, mapping in (("track", map_track), ("album", map_album)):
        found += [(mapping, document[kind])] if kind in document else []
        found += [(mapping, entry) for entry in entries(member(document, "results", f"{kind}matches", kind))]
    return found


THINGS: dict[str, Callable[[str, Any], Pairs]] = {
    "google_books": _volumes,
    "tmdb": _titles,
    "igdb": _games,
    "lastfm": _music,
}
COUNTS = {
    "google_books/search_ruby_five_items.json": 5,
    "google_books/search_zero_results.json": 0,
    "google_books/error_429_daily_quota.json": 0,
    "tmdb/search_movie.json": 20,
    "tmdb/search_multi.json": 20,
    "tmdb/search_tv_mediatracker.json": 5,
    "tmdb/search_person.json": 3,
    "tmdb/search_movie_zero_results_total_pages_0.json": 0,
    "tmdb/find_zero_results.json": 0,
    "igdb/games_list_sparse.json": 5,
    "igdb/games_search_sengoku_expanded.json": 9,
    "igdb/games_zero_results.json": 0,
    "igdb/search_sonic.json": 9,
    "lastfm/album_search_single_object.json": 1,
    "lastfm/album_search_zero_results_page_2.json": 0,
    "lastfm/album_search_ok_computer.json": 19,
    "lastfm/track_search_saint_john.json": 30,
    "lastfm/track_search_zero_results.json": 0,
}
# What the vendor wrote, and what has to come of it, word for word.
SAME: dict[str, list[tuple[str, tuple[str, ...]]]] = {
    "google_books": [
        ("title", ("volumeInfo", "title")),
        ("subtitle", ("volumeInfo", "subtitle")),
        ("release", ("volumeInfo", "publishedDate")),
        ("details.authors", ("volumeInfo", "authors")),
        ("details.publisher", ("volumeInfo", "publisher")),
        ("details.page_count", ("volumeInfo", "pageCount")),
        ("external_id", ("id",)),
    ],
    "tmdb": [("description", ("overview",)), ("metadata.vote_count", ("vote_count",))],
    "igdb": [("title", ("name",)), ("metadata.slug", ("slug",)), ("url", ("url",))],
    "lastfm": [("title", ("name",)), ("url", ("url",)), ("metadata.mbid", ("mbid",))],
}


def spoken(value: Any) -> Any:
    """Nothing in any of its shapes is None; blanks at the ends and between words do not count."""
    if isinstance(value, list | tuple):
        return [spoken(entry) for entry in value] or None
    if value in (None, "", 0):
        return None
    return " ".join(value.split()) if isinstance(value, str) else value


@pytest.mark.parametrize("name", [name for source in THINGS for name in files(source)])
def test_everything_recorded_maps_without_loss(name: str) -> None:
    source = name.partition("/")[0]
    items = mapped(name)
    if name in COUNTS:
        assert len(items) == COUNTS[name]
    for item in items:
        payload = item.raw_payload
        if "game" in payload:
            continue
        for target, path in SAME[source]:
            got = value_of(item, target)
            assert spoken(str(got) if target == "release" and got else got) == spoken(member(payload, *path)), target
        if source == "tmdb":
            assert item.title == (payload.get("title") or payload.get("name"))
            date = payload.get("release_date") or payload.get("first_air_date")
            assert (str(item.release) if item.release else None) == (date or None)
            assert (item.cover_image_url or "").endswith(payload.get("poster_path") or "")
            assert bool(item.cover_image_url) is bool(payload.get("poster_path"))
            assert item.external_id == f"{item.kind}/{payload['id']}"
        if source == "igdb":
            assert item.external_id == str(payload["id"])
            assert bool(item.release) is ("first_release_date" in payload)
        if source == "google_books":
            assert bool(item.cover_image_url) is ("imageLinks" in payload["volumeInfo"])
            written = {
                entry["type"]: entry["identifier"] for entry in payload["volumeInfo"].get("industryIdentifiers", [])
            }
            for kind, isbn in (("ISBN_10", "isbn_10"), ("ISBN_13", "isbn_13")):
                assert kind not in written or value_of(item, f"details.{isbn}") == written[kind]
        if source == "lastfm":
            artist = payload["artist"]
            assert item.creators == (artist if isinstance(artist, str) else artist["name"],)


def test_no_folder_is_empty() -> None:
    assert {source: len(files(source)) for source in THINGS} == {
        "google_books": 11,
        "tmdb": 22,
        "igdb": 15,
        "lastfm": 17,
    }


@pytest.mark.parametrize(
    ("name", "precisions"),
    [
        ("google_books/search_invalid_isbn_year_month_no_cover.json", ["month"]),
        ("google_books/search_isbn_complete_essays.json", ["day"]),
        ("google_books/search_isbn_totalitems_16_year_only.json", ["year"]),
        ("google_books/search_isbn_no_date_no_cover_pt.json", [None]),
        ("google_books/search_ruby_five_items.json", [None, "year", "year", "day", "day"]),
        ("igdb/games_details_god_of_war.json", ["day"]),
        ("lastfm/album_getinfo_copper_blue.json", ["day"]),
        ("lastfm/album_getinfo_empty_fields.json", [None]),
    ],
)
def test_dates_keep_their_precision(name: str, precisions: list[str | None]) -> None:
    assert [item.release.precision if item.release else None for item in mapped(name)] == precisions


@pytest.mark.parametrize(
    ("name", "undated", "uncovered"),
    [
        ("tmdb/search_movie.json", 2, 6),
        ("tmdb/search_movie_james_bond_page1.json", 0, 2),
        ("tmdb/search_movie_james_bond_page2.json", 4, 3),
        ("tmdb/search_movie_the_matrix.json", 1, None),
        ("tmdb/search_tv_dallas.json", 1, 6),
        ("igdb/games_search_sengoku_expanded.json", 1, 1),
    ],
)
def test_what_is_missing_is_missing_and_nothing_more(name: str, undated: int, uncovered: int | None) -> None:
    items = mapped(name)
    assert sum(item.release is None for item in items) == undated
    if uncovered is not None:
        assert sum(item.cover_image_url is None for item in items) == uncovered


@pytest.mark.parametrize(
    ("name", "creators"),
    [
        ("google_books/search_isbn_year_only_three_authors.json", ("David Thomas", "Chad Fowler", "Andrew Hunt")),
        ("tmdb/movie_282758_credits_zh_cn.json", ("Euros Lyn",)),
        ("tmdb/movie_87421_many_blocks_appended.json", ("David Twohy",)),
        ("tmdb/tv_details_1399.json", ("David Benioff", "D.B. Weiss")),
        ("igdb/games_details_god_of_war.json", ("SIE Santa Monica Studio",)),
        ("lastfm/track_getinfo_one_step_closer.json", ("Linkin Park",)),
    ],
)
def test_creators(name: str, creators: tuple[str, ...]) -> None:
    assert mapped(name)[0].creators == creators


def test_credits_that_come_alone() -> None:
    assert directors(recorded("tmdb/movie_credits_550.json")["crew"]) == ("David Fincher",)
    assert directors(recorded("tmdb/tv_credits_1399.json")["crew"]) == ()
    joined = {**recorded("tmdb/movie_details_11.json"), "credits": recorded("tmdb/movie_credits_550.json")}
    assert map_title(joined, "movie").metadata["cast"][0] == {"name": "Edward Norton", "character": "The Narrator"}


def test_a_person_of_tmdb_is_no_item() -> None:
    person = recorded("tmdb/search_person.json")["results"][0]
    with pytest.raises(ProviderAnswerInvalid):
        map_mixed({**person, "media_type": "person"})


def test_covers_of_igdb_that_come_alone() -> None:
    for entry in recorded("igdb/covers_list.json"):
        assert cover(entry) == f"https://images.igdb.com/igdb/image/upload/t_cover_big/{entry['image_id']}.jpg"
        thumbnail = {"url": entry["url"]}
        assert cover(thumbnail) == f"https:{entry['url'].replace('t_thumb', 't_cover_big')}"


def test_release_dates_of_igdb_that_come_alone() -> None:
    dates = recorded("igdb/release_dates_list.json")
    for entry in dates:
        assert release_of(None, entry) == release_of(entry["date"], dates)
        found = release_of(None, [entry])
        assert found is not None
        assert (found.precision, found.value.year, found.value.month) == ("day", entry["y"], entry["m"])


def test_release_dates_of_igdb_that_are_ids_and_objects_at_once() -> None:
    for payload in recorded("igdb/games_release_dates_ids_and_objects_mixed.json"):
        assert str(map_game({**payload, "name": "Frostpunk"}).release) == "2018-04-25"
        with pytest.raises(ProviderAnswerInvalid, match="without a title"):
            map_game(payload)


def test_companies_of_igdb_that_are_ids_are_no_names() -> None:
    involved = recorded("igdb/involved_companies_list.json")
    assert companies("developer")(involved) == ()
    named = [{**entry, "company": {"name": f"Company {entry['id']}"}} for entry in involved]
    playing = tuple(f"Company {entry['id']}" for entry in involved if entry["developer"])
    assert companies("developer")(named) == playing != ()


def test_rows_of_igdbs_search_are_known_by_the_game() -> None:
    rows = recorded("igdb/search_sonic.json")
    items = mapped("igdb/search_sonic.json")
    assert [item.external_id for item in items] == [str(row["game"]) for row in rows if "game" in row]
    assert "ソニック" in items[0].metadata["alternative_name"]
    assert [item.release is None for item in items].count(True) == 1
    with pytest.raises(ProviderAnswerInvalid):
        map_search_row(rows[-1])


def test_music_keeps_what_it_is() -> None:
    track = mapped("lastfm/track_getinfo_one_step_closer.json")[0]
    assert value_of(track, "details.duration_ms") == 157_000
    assert value_of(track, "details.album") == "Road To Revolution: Live at Milton Keynes"
    assert value_of(track, "details.track_number") == 1
    assert track.metadata["tags"][0] == "Nu Metal"
    assert "<a" not in (track.description or "")
    assert "Creative Commons" not in (track.description or "")
    album = mapped("lastfm/album_getinfo_dive.json")[0]
    assert value_of(album, "details.duration_ms") == (499 + 245 + 280) * 1000
    assert album.cover_image_url == "http://userserve-ak.last.fm/serve/_/68145134/Dive.png"
    empty = mapped("lastfm/album_getinfo_empty_fields.json")[0]
    assert (empty.cover_image_url, empty.release, "tags" in empty.metadata) == (None, None, False)
    assert all(item.cover_image_url is None for item in mapped("lastfm/track_search_hells_bells.json"))


SOURCES: dict[str, Callable[[MediaSettings], Source]] = {
    "google_books": GoogleBooks,
    "tmdb": Tmdb,
    "igdb": Igdb,
    "lastfm": Lastfm,
}


@pytest.mark.parametrize(
    ("name", "status", "meaning"),
    [
        ("google_books/error_429_daily_quota.json", 429, RateLimited),
        ("tmdb/error_401_status_7.json", 401, ProviderUnavailable),
        ("tmdb/error_404_status_34.json", 404, ItemUnknown),
        ("igdb/error_400_syntax_error.json", 400, ProviderAnswerInvalid),
        ("igdb/error_401_authorization_failure.json", 401, ProviderUnavailable),
        ("lastfm/album_getinfo_error_6_not_found.json", 200, ItemUnknown),
        ("lastfm/album_search_error_6_missing_parameter.json", 200, ItemUnknown),
        ("lastfm/error_6_page_out_of_bounds.json", 400, ItemUnknown),
        ("lastfm/error_10_invalid_api_key.json", 200, ProviderUnavailable),
    ],
)
def test_every_recorded_error_has_its_meaning(name: str, status: int, meaning: type[ProviderError]) -> None:
    source = name.partition("/")[0]
    settings = MediaSettings(_env_file=None)
    asked = SOURCES[source](settings)
    fault = asked.fault_of(Answer(status, recorded(name), httpx.Headers()))
    assert fault is not None
    assert type(fault.error) is meaning
    assert not fault.again


def test_the_recorded_token_of_twitch_has_the_form_that_is_read() -> None:
    token = recorded("igdb/twitch_token_response.json")
    assert isinstance(token["access_token"], str)
    assert token["expires_in"] > 0
