"""What becomes of a vendor's answer, field by field."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from monocoque_media.connectors import cleaning
from monocoque_media.connectors.mapping_google_books import map_volume
from monocoque_media.connectors.mapping_igdb import map_game, map_search_row, release_of
from monocoque_media.connectors.mapping_lastfm import image, map_album, map_track, parts_of, released
from monocoque_media.connectors.mapping_tmdb import map_mixed, map_title
from monocoque_media.contracts import BookDetails, MovieDetails, PartialDate, ProviderAnswerInvalid
from tests.modules.media.connectors.samples import ALBUM, GAME, MOVIE, TRACK, TV, VOLUME, value_of, without


def test_a_volume() -> None:
    item = map_volume(VOLUME)
    assert (item.title, item.subtitle) == ("Frankenstein", "Or, The Modern Prometheus")
    assert item.description == "A modern myth & more.\nBy lake Geneva."
    assert item.release == PartialDate(date(1818, 1, 1), "month")
    assert item.cover_image_url == "https://books.google.com/content?zoom=4"
    assert item.details == BookDetails(
        authors=("Mary Shelley",),
        page_count=280,
        isbn_10="0141439475",
        isbn_13="9780141439471",
        publisher="Lackington",
        language="en",
    )
    assert item.metadata["identifiers"] == ["OCLC:1"]
    assert item.raw_payload is VOLUME


def test_a_film_and_a_series() -> None:
    film, series = map_title(MOVIE, "movie"), map_title(TV, "tv")
    assert (film.external_id, film.media_type, film.kind) == ("movie/19", "movie", "movie")
    assert film.cover_image_url == "https://image.tmdb.org/t/p/w500/poster.jpg"
    assert film.details == MovieDetails(
        tmdb_type="movie", runtime=153, directors=("Fritz Lang",), original_title="Metropolis (1927)"
    )
    assert film.metadata["cast"] == [{"name": "Brigitte Helm", "character": "Maria"}]
    assert (series.external_id, series.media_type, series.title) == ("tv/21", "tv", "A series")
    assert series.details == MovieDetails(
        tmdb_type="tv", runtime=25, directors=("Sydney Newman",), original_title="Eine Serie"
    )
    assert map_title(without(TV, "created_by"), "tv").creators == ("Fritz Lang",)


def test_a_game() -> None:
    item = map_game(GAME)
    assert str(item.release) == "1984-06"
    assert item.cover_image_url == "https://images.igdb.com/igdb/image/upload/t_cover_big/co1abc.jpg"
    assert (item.creators, value_of(item, "details.publishers")) == (("Elorg",), ("Elorg",))
    assert value_of(item, "details.platforms") == ("Arcade",)
    assert item.metadata["game_type"] == 0


def test_the_first_cover_of_igdb_that_is_known() -> None:
    thumbnail = {"url": "//images.igdb.com/igdb/image/upload/t_thumb/x.jpg"}
    assert map_game({**GAME, "cover": thumbnail}).cover_image_url == (
        "https://images.igdb.com/igdb/image/upload/t_cover_big/x.jpg"
    )
    assert map_game({**GAME, "cover": 54614}).cover_image_url is None


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"category": 0}, "1984-12-31"),
        ({"category": 1}, "1984-12"),
        ({"category": 2}, "1984"),
        ({"category": 6}, "1984"),
        ({"date_format": 2}, "1984"),
        ({"date_format": {"id": 1, "format": "YYYYMMMM"}}, "1984-12"),
        ({"human": "1984"}, "1984"),
        ({"human": "Q4 1984"}, "1984"),
        ({"human": "Dec 1984"}, "1984-12"),
        ({"human": "Dec 31, 1984"}, "1984-12-31"),
        ({}, "1984-12-31"),
    ],
)
def test_a_release_of_igdb_is_as_precise_as_its_date(entry: dict[str, Any], expected: str) -> None:
    day = 473299200
    assert str(release_of(day, [7, {"date": day, **entry}])) == expected
    assert str(release_of(None, {"date": day, **entry})) == expected


@pytest.mark.parametrize("seconds", [-62135596800, 253402300799, 10**13, 10**400, float("nan"), True, "7", None])
def test_a_moment_beyond_the_calendar_is_unknown(seconds: Any) -> None:
    assert cleaning.day_of(seconds) is None


def test_a_release_to_be_determined_is_none() -> None:
    assert release_of(None, [{"date": 1, "category": 7}, {"date": 1, "human": "TBD"}, 5]) is None


def test_tracks_and_albums() -> None:
    track, album = map_track(TRACK), map_album(ALBUM)
    assert track.external_id == "track/Erik%20Satie/Gymnop%C3%A9die%20No.%201"
    assert track.description == "Slow."
    assert track.cover_image_url == "https://x.net/l.png"
    assert value_of(track, "details.duration_ms") == 157_000
    assert (value_of(track, "details.album"), value_of(track, "details.track_number")) == ("Gymnopédies", 1)
    assert str(album.release) == "2012-05-28"
    assert value_of(album, "details.duration_ms") == 620_000
    assert album.metadata["tags"] == ["piano"]


def test_lastfms_ways_of_saying_nothing() -> None:
    blank = {"name": "y", "artist": "X", "tracks": "\n   ", "toptags": "\n", "releasedate": "    ", "mbid": ""}
    item = map_album({**blank, "image": [{"#text": "", "size": "small"}], "duration": "0", "wiki": ""})
    assert (item.release, item.cover_image_url, dict(item.metadata), item.description) == (None, None, {}, None)
    assert value_of(item, "details.duration_ms") is None


def test_lastfms_placeholder_is_no_picture() -> None:
    star = {"#text": "https://x.net/2a96cbd8b46e442fc41c2b86b821562f.png", "size": "extralarge"}
    assert image([star]) is None
    assert image([star], [{"#text": "https://x.net/a.png", "size": "small"}]) == "https://x.net/a.png"
    assert image({"#text": "//x.net/a.png", "size": "small"}) == "https://x.net/a.png"


def test_an_album_of_one_track_and_one_of_unknown_length() -> None:
    single = map_album({**ALBUM, "tracks": {"track": {"name": "One", "duration": 100}}})
    assert value_of(single, "details.duration_ms") == 100_000
    unknown = map_album({**ALBUM, "tracks": {"track": [{"name": "One", "duration": 100}, {"name": "Two"}]}})
    assert value_of(unknown, "details.duration_ms") is None


def test_ids_of_lastfm_come_back_as_they_were() -> None:
    item = map_track({"name": "What? / 100%", "artist": "AC/DC"})
    assert item.external_id == "track/AC%2FDC/What%3F%20%2F%20100%25"
    assert parts_of(item.external_id) == ("track", {"artist": "AC/DC", "track": "What? / 100%"})


def test_a_name_too_long_for_an_id_is_left_out() -> None:
    with pytest.raises(ProviderAnswerInvalid):
        map_track({"name": "🎵" * 500, "artist": "X"})


@pytest.mark.parametrize("payload", [{"media_type": "person", "id": 1, "name": "Fritz Lang"}, {"id": 1}, None, [], "x"])
def test_what_is_neither_film_nor_series_is_said_to_be_so(payload: Any) -> None:
    with pytest.raises(ProviderAnswerInvalid):
        map_mixed(payload)


@pytest.mark.parametrize(
    "payload", [{"id": 1318824, "collection": 93, "name": "Sonic"}, None, {"game": {}, "name": "x"}]
)
def test_a_row_that_is_no_game_is_said_to_be_so(payload: Any) -> None:
    with pytest.raises(ProviderAnswerInvalid):
        map_search_row(payload)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("1999", "1999"),
        ("1999-12", "1999-12"),
        (" 1999-12-31 ", "1999-12-31"),
        ("1999-12-31T23:59:59Z", "1999-12-31"),
        ("2012-00-00", "2012"),
        ("2012-13-01", "2012"),
        ("2012-02-00", "2012-02"),
        ("2021-02-30", "2021-02"),
    ],
)
def test_a_date_is_as_precise_as_it_is_true(given: str, expected: str) -> None:
    assert str(cleaning.partial_date(given)) == expected


@pytest.mark.parametrize(
    "given",
    ["", "0000-00-00", "0001-01-01", "9999", "19??", "soon", "12-31-1999", "199", 1999, None, [], "١٩٩٩", "1" * 99],
)
def test_what_is_no_date_is_unknown(given: Any) -> None:
    assert cleaning.partial_date(given) is None


@pytest.mark.parametrize("given", [" 28 May 2012", "28 Mai 2012", "0 May 2012", "May 2012", "31 Feb 2012", 7, None])
def test_older_dates_of_lastfm(given: Any) -> None:
    found = released(given)
    assert str(found) == {" 28 May 2012": "2012-05-28", "0 May 2012": "2012-05", "31 Feb 2012": "2012-02"}.get(
        given, "None"
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://x.net/a?b=c", "https://x.net/a?b=c"),
        ("//x.net/a", "https://x.net/a"),
        ("HTTP://x.net/a", "http://x.net/a"),
        (" http://x.net:8080/ ", "http://x.net:8080/"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("ftp://x.net/", None),
        ("/relative", None),
        ("http://", None),
        ("https://user:secret@x.net/", None),
        ("https://x.net:99999999/", None),
        ("https://x.net/a b", None),
        ("https://x.net/\n", "https://x.net/"),
        ("https://x.net/\nb", None),
        ("https://[::1", None),
        ('https://x.net"onload=/', None),
        ("https://x.net/" + "a" * 2000, None),
        (7, None),
        (None, None),
    ],
)
def test_only_web_addresses_are_kept(given: Any, expected: str | None) -> None:
    assert cleaning.url(given) == expected


def test_addresses_by_https() -> None:
    assert cleaning.url("http://books.google.com/x", https=True) == "https://books.google.com/x"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (7, 7),
        ("7", 7),
        (" 7 ", 7),
        (7.0, 7),
        (7.5, None),
        (True, None),
        (0, None),
        ("0", None),
        (-1, None),
        (2**31, None),
        ("9" * 30, None),
        ("\u0667", None),
        ([], None),
        (None, None),
        (float("inf"), None),
        (10**400, None),
    ],
)
def test_whole_numbers(given: Any, expected: int | None) -> None:
    assert cleaning.whole(given) == expected


def test_text_is_bounded_and_clean() -> None:
    assert cleaning.line("a\0b\nc\u2028d  e\ud800") == "a b c d e"
    assert cleaning.line("Cafe\u0301") == "Café"
    assert cleaning.line("x" * 600) == "x" * 500
    assert cleaning.line(" \n\t") is None
    assert cleaning.text("a\nb\0\x85") == "a\nb"
    assert cleaning.plain("1 < 2 &lt;3 and <script>x</script>") == "1 < 2 <3 and <script>x</script>"
    assert cleaning.names({"name": "one"}) == ("one",)
    assert len(cleaning.names([str(number) for number in range(1000)])) == 100
