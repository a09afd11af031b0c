"""A menu as Markdown or CSV: pure functions that trust nothing of what they write."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from monocoque.files import Kind, csv_text, markdown_cell, markdown_paragraphs, markdown_table, markdown_text
from monocoque_menus.schemas import ExportedMenu, ExportFormat, ItemShown

_COLUMNS = ("", "Title", "By", "Year", "Type", "Notes")
_RIGHT_ALIGNED = {"", "Year"}
TYPES = {"book": "Book", "movie": "Film", "tv": "Series", "game": "Game", "music": "Music"}
"""What the types are called."""
CSV_COLUMNS = (
    "course_position",
    "course",
    "position",
    "title",
    "creators",
    "year",
    "media_type",
    "notes",
    "cover_image_url",
    "media_item_id",
)


def to_markdown(menu: ExportedMenu) -> str:
    """GitHub-flavoured Markdown: a heading and the description, then each course with a table of its entries."""
    parts = [f"# {markdown_text(menu.title)}"]
    if menu.description:
        parts.append(markdown_paragraphs(menu.description))
    for course in menu.courses:
        parts.append(f"## {markdown_text(course.title)}")
        if course.description:
            parts.append(markdown_paragraphs(course.description))
        if course.items:
            parts.append(markdown_table(_COLUMNS, map(_row, course.items), right_aligned=_RIGHT_ALIGNED))
    return "\n\n".join(parts) + "\n"


def _row(item: ItemShown) -> tuple[str, ...]:
    year = "" if item.year is None else str(item.year)
    texts = (str(item.position), item.title, item.creators, year, TYPES[item.media_type], item.notes or "")
    return tuple(markdown_cell(text) for text in texts)


def to_csv(menu: ExportedMenu) -> str:
    """RFC 4180 with a header line, an entry on each; no cell is taken for a formula."""
    target = io.StringIO(newline="")
    writer = csv.writer(target)
    writer.writerow(CSV_COLUMNS)
    for course in menu.courses:
        for item in course.items:
            texts = (csv_text(item.title), csv_text(item.creators))
            rest = (csv_text(item.notes), csv_text(item.cover_image_url), item.media_item_id)
            row = (course.position, csv_text(course.title), item.position, *texts, item.year, item.media_type, *rest)
            writer.writerow(row)
    return target.getvalue()


KINDS: Mapping[ExportFormat, Kind[ExportedMenu]] = {
    ExportFormat.MARKDOWN: Kind("text/markdown; charset=utf-8", "md", to_markdown),
    ExportFormat.CSV: Kind("text/csv; charset=utf-8; header=present", "csv", to_csv),
    ExportFormat.JSON: Kind("application/json", "json", ExportedMenu.model_dump_json),
}
