"""The processes under test: each pinned to one core, started with a clean environment, watched from outside."""

import atexit
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import psutil

HOST = "127.0.0.1"
START_SECONDS = 300.0
STOP_SECONDS = 20.0
LOG_TAIL = 2000


class ServerError(Exception):
    """A server under test that did not start or stop as it should."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Which cores the server has, and which the load and PostgreSQL share."""

    server: tuple[int, ...]
    rest: tuple[int, ...]


def share_cores() -> Cores:
    """One core for the server, every other one for the rest; on a single core, and off Linux, all share all."""
    if not hasattr(os, "sched_setaffinity"):
        return Cores((), ())
    first, *rest = sorted(os.sched_getaffinity(0))
    return Cores((first,), tuple(rest) or (first,))


@contextlib.contextmanager
def pinned(cores: Sequence[int]) -> Iterator[None]:
    """Run on `cores` only; a process started meanwhile inherits it, threads included, and keeps it."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port() -> int:
    """A TCP port of the loopback address that nothing listens on; on Linux nobody else is given it meanwhile."""
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind((HOST, 0))
    port: int = probe.getsockname()[1]
    if sys.platform == "linux":
        # Bound but not listening, it shares the port with a server that asks for this one, and with nobody else.
        atexit.register(probe.close)
    else:
        probe.close()
    return port


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without any setting of monocoque, plus `variables`."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("MONOCOQUE_") and name not in {"DATABASE_URL", "REDIS_URL", "PORT"}
    }
    return inherited | variables


def monocoque_command(*arguments: str) -> list[str]:
    """The `monocoque` script of the environment that this interpreter belongs to."""
    return [str(Path(sys.executable).with_name("monocoque")), *arguments]


def python_command(module: str, *arguments: str) -> list[str]:
    """`python -m module`, with this interpreter."""
    return [sys.executable, "-m", module, *arguments]


class ServerProcess:
    """A server under test, with whatever processes it starts; a context manager."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        port: int,
        folder: Path,
        variables: Mapping[str, str],
        cores: Sequence[int],
    ) -> None:
        self.name = name
        self.port = port
        self.url = f"http://{HOST}:{port}"
        self._command = list(command)
        self._folder = folder
        self._variables = environment(**variables)
        self._cores = cores
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._watched: list[psutil.Process] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, *, until: str = "/health") -> float:
        """Start, wait until `until` is answered with 200, and give the seconds that it took."""
        # A .env of the project must not change what is measured, so the folder is the run's own.
        with pinned(self._cores), self._log.open("ab") as log:
            started = time.perf_counter()
            self._process = subprocess.Popen(
                self._command, cwd=self._folder, env=self._variables, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        try:
            self._wait_for(until, self._process, started)
            seconds = time.perf_counter() - started
            self._watched = [psutil.Process(self._process.pid), *self._children(self._process.pid)]
        except BaseException:
            self.stop()
            raise
        return seconds

    def _wait_for(self, path: str, process: subprocess.Popen[bytes], started: float) -> None:
        with httpx.Client(base_url=self.url, trust_env=False, timeout=5) as client:
            while not _is_ok(client, path):
                if process.poll() is not None:
                    raise ServerError(f"{self.name} ended with code {process.returncode}:\n{self._tail()}")
                if time.perf_counter() - started > START_SECONDS:
                    raise ServerError(f"{self.name} did not answer within {START_SECONDS:.0f} s:\n{self._tail()}")
                time.sleep(0.01)

    def stop(self) -> None:
        """Ask it to end; it is an error when it, or a process that it started, has to be killed."""
        process, self._process = self._process, None
        if process is None:
            return
        started = self._children(process.pid)
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise ServerError(f"{self.name} did not stop within {STOP_SECONDS:.0f} s:\n{self._tail()}") from None
        finally:
            left = psutil.wait_procs(started, timeout=1)[1]
            for survivor in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    survivor.kill()
        if left:
            pids = ", ".join(str(survivor.pid) for survivor in left)
            raise ServerError(f"{self.name} stopped, but processes that it had started went on: {pids} (now killed)")

    @staticmethod
    def _children(pid: int) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return list(psutil.Process(pid).children(recursive=True))
        return []

    def cpu_seconds(self) -> float:
        """User and system time of all its processes so far."""
        return float(sum(sum(process.cpu_times()[:2]) for process in self._watched))

    def resident_mib(self) -> float:
        """Resident memory of all its processes, PostgreSQL's left out, in MiB."""
        own = [process for process in self._watched if not process.name().startswith("postgres")]
        return float(sum(process.memory_info().rss for process in own) / 2**20)

    def _tail(self) -> str:
        return self._log.read_bytes()[-LOG_TAIL:].decode(errors="replace")


def run_command(command: Sequence[str], *, folder: Path, variables: Mapping[str, str]) -> None:
    """Run to the end; raises ServerError with what it printed when it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        said = done.stdout[-LOG_TAIL:].decode(errors="replace")
        raise ServerError(f"{' '.join(command)} ended with code {done.returncode}:\n{said}")


def _is_ok(client: httpx.Client, path: str) -> bool:
    try:
        return client.get(path).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
