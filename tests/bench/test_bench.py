"""The bench measures what it says, refuses replies that it did not expect, and writes the promised figures."""

import asyncio
import json
import os
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
import uvloop
from rich.console import Console

from bench import report
from bench.__main__ import parse
from bench.load import Case, LoadError, Window, measure, reply_length, request
from bench.rounds import Plan, interleave
from bench.sampler import Sampler
from bench.servers import ServerError, ServerProcess, environment, free_port, pinned, python_command
from bench.shape import differences_between
from bench.stats import Figures, cpu_ratio, figures, median, percentile

GET = Case("get", [request("GET", "/one"), request("GET", "/two")], 200)


def no_cpu() -> float:
    return 0.0


class TinyServer:
    """An HTTP server that gives the same reply to every request and keeps count."""

    def __init__(self, reply: bytes, *, closes: bool = False, splits: bool = False) -> None:
        self.port = 0
        self.connections = 0
        self.requests: list[bytes] = []
        self._reply = reply
        self._closes = closes
        self._splits = splits

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                for part in (self._reply[:20], self._reply[20:]) if self._splits else (self._reply,):
                    writer.write(part)
                    await writer.drain()
                    await asyncio.sleep(0.001)
                if self._closes:
                    break
        except (asyncio.IncompleteReadError, ConnectionResetError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(reply: bytes, *, closes: bool = False, splits: bool = False) -> AsyncIterator[TinyServer]:
    tiny = TinyServer(reply, closes=closes, splits=splits)
    server = await asyncio.start_server(tiny.serve, "127.0.0.1", 0)
    tiny.port = server.sockets[0].getsockname()[1]
    async with server:
        yield tiny


def http_reply(status: str, body: bytes = b"{}") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def some_results() -> report.Results:
    bare = Figures(rps=5000, p50_ms=1.0, p99_ms=2.0, cpu_us=100)
    ours = Figures(rps=4000, p50_ms=1.5, p99_ms=3.0, cpu_us=160)
    one = Figures(rps=4000, p50_ms=1.5, p99_ms=3.0, cpu_us=158)
    cases = ("get", "list", "create", "public")
    return report.Results(
        bare=dict.fromkeys(cases, bare),
        monocoque=dict.fromkeys(cases, ours),
        one_module=dict.fromkeys(cases[:3], one),
        idle_worker_mib=90.0,
        second_start_s=3.5,
        machine={"cores": 2, "python": "3.13.1", "postgres": "18.1"},
    )


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1.0), (0.07, 7.0), (0.5, 50.0), (0.501, 51.0), (0.99, 99.0), (1.0, 100.0)]
)
def test_a_percentile_is_the_nearest_rank_whatever_the_order(share: float, expected: float) -> None:
    assert percentile([float(number) for number in reversed(range(1, 101))], share) == expected


def test_a_percentile_of_nothing_or_beyond_the_range_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        percentile([], 0.5)
    with pytest.raises(ValueError, match="between 0 and 1"):
        percentile([1.0], 99)


def test_figures_are_per_second_in_milliseconds_and_in_microseconds() -> None:
    window = Window(latencies=[0.001, 0.002, 0.003, 0.004], seconds=2.0, cpu_seconds=0.5)
    assert figures(window) == Figures(rps=2.0, p50_ms=2.0, p99_ms=4.0, cpu_us=125_000.0)


def test_the_median_of_rounds_is_taken_figure_by_figure() -> None:
    rounds = [Figures(100, 1, 9, 50), Figures(300, 3, 7, 70), Figures(200, 2, 8, 60)]
    assert median(rounds) == Figures(200, 2, 8, 60)


def test_a_ratio_to_a_server_without_measurable_cpu_is_refused() -> None:
    assert cpu_ratio(Figures(1, 1, 1, 150), Figures(1, 1, 1, 100)) == 1.5
    with pytest.raises(ValueError, match="measure for longer"):
        cpu_ratio(Figures(1, 1, 1, 150), Figures(1, 1, 1, 0))


async def test_each_connection_is_kept_alive_and_requests_are_sent_in_turn() -> None:
    async with serving(http_reply("200 OK")) as server:
        window = await measure(server.port, GET, cpu_clock=no_cpu, connections=3, warm_up=0.05, seconds=0.1)
    assert server.connections == 3
    assert len(server.requests) > len(window.latencies) > 3
    first, second = server.requests.count(GET.requests[0]), server.requests.count(GET.requests[1])
    assert first + second == len(server.requests)
    assert abs(first - second) <= 1


def test_the_load_runs_on_the_loop_that_the_bench_uses() -> None:
    async def load() -> Window:
        async with serving(http_reply("200 OK")) as server:
            return await measure(server.port, GET, cpu_clock=no_cpu, connections=2, warm_up=0, seconds=0.1)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert len(runner.run(load()).latencies) > 2


async def test_the_warm_up_counts_neither_as_requests_nor_as_cpu_nor_as_time(enough: int) -> None:
    started = time.perf_counter()
    async with serving(http_reply("200 OK")) as server:

        def cpu_clock() -> float:
            """One second for each request."""
            return len(server.requests)

        window = await measure(server.port, GET, cpu_clock=cpu_clock, connections=1, warm_up=0.3, seconds=0.1)
    # The one that is under way when the window begins or ends may count or not.
    assert window.cpu_seconds == pytest.approx(len(window.latencies), abs=1)
    assert len(window.latencies) <= len(server.requests) - enough + 1
    assert window.seconds < time.perf_counter() - started - 0.29


async def test_a_reply_in_several_pieces_is_put_together() -> None:
    async with serving(http_reply("200 OK", b"x" * 100), splits=True) as server:
        window = await measure(server.port, GET, cpu_clock=no_cpu, connections=2, warm_up=0, seconds=0.1)
    assert min(window.latencies) > 0.001


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (http_reply("500 Oops", b"broken"), "expected 200, got 500 Oops broken"),
        (http_reply("201 Created"), "expected 200, got 201"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "without Content-Length"),
        (b"SSH-2.0\r\n\r\n", "not an HTTP/1.1 reply"),
        (http_reply("200 OK") + b"more", "4 bytes came after"),
    ],
)
async def test_a_reply_that_was_not_expected_fails_the_run_at_once(reply: bytes, message: str) -> None:
    async with serving(reply) as server, asyncio.timeout(60):
        with pytest.raises(LoadError, match=f"^get: .*{re.escape(message)}"):
            await measure(server.port, GET, cpu_clock=no_cpu, connections=2, warm_up=600, seconds=600)


async def test_a_connection_that_the_server_closes_fails_the_run() -> None:
    async with serving(http_reply("200 OK"), closes=True) as server:
        with pytest.raises(LoadError, match="closed a connection"):
            await measure(server.port, GET, cpu_clock=no_cpu, connections=1, warm_up=0, seconds=30)


async def test_a_port_without_a_server_fails_the_run() -> None:
    with pytest.raises(LoadError, match="no connection to 127"):
        await measure(free_port(), GET, cpu_clock=no_cpu, warm_up=0, seconds=0.1)


def test_the_length_of_a_reply_is_known_from_its_head() -> None:
    assert reply_length(b"HTTP/1.1 200 OK\r\nContent-Le") is None
    assert reply_length(b"HTTP/1.1 200 OK\r\nContent-Length:  12\r\n\r\nabc") == 52
    assert reply_length(b"HTTP/1.1 304 Not Modified\r\n\r\n") == 29


async def test_rounds_are_interleaved_and_each_server_goes_first_in_turn() -> None:
    order: list[str] = []
    async with serving(http_reply("200 OK")) as one, serving(http_reply("200 OK")) as other:

        class Watched:
            def __init__(self, name: str, server: TinyServer) -> None:
                self.name = name
                self.port = server.port

            def cpu_seconds(self) -> float:
                return time.process_time()

        plan = Plan(rounds=3, seconds=0.02, warm_up=0, connections=1)
        servers = [Watched("one", one), Watched("other", other)]
        measured = await interleave(GET, servers, plan, announce=order.append)
    assert [line.rpartition(" ")[2] for line in order] == ["one", "other", "other", "one", "one", "other"]
    assert measured.keys() == {"one", "other"}
    assert measured["one"].rps > 0
    assert measured["one"].cpu_us > 0


def test_replies_of_another_shape_are_told_apart_by_place() -> None:
    bare = {"id": "1", "car": {"year": 1994}, "items": [{"id": "a"}], "vin": None, "old": 1}
    ours = {"id": "2", "car": {"year": "1994"}, "items": [{"id": "b"}, {"id": "c"}], "vin": "", "new": 1}
    assert list(differences_between(bare, bare | {"id": "another"})) == []
    assert list(differences_between(bare, ours)) == [
        "$.car.year: string from monocoque, number from the bare server",
        "$.items: 2 items from monocoque, 1 from the bare server",
        "$.new: only monocoque answers with it",
        "$.old: only the bare server answers with it",
        "$.vin: string from monocoque, null from the bare server",
    ]


def test_the_results_file_has_the_promised_shape(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    report.write(some_results(), file)
    content = json.loads(file.read_text())
    assert content.keys() == {"cases", "modules", "memory", "startup", "machine"}
    assert list(content["cases"]) == ["get", "list", "create", "public"]
    for case in content["cases"].values():
        assert case.keys() == {"bare", "monocoque", "ratio"}
        assert case["bare"].keys() == case["monocoque"].keys() == {"rps", "p50_ms", "p99_ms", "cpu_us"}
        assert case["ratio"] == 1.6
    assert content["modules"]["get"] == {
        "all": {"cpu_us": 160},
        "one": {"cpu_us": 158},
        "ratio": pytest.approx(160 / 158),
    }
    assert list(content["modules"]) == ["get", "list", "create"]
    assert content["memory"] == {"idle_worker_mib": 90.0}
    assert content["startup"] == {"second_start_s": 3.5}
    assert content["machine"].keys() == {"cores", "python", "postgres"}


def test_each_target_gets_its_verdict_and_the_tables_show_it() -> None:
    missed = [verdict.target for verdict in report.verdicts(some_results()) if not verdict.met]
    assert missed == [
        "get: CPU against bare",
        "list: CPU against bare",
        "public: CPU against bare",
        "second start to first answer",
    ]
    console = Console(width=140, record=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115  closed below
    with console.file:
        report.show(some_results(), console)
    text = console.export_text()
    assert re.search(r"monocoque +4,000 +1\.50 +3\.00 +160 +1\.60 +64%", text)
    assert re.search(r"second start to first answer +3\.50 s +3 s +missed", text)
    assert re.search(r"memory of an idle worker +90\.00 MiB +110 MiB +met", text)


def test_quick_is_one_short_round_and_options_override_it() -> None:
    assert parse([]).plan == Plan(rounds=5, seconds=1.5, warm_up=0.5, connections=8)
    assert parse(["--quick", "--connections", "2"]).plan == Plan(rounds=1, seconds=0.5, warm_up=0.2, connections=2)
    assert parse(["--case", "get"]).cases == ["get"]
    with pytest.raises(SystemExit):
        parse(["--rounds", "0"])


def test_no_setting_of_the_caller_reaches_a_server_under_test(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MONOCOQUE_MODULES", "DATABASE_URL", "PORT", "REDIS_URL"):
        monkeypatch.setenv(name, "of the caller")
    assert "of the caller" not in environment(MONOCOQUE_HOME="own").values()
    assert environment(MONOCOQUE_HOME="own")["MONOCOQUE_HOME"] == "own"


SERVER = """
import http.server, os, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        spent = time.process_time()
        while self.path == "/spin" and time.process_time() - spent < 0.2: pass
        body = ",".join(map(str, sorted(getattr(os, "sched_getaffinity", lambda _: ())(0)))).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    port = free_port()
    command = [*python_command("server"), str(port)]
    cores = sorted(os.sched_getaffinity(0))[-1:] if hasattr(os, "sched_getaffinity") else ()
    with ServerProcess("tiny", command, port=port, folder=tmp_path, variables={}, cores=cores) as running:
        yield running


async def fetch(port: int, path: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request("GET", path))
    reply = await reader.read()
    writer.close()
    return reply.partition(b"\r\n\r\n")[2]


async def test_the_cpu_and_memory_of_a_server_are_its_own(server: ServerProcess) -> None:
    before = server.cpu_seconds()
    await fetch(server.port, "/spin")
    assert 0.15 < server.cpu_seconds() - before < 1
    assert 1 < server.resident_mib() < 200


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="[elsewhere] pinning needs Linux")
async def test_a_server_keeps_its_core_and_its_parent_gets_its_own_back(server: ServerProcess) -> None:
    cores = sorted(os.sched_getaffinity(0))
    assert await fetch(server.port, "/") == str(cores[-1]).encode()
    with pinned(cores[:1]):
        assert sorted(os.sched_getaffinity(0)) == cores[:1]
    assert sorted(os.sched_getaffinity(0)) == cores


def test_a_server_that_ends_at_once_is_reported_with_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text("raise SystemExit('the port is taken')")
    server = ServerProcess(
        "broken", python_command("server"), port=free_port(), folder=tmp_path, variables={}, cores=()
    )
    with pytest.raises(ServerError, match=r"broken ended with code 1:\nthe port is taken"):
        server.start()


def test_a_server_that_leaves_a_process_behind_is_reported_and_the_process_ended(tmp_path: Path) -> None:
    child = (
        "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid)"
    )
    (tmp_path / "server.py").write_text(f"{child}\n{SERVER}")
    port = free_port()
    command = python_command("server", str(port))
    server = ServerProcess("careless", command, port=port, folder=tmp_path, variables={}, cores=())
    server.start()
    with pytest.raises(ServerError, match=r"careless stopped, but processes .* went on: \d+ \(now killed\)") as caught:
        server.stop()
    pid = int(re.findall(r"went on: (\d+)", str(caught.value))[0])
    assert psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=60)[1] == []


def busy_function(until: Callable[[], bool]) -> int:
    turns = 0
    while not until():
        turns += 1
    return turns


def test_the_sampler_finds_the_function_that_uses_the_time_and_counts_nothing_else() -> None:
    sampler = Sampler(within=f"{__name__}.busy_function")
    begin = time.process_time()
    sampler.start()
    try:
        while time.process_time() - begin < 0.1:
            pass
        outside = sampler.stacks.total()
        # How often the signal comes is the kernel's affair.
        busy_function(lambda: sampler.stacks.total() > 20 or time.process_time() - begin > 60)
    finally:
        sampler.stop()
    assert outside == 0
    assert sampler.stacks.total() > 20
    assert all(f"{__name__}.busy_function" in stack for stack in sampler.stacks)
    assert "busy_function" in sampler.summary()
    assert re.search(r"busy_function(;[^ ]+)? \d+$", sampler.collapsed(), re.MULTILINE)
