"""Text for files that people take home: each form shows what was typed as text, and nothing else."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import Response

# What spreadsheets take for the beginning of a formula, the full-width forms included.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_MARKDOWN_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]()#|~$!])")
# What is special at the beginning of a line only: lists, rules and underlined headings.
_MARKDOWN_LINE_START = re.compile(r"^(\d+(?=\.(?:\s|$)))?([-+=.])")
_NOT_IN_A_FILE_NAME = re.compile(r'[\\/:*?"<>|]')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_FILE_NAME_LENGTH = 80


def markdown_text(line: str) -> str:
    """A line of text that Markdown shows character by character, in a table cell too."""
    escaped = _MARKDOWN_SPECIAL.sub(r"\\\1", line.strip().translate(_MARKDOWN_ENTITIES))
    return _MARKDOWN_LINE_START.sub(r"\1\\\2", escaped)


def markdown_cell(text: str) -> str:
    """Text of any number of lines in one cell of a table."""
    return "<br>".join(markdown_text(line) for line in text.splitlines())


def markdown_paragraphs(text: str) -> str:
    """Text whose lines stay lines and whose paragraphs stay paragraphs."""
    paragraphs: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.strip():
            paragraphs[-1].append(markdown_text(line))
        elif paragraphs[-1]:
            paragraphs.append([])
    return "\n\n".join("\\\n".join(lines) for lines in paragraphs if lines)


def markdown_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, right_aligned: Collection[str] = ()
) -> str:
    """A table in GitHub's Markdown, of cells that are Markdown already."""
    rule = ["---:" if column in right_aligned else "---" for column in columns]
    return "\n".join(f"| {' | '.join(row)} |" for row in (columns, rule, *rows))


def csv_text(text: str | None) -> str:
    """A cell that spreadsheets take for text: an apostrophe goes before what could begin a formula."""
    if not text:
        return ""
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text


@dataclass(frozen=True, slots=True)
class Kind[Content]:
    """One form of a file: what it is called, and how it is written."""

    media_type: str
    extension: str
    write: Callable[[Content], str]


async def file_reply[Content](
    content: Content, kind: Kind[Content], name: str, fallback: str, headers: Iterable[tuple[str, str]] = ()
) -> Response:
    """The content as a file of this kind, to be saved under its name; `fallback` as in `disposition`."""
    # Much of it takes long enough to write to keep everybody else waiting.
    written = await asyncio.to_thread(kind.write, content)
    named = {"Content-Disposition": disposition(name, kind.extension, fallback), "Cache-Control": "no-cache"}
    return Response(written, media_type=kind.media_type, headers={**named, **dict(headers)})


def disposition(name: str, extension: str, fallback: str) -> str:
    """The Content-Disposition (RFC 6266) of a file of this name, in ASCII and in full.

    `fallback` is for a name of which nothing is left that may be in a file's name.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    short = _file_name(re.sub(r"[^A-Za-z0-9._-]+", "-", plain)) or fallback
    full = _file_name("".join("-" if unicodedata.category(c)[0] in "CZ" and c != " " else c for c in name)) or fallback
    header = f'attachment; filename="{short}.{extension}"'
    return header if full == short else f"{header}; filename*=UTF-8''{quote(f'{full}.{extension}', safe='')}"


def _file_name(name: str) -> str:
    """What is left of a name for a file; empty where that is nothing, or a device."""
    safe = _NOT_IN_A_FILE_NAME.sub("-", name).strip(" .-_")[:_FILE_NAME_LENGTH].rstrip(" .-_")
    return "" if _RESERVED.fullmatch(safe) else safe
