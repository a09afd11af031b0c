"""A build list as Markdown, BBCode, CSV, plain text or JSON: pure functions that trust nothing of what they write."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from urllib.parse import quote

from monocoque_build_lists.schemas import ExportedBuildList, ExportedItem, ExportFormat, MoneyRead

_COLUMNS = ("Item", "Qty", "Status", "Price", "Total", "Notes")
_TEXT_COLUMNS = _COLUMNS[:-1]
_RIGHT_ALIGNED = {"Qty", "Price", "Total"}

# What spreadsheets take for the beginning of a formula, the full-width forms included.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_MARKDOWN_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]()#|~$!])")
# What is special at the beginning of a line only: lists, rules and underlined headings.
_MARKDOWN_LINE_START = re.compile(r"^(\d+(?=\.(?:\s|$)))?([-+=.])")
# Forums have no common way to escape a bracket. After an invisible word joiner none of them reads a tag.
_BBCODE_BRACKET = "[\u2060"
_IN_A_URL = ":/?#@!$&*+,;=%-._~"
_NOT_IN_A_FILE_NAME = re.compile(r'[\\/:*?"<>|]')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_FILE_NAME_LENGTH = 80
_FALLBACK = "build-list"
_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Kind:
    """One form: what it is called, and how it is written."""

    media_type: str
    extension: str
    write: Callable[[ExportedBuildList], str]


def to_markdown(build_list: ExportedBuildList) -> str:
    """GitHub-flavoured Markdown: a heading, the description, the car, a table and the totals."""
    parts = [f"# {markdown_text(build_list.name)}"]
    if build_list.description:
        parts.append(_markdown_paragraphs(build_list.description))
    car = _car(build_list)
    if car:
        parts.append(f"**Car:** {markdown_text(car)}")
    if build_list.items:
        rule = (("---:" if column in _RIGHT_ALIGNED else "---") for column in _COLUMNS)
        rows = [_COLUMNS, tuple(rule), *(_markdown_row(item) for item in build_list.items)]
        parts.append("\n".join(f"| {' | '.join(row)} |" for row in rows))
    if build_list.totals:
        parts.append(f"**Total:** {markdown_text(_totals(build_list))}")
    return "\n\n".join(parts) + "\n"


def _markdown_row(item: ExportedItem) -> tuple[str, ...]:
    address = _address(item.url)
    name = markdown_text(item.name)
    # Entities are read in addresses too.
    name = f"[{name}]({address.replace('&', '&amp;')})" if address else name
    described = _described(item)
    cells = (item.quantity, item.status, _money(item.price), _money(item.line_total), item.notes or "")
    first = f"{name}<br>{markdown_text(described)}" if described else name
    return (first, *("<br>".join(markdown_text(line) for line in _lines(str(cell))) for cell in cells))


def markdown_text(line: str) -> str:
    """A line of text that Markdown shows character by character, in a table cell too."""
    escaped = _MARKDOWN_SPECIAL.sub(r"\\\1", line.strip().translate(_MARKDOWN_ENTITIES))
    return _MARKDOWN_LINE_START.sub(r"\1\\\2", escaped)


def _markdown_paragraphs(text: str) -> str:
    paragraphs: list[list[str]] = [[]]
    for line in _lines(text):
        if line.strip():
            paragraphs[-1].append(markdown_text(line))
        elif paragraphs[-1]:
            paragraphs.append([])
    return "\n\n".join("\\\n".join(lines) for lines in paragraphs if lines)


def to_bbcode(build_list: ExportedBuildList) -> str:
    """BBCode with the tags that every forum knows: b, url and list."""
    parts = [f"[b]{bbcode_text(build_list.name)}[/b]"]
    if build_list.description:
        parts.append(bbcode_text(build_list.description))
    car = _car(build_list)
    if car:
        parts.append(f"[b]Car:[/b] {bbcode_text(car)}")
    if build_list.items:
        parts.append("\n".join(["[list]", *(_bbcode_item(item) for item in build_list.items), "[/list]"]))
    if build_list.totals:
        parts.append(f"[b]Total:[/b] {bbcode_text(_totals(build_list))}")
    return "\n\n".join(parts) + "\n"


def _bbcode_item(item: ExportedItem) -> str:
    address = _address(item.url)
    name = bbcode_text(item.name)
    name = f"[url={address}]{name}[/url]" if address else f"[b]{name}[/b]"
    details = [_described(item), item.status, _money(item.line_total)]
    line = f"[*]{item.quantity} x {name}" + "".join(f" - {bbcode_text(detail)}" for detail in details if detail)
    return f"{line}\n{bbcode_text(item.notes)}" if item.notes else line


def bbcode_text(text: str) -> str:
    """Text in which no forum finds a tag."""
    return "\n".join(_lines(text)).replace("[", _BBCODE_BRACKET)


def to_csv(build_list: ExportedBuildList) -> str:
    """RFC 4180 with a header line; no cell is taken for a formula."""
    target = io.StringIO(newline="")
    writer = csv.writer(target)
    writer.writerow(CSV_COLUMNS)
    for number, item in enumerate(build_list.items, 1):
        texts = (item.name, item.brand, item.category, item.part_number, item.url)
        amounts = (part for money in (item.price, item.paid, item.line_total) for part in _amount_and_currency(money))
        writer.writerow(
            [number, *map(csv_text, texts), item.quantity, item.status, *amounts, csv_text(item.notes)],
        )
    return target.getvalue()


CSV_COLUMNS = (
    "number",
    "name",
    "brand",
    "category",
    "part_number",
    "url",
    "quantity",
    "status",
    "price_amount",
    "price_currency",
    "paid_amount",
    "paid_currency",
    "total_amount",
    "total_currency",
    "notes",
)


def csv_text(text: str | None) -> str:
    """A cell that spreadsheets take for text: an apostrophe goes before what could begin a formula."""
    if not text:
        return ""
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text


def to_text(build_list: ExportedBuildList) -> str:
    """Plain text with aligned columns, the notes of an item indented below it."""
    parts = ["\n".join([build_list.name, "=" * _width(build_list.name)])]
    if build_list.description:
        parts.append("\n".join(_lines(build_list.description)))
    car = _car(build_list)
    if car:
        parts.append(f"Car: {car}")
    if build_list.items:
        parts.append(_aligned(build_list.items))
    if build_list.totals:
        parts.append(f"Total: {_totals(build_list)}")
    return "\n\n".join(parts) + "\n"


def _text_row(item: ExportedItem) -> tuple[str, ...]:
    first = "\n".join(part for part in (item.name, _described(item)) if part)
    return (first, str(item.quantity), item.status, _money(item.price), _money(item.line_total))


def _aligned(items: Sequence[ExportedItem]) -> str:
    """A table with columns as wide as their widest line. Notes are no column: one long line would pad every other."""
    rows = [_TEXT_COLUMNS, *(_text_row(item) for item in items)]
    broken = [[_lines(cell) or [""] for cell in row] for row in rows]
    widths = [max(_width(line) for row in broken for line in row[column]) for column in range(len(_TEXT_COLUMNS))]
    head, *body = broken
    printed = [*_printed(head, widths), *_printed([["-" * width] for width in widths], widths)]
    for item, row in zip(items, body, strict=True):
        printed += _printed(row, widths)
        printed += [f"{_INDENT}{line}".rstrip() for line in _lines(item.notes or "")]
    return "\n".join(printed)


def _printed(row: Sequence[Sequence[str]], widths: Sequence[int]) -> Iterator[str]:
    for lines in zip_longest(*row, fillvalue=""):
        cells = zip(lines, widths, _TEXT_COLUMNS, strict=True)
        padded = (_padded(line, width, right=column in _RIGHT_ALIGNED) for line, width, column in cells)
        yield "  ".join(padded).rstrip()


def _padded(line: str, width: int, *, right: bool) -> str:
    blanks = " " * (width - _width(line))
    return blanks + line if right else line + blanks


def _width(line: str) -> int:
    """The columns that a line takes in a fixed-width font."""
    if line.isascii():
        return len(line)
    return sum(
        0
        if unicodedata.category(character) in {"Mn", "Me", "Cf"}
        else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in line
    )


def disposition(name: str, extension: str) -> str:
    """The Content-Disposition (RFC 6266) of a file named after the list, in ASCII and in full."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    fallback = _file_name(re.sub(r"[^A-Za-z0-9._-]+", "-", plain))
    full = _file_name("".join("-" if unicodedata.category(c)[0] in "CZ" and c != " " else c for c in name))
    header = f'attachment; filename="{fallback}.{extension}"'
    return header if full == fallback else f"{header}; filename*=UTF-8''{quote(f'{full}.{extension}', safe='')}"


def _file_name(name: str) -> str:
    safe = _NOT_IN_A_FILE_NAME.sub("-", name).strip(" .-_")[:_FILE_NAME_LENGTH].rstrip(" .-_")
    return safe if safe and not _RESERVED.fullmatch(safe) else _FALLBACK


def _address(url: str | None) -> str | None:
    """The address with everything escaped that could end a link early; None for one that is not of the web."""
    if url is None or not url.lower().startswith(("http://", "https://")):
        return None
    return quote(url, safe=_IN_A_URL)


def _lines(text: str) -> list[str]:
    return text.splitlines()


def _car(build_list: ExportedBuildList) -> str:
    car = build_list.car
    if car is None:
        return ""
    return f"{car.year} {car.make} {car.model}" + (f" ({car.nickname})" if car.nickname else "")


def _described(item: ExportedItem) -> str:
    return ", ".join(text for text in (item.brand, item.part_number, item.category) if text)


def _money(money: MoneyRead | None) -> str:
    return "" if money is None else f"{money.amount} {money.currency}"


def _amount_and_currency(money: MoneyRead | None) -> tuple[str, str]:
    return ("", "") if money is None else (money.amount, money.currency)


def _totals(build_list: ExportedBuildList) -> str:
    return " + ".join(_money(total) for total in build_list.totals)


KINDS = {
    ExportFormat.MARKDOWN: Kind("text/markdown; charset=utf-8", "md", to_markdown),
    ExportFormat.BBCODE: Kind("text/plain; charset=utf-8", "txt", to_bbcode),
    ExportFormat.CSV: Kind("text/csv; charset=utf-8; header=present", "csv", to_csv),
    ExportFormat.TEXT: Kind("text/plain; charset=utf-8", "txt", to_text),
    ExportFormat.JSON: Kind("application/json", "json", ExportedBuildList.model_dump_json),
}
