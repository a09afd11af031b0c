"""The field tables of all sources as Markdown: `python -m monocoque_media.connectors.attribute_table`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from monocoque_media.connectors.fields import Field
from monocoque_media.connectors.mapping_google_books import FIELDS as BOOK_FIELDS
from monocoque_media.connectors.mapping_igdb import FIELDS as GAME_FIELDS
from monocoque_media.connectors.mapping_igdb import ROW_FIELDS
from monocoque_media.connectors.mapping_lastfm import ALBUM_FIELDS, TRACK_FIELDS
from monocoque_media.connectors.mapping_tmdb import MOVIE_FIELDS, TV_FIELDS

TABLES: tuple[tuple[str, tuple[Field, ...]], ...] = (
    ("Google Books: volume to book", BOOK_FIELDS),
    ("TMDB: movie to movie", MOVIE_FIELDS),
    ("TMDB: tv to tv", TV_FIELDS),
    ("IGDB: game to game", GAME_FIELDS),
    ("IGDB: row of the endpoint search to game", ROW_FIELDS),
    ("Last.fm: track to music", TRACK_FIELDS),
    ("Last.fm: album to music", ALBUM_FIELDS),
)
ORDER = ("external_id", "title", "subtitle", "description", "release", "cover_image_url", "url", "details", "metadata")
INTRODUCTION = """# Attribute mapping

What each field of an item is made from, source by source. This page is written by
`python -m monocoque_media.connectors.attribute_table` from the tables that do the mapping, and a test compares the two.

- `details.*` are the members of the item's details, `metadata.*` those of its `metadata`; a dot leads into an object.
- Nothing is lost: `sources.raw_payload` keeps the answer as it was received, save for what PostgreSQL cannot store in
  text (NUL and halves of surrogate pairs become U+FFFD).
- All text is normalised (NFC), freed of control characters and cut to the length of its column. What is blank, of the
  wrong type, out of range or no http(s) URL counts as unknown. An item without an id or a title is left out.
- Dates are as precise as they are true: `1999` is a year, `2012-00-00` is 2012, `2021-02-30` is February 2021.
"""


def document() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *(f"## {title}\n\n{_table(fields)}" for title, fields in TABLES)])


def _table(fields: Sequence[Field]) -> str:
    rows = ["| our field | their field | how |", "| --- | --- | --- |"]
    for field in sorted(fields, key=lambda field: ORDER.index(field.target.partition(".")[0])):
        theirs = ", ".join(f"`{path}`" for path in field.paths)
        rows.append(f"| `{field.target}` | {theirs} | {field.note} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
