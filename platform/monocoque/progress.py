"""Progress of a start, one line a step with its time; colour and a panel where there is a terminal."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO


class Progress:
    """Says what is being done as it is done."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._fancy = _is_capable(self._stream)

    @contextmanager
    def step(self, doing: str) -> Iterator[list[str]]:
        """One step; what is appended to the list that it gives is shown behind the text, in brackets."""
        remarks: list[str] = []
        began = time.perf_counter()
        if self._fancy:
            self._write(f"... {doing}\r")
        try:
            yield remarks
        except BaseException:
            if self._fancy:
                self._write("\x1b[2K")
            raise
        seconds = time.perf_counter() - began
        shown = f" ({', '.join(remarks)})" if remarks else ""
        if self._fancy:
            self._write(f"\x1b[2K\x1b[32mok\x1b[0m  {doing}{shown} \x1b[2m{seconds:.2f} s\x1b[0m\n")
        else:
            self._write(f"ok  {doing}{shown} {seconds:.2f} s\n")

    def note(self, sentence: str) -> None:
        """Something worth knowing that is no step."""
        self._write(f"\x1b[33m!\x1b[0m   {sentence}\n" if self._fancy else f"!   {sentence}\n")

    def panel(self, title: str, rows: Mapping[str, str], footer: str) -> None:
        """A short summary in a frame, or as plain lines."""
        if self._fancy:
            # Drawn by hand: a table library would cost more memory than the whole of the summary is worth.
            width = max([len(title) + 2, *(len(f"{name:<8} {value}") for name, value in rows.items())]) + 2
            if width + 2 > shutil.get_terminal_size().columns:
                plain = "".join(f"  {name:<8} {value}\n" for name, value in rows.items())
                self._write(f"\n  \x1b[1m{title}\x1b[0m\n{plain}\n{footer}\n\n")
                return
            lines = [f"\x1b[36m╭─ \x1b[1m{title}\x1b[22m {'─' * (width - len(title) - 3)}╮\x1b[0m"]
            for name, value in rows.items():
                text = f"{name:<8} {value}"
                lines.append(f"\x1b[36m│\x1b[0m {text}{' ' * (width - len(text) - 1)}\x1b[36m│\x1b[0m")
            lines.append(f"\x1b[36m╰{'─' * width}╯\x1b[0m")
            self._write("\n" + "\n".join(lines) + f"\n{footer}\n\n")
        else:
            self._write("".join(f"{name}: {value}\n" for name, value in rows.items()) + f"{footer}\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def _is_capable(stream: TextIO) -> bool:
    """Whether this is a terminal that shows colours and frames, and whose user wants them (https://no-color.org)."""
    if not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.encoding.lower().replace("-", "") == "utf8"
