"""`python -m bench.media`: a catalogue of a million made-up items, filled by COPY, and how fast it answers.

Searches for three words are measured against the same at 10,000 items (a tenth at most), one item and a library page
against bare, and an import of 10,000 rows (as many as there are items at most) by the clock. `--fill` fills the empty
catalogue of a database of your own instead, and measures nothing.
"""

import argparse
import asyncio
import contextlib
import json
import secrets
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import asyncpg
import httpx
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

from bench import catalogue, shape
from bench.__main__ import HERE
from bench.load import Case, LoadError, measure, request
from bench.report import Verdict
from bench.rounds import QUICK, Plan, interleave
from bench.servers import (
    ServerError,
    ServerProcess,
    free_port,
    monocoque_command,
    pinned,
    python_command,
    share_cores,
)
from bench.stats import Figures, cpu_ratio, figures, median
from monocoque.embedded import EmbeddedPostgres, EmbeddedPostgresError

SMALL, LARGE = 10_000, 1_000_000
P99_LIMIT_MS, GROWTH_LIMIT, BARE_LIMIT = 50.0, 1.5, 1.5
IMPORTED_ROWS, IMPORT_LIMIT_S = 10_000, 30.0
API = "/api/v1"
ENTRIES = 40


def fill(url: str, count: int, console: Console) -> None:
    """Fill the empty catalogue of a migrated database, with a progress bar."""
    bar = Progress("{task.description}", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console)
    with bar:
        task = bar.add_task(f"Filling in {count:,} items", total=count)
        asyncio.run(catalogue.fill(url, count, announce=lambda done: bar.update(task, completed=done)))


def sign_up(url: str) -> str:
    """The access token of somebody new, who keeps a state of forty items."""
    with httpx.Client(base_url=f"{url}{API}", trust_env=False, timeout=30) as client:
        account = {"email": f"{secrets.token_hex(8)}@example.org", "password": secrets.token_urlsafe(24)}
        client.post("/auth/register", json=account).raise_for_status()
        reply = client.post("/auth/login", json=account).raise_for_status()
        token: str = reply.json()["access_token"]
        for number in range(ENTRIES):
            state = {"status": ("active", "completed")[number % 2], "rating": number, "favorite": number % 3 == 0}
            client.put(
                f"/media/items/{catalogue.item_id(number)}/state",
                json=state,
                headers={"Authorization": f"Bearer {token}"},
            ).raise_for_status()
    return token


async def search_rounds(servers: dict[int, tuple[ServerProcess, Case]], plan: Plan) -> dict[int, Figures]:
    """The median figures of searches, by the size of the catalogue; both sizes in every round."""
    rounds: dict[int, list[Figures]] = {size: [] for size in servers}
    for _ in range(plan.rounds):
        for size, (server, case) in servers.items():
            window = await measure(
                server.port,
                case,
                cpu_clock=server.cpu_seconds,
                connections=plan.connections,
                warm_up=plan.warm_up,
                seconds=plan.seconds,
            )
            rounds[size].append(figures(window))
    return {size: median(measured) for size, measured in rounds.items()}


def reads(token: str, count: int) -> list[Case]:
    """Getting one of `count` items, and a page of twenty of the library."""
    headers = {"Authorization": f"Bearer {token}"}
    ids = [catalogue.item_id(number * 97 % count) for number in range(100)]
    return [
        Case("item", [request("GET", f"{API}/media/items/{item}", headers=headers) for item in ids], 200),
        Case("library", [request("GET", f"{API}/media/library?limit=20", headers=headers)], 200),
    ]


def import_seconds(url: str, token: str, rows: int) -> float:
    """How long whoever sends a file of so many books that are not known yet waits until all are in their library."""
    lines = (f"book,Imported {number},Author {number % 977},completed,{number % 101}" for number in range(rows))
    file = "\n".join(["media_type,title,authors,status,rating", *lines])
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=300) as client:
        began = time.perf_counter()
        reply = client.post(f"{API}/media/imports", files={"file": ("books.csv", file)}).raise_for_status()
        while (record := reply.json())["status"] == "running":
            time.sleep(0.1)
            reply = client.get(f"{API}/media/imports/{record['id']}").raise_for_status()
        seconds = time.perf_counter() - began
    if record["created_item_count"] != rows:
        raise LoadError(f"Of {rows:,} rows {record['created_item_count']:,} became items: {record}")
    return seconds


def run(sizes: Sequence[int], plan: Plan, output: Path, console: Console) -> list[Verdict]:
    """Fill, measure, write the results, and judge them."""
    cores = share_cores()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="monocoque-bench-")))
        # Run by root, the database belongs to another account, which has to find its way in.
        folder.chmod(0o711)
        stack.enter_context(pinned(cores.rest))
        database = stack.enter_context(EmbeddedPostgres(folder / "database", durable=False, shared_buffers="1GB"))
        servers: dict[int, tuple[ServerProcess, Case]] = {}
        secret = secrets.token_urlsafe(48)
        variables, token = {}, ""
        for size in sizes:
            name = f"catalogue_{size}"
            database.create_database(name)
            variables = {
                "MONOCOQUE_ENVIRONMENT": "production",
                "MONOCOQUE_DATABASE_URL": database.url(name),
                "MONOCOQUE_SECRET_KEY": secret,
            }
            port = free_port()
            command = monocoque_command("serve", "--migrate", "--port", str(port))
            server = ServerProcess(name, command, port=port, folder=folder, variables=variables, cores=cores.server)
            stack.enter_context(server)
            fill(database.url(name), size, console)
            token = sign_up(server.url)
            servers[size] = (server, catalogue.searches(size, token=token, path=f"{API}/media/search"))
        asyncio.run(catalogue.write_out(database.url()))
        console.print("Measuring")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            searched = runner.run(search_rounds(servers, plan))
            port = free_port()
            bare = ServerProcess(
                "bare",
                python_command("bench.baseline", "--port", str(port)),
                port=port,
                folder=folder,
                variables=variables | {"PYTHONPATH": str(HERE.parent)},
                cores=cores.server,
            )
            stack.enter_context(bare)
            ours = servers[sizes[-1]][0]
            read: dict[str, dict[str, Figures]] = {}
            for case in reads(token, sizes[-1]):
                shape.compare(case, bare.port, ours.port)
                read[case.name] = runner.run(interleave(case, [bare, ours], plan))
        rows = min(IMPORTED_ROWS, sizes[-1])
        imported = import_seconds(ours.url, token, rows)
    results = {
        "search": {str(size): asdict(one) for size, one in searched.items()},
        "reads": {case: {"bare": asdict(of["bare"]), "monocoque": asdict(of[ours.name])} for case, of in read.items()},
        "import": {"rows": rows, "seconds": imported},
    }
    output.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    console.print_json(data=results)
    first, last = searched[sizes[0]], searched[sizes[-1]]
    return [
        Verdict(f"search of {sizes[-1]:,}: p99", last.p99_ms, P99_LIMIT_MS, "ms"),
        Verdict(f"search: p99 against that of {sizes[0]:,}", last.p99_ms / first.p99_ms, GROWTH_LIMIT, "x"),
        *(
            Verdict(f"{case}: CPU against bare", cpu_ratio(of[ours.name], of["bare"]), BARE_LIMIT, "x")
            for case, of in read.items()
        ),
        Verdict(f"import of {rows:,} rows", imported, IMPORT_LIMIT_S, "s"),
    ]


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.media", description=__doc__)
    parser.add_argument("--items", type=int, default=LARGE, help=f"size of the large catalogue (default {LARGE:,})")
    parser.add_argument("--fill", metavar="URL", help="fill this migrated database's empty catalogue, and stop")
    parser.add_argument("--rounds", type=int, default=Plan().rounds)
    parser.add_argument("--seconds", type=float, default=4.0, help="seconds a round (default 4)")
    parser.add_argument("--quick", action="store_true", help="one short round: shows that it runs, not how fast")
    parser.add_argument("--output", type=Path, default=HERE / "results-media.json")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    options = parser.parse_args(arguments)
    if options.fill is None and options.items < 10 * ENTRIES:
        parser.error(f"argument --items: at least {10 * ENTRIES}, to be measured against a catalogue of a tenth")
    return options


def main() -> int:
    """Run, and say in one message what went wrong."""
    console, options = Console(), parse(sys.argv[1:])
    try:
        if options.fill:
            fill(options.fill, options.items, console)
            return 0
        plan = QUICK if options.quick else Plan(rounds=options.rounds, seconds=options.seconds, warm_up=1.0)
        verdicts = run((min(SMALL, options.items // 10), options.items), plan, options.output, console)
    except (
        LoadError,
        catalogue.FillError,
        ServerError,
        shape.ShapeError,
        EmbeddedPostgresError,
        httpx.HTTPError,
        asyncpg.PostgresError,
    ) as e:
        console.print(f"[red]The bench stopped:[/] {type(e).__name__}", highlight=False)
        console.print(str(e), highlight=False, markup=False, soft_wrap=True)
        return 2
    for verdict in verdicts:
        said = "[green]met[/]" if verdict.met else "[red]missed[/]"
        console.print(f"{verdict.target}: {verdict.measured:.2f} {verdict.unit}, at most {verdict.limit:g}: {said}")
    return int(options.check and not all(verdict.met for verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main())
