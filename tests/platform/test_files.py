"""Text for files: what was typed is shown as text in each form, and names no file but its own."""

from __future__ import annotations

import csv
import html
import io
import re
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.files import csv_text, disposition, markdown_cell, markdown_paragraphs, markdown_text

LINES = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=40)


@given(LINES)
def test_markdown_shows_a_line_as_it_is(line: str) -> None:
    escaped = markdown_text(line)
    bare = re.sub(r"&(?:amp|lt|gt);", "", re.sub(r"\\[!-/:-@\[-`{-~]", "", escaped))
    assert not re.search(r"[|`<>\[\]*_~$#&]", bare)
    assert not re.match(r"[-+=#]|\d+[.)]\s", escaped)
    assert html.unescape(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", escaped)) == line.strip()


def test_lines_stay_lines_in_a_cell_and_in_paragraphs() -> None:
    text = "a | b\r\n- c\n\n\n  <d>"
    assert markdown_cell(text) == "a \\| b<br>\\- c<br><br><br>&lt;d&gt;"
    assert markdown_paragraphs(text) == "a \\| b\\\n\\- c\n\n&lt;d&gt;"
    assert (markdown_cell(""), markdown_paragraphs("\n \n")) == ("", "")


@given(st.text(max_size=20))
def test_no_cell_is_taken_for_a_formula_and_all_of_it_is_kept(text: str) -> None:
    target = io.StringIO(newline="")
    csv.writer(target).writerow([csv_text(text), "next"])
    [[cell, after]] = csv.reader(io.StringIO(target.getvalue(), newline=""))
    assert not cell.lstrip().startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
    assert cell.removeprefix("'") == text.removeprefix("'")
    assert after == "next"
    assert csv_text(None) == ""


@pytest.mark.parametrize(
    ("name", "short", "full"),
    [
        ("Track day", "Track-day", "Track day"),
        ("Größe", "Groe", "Größe"),
        ("日本", "list", "日本"),
        ("../../etc/passwd", "etc-passwd", "etc-passwd"),
        ("..", "list", "list"),
        ("CON", "list", "list"),
        ("a\r\nSet-Cookie: x", "a-Set-Cookie-x", "a--Set-Cookie- x"),
        ("x" * 200, "x" * 80, "x" * 80),
    ],
)
def test_a_file_is_named_safely_in_ascii_and_in_full(name: str, short: str, full: str) -> None:
    header = disposition(name, "md", "list")
    assert header.isascii()
    assert header.isprintable()
    assert header.startswith(f'attachment; filename="{short}.md"')
    message = Message()
    message["Content-Disposition"] = header.replace(f'filename="{short}.md"; ', "")
    assert message.get_filename() == f"{full}.md"
