"""What cannot be read is told with a reason, and with what it seems to mean."""

from __future__ import annotations

import pytest

from monocoque_media.importing.rows import LeftRow
from monocoque_media.importing.tables import MAX_RECORD
from tests.modules.media.exports import goodreads, goodreads_row, read
from tests.modules.media.test_import_formats import HOWLONGTOBEAT, OPENREADS, STORYGRAPH, TMDB, own

SIX = goodreads_row(1, "Six", Year_Published="", Original_Publication_Year="1999", My_Rating="6")
COWL = {"media_type": "book", "title": "Cowl", "creators": "Ann Author"}


@pytest.mark.parametrize(
    ("content", "reason", "guess"),
    [
        (
            goodreads(SIX),
            "My Rating is no number from 0 to 5.",
            {"media_type": "book", "title": "Six", "creators": "Ann Author", "release_date": "1999"},
        ),
        (
            f'{STORYGRAPH}Always Coming Home,"Ursula K. Le Guin, Todd Barton",,,lost,,,,,,,\n'.encode(),
            "Read Status is none of to-read, currently-reading, read, did-not-finish, paused.",
            {"media_type": "book", "title": "Always Coming Home", "creators": "Ursula K. Le Guin, Todd Barton"},
        ),
        (
            f"{HOWLONGTOBEAT}Ico,PlayStation 2,X,,,,,,--,yesterday,,--,,\n".encode(),
            "Start Date is no date such as 2024-12-31.",
            {"media_type": "game", "title": "Ico"},
        ),
        (
            f"{TMDB}1396,tt0903747,tv,Breaking Bad,2008-01-20T00:00:00Z,,,8.8,11,2023-05-02T13:22:44Z\n".encode(),
            "Your Rating is no number from 0 to 10.",
            {"media_type": "tv", "title": "Breaking Bad", "release_date": "2008"},
        ),
        (
            b"Date,Name,Year,Letterboxd URI,Rating\n2025-08-08,Heat,1995,https://boxd.it/a,nine\n",
            "Rating is no number from 0 to 5.",
            {"media_type": "movie", "title": "Heat", "release_date": "1995"},
        ),
        (
            f"{OPENREADS}Permanent Record,Edward Snowden,gone,false,false,,2019,,,,,,\n".encode(),
            "status is none of planned, in_progress, finished, abandoned.",
            {"media_type": "book", "title": "Permanent Record", "creators": "Edward Snowden", "release_date": "2019"},
        ),
        (
            b'media_type,title,directors,rating\nmovie,Riddick,"David Twohy\nSomebody",50\n',
            "The row says something of a state, such as a rating, and so needs a status.",
            {"media_type": "movie", "title": "Riddick", "creators": "David Twohy, Somebody"},
        ),
        (
            own('{"record":"item","media_type":"music","title":"x\\u0000","release_date":"2000-10"}'),
            "item.title: Text must not contain control characters.",
            {"media_type": "music", "title": "x", "release_date": "2000"},
        ),
        (
            own('{"record":"item","media_type":"book","title":"Cowl","details":{"authors":["Ann Author"]},"more":1}'),
            "item.more: Extra inputs are not permitted.",
            COWL,
        ),
    ],
)
def test_a_value_that_cannot_be_read(content: bytes, reason: str, guess: dict[str, str]) -> None:
    _, (row,) = read(content)
    assert isinstance(row, LeftRow)
    assert row.status == "failed"
    assert row.reason == reason
    assert (row.guess, row.title) == (guess, guess["title"])


@pytest.mark.parametrize(
    ("content", "guess"),
    [
        (goodreads(f"{goodreads_row(9, 'Cowl')},x,y"), COWL),
        (goodreads("9,Cowl,Ann Author"), COWL),
        (goodreads('9,"Cowl,Ann Author,,,,,,,,,,,,,,,,read,,,,1,0'), COWL),
        (goodreads('9,Cowl,"Ann Author,' + "x" * (MAX_RECORD + 10)), COWL),
        (goodreads(goodreads_row(9, "  ")), None),
        (own('{"record":"item","media_type":"book","title":"Cowl"'), {"media_type": "book", "title": "Cowl"}),
        (own('{"record":"item","title":"Co\\"wl","details":{"authors":["A"]'), {"title": 'Co"wl'}),
        (own('{"title":"Cowl","notes":"' + "x" * (MAX_RECORD + 10) + '"}'), {"title": "Cowl"}),
        (own("17"), None),
        (own('{"record":"item","media_type":"vinyl","title":"Cowl"}'), {"title": "Cowl"}),
        (own('{"record":"item","media_type":[],"title":{}}'), None),
    ],
)
def test_a_record_that_cannot_be_taken_apart(content: bytes, guess: dict[str, str] | None) -> None:
    _, (row,) = read(content)
    assert isinstance(row, LeftRow)
    assert row.guess == guess
