"""The records of our own JSON export, one after the other, without the whole document in memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TextIO

from monocoque_media.importing.rows import NotAnExport
from monocoque_media.importing.tables import MAX_RECORD, MAX_SHOWN, Broken

FORMAT = "monocoque-media"
VERSION = 1

_PIECE = 64 * 1024
_HEAD = 4 * 1024
_STRING = r'"(?:[^"\\]|\\.)*"'
_BEGIN = re.compile(
    rf'\s*\{{(?P<members>(?:\s*{_STRING}\s*:\s*(?:{_STRING}|-?[0-9.]+|true|false|null)\s*,)*)\s*"records"\s*:\s*\['
)
_MEMBER = re.compile(rf'"(?P<name>format|version)"\s*:\s*(?P<value>{_STRING}|[0-9]+)')
# Only the records themselves begin with this member, so that a broken one ends where it stands at a line's beginning.
_NEXT = r'\n[ \t]*\{\s*"record"'
_MARK = re.compile(rf'{_NEXT}|[\\"{{}}\[\]]')
_AHEAD = 200
_ESCAPE = "\\"


def records(text: TextIO) -> Iterator[str | Broken]:
    """The text of each record; raises NotAnExport where it is no such document, before the first one."""
    buffer = text.read(_HEAD)
    begin = _BEGIN.match(buffer)
    if begin is None:
        raise NotAnExport(f'The JSON is no export of ours: that is {{"format": "{FORMAT}", ..., "records": [...]}}.')
    known = {member["name"]: member["value"].strip('"') for member in _MEMBER.finditer(begin["members"])}
    if known.get("format") != FORMAT:
        raise NotAnExport(f'The JSON is no export of ours: "format" has to be "{FORMAT}".')
    if known.get("version", str(VERSION)) != str(VERSION):
        raise NotAnExport(f'Only exports of "version" {VERSION} can be read here.')
    return _Scanner(text, buffer[begin.end() :]).records()


class _Scanner:
    """Finds where each element of an array begins and ends."""

    def __init__(self, text: TextIO, buffer: str) -> None:
        self._text = text
        self._buffer = buffer
        self._over = False

    def records(self) -> Iterator[str | Broken]:
        """Each element as text; what lies between broken ones is left out."""
        while True:
            self._skip_blanks()
            if not self._buffer or self._buffer[0] == "]":
                return
            yield self._element()

    def _fill(self) -> None:
        piece = self._text.read(_PIECE)
        self._over = not piece
        self._buffer += piece

    def _skip_blanks(self) -> None:
        while True:
            self._buffer = self._buffer.lstrip(" \t\r\n,}")
            if self._buffer or self._over:
                return
            self._fill()

    def _element(self) -> str | Broken:
        kept: list[str] = []
        size, depth, place = 0, 0, 0
        quoted = False
        while True:
            if not self._over and len(self._buffer) - place <= _AHEAD:
                size += place
                if size <= MAX_RECORD:
                    kept.append(self._buffer[:place])
                self._buffer = self._buffer[place:]
                place = 0
                self._fill()
                continue
            found, start, place = self._next_mark(place)
            if not found:
                if self._over:
                    begin = self._begin(kept)
                    self._buffer = ""
                    return Broken("The file ends within this record.", begin)
                continue
            if found[0] == "\n":
                begin = self._begin(kept, start)
                self._buffer = self._buffer[start:]
                return Broken("The record is no JSON: it is not closed where the next one begins.", begin)
            if quoted:
                place += found == _ESCAPE
                quoted = found != '"'
                continue
            quoted = found == '"'
            depth += (found in "{[") - (found in "}]")
            if depth <= 0 and not quoted:
                # What closes more than was opened closes the array itself.
                return self._cut(kept, size, start if depth < 0 < start else place)

    def _begin(self, kept: list[str], end: int = MAX_SHOWN) -> str:
        """What the present element begins with."""
        return "".join((*kept, self._buffer[:end]))[:MAX_SHOWN]

    def _next_mark(self, place: int) -> tuple[str, int, int]:
        """The next mark, where it begins and ends; an empty one where the buffer has to be filled first."""
        mark = _MARK.search(self._buffer, place)
        safe = len(self._buffer) if self._over else len(self._buffer) - _AHEAD
        if mark is None or mark.start() >= safe:
            return "", place, max(place, safe)
        return mark.group(), mark.start(), mark.end()

    def _cut(self, kept: list[str], size: int, place: int) -> str | Broken:
        kept.append(self._buffer[:place])
        self._buffer = self._buffer[place:]
        record = "".join(kept)
        if size + place > MAX_RECORD:
            return Broken(f"The record has more than {MAX_RECORD:,} characters.", record[:MAX_SHOWN])
        return record
