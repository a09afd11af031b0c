"""What a start shows: colours and a frame on a terminal that can, plain lines everywhere else."""

from __future__ import annotations

import io
import os
import re
import shutil

import pytest

from monocoque.progress import Progress

ROWS = {"API": "http://127.0.0.1:8000/api/v1", "Try": "curl http://127.0.0.1:8000/api/v1/modules"}
LINES = "".join(f"{name}: {value}\n" for name, value in ROWS.items())
PLAIN = f"ok  migrations (5 applied) 0.00 s\n!   Repaired.\n{LINES}Bye.\n"


class Screen(io.TextIOWrapper):
    """A stream that says of itself that it is a terminal."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding, errors="backslashreplace")

    def isatty(self) -> bool:
        return True

    def text(self) -> str:
        raw = self.buffer
        assert isinstance(raw, io.BytesIO)
        return raw.getvalue().decode(self.encoding)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    narrow_to(monkeypatch, 100)


def narrow_to(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((columns, 24)))


def shown(screen: Screen) -> str:
    progress = Progress(screen)
    with progress.step("migrations") as remarks:
        remarks.append("5 applied")
    progress.note("Repaired.")
    progress.panel("monocoque", ROWS, "Bye.")
    return screen.text()


def test_a_terminal_gets_a_frame_whose_lines_are_equally_long() -> None:
    said = shown(Screen())
    assert "\x1b[32mok\x1b[0m  migrations (5 applied)" in said
    frame = [line for line in re.sub(r"\x1b\[[0-9;]*[mK]", "", said).splitlines() if line[:1] in "╭│╰" and line]
    assert len(frame) == 4
    assert len({len(line) for line in frame}) == 1


def test_a_frame_that_would_not_fit_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow_to(monkeypatch, 40)
    said = shown(Screen())
    assert "╭" not in said
    assert ROWS["Try"] in said


def test_a_frame_may_be_empty() -> None:
    screen = Screen()
    Progress(screen).panel("demo data", {}, "Bye.")
    assert "demo data" in screen.text()


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_who_wants_no_colour_gets_plain_lines(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    assert re.sub(r"\d\.\d\d s", "0.00 s", shown(Screen())) == PLAIN


def test_a_terminal_that_cannot_draw_a_frame_gets_plain_lines() -> None:
    assert re.sub(r"\d\.\d\d s", "0.00 s", shown(Screen("latin-1"))) == PLAIN
