"""A build list as Markdown, BBCode, CSV, plain text or JSON: pure functions that trust nothing of what they write."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from urllib.parse import quote

from monocoque.files import Kind, csv_text, markdown_cell, markdown_paragraphs, markdown_table, markdown_text
from monocoque_build_lists.schemas import (
    CarRead,
    ExportedBuildList,
    ExportedItem,
    ExportFormat,
    LineRead,
    MoneyRead,
    SharedBuildList,
)

_COLUMNS = ("Item", "Qty", "Status", "Price", "Total", "Notes")
_TEXT_COLUMNS = _COLUMNS[:-1]
_RIGHT_ALIGNED = {"Qty", "Price", "Total"}

# Forums have no common way to escape a bracket. After an invisible word joiner none of them reads a tag.
_BBCODE_BRACKET = "[\u2060"
_IN_A_URL = ":/?#@!$&*+,;=%-._~"
_INDENT = "  "

Exportable = ExportedBuildList | SharedBuildList
"""A list as its owner takes it home, or as anyone with its link sees it: then nothing else gets into the file."""


def to_markdown(build_list: Exportable) -> str:
    """GitHub-flavoured Markdown: a heading, the description, the car, a table and the totals."""
    parts = [f"# {markdown_text(build_list.name)}"]
    if build_list.description:
        parts.append(markdown_paragraphs(build_list.description))
    car = car_text(build_list.car)
    if car:
        parts.append(f"**Car:** {markdown_text(car)}")
    if build_list.items:
        rows = map(_markdown_row, build_list.items)
        parts.append(markdown_table(_COLUMNS, rows, right_aligned=_RIGHT_ALIGNED))
    if build_list.totals:
        parts.append(f"**Total:** {markdown_text(_totals(build_list))}")
    return "\n\n".join(parts) + "\n"


def _markdown_row(item: LineRead) -> tuple[str, ...]:
    address = _address(item.url)
    name = markdown_text(item.name)
    # Entities are read in addresses too.
    name = f"[{name}]({address.replace('&', '&amp;')})" if address else name
    described = _described(item)
    cells = (item.quantity, item.status, _money(item.price), _money(item.line_total), item.notes or "")
    first = f"{name}<br>{markdown_text(described)}" if described else name
    return (first, *(markdown_cell(str(cell)) for cell in cells))


def to_bbcode(build_list: Exportable) -> str:
    """BBCode with the tags that every forum knows: b, url and list."""
    parts = [f"[b]{bbcode_text(build_list.name)}[/b]"]
    if build_list.description:
        parts.append(bbcode_text(build_list.description))
    car = car_text(build_list.car)
    if car:
        parts.append(f"[b]Car:[/b] {bbcode_text(car)}")
    if build_list.items:
        parts.append("\n".join(["[list]", *(_bbcode_item(item) for item in build_list.items), "[/list]"]))
    if build_list.totals:
        parts.append(f"[b]Total:[/b] {bbcode_text(_totals(build_list))}")
    return "\n\n".join(parts) + "\n"


def _bbcode_item(item: LineRead) -> str:
    address = _address(item.url)
    name = bbcode_text(item.name)
    name = f"[url={address}]{name}[/url]" if address else f"[b]{name}[/b]"
    details = [_described(item), item.status, _money(item.line_total)]
    line = f"[*]{item.quantity} x {name}" + "".join(f" - {bbcode_text(detail)}" for detail in details if detail)
    return f"{line}\n{bbcode_text(item.notes)}" if item.notes else line


def bbcode_text(text: str) -> str:
    """Text in which no forum finds a tag."""
    return "\n".join(_lines(text)).replace("[", _BBCODE_BRACKET)


def to_csv(build_list: Exportable) -> str:
    """RFC 4180 with a header line; no cell is taken for a formula."""
    target = io.StringIO(newline="")
    writer = csv.writer(target)
    writer.writerow(CSV_COLUMNS if isinstance(build_list, ExportedBuildList) else SHARED_CSV_COLUMNS)
    for number, item in enumerate(build_list.items, 1):
        texts = (item.name, item.brand, item.category, item.part_number, item.url)
        paid = (item.paid,) if isinstance(item, ExportedItem) else ()
        amounts = (part for money in (item.price, *paid, item.line_total) for part in _amount_and_currency(money))
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
SHARED_CSV_COLUMNS = tuple(column for column in CSV_COLUMNS if not column.startswith("paid_"))


def to_text(build_list: Exportable) -> str:
    """Plain text with aligned columns, the notes of an item indented below it."""
    parts = ["\n".join([build_list.name, "=" * _width(build_list.name)])]
    if build_list.description:
        parts.append("\n".join(_lines(build_list.description)))
    car = car_text(build_list.car)
    if car:
        parts.append(f"Car: {car}")
    if build_list.items:
        parts.append(_aligned(build_list.items))
    if build_list.totals:
        parts.append(f"Total: {_totals(build_list)}")
    return "\n\n".join(parts) + "\n"


def _text_row(item: LineRead) -> tuple[str, ...]:
    first = "\n".join(part for part in (item.name, _described(item)) if part)
    return (first, str(item.quantity), item.status, _money(item.price), _money(item.line_total))


def _aligned(items: Sequence[LineRead]) -> str:
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


def _json(build_list: Exportable) -> str:
    return build_list.model_dump_json()


def _address(url: str | None) -> str | None:
    """The address with everything escaped that could end a link early; None for one that is not of the web."""
    if url is None or not url.lower().startswith(("http://", "https://")):
        return None
    return quote(url, safe=_IN_A_URL)


def _lines(text: str) -> list[str]:
    return text.splitlines()


def car_text(car: CarRead | None) -> str:
    """A car in a few words; empty for none."""
    if car is None:
        return ""
    return f"{car.year} {car.make} {car.model}" + (f" ({car.nickname})" if car.nickname else "")


def _described(item: LineRead) -> str:
    return ", ".join(text for text in (item.brand, item.part_number, item.category) if text)


def _money(money: MoneyRead | None) -> str:
    return "" if money is None else f"{money.amount} {money.currency}"


def _amount_and_currency(money: MoneyRead | None) -> tuple[str, str]:
    return ("", "") if money is None else (money.amount, money.currency)


def _totals(build_list: Exportable) -> str:
    return " + ".join(_money(total) for total in build_list.totals)


KINDS: dict[ExportFormat, Kind[Exportable]] = {
    ExportFormat.MARKDOWN: Kind("text/markdown; charset=utf-8", "md", to_markdown),
    ExportFormat.BBCODE: Kind("text/plain; charset=utf-8", "txt", to_bbcode),
    ExportFormat.CSV: Kind("text/csv; charset=utf-8; header=present", "csv", to_csv),
    ExportFormat.TEXT: Kind("text/plain; charset=utf-8", "txt", to_text),
    ExportFormat.JSON: Kind("application/json", "json", _json),
}
