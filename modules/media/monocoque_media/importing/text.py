"""From the bytes of a file to text, piece by piece; nothing is held but what a row needs."""

from __future__ import annotations

import codecs
import io
from collections.abc import Buffer
from typing import BinaryIO

from monocoque_media.importing.rows import NotAnExport

_PIECE = 64 * 1024
_ZIP = b"PK\x03\x04"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def open_text(file: BinaryIO) -> io.TextIOWrapper:
    """The file as text, its line ends as they are; raises NotAnExport where it is empty or holds no text."""
    file.seek(0)
    head = file.read(_PIECE)
    if head.startswith(_ZIP):
        raise NotAnExport("This is a ZIP archive or a spreadsheet; unpack it, or save it as CSV, and send that file.")
    if not head.strip():
        raise NotAnExport("The file is empty.")
    encoding = _encoding(file, head)
    file.seek(0)
    return io.TextIOWrapper(io.BufferedReader(_Shared(file), _PIECE), encoding=encoding, errors="replace", newline="")


def _encoding(file: BinaryIO, head: bytes) -> str:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    # Text of these exports begins with ASCII, so a NUL beside it tells UTF-16 without a mark.
    if head[1:2] == b"\0" and head[0:1] != b"\0":
        return "utf-16-le"
    if head[0:1] == b"\0" and head[1:2] != b"\0":
        return "utf-16-be"
    decoder = codecs.getincrementaldecoder("utf-8")()
    file.seek(0)
    try:
        while piece := file.read(_PIECE):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        if _is_binary(head):
            raise NotAnExport("The file holds no text; send a CSV or JSON file.") from None
        return "cp1252"
    return "utf-8"


def _is_binary(head: bytes) -> bool:
    control = sum(byte < 32 and byte not in b"\t\n\r" for byte in head)
    return control > len(head) // 100


class _Shared(io.RawIOBase):
    """A file that outlives the text reader made of it."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer).cast("B")
        piece = self._file.read(len(view))
        view[: len(piece)] = piece
        return len(piece)
