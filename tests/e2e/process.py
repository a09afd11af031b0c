"""`monocoque serve` as a person starts it: a process of its own, reached over a real socket."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

START_SECONDS = 60.0


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(**variables: str) -> dict[str, str]:
    """The environment of a newcomer, and what the test sets in it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MONOCOQUE_")}
    return {**kept, "MONOCOQUE_AUTH_PASSWORD_ROUNDS": "4", "PYTHONUNBUFFERED": "1", **variables}


def monocoque(
    *arguments: str, folder: Path, variables: Mapping[str, str] | None = None, timeout: float = START_SECONDS
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
    """A running `monocoque serve`; leaving the block ends it like Ctrl-C does."""

    def __init__(self, folder: Path, *arguments: str, variables: Mapping[str, str] | None = None) -> None:
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.began = time.perf_counter()
        self._log = folder / f"serve-{self.port}.log"
        with self._log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "monocoque", "serve", "--port", str(self.port), *arguments],
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

    def wait_until_answered(self) -> float:
        """Seconds from the start to the first answered request."""
        with httpx.Client() as client:
            while True:
                try:
                    reply = client.get(f"{self.base}/api/v1/modules")
                except httpx.TransportError:
                    seconds = time.perf_counter() - self.began
                    if self.process.poll() is not None or seconds > START_SECONDS:
                        self.interrupt()
                        raise AssertionError(self.output()) from None
                    time.sleep(0.02)
                    continue
                assert reply.status_code == 200, reply.text
                return time.perf_counter() - self.began

    def interrupt(self, sign: int = signal.SIGINT) -> int:
        """Send the signal to the whole group, as a terminal does, and give the exit code."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, sign)
        return self.process.wait(timeout=30)

    def wait_until_said(self, words: str) -> None:
        """Wait until the output has these words."""
        deadline = time.monotonic() + START_SECONDS
        while words not in self.output():
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.02)

    def output(self) -> str:
        """All that it has said so far."""
        return self._log.read_text()
