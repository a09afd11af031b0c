"""One line a request, as JSON or for people, written in batches so that it costs a request next to nothing."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TextIO

from starlette.types import Scope

from monocoque import json

_DELAY = 0.1


class AccessLog:
    """Collects lines and writes them ten times a second, and at the end."""

    def __init__(
        self, *, as_json: bool, enabled: bool = True, stream: TextIO | None = None, pages: Iterable[str] = ()
    ) -> None:
        """`pages` are the paths of pages, such as `/l`: what is below them is shortened as share tokens are."""
        self._as_json = as_json
        self._enabled = enabled
        self._pages = tuple(f"{path}/" for path in pages)
        self._stream = stream or sys.stderr
        self._lines: list[bytes] = []
        self._second = 0
        self._shown = b""
        self._timer: asyncio.TimerHandle | None = None

    def write(self, scope: Scope, status: int, seconds: float) -> None:
        """Note one answered request; status 0 means that the connection was cut."""
        if not self._enabled:
            return
        principal = scope.get("principal")
        client = scope.get("client")
        path: str = scope["path"]
        if self._as_json:
            line = json.dumps(
                {
                    "time": time.time(),
                    "level": "info",
                    "event": "request",
                    "method": scope["method"],
                    "path": redacted(path, self._pages),
                    "status": status,
                    "ms": round(seconds * 1000, 2),
                    "request_id": scope.get("request_id"),
                    "user_id": str(principal.user_id) if principal is not None else None,
                    "client": client[0] if client else None,
                }
            )
        else:
            at = self._clock()
            # Control characters in a path must not reach a terminal.
            shown = redacted(path, self._pages).encode("unicode_escape")
            line = b"%s %d %-6s %s %.1f ms" % (
                at,
                status,
                scope["method"].encode("latin-1", "replace"),
                shown,
                seconds * 1000,
            )
        self._lines.append(line)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_DELAY, self.flush)

    def _clock(self) -> bytes:
        now = int(time.time())
        if now != self._second:
            self._second = now
            self._shown = datetime.now(UTC).strftime("%H:%M:%S").encode()
        return self._shown

    def flush(self) -> None:
        """Write what was collected."""
        self._timer = None
        if self._lines:
            text = b"\n".join(self._lines) + b"\n"
            self._lines.clear()
            self._stream.write(text.decode("utf-8", "replace"))
            self._stream.flush()


def redacted(path: str, pages: Iterable[str] = ()) -> str:
    """The path without share tokens: whoever reads the log must not be able to open what was shared.

    What is below `pages`, such as `/l/`, is shortened wherever that stands in the path: a proxy may come before it.
    """
    if "/public/" in path:
        head, _, tail = path.partition("/public/")
        module, *rest = tail.split("/")
        return "/".join([f"{head}/public/{module}", *map(_shortened, rest)])
    for page in pages:
        if page in path:
            head, _, tail = path.partition(page)
            return f"{head}{page}{'/'.join(map(_shortened, tail.split('/')))}"
    return path


def _shortened(part: str) -> str:
    return f"{part[:4]}..."
