"""A keep-alive HTTP/1.1 load generator: N connections, each with one request in flight at a time."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

HOST = "127.0.0.1"
DRAIN_SECONDS = 60.0
BODYLESS = frozenset({204, 304})


class LoadError(Exception):
    """A reply that the load did not expect, or none at all: the run's figures would mean nothing."""


@dataclass(frozen=True, slots=True)
class Case:
    """Requests that are sent in turn, and the one status that each of them must get."""

    name: str
    requests: Sequence[bytes]
    status: int


@dataclass(frozen=True, slots=True)
class Window:
    """One measured window: a latency for each reply in it, its length and the server's CPU time, all in seconds."""

    latencies: list[float]
    seconds: float
    cpu_seconds: float


def request(method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
    """One HTTP/1.1 request as it goes over the wire."""
    fields = {"Host": HOST, "Accept": "application/json", **(headers or {})}
    if body:
        fields |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


async def measure(
    port: int, case: Case, *, cpu_clock: Callable[[], float], connections: int = 8, warm_up: float, seconds: float
) -> Window:
    """Load 127.0.0.1:`port` and measure for `seconds` after `warm_up` seconds.

    `cpu_clock` gives the server's CPU seconds so far. Raises LoadError on any reply without the expected status,
    on a connection that the server closes, and where nothing was answered within the window.
    """
    loop = asyncio.get_running_loop()
    run = _Run(case.status, itertools.cycle(case.requests), loop.create_future())
    try:
        for _ in range(connections):
            run.connections.append((await loop.create_connection(lambda: _Connection(run), HOST, port))[1])
        await _run_for(warm_up, run)
        # The list is replaced, not cleared: what was answered before belongs to the warm-up.
        run.latencies = []
        cpu_before, started = cpu_clock(), time.perf_counter()
        await _run_for(seconds, run)
        latencies, cpu_after, ended = run.latencies, cpu_clock(), time.perf_counter()
        run.latencies = []
        await run.drain()
    except LoadError as error:
        raise LoadError(f"{case.name}: {error}") from None
    except OSError as error:
        raise LoadError(f"{case.name}: no connection to {HOST}:{port} ({error.strerror or error})") from error
    finally:
        run.close()
    if not latencies:
        raise LoadError(f"{case.name}: no reply within {seconds} s")
    return Window(latencies, ended - started, cpu_after - cpu_before)


async def _run_for(seconds: float, run: "_Run") -> None:
    """Wait out the time, or raise as soon as a connection has failed."""
    done, _ = await asyncio.wait([run.failure], timeout=seconds)
    if done:
        run.failure.result()


@dataclass(slots=True)
class _Run:
    """What the connections of one run share."""

    status: int
    requests: Iterator[bytes]
    failure: asyncio.Future[None]
    latencies: list[float] = field(default_factory=list)
    connections: list["_Connection"] = field(default_factory=list)
    stopping: bool = False
    closed: bool = False

    def fail(self, message: str) -> None:
        if not self.closed and not self.failure.done():
            self.failure.set_exception(LoadError(message))

    async def drain(self) -> None:
        """Let every request in flight be answered, so that the server meets no half-closed connection."""
        self.stopping = True
        deadline = time.perf_counter() + DRAIN_SECONDS
        while any(connection.in_flight for connection in self.connections):
            if time.perf_counter() > deadline:
                raise LoadError(f"a request was not answered within {DRAIN_SECONDS:.0f} s")
            await _run_for(0.005, self)

    def close(self) -> None:
        self.stopping = self.closed = True
        for connection in self.connections:
            connection.close()
        # A failure that came while another error was on its way would be reported as never retrieved.
        if self.failure.done():
            self.failure.exception()


class _Connection(asyncio.Protocol):
    def __init__(self, run: _Run) -> None:
        self._run = run
        self._received = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None
        self.in_flight = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are asyncio.Transport in behaviour, but not by inheritance.
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self.in_flight = False
        self._run.fail(f"the server closed a connection ({exc or 'without an error'})")

    def data_received(self, data: bytes) -> None:
        reply = self._received + data if self._received else data
        try:
            end = reply_length(reply)
        except LoadError as error:
            self._run.fail(str(error))
            return
        if end is None or len(reply) < end:
            self._received = reply
            return
        self._received = b""
        self.in_flight = False
        self._run.latencies.append(time.perf_counter() - self._sent_at)
        if int(reply[9:12]) != self._run.status:
            self._run.fail(f"expected {self._run.status}, got {_excerpt(reply)}")
        elif len(reply) > end:
            self._run.fail(f"{len(reply) - end} bytes came after the reply's Content-Length")
        elif not self._run.stopping:
            self._send()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _send(self) -> None:
        assert self._transport is not None
        self.in_flight = True
        self._sent_at = time.perf_counter()
        self._transport.write(next(self._run.requests))


def reply_length(reply: bytes) -> int | None:
    """The length in bytes of the reply that `reply` begins with; None while its head is incomplete."""
    body = reply.find(b"\r\n\r\n") + 4
    if body == 3:
        return None
    head = reply[:body].lower()
    if not head.startswith(b"http/1.1 ") or not head[9:12].isdigit():
        raise LoadError(f"not an HTTP/1.1 reply: {_excerpt(reply)}")
    at = head.find(b"\r\ncontent-length:")
    if at >= 0:
        return body + int(head[at + 17 : head.index(b"\r\n", at + 17)])
    if int(head[9:12]) in BODYLESS:
        return body
    raise LoadError(f"a reply without Content-Length: {_excerpt(reply)}")


def _excerpt(reply: bytes) -> str:
    head, _, body = reply.partition(b"\r\n\r\n")
    return b" ".join([head.split(b"\r\n")[0][9:], body[:300]]).decode(errors="replace")
