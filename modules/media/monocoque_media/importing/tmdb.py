"""TMDB: the account export of ratings, watchlist or favourites."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from monocoque_media.importing import cells
from monocoque_media.importing.rows import ReadRow, Reference, RowRefused, RowSkipped
from monocoque_media.schemas.items import ItemWrite
from monocoque_media.schemas.states import StateWrite

COLUMNS = frozenset({"TMDb ID", "Type", "Name", "Release Date", "Season Number", "Your Rating", "Date Rated"})


def reader(filename: str) -> Callable[[int, Mapping[str, str]], ReadRow]:
    """How to read the rows: what is not rated is planned, or a favourite where the file's name says so."""
    return partial(read, favorite="favo" in filename.lower())


def read(number: int, row: Mapping[str, str], *, favorite: bool) -> ReadRow:
    """One film or series; a rated one has been seen. Single episodes and seasons are left out."""
    if row["Season Number"].strip() or row.get("Episode Number", "").strip():
        raise RowSkipped("This is a season or an episode; only whole series are kept.")
    kind = row["Type"].strip().lower()
    if kind not in {"movie", "tv"}:
        raise RowRefused("Type is neither movie nor tv.")
    item = cells.validated(
        ItemWrite,
        media_type=kind,
        title=cells.title(row["Name"]),
        release_date=cells.release_day(row["Release Date"], "Release Date"),
    )
    rating = cells.rating(row["Your Rating"], 10, "Your Rating")
    seen = favorite or rating is not None
    state = cells.validated(StateWrite, status="completed" if seen else "planned", rating=rating, favorite=favorite)
    number_there = cells.count(row["TMDb ID"], "TMDb ID")
    if number_there is None:
        return ReadRow(number=number, item=item, state=state)
    external_id = f"{kind}/{number_there}"
    reference = Reference(source="tmdb", kind=kind, external_id=external_id)
    return ReadRow(number=number, item=item, identity=external_id, state=state, references=(reference,))
