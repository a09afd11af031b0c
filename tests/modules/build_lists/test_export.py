"""Exports: whatever people type, each form shows it as text and nothing else."""

from __future__ import annotations

import csv
import html
import io
import re
import threading
from dataclasses import replace
from datetime import UTC, datetime
from email.message import Message
from typing import Any

import pytest

from monocoque.files import disposition, markdown_text
from monocoque_build_lists import export
from monocoque_build_lists.schemas import (
    CarRead,
    ExportedBuildList,
    ExportedItem,
    ExportFormat,
    ItemWrite,
    MoneyRead,
)
from tests.support import Person, checked, problem

from .conftest import VIN, Garage

HOSTILE = [
    "a | b",
    "`code` and ``more``",
    "[link](http://evil.example)",
    "![image](http://evil.example/x.png)",
    "<script>alert(1)</script>",
    "&lt;b&gt; &amp; &copy;",
    "**bold** _it_ ~~gone~~ $x$ # - + 1. 2)",
    "back\\slash \\| pipe",
    "[b]bold[/b] [url=http://evil.example]x[/url]",
    "[/list][*]",
    '=HYPERLINK("http://evil.example")',
    "+1",
    "-1",
    "@SUM(A1)",
    "\uff1d1+1",
    'quote " and, comma; semicolon',
    "'=1",
    "naïve Größe 日本 🏎️",
    "# heading",
    "- item",
    "1. item",
    "=====",
]
NOTES = [*HOSTILE, "first\nsecond", "first\r\n\r\n=second\n| third |", "x\u2028y", "```\nfence\n```"]


def _item(name: str = "Pads", **fields: Any) -> ExportedItem:
    known: dict[str, Any] = dict.fromkeys(ExportedItem.model_fields)
    return ExportedItem(**{**known, "name": name, "quantity": 2, "status": "wanted", **fields})


def _list(*items: ExportedItem, name: str = "Track day", **fields: Any) -> ExportedBuildList:
    known: dict[str, Any] = dict.fromkeys(ExportedBuildList.model_fields)
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    known |= {"name": name, "item_count": len(items), "items": list(items), "totals": []}
    return ExportedBuildList(**{**known, "created_at": moment, "updated_at": moment, **fields})


def _plain(markdown: str) -> str:
    """What a renderer shows of inline Markdown in which nothing but escapes and entities is special."""
    unescaped = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown)
    return html.unescape(unescaped)


def _bare(markdown: str) -> str:
    """The Markdown without its escapes and entities: what is left that a renderer could act on."""
    return re.sub(r"&(?:amp|lt|gt);", "", re.sub(r"\\[!-/:-@\[-`{-~]", "", markdown))


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)(?:\\\\)*\|", row)[1:-1]]


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_a_line_as_it_is(text: str) -> None:
    escaped = markdown_text(text)
    assert not re.search(r"[|`<>\[\]*_~$#&]", _bare(escaped))
    assert not re.match(r"[-+=#]|\d+[.)]\s", escaped)
    # Entities come last in a renderer, so that an escaped ampersand stays one.
    assert _plain(escaped) == text


@pytest.mark.parametrize("notes", NOTES)
def test_a_markdown_row_is_one_line_of_six_cells(notes: str) -> None:
    whole = export.to_markdown(_list(_item("A | B", brand="C | D", notes=notes), _item("Last")))
    table = [line for line in whole.splitlines() if line.startswith("|")]
    assert len(table) == 4
    assert {len(_cells(row)) for row in table} == {6}
    shown = [_plain(line) for line in _cells(table[2])[5].split("<br>")]
    assert shown == [line.strip() for line in notes.splitlines()]
    assert _plain(_cells(table[2])[0]) == "A | B<br>C | D"


def test_a_markdown_description_keeps_its_paragraphs_and_makes_nothing_else() -> None:
    text = "First line\n- no list\n\n\n    no code\n> no quote\n===\n1. no list\n```\n<b>"
    whole = export.to_markdown(_list(description=text))
    assert whole == (
        "# Track day\n\nFirst line\\\n\\- no list\n\nno code\\\n&gt; no quote\\\n\\===\\\n1\\. no list\\\n"
        "\\`\\`\\`\\\n&lt;b&gt;\n"
    )


def test_a_link_cannot_end_early_and_leads_to_the_web_only() -> None:
    url = "https://shop.example.com/a_(b)|[c]<d>\"'?x=1&copy;=2%20"
    markdown = export.to_markdown(_list(_item("Pads ](x)", url=url)))
    encoded = "https://shop.example.com/a_%28b%29%7C%5Bc%5D%3Cd%3E%22%27?x=1&copy;=2%20"
    assert f"[Pads \\]\\(x\\)]({encoded.replace('&', '&amp;')})" in markdown
    assert f"[url={encoded}]Pads ](x)[/url]" in export.to_bbcode(_list(_item("Pads ](x)", url=url)))
    for bad in ("javascript:alert(1)", "data:text/html,x", "//evil.example"):
        assert "](" not in export.to_markdown(_list(_item(url=bad)))
        assert "[url" not in export.to_bbcode(_list(_item(url=bad)))


@pytest.mark.parametrize("text", NOTES)
def test_bbcode_has_no_tags_but_its_own(text: str) -> None:
    whole = export.to_bbcode(_list(_item(text.split("\n", maxsplit=1)[0], notes=text), name="[b]x", description=text))
    assert set(re.findall(r"\[[A-Za-z/*][^\]\n]*\]", whole)) <= {"[b]", "[/b]", "[list]", "[/list]", "[*]"}
    assert whole.replace("\u2060", "").count("\n".join(text.splitlines())) >= 1


@pytest.mark.parametrize("text", [*NOTES, "\t=1", "\r=1", "\n=1", " =1", "-", "\uff0b1", "\uff201"])
def test_a_spreadsheet_gets_every_text_back_and_no_formula(text: str) -> None:
    item = _item(text, brand=text, category=text, part_number=text, url=text, notes=text)
    content = export.to_csv(_list(_item("Before"), item, _item("After")))
    rows = list(csv.DictReader(io.StringIO(content, newline="")))
    assert [row["name"] for row in rows][::2] == ["Before", "After"]
    assert {len(row) for row in csv.reader(io.StringIO(content, newline=""))} == {len(export.CSV_COLUMNS)}
    for column in ("name", "brand", "category", "part_number", "url", "notes"):
        cell = rows[1][column]
        assert cell in {text, f"'{text}"}
        assert not cell.lstrip().startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
        assert not cell.startswith(("\t", "\r", "\n"))
    assert content.endswith("\r\n")


def test_a_csv_has_the_numbers_apart() -> None:
    item = _item(
        price=MoneyRead(amount="1.50", currency="EUR"),
        paid=MoneyRead(amount="2.00", currency="USD"),
        line_total=MoneyRead(amount="2.00", currency="USD"),
    )
    [row] = csv.DictReader(io.StringIO(export.to_csv(_list(item)), newline=""))
    assert (row["number"], row["quantity"], row["price_amount"], row["price_currency"]) == ("1", "2", "1.50", "EUR")
    assert (row["paid_amount"], row["paid_currency"], row["total_amount"], row["notes"]) == ("2.00", "USD", "2.00", "")


def test_plain_text_is_aligned_with_wide_and_broken_cells_and_has_the_notes_below() -> None:
    price = MoneyRead(amount="1500", currency="JPY")
    items = (
        _item("ブレーキ", notes="left\nright", price=price, line_total=price),
        _item("Pads, sport", brand="Brembo", quantity=10_000, status="installed"),
    )
    car = CarRead(make="Mazda", model="MX-5", year=1990, nickname="Weekend")
    whole = export.to_text(_list(*items, name="日本", description="a\nb", car=car, totals=[price]))
    assert whole == (
        "日本\n====\n\na\nb\n\nCar: 1990 Mazda MX-5 (Weekend)\n\n"
        "Item           Qty  Status        Price     Total\n"
        "-----------  -----  ---------  --------  --------\n"
        "ブレーキ         2  wanted     1500 JPY  1500 JPY\n"
        "  left\n"
        "  right\n"
        "Pads, sport  10000  installed\n"
        "Brembo\n\n"
        "Total: 1500 JPY\n"
    )


@pytest.mark.parametrize(
    ("name", "fallback", "full"),
    [
        ("Track day", "Track-day.md", "Track day.md"),
        ("MX-5", "MX-5.md", "MX-5.md"),
        ("Größe & 日本", "Groe.md", "Größe & 日本.md"),
        ("日本", "build-list.md", "日本.md"),
        ('a"; filename="b.exe', "a-filename-b.exe.md", "a-; filename=-b.exe.md"),
        ("../../etc/passwd", "etc-passwd.md", "etc-passwd.md"),
        ("..", "build-list.md", "build-list.md"),
        ("CON", "build-list.md", "build-list.md"),
        ("a\r\nSet-Cookie: x", "a-Set-Cookie-x.md", "a--Set-Cookie- x.md"),
        ("evil\u202egnp.exe", "evilgnp.exe.md", "evil-gnp.exe.md"),
        ("x" * 200, "x" * 80 + ".md", "x" * 80 + ".md"),
    ],
)
def test_the_file_is_named_after_the_list_and_safely(name: str, fallback: str, full: str) -> None:
    header = disposition(name, "md", "build-list")
    assert header.isascii()
    assert "\r" not in header
    assert "\n" not in header
    assert re.match(r'attachment; filename="([^"\\]*)"', header)[1] == fallback  # type: ignore[index]
    message = Message()
    if "filename*" in header:
        message["Content-Disposition"] = header.replace(f'filename="{fallback}"; ', "")
        assert message.get_filename() == full
    else:
        assert fallback == full


async def test_every_form_is_served_as_what_it_is(owner: Person, garage: Garage) -> None:
    list_id = await garage.new_list("Größe | <b>")
    for number, text in enumerate(HOSTILE):
        part_id = await garage.part(text, brand=text[:100], price={"amount": "1.50", "currency": "EUR"})
        await garage.item(list_id, part_id=part_id, notes=NOTES[number])
    path = f"/build-lists/{list_id}/export"
    types = {
        "markdown": "text/markdown; charset=utf-8",
        "bbcode": "text/plain; charset=utf-8",
        "csv": "text/csv; charset=utf-8; header=present",
        "text": "text/plain; charset=utf-8",
        "json": "application/json",
    }
    for form, content_type in types.items():
        reply = await owner.get(f"{path}?format={form}")
        assert reply.status_code == 200
        assert reply.headers["content-type"] == content_type
        assert reply.headers["content-disposition"].startswith('attachment; filename="Groe')
        assert "filename*=UTF-8''Gr%C3%B6%C3%9Fe" in reply.headers["content-disposition"]
        assert reply.headers["x-content-type-options"] == "nosniff"
    assert (await owner.get(path)).headers["content-type"] == types["markdown"]
    problem(await owner.get(f"{path}?format=pdf"), 422, "request.invalid")
    names = [row["name"] for row in csv.DictReader(io.StringIO((await owner.get(f"{path}?format=csv")).text))]
    assert [name.removeprefix("'") for name in names] == [text.removeprefix("'") for text in HOSTILE]


async def test_each_item_of_an_export_can_be_posted_again(owner: Person, garage: Garage) -> None:
    original, copy = await garage.new_list(), await garage.new_list()
    kept, deleted = await garage.part("Front brake pads"), await garage.part("Rear brake pads")
    await garage.item(original, part_id=kept, quantity=2, paid={"amount": "10.00", "currency": "EUR"})
    await garage.item(original, part_id=deleted, notes="The red ones.", status="ordered")
    await garage.item(original, name="Track day fee")
    assert (await owner.delete(f"/parts/{deleted}")).status_code == 204
    exported = checked(await owner.get(f"/build-lists/{original}/export?format=json"), 200, ExportedBuildList)
    assert [(item["name"], item["part_id"]) for item in exported["items"]] == [
        ("Front brake pads", kept),
        ("Rear brake pads", None),
        ("Track day fee", None),
    ]
    for item in exported["items"]:
        await garage.item(copy, **{name: item[name] for name in ItemWrite.model_fields})
    again = checked(await owner.get(f"/build-lists/{copy}/export?format=json"), 200, ExportedBuildList)
    assert again["items"] == exported["items"]


@pytest.mark.parametrize("line", ["short", "word " * 15, "ブレーキ"])
async def test_no_form_is_much_longer_than_what_it_holds(owner: Person, garage: Garage, line: str) -> None:
    list_id = await garage.new_list()
    # One line is very long, so that a column as wide as it would be blank in every other row.
    notes = (line + "\n") * (5_000 // (len(line) + 1)) + "x" * 4_900
    for number in range(50):
        reply = await owner.post(f"/build-lists/{list_id}/items", json={"name": f"Item {number}", "notes": notes})
        assert reply.status_code == 201
    stored = 50 * len(notes.encode())
    for form in ExportFormat:
        reply = await owner.get(f"/build-lists/{list_id}/export?format={form}")
        assert reply.status_code == 200
        assert stored < len(reply.content) < 3 * stored


async def test_an_export_is_written_while_others_are_served(
    owner: Person, garage: Garage, monkeypatch: pytest.MonkeyPatch
) -> None:
    writers: list[int] = []

    def write(build_list: export.Exportable) -> str:
        writers.append(threading.get_ident())
        return build_list.name

    for form, kind in export.KINDS.items():
        monkeypatch.setitem(export.KINDS, form, replace(kind, write=write))
    list_id = await garage.new_list()
    for form in ExportFormat:
        assert (await owner.get(f"/build-lists/{list_id}/export?format={form}")).text == "Track day"
    assert len(writers) == len(ExportFormat)
    assert threading.get_ident() not in writers


async def test_an_export_tells_nothing_but_the_list(owner: Person, garage: Garage) -> None:
    car_id = await garage.car(vin=VIN, notes="secret-note-of-the-car")
    list_id = await garage.new_list(car_id=car_id)
    await garage.item(list_id, part_id=await garage.part(notes="secret-note-of-the-part"))
    token = await garage.share(list_id)
    for form in ExportFormat:
        reply = await owner.get(f"/build-lists/{list_id}/export?format={form}")
        for private in (VIN, owner.email, str(owner.id), "secret-note", token, "digest"):
            assert private not in reply.text


async def test_a_json_export_holds_what_making_the_list_again_needs(owner: Person, garage: Garage) -> None:
    car_id = await garage.car(nickname="Weekend")
    list_id = await garage.new_list("Track day", description="First\nsecond", car_id=car_id)
    part_id = await garage.part("Pads", price={"amount": "129.90", "currency": "EUR"})
    await garage.item(list_id, part_id=part_id, quantity=2, notes="| = [b]", status="ordered")
    await garage.item(list_id, name="Fluid", paid={"amount": "1500", "currency": "JPY"})

    async def exported(wanted: str) -> dict[str, Any]:
        reply = await owner.get(f"/build-lists/{wanted}/export?format=json")
        body = checked(reply, 200, ExportedBuildList)
        return {name: value for name, value in body.items() if name not in {"created_at", "updated_at"}}

    document = await exported(list_id)
    again = await garage.new_list(**{name: document[name] for name in ("name", "description", "car_id")})
    for item in document["items"]:
        fields = ("part_id", "name", "quantity", "notes", "paid", "status")
        await garage.item(again, **{name: item[name] for name in fields})
    assert await exported(again) == document
