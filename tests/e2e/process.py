"""`monocoque serve` as a person starts it: a process of its own, reached over a real socket."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

PATIENCE = 300.0
"""Seconds for a start, a command or a reply: less than a test may hang, more than any slow machine takes."""
_ADDRESS = re.compile(r"^API: (http://127\.0\.0\.1:(\d+))/", re.MULTILINE)


def environment(**variables: str) -> dict[str, str]:
    """The environment of a newcomer, and what the test sets in it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MONOCOQUE_")}
    return {**kept, "MONOCOQUE_AUTH_PASSWORD_ROUNDS": "4", "PYTHONUNBUFFERED": "1", **variables}


def monocoque(
    *arguments: str, folder: Path, variables: Mapping[str, str] | None = None, timeout: float = PATIENCE
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "monocoque", *arguments],
        cwd=folder,
        env=environment(**(variables or {})),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


class Served:
    """A running `monocoque serve`; leaving the block ends it like Ctrl-C does.

    The system chooses its port: one that was found free could be somebody else's by the time that it is used.
    """

    port: int
    base: str

    def __init__(self, folder: Path, *arguments: str, variables: Mapping[str, str] | None = None) -> None:
        with tempfile.NamedTemporaryFile("w", dir=folder, prefix="serve-", suffix=".log", delete=False) as output:
            self._log = Path(output.name)
            self.process = subprocess.Popen(
                [sys.executable, "-m", "monocoque", "serve", "--port", "0", *arguments],
                cwd=folder,
                env=environment(**(variables or {})),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        self.wait_until_answered()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.interrupt()

    def wait_until_answered(self) -> None:
        """Wait until it says where it is, and answers there."""
        deadline = time.monotonic() + PATIENCE
        while (found := _ADDRESS.search(self.output())) is None:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.interrupt()
                raise AssertionError(self.output())
            time.sleep(0.02)
        self.base, self.port = found[1], int(found[2])
        # The port is open already: what is asked too early waits there.
        assert self.get("/api/v1/modules").status_code == 200, self.output()

    def get(self, path: str, **headers: str) -> httpx.Response:
        """A reply, however long it takes."""
        return httpx.get(f"{self.base}{path}", headers=headers, timeout=PATIENCE)

    def interrupt(self, sign: int = signal.SIGINT) -> int:
        """Send the signal to the whole group, as a terminal does, and give the exit code."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, sign)
        return self.process.wait(timeout=PATIENCE)

    def wait_until_said(self, words: str) -> None:
        """Wait until the output has these words."""
        deadline = time.monotonic() + PATIENCE
        while words not in self.output():
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.02)

    def wait_until_closed(self) -> None:
        """Wait until nobody can connect any more."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE).close()
            except ConnectionRefusedError:
                return
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.02)

    def output(self) -> str:
        """All that it has said so far."""
        return self._log.read_text()
