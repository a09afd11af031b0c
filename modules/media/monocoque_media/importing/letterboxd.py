"""Letterboxd: diary, reviews, ratings, watched films and the watchlist, each a CSV file of the export."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from monocoque_media.importing import cells
from monocoque_media.importing.rows import NotAnExport, ReadRow
from monocoque_media.schemas.items import ItemWrite
from monocoque_media.schemas.states import StateWrite

COLUMNS = frozenset({"Date", "Name", "Year", "Letterboxd URI"})


def reader(header: frozenset[str], filename: str) -> Callable[[int, Mapping[str, str]], ReadRow]:
    """How to read the rows; raises NotAnExport where columns and name leave open which of the files it is.

    The films that were watched, are to be watched, or are liked come in three files of the same columns.
    """
    name = filename.replace("\\", "/").rpartition("/")[2].lower()
    if "Rating" in header or "watched" in name:
        return partial(read, status="completed", favorite=False)
    if "watchlist" in name:
        return partial(read, status="planned", favorite=False)
    if name.startswith("films"):
        return partial(read, status="completed", favorite=True)
    raise NotAnExport(
        "These are films of Letterboxd, but watched or still to be watched? "
        "Keep the name that the file had: watched.csv, watchlist.csv or films.csv (those liked)."
    )


def read(number: int, row: Mapping[str, str], *, status: str, favorite: bool) -> ReadRow:
    """One film. A diary has a row for each time it was watched, and the address of that; the others have the film's."""
    item = cells.validated(
        ItemWrite,
        media_type="movie",
        title=cells.title(row["Name"]),
        release_date=cells.release_year(cells.year(row["Year"], "Year")),
    )
    watched = row.get("Watched Date")
    state = cells.validated(
        StateWrite,
        status=status,
        rating=cells.rating(row.get("Rating", ""), 5, "Rating"),
        favorite=favorite,
        notes=cells.paragraphs(cells.from_html(row.get("Review", ""))),
        finished_at=None if watched is None else cells.day(watched, "Watched Date"),
    )
    tags = cells.tags(row.get("Tags", "").split(","))
    read_row = ReadRow(number=number, item=item, state=state, tags=tags, again=watched is not None)
    address = None if watched is not None else cells.line(row["Letterboxd URI"])
    return read_row if address is None else replace(read_row, identity=address, formerly=read_row)
