"""Every kind of export is read as what it says, and no file, however broken, is more than a refusal."""

from __future__ import annotations

import codecs
import json
import random
from pathlib import Path

import pytest

from monocoque_media.importing.recognise import open_export
from monocoque_media.importing.rows import LeftRow, NotAnExport, ReadRow
from monocoque_media.importing.tables import MAX_RECORD, Table
from tests.modules.media.exports import (
    GOODREADS_HEADER,
    each_recorded,
    goodreads,
    goodreads_row,
    only,
    read,
    reason,
    recorded,
    state_of,
)

HOWLONGTOBEAT = (
    "Title,Platform,Playing,Backlog,Replay,Custom-1,Completed,Retired,Retired Notes,Start Date,Completion Date,"
    "General Notes,Review,Review Notes\n"
)
STORYGRAPH = (
    "Title,Authors,ISBN/UID,Format,Read Status,Last Date Read,Dates Read,Read Count,Star Rating,Review,Tags,Owned?\n"
)
TMDB = "TMDb ID,IMDb ID,Type,Name,Release Date,Season Number,Episode Number,Rating,Your Rating,Date Rated\n"
OPENREADS = "title,author,status,favourite,deleted,rating,publication_year,isbn,olid,tags,my_review,notes,readings\n"


def test_a_goodreads_row_becomes_a_book_a_state_and_tags() -> None:
    line = goodreads_row(
        7,
        "La guerre  des Gaules",
        Author="Jules César",
        Additional_Authors="L.-A. Constans, Jules César",
        ISBN='="2843441218"',
        ISBN13='="9782843441219"',
        My_Rating="4",
        Publisher="Le Bélial'",
        Binding="Paperback",
        Number_of_Pages="352",
        Year_Published="2011",
        Original_Publication_Year="-50",
        Date_Read="2020/08/23",
        Bookshelves="rome, read, war",
        My_Review="Good.<br/><br/>I <b>liked</b> it &amp; more",
        Private_Notes="lent to nobody",
        Read_Count="3",
        Owned_Copies="1",
    )
    name, rows = read(goodreads(line))
    row = only(rows)
    assert name == "goodreads"
    assert row.item is not None
    assert row.item.model_dump(exclude_none=True) == {
        "media_type": "book",
        "title": "La guerre des Gaules",
        "release_date": "2011",
        "metadata": {"original_publication_year": -50, "binding": "Paperback"},
        "details": {
            "authors": ["Jules César", "L.-A. Constans"],
            "page_count": 352,
            "isbn_10": "2843441218",
            "isbn_13": "9782843441219",
            "publisher": "Le Bélial'",
        },
    }
    assert state_of(row) == {
        "status": "completed",
        "rating": 80,
        "notes": "Good.\n\nI liked it & more\n\nlent to nobody",
        "finished_at": "2020-08-23",
        "pass_number": 3,
    }
    assert row.tags == ("rome", "war", "owned")


@pytest.mark.parametrize(
    ("shelf", "date_read", "status", "tags"),
    [
        ("to-read", "", "planned", ()),
        ("currently-reading", "", "active", ()),
        ("read", "", "completed", ()),
        ("dnf", "", "dropped", ()),
        ("on-hold", "", "paused", ()),
        ("borrowed", "", "planned", ("borrowed",)),
        ("borrowed", "2020/01/02", "completed", ("borrowed",)),
    ],
)
def test_the_exclusive_shelf_tells_the_status(shelf: str, date_read: str, status: str, tags: tuple[str, ...]) -> None:
    line = goodreads_row(1, "Cowl", Exclusive_Shelf=shelf, Date_Read=date_read, Bookshelves=shelf)
    row = only(read(goodreads(line))[1])
    assert state_of(row)["status"] == status
    assert row.tags == tags


def test_no_stars_are_no_rating_and_a_year_before_the_calendar_is_no_date() -> None:
    row = only(read(goodreads(goodreads_row(1, "Gilgamesh", Original_Publication_Year="-1800")))[1])
    assert row.item is not None
    assert row.item.release_date is None
    assert row.item.metadata == {"original_publication_year": -1800}
    assert "rating" not in state_of(row)


def test_a_storygraph_row() -> None:
    line = (
        'Book,"A One, B Two",0374538654,paperback,paused,,"2021/05/10-2021/05/14, 2020/01/01",2,3.75,Fine,"x, y",Yes\n'
    )
    name, rows = read((STORYGRAPH + line).encode())
    row = only(rows)
    assert name == "storygraph"
    assert row.creators == ["A One", "B Two"]
    assert state_of(row) == {
        "status": "paused",
        "rating": 75,
        "notes": "Fine",
        "started_at": "2021-05-10",
        "finished_at": "2021-05-14",
        "pass_number": 2,
    }
    assert row.tags == ("x", "y", "owned")


def test_letterboxd_tells_its_lists_apart_by_their_names() -> None:
    content = b"Date,Name,Year,Letterboxd URI\n2025-08-08,Heat,1995,https://boxd.it/29Nq\n"
    assert state_of(only(read(content, "letterboxd/watched.csv")[1])) == {"status": "completed"}
    assert state_of(only(read(content, "watchlist.csv")[1])) == {"status": "planned"}
    assert state_of(only(read(content, r"likes\films.csv")[1])) == {"status": "completed", "favorite": True}
    with pytest.raises(NotAnExport, match="Keep the name"):
        read(content, "mine.csv")


def test_a_letterboxd_diary_row() -> None:
    content = (
        "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n"
        '2025-08-08,Heat,1995,https://boxd.it/a,4.5,Yes,"cinema, 70mm",2025-08-07\n'
    )
    row = only(read(content.encode(), "x.csv")[1])
    assert row.item is not None
    assert (row.item.media_type, row.item.title, row.item.release_date) == ("movie", "Heat", "1995")
    assert state_of(row) == {"status": "completed", "rating": 90, "finished_at": "2025-08-07"}
    assert row.tags == ("cinema", "70mm")


def test_a_howlongtobeat_row_keeps_what_its_dates_leave_whole() -> None:
    line = 'Ico,PlayStation 2,,X,,X,X,,--,2012-05-01,2012-00-00,--,70,"short, good"\n'
    row = only(read((HOWLONGTOBEAT + line).encode())[1])
    assert row.item is not None
    assert row.item.details.model_dump()["platforms"] == ["PlayStation 2"]
    assert state_of(row)["status"] == "completed"
    assert state_of(row)["rating"] == 70
    assert state_of(row)["started_at"] == "2012-05-01"
    assert "finished_at" not in state_of(row)
    assert row.tags == ("Custom-1",)


def test_tmdb_rows_name_their_item_and_episodes_are_left_out() -> None:
    lines = (
        "85987,tt0583459,tv,Friends S1E1,1994-09-22T00:00:00Z,1,1,6.9,8,2023-01-07T16:35:52Z\n"
        "680,tt0110912,movie,Pulp Fiction,1994-09-10T00:00:00Z,,,8.4,9,2023-05-02T09:40:27Z\n"
        "1396,tt0903747,tv,Breaking Bad,2008-01-20T00:00:00Z,,,8.8,,2023-05-02T13:22:44Z\n"
    )
    _, (episode, film, series) = read((TMDB + lines).encode())
    assert "episode" in reason(episode)
    assert isinstance(film, ReadRow)
    assert isinstance(series, ReadRow)
    assert film.references[0].model_dump() == {"source": "tmdb", "kind": "movie", "external_id": "movie/680"}
    assert state_of(film) == {"status": "completed", "rating": 90}
    assert state_of(series) == {"status": "planned"}


def test_an_openreads_row_with_lines_in_its_cells() -> None:
    line = (
        'The road,"Smith, Mark",finished,true,false,4.5,2017,9781786090034,,owned|||||read twice,"Long\n\nreview",,'
        "2023-10-27T00:00:00.000|2023-11-28T00:00:00.000|;|2023-12-10T00:00:00.000|\n"
    )
    row = only(read((OPENREADS + line).encode())[1])
    assert row.creators == ["Smith, Mark"]
    assert row.tags == ("owned", "read twice")
    assert state_of(row) == {
        "status": "completed",
        "rating": 90,
        "favorite": True,
        "notes": "Long\n\nreview",
        "finished_at": "2023-12-10",
        "pass_number": 2,
    }


@each_recorded
def test_every_recorded_row_is_read(name: str) -> None:
    format_name, rows = read(recorded(name), name)
    assert name.startswith(format_name)
    assert [row for row in rows if isinstance(row, LeftRow) and row.status == "failed"] == []
    assert bool(rows) is ("empty" not in name)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends_are_recognised(encoding: str, ending: str) -> None:
    text = goodreads(goodreads_row(1, "Élan"), goodreads_row(2, "Über")).decode().replace("\n", ending)
    _, rows = read(text.encode(encoding))
    assert [row.title for row in rows] == ["Élan", "Über"]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_what_a_spreadsheet_saved_again_is_recognised(delimiter: str) -> None:
    text = f"Date{delimiter}Name{delimiter}Year{delimiter}Letterboxd URI{delimiter}Rating\n"
    row = only(read((text + delimiter.join(["2025-08-08", "Heat, again", "1995", "", "3,5"])).encode())[1])
    assert row.title == "Heat, again"
    assert state_of(row)["rating"] == 70


BROKEN = {
    "an open quotation mark": '9,"Open,Ann,,,,,,,,,,,,,,,,read,,,,1,0',
    "too few cells": "9,Short,Ann",
    "too many cells": goodreads_row(9, "Long") + ",x,y",
    "no title": goodreads_row(9, "  "),
    "a NUL": goodreads_row(9, "a\0b"),
    "a rating of 6": goodreads_row(9, "Six", My_Rating="6"),
    "a rating that is no number": goodreads_row(9, "Nan", My_Rating="nan"),
    "no date": goodreads_row(9, "When", Date_Read="yesterday"),
    "the 30th of February": goodreads_row(9, "When", Date_Read="2020/02/30"),
    "a title that is too long": goodreads_row(9, "x" * 501),
    "notes that are too long": goodreads_row(9, "Long", My_Review="x" * 10_001),
    "half a million cells": "x," * 500_000,
    "a line that is too long": '"' + "x" * (MAX_RECORD + 10) + '"',
    "an open quotation mark of great length": '9,"' + "x" * (MAX_RECORD + 10),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_row_costs_no_other(broken: str) -> None:
    content = goodreads(goodreads_row(1, "Before, with a comma"), broken, goodreads_row(2, 'After "all"'))
    _, rows = read(content)
    kept = [row.title for row in rows if isinstance(row, ReadRow)]
    assert kept == ["Before, with a comma", 'After "all"']
    (left,) = (row for row in rows if isinstance(row, LeftRow))
    assert left.status == "failed"
    assert left.reason.endswith(".")


def test_lines_that_seem_to_belong_together_are_not_read_over_and_over(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    look = Table._quoted_at_end

    def counted(table: Table, line: str, *, quoted: bool) -> tuple[bool, bool]:
        nonlocal looks
        looks += 1
        return look(table, line, quoted=quoted)

    monkeypatch.setattr(Table, "_quoted_at_end", counted)
    # To whoever is within quotation marks each of these lines closes a cell and opens another one.
    count = 2_000
    content = goodreads(goodreads_row(1, "Before"), *['x",""",' + "y" * 190] * count, goodreads_row(2, "After"))
    _, rows = read(content)
    assert [row.title for row in rows if isinstance(row, ReadRow)] == ["Before", "After"]
    assert len(rows) == count + 2
    assert looks < 100 * count


REFUSED = {
    "nothing": b"",
    "blanks": b" \n \n",
    "an archive": b"PK\x03\x04" + bytes(100),
    "an image": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 10,
    "other columns": b"a,b,c\n1,2,3\n",
    "no lines": b"x" * 3_000_000,
    "a million columns": b"," * 1_000_000 + b"\n",
    "an open quotation mark": b'"Title,Author\n' * 1000,
    "JSON of another kind": b'{"items": []}',
    "a JSON list": b"[1, 2]",
    "deep JSON": b"[" * 1_000_000,
    "deep JSON objects": b'{"a":' * 1_000_000,
    "another version": b'{"format":"monocoque-media","version":2,"records":[]}',
    "another format": b'{"format":"other","version":1,"records":[]}',
    "a mark alone": codecs.BOM_UTF16_LE,
    "half a character": codecs.BOM_UTF16_LE + b"a",
}


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED)
def test_what_is_no_export_is_refused_with_a_reason(content: bytes) -> None:
    with pytest.raises(NotAnExport, match=r"\w"):
        read(content)


def test_the_refusal_says_what_was_expected() -> None:
    with pytest.raises(NotAnExport, match=r"Goodreads .*Exclusive Shelf.*StoryGraph.*HowLongToBeat.*Letterboxd"):
        read(b"a,b,c\n1,2,3\n")


def own(*records: str) -> bytes:
    return ('{"format":"monocoque-media","version":1,"records":[\n' + ",\n".join(records) + "\n]}").encode()


GOOD = '{"record":"item","media_type":"game","title":"%s"}'
BROKEN_RECORDS = {
    "not closed": '{"record":"item","title":"x"',
    "an open text": '{"record":"item","title":"x',
    "brackets that cross": '{"record":"item","details":[}',
    "no JSON": '{"record":"item","title":nope}',
    "another kind": '{"record":"song"}',
    "a number": "17",
    "a list": "[[[]]]",
    "depth": '{"record":"item","metadata":' + '{"a":' * 5000 + "1" + "}" * 5000 + "}",
    "length": '{"record":"item","title":"' + "x" * (MAX_RECORD + 10) + '"}',
    "a NUL": '{"record":"item","media_type":"game","title":"a\\u0000"}',
    "half a character": '{"record":"item","media_type":"game","title":"\\ud800"}',
    "a great number": '{"record":"item","media_type":"music","title":"x","details":{"duration_ms":1e400}}',
    "an unknown member": '{"record":"item","media_type":"game","title":"x","more":1}',
}


@pytest.mark.parametrize("broken", BROKEN_RECORDS.values(), ids=BROKEN_RECORDS)
def test_a_broken_record_costs_no_other(broken: str) -> None:
    name, rows = read(own(GOOD % "before", broken, GOOD % "after"))
    assert name == "json"
    assert [row.title for row in rows if isinstance(row, ReadRow)] == ["before", "after"]
    assert sum(isinstance(row, LeftRow) for row in rows) == 1


def test_what_is_too_long_in_a_record_is_told_so_in_characters() -> None:
    reference = {"source": "s" * 51, "kind": "k" * 51, "external_id": "x" * 2001}
    record = {"record": "item", "media_type": "book", "title": "A", "sources": [reference]}
    _, (bad,) = read(own(json.dumps(record)), "export.json")
    assert [reason(bad).count(f"{most} characters") for most in (50, 2000)] == [2, 1]


def test_our_json_is_read_however_it_is_laid_out() -> None:
    titles = ["one", 'two } ] " \\ {', '{"record"']
    records = [{"record": "item", "media_type": "game", "title": title} for title in titles]
    document = {"exported_at": "x", "format": "monocoque-media", "version": 1, "records": records}
    for text in (
        json.dumps(document),
        json.dumps(document, indent=4),
        json.dumps(document, sort_keys=True, indent="\t"),
    ):
        _, rows = read(text.encode())
        assert [row.title for row in rows] == titles


def test_our_csv_needs_no_more_than_type_and_title() -> None:
    _, (row, bad) = read(b"title,media_type,rating\nTetris,game,\nPong,game,50\n")
    assert isinstance(row, ReadRow)
    assert row.state is None
    assert "needs a status" in reason(bad)


def test_noise_is_never_more_than_a_refusal_or_a_failed_row() -> None:
    chance = random.Random(4)
    alphabet = ['"', ",", "\n", "\r", "\0", "a", "é", "=", "{", "}", "[", "]", "\\", ":", " ", "\ufeff", "1"]
    for _ in range(400):
        noise = "".join(chance.choices(alphabet, k=chance.randrange(200)))
        for head in ("", GOODREADS_HEADER + "\n", '{"format":"monocoque-media","version":1,"records":['):
            try:
                _, rows = read((head + noise).encode(chance.choice(["utf-8", "utf-16", "latin-1"]), "replace"))
            except NotAnExport:
                continue
            assert all(isinstance(row, ReadRow | LeftRow) for row in rows)


def test_a_file_is_read_as_it_is_asked_for(tmp_path: Path) -> None:
    """The first row is there long before the last is read."""
    path = tmp_path / "large.csv"
    line = goodreads_row(1, "Again").encode() + b"\n"
    path.write_bytes(codecs.BOM_UTF8 + goodreads() + line * 100_000)
    with path.open("rb") as file:
        export = open_export(file, path.name)
        assert next(export.rows).title == "Again"
        assert file.tell() < path.stat().st_size / 20
