"""Exports: a menu taken home in each form, whatever people typed."""

from __future__ import annotations

import asyncio
import csv
import io
import threading
from dataclasses import replace
from typing import Any

import httpx
import pytest

from monocoque_menus import export
from monocoque_menus.schemas import ExportedMenu, ExportFormat
from tests.support import Person, problem

from .conftest import Curator, checked

HOSTILE = '=HYPERLINK("http://evil.example") | <b>[x](y)</b>'
NOTES = "# first\n\n| second | `code`\n- third"


async def _hostile(curator: Curator) -> dict[str, Any]:
    menu = await curator.menu(HOSTILE, description=NOTES)
    course = await curator.course(menu, HOSTILE, description=NOTES)
    film = await curator.film(HOSTILE, release_date="1949", details={"directors": [HOSTILE, "@SUM(A1)"]})
    await curator.item(menu, course, film, notes=NOTES)
    await curator.item(menu, course, await curator.film("Laura"))
    await curator.course(menu, "Empty")
    return menu


async def _export(curator: Curator, menu: dict[str, Any], form: str) -> httpx.Response:
    reply = await curator.person.get(f"/menus/{menu['id']}/export", params={"format": form})
    assert reply.status_code == 200, reply.text
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.headers["content-disposition"].startswith("attachment; filename=")
    return reply


async def test_markdown_has_a_heading_a_table_for_each_course_and_nothing_that_was_typed(curator: Curator) -> None:
    menu = await _hostile(curator)
    reply = await _export(curator, menu, "markdown")
    assert reply.headers["content-type"] == "text/markdown; charset=utf-8"
    title = r'\=HYPERLINK\("http://evil.example"\) \| &lt;b&gt;\[x\]\(y\)&lt;/b&gt;'
    inner = title.removeprefix("\\")
    paragraphs = "\\# first\n\n\\| second \\| \\`code\\`\\\n\\- third"
    assert reply.text == (
        f"# {title}\n\n{paragraphs}\n\n## {title}\n\n{paragraphs}\n\n"
        "|  | Title | By | Year | Type | Notes |\n"
        "| ---: | --- | --- | ---: | --- | --- |\n"
        f"| 1 | {title} | \\{inner}, @SUM\\(A1\\) | 1949 | Film "
        "| \\# first<br><br>\\| second \\| \\`code\\`<br>\\- third |\n"
        "| 2 | Laura |  |  | Film |  |\n\n"
        "## Empty\n"
    )
    assert (await curator.person.get(f"/menus/{menu['id']}/export")).text == reply.text


async def test_csv_has_a_line_for_each_entry_and_no_formula(curator: Curator) -> None:
    menu = await _hostile(curator)
    reply = await _export(curator, menu, "csv")
    assert reply.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    first, second = csv.DictReader(io.StringIO(reply.text, newline=""))
    assert tuple(first) == export.CSV_COLUMNS
    assert (first["course"], first["title"]) == (f"'{HOSTILE}", f"'{HOSTILE}")
    assert first["creators"] == f"'{HOSTILE}, @SUM(A1)"
    assert first["notes"] == NOTES
    assert (first["course_position"], first["position"], first["year"], first["media_type"]) == (
        "1",
        "1",
        "1949",
        "movie",
    )
    assert (second["title"], second["year"], second["creators"], second["notes"]) == ("Laura", "", "", "")
    assert not [cell for row in (first, second) for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]


async def test_json_has_everything_with_its_ids(curator: Curator) -> None:
    menu = await _hostile(curator)
    reply = await _export(curator, menu, "json")
    body = checked(reply, 200, ExportedMenu)
    arrangement = await curator.arrangement(menu)
    assert [(course["id"], [item["id"] for item in course["items"]]) for course in body["courses"]] == arrangement
    assert (body["id"], body["title"], body["slug"], body["visibility"]) == (menu["id"], HOSTILE, menu["slug"], "draft")
    [item] = [item for item in body["courses"][0]["items"] if item["position"] == 1]
    assert (item["title"], item["notes"], item["year"]) == (HOSTILE, NOTES, 1949)


async def test_the_file_is_named_after_the_menu(curator: Curator) -> None:
    for title, name in (
        ("A week of noir", "filename=\"A-week-of-noir.md\"; filename*=UTF-8''A%20week%20of%20noir.md"),
        ("日本語", "filename=\"menu.md\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC%E8%AA%9E.md"),
        ('../"a"\\b', 'filename="a-b.md"'),
        ("CON", 'filename="menu.md"'),
    ):
        reply = await _export(curator, await curator.menu(title), "markdown")
        assert reply.headers["content-disposition"].startswith(f"attachment; {name.split(';')[0]}")
        if ";" in name:
            assert reply.headers["content-disposition"].endswith(name.split("; ")[1])


async def test_an_unknown_form_is_refused(owner: Person, curator: Curator) -> None:
    menu = await curator.menu()
    document = problem(await owner.get(f"/menus/{menu['id']}/export?format=pdf"), 422, "request.invalid")
    assert [error["pointer"] for error in document["errors"]] == ["query/format"]


async def test_nobody_waits_for_a_file_to_be_written(
    owner: Person, curator: Curator, monkeypatch: pytest.MonkeyPatch
) -> None:
    menu, other = await curator.menu(), threading.Event()

    def write(_: ExportedMenu) -> str:
        assert other.wait(60), "the event loop stood still"
        return "written"

    kind = export.KINDS[ExportFormat.MARKDOWN]
    monkeypatch.setattr(export, "KINDS", {ExportFormat.MARKDOWN: replace(kind, write=write)})
    exporting = asyncio.ensure_future(owner.get(f"/menus/{menu['id']}/export"))
    assert (await owner.get(f"/menus/{menu['id']}")).status_code == 200
    other.set()
    assert (await exporting).text == "written"
