"""CSV as it is met in the wild: one broken record never costs another one."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

MAX_RECORD = 1024 * 1024
"""Characters that one record may have."""
# A line that opens a quotation mark is read again when none closes it, with all that was looked at behind it: once that
# was so much in vain, no further than this. Else a few megabytes of such lines would take hours.
_IN_VAIN = 16 * MAX_RECORD
_NEAR = 4 * 1024
# Of the whole process, and less than a record may have unless it is raised.
csv.field_size_limit(MAX_RECORD)
MAX_SHOWN = 4 * 1024
"""Characters of a broken record that a guess goes by."""
DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Broken:
    """A record that cannot be taken apart; `text` is what it begins with, for a guess."""

    reason: str
    text: str = ""


class _Lines:
    """The lines of a text, each with its end; lines can be put back."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._waiting: deque[str] = deque()

    def next(self) -> str:
        """The next line, at most one character longer than a record may be; empty at the end."""
        return self._waiting.popleft() if self._waiting else self._text.readline(MAX_RECORD + 1)

    def skip_rest(self, line: str) -> None:
        """Leave out what is left of a line that was too long."""
        while line and not line.endswith(("\n", "\r")):
            line = self.next()

    def put_back(self, lines: list[str]) -> None:
        self._waiting.extendleft(reversed(lines))


class Table:
    """The records of a CSV text below its header line."""

    def __init__(self, text: TextIO, delimiter: str) -> None:
        """Reads the header; it is empty where there is none."""
        self._lines = _Lines(text)
        self._delimiter = delimiter
        self._cell_end = re.compile(f"{re.escape(delimiter)}|[\r\n]")
        self._width = 0
        self._in_vain = 0
        header: list[str] | Broken = []
        while isinstance(header, list) and not any(header):
            line = self._lines.next()
            if not line:
                break
            self._lines.put_back([line])
            header = self._record()
        self.header: list[str] = header if isinstance(header, list) else []
        self._width = len(self.header)

    def records(self) -> Iterator[list[str] | Broken]:
        """Each record that is no blank line, with as many cells as the header."""
        while True:
            line = self._lines.next()
            if not line:
                return
            if line.strip():
                self._lines.put_back([line])
                yield self._record()

    def _record(self) -> list[str] | Broken:
        lines: list[str] = []
        size = 0
        quoted = False
        while True:
            line = self._lines.next()
            if not line:
                break
            lines.append(line)
            size += len(line)
            if size > MAX_RECORD:
                if len(lines) == 1:
                    self._lines.skip_rest(line)
                    return Broken(f"The row has more than {MAX_RECORD:,} characters.", line)
                return self._only_first(lines)
            if size > _NEAR and len(lines) > 1 and self._in_vain > _IN_VAIN:
                return self._only_first(lines)
            well_formed, quoted = self._quoted_at_end(line, quoted=quoted)
            if not well_formed and len(lines) > 1:
                return self._only_first(lines)
            if not quoted:
                break
        if quoted:
            return self._only_first(lines)
        return self._cells(lines)

    def _only_first(self, lines: list[str]) -> Broken:
        # The quote that was never closed belongs to the first line; those after it may well be rows of their own.
        again = lines[1:]
        self._in_vain += sum(map(len, again))
        self._lines.put_back(again)
        return Broken("A quotation mark is opened and never closed.", lines[0])

    def _cells(self, lines: list[str]) -> list[str] | Broken:
        try:
            (cells,) = csv.reader(["".join(lines).rstrip("\r\n")], delimiter=self._delimiter)
        except (csv.Error, ValueError):
            return self._only_first(lines) if len(lines) > 1 else Broken("The row is no CSV.", lines[0])
        if not self._width or len(cells) == self._width:
            return cells
        if len(cells) > self._width and not any(cells[self._width :]):
            return cells[: self._width]
        if len(lines) > 1:
            return self._only_first(lines)
        return Broken(f"The row has {len(cells):,} cells where the header has {self._width:,}.", lines[0])

    def likely_cells(self, broken: Broken) -> list[str]:
        """What the first cells of a broken record seem to be."""
        try:
            (cells,) = csv.reader([broken.text[:MAX_SHOWN].rstrip("\r\n")], delimiter=self._delimiter)
        except (csv.Error, ValueError):
            return []
        # What was opened and never closed has swallowed the cells behind it.
        return [*cells[:-1], *cells[-1].split(self._delimiter)] if cells else []

    def _quoted_at_end(self, line: str, *, quoted: bool) -> tuple[bool, bool]:
        """Whether its quotation marks stand where they may, and whether a cell goes on in the next line."""
        if '"' not in line:
            return True, quoted
        place, end = 0, len(line)
        while True:
            if quoted:
                place = line.find('"', place)
                if place < 0:
                    return True, True
                if line.startswith('""', place):
                    place += 2
                    continue
                quoted = False
                place += 1
                if place < end and line[place] not in {self._delimiter, "\r", "\n"}:
                    return False, False
            elif place < end and line[place] == '"':
                quoted = True
                place += 1
                continue
            found = self._cell_end.search(line, place)
            if found is None or found.group() != self._delimiter:
                return True, False
            place = found.end()
