"""`python -m bench`: monocoque against a bare server, on a database of its own; writes `bench/results.json`."""

import argparse
import asyncio
import contextlib
import os
import platform
import secrets
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import uvloop
from rich.console import Console

from bench import report, seed, shape
from bench.load import Case, LoadError, measure
from bench.rounds import QUICK, Plan, interleave
from bench.servers import (
    Cores,
    ServerError,
    ServerProcess,
    free_port,
    monocoque_command,
    pinned,
    python_command,
    run_command,
    share_cores,
)
from bench.stats import Figures
from monocoque.embedded import EmbeddedPostgres, EmbeddedPostgresError

CASES = tuple(report.RATIO_LIMITS)
ONE_MODULE = "auth,cars"
ONE_MODULE_CASES = ("get", "list", "create")
DATABASE = "bench"
HERE = Path(__file__).resolve().parent


class Bench:
    """One run: a database, the servers on it, the rounds."""

    def __init__(self, folder: Path, database: EmbeddedPostgres, plan: Plan, cores: Cores, console: Console) -> None:
        self._folder = folder
        self._plan = plan
        self._cores = cores
        self._console = console
        self._variables = {
            "MONOCOQUE_ENVIRONMENT": "production",
            "MONOCOQUE_DATABASE_URL": database.url(DATABASE),
            "MONOCOQUE_SECRET_KEY": secrets.token_urlsafe(48),
        }

    def prepare(self) -> None:
        """Bring the empty database to the schema of every module."""
        run_command(monocoque_command("db", "upgrade"), folder=self._folder, variables=self._variables)

    def bare(self) -> ServerProcess:
        port = free_port()
        return self._server(
            "bare", python_command("bench.baseline", "--port", str(port)), port, PYTHONPATH=str(HERE.parent)
        )

    def monocoque(self, name: str = "monocoque", **variables: str) -> ServerProcess:
        port = free_port()
        return self._server(name, monocoque_command("serve", "--port", str(port)), port, **variables)

    def compare(self, wanted: Sequence[str]) -> tuple[dict[str, dict[str, Figures]], float]:
        """Measure every server in every wanted case; the figures by case and server, and the idle worker's MiB."""
        with self.monocoque() as everything, self.bare() as bare:
            idle_mib = everything.resident_mib()
            cases = [case for case in seed.cases(seed.seed(everything.url)) if case.name in wanted]
            for case in cases:
                shape.compare(case, bare.port, everything.port)
            with self.monocoque("one module", MONOCOQUE_MODULES=ONE_MODULE) as one:
                return {case.name: self._rounds(case, everything, bare, one) for case in cases}, idle_mib

    def _rounds(
        self, case: Case, everything: ServerProcess, bare: ServerProcess, one: ServerProcess
    ) -> dict[str, Figures]:
        servers = [bare, everything, *([one] if case.name in ONE_MODULE_CASES else [])]
        with self._console.status(case.name) as status, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(interleave(case, servers, self._plan, announce=status.update))

    def second_start(self) -> float:
        """Seconds from `monocoque serve` to its first answer, on the embedded database that a first start has made."""
        seconds = 0.0
        # Every core, as on the machine of somebody who types the command.
        with pinned((*self._cores.server, *self._cores.rest)):
            for _ in range(2):
                port = free_port()
                command = monocoque_command("serve", "--port", str(port))
                home = {"MONOCOQUE_HOME": str(self._folder / "home")}
                server = ServerProcess("start", command, port=port, folder=self._folder, variables=home, cores=())
                seconds = server.start(until="/health/ready")
                server.stop()
        return seconds

    def profile(self, name: str, out: Path) -> None:
        """Load one case while monocoque runs under the sampler, which writes `out`.txt and `out`.folded."""
        port = free_port()
        command = python_command("bench.sampler", str(out), "serve", "--port", str(port))
        with self.monocoque() as ready:
            case = next(case for case in seed.cases(seed.seed(ready.url)) if case.name == name)
        with self._server("profiled", command, port, PYTHONPATH=str(HERE.parent)) as server:
            load = measure(
                port,
                case,
                cpu_clock=server.cpu_seconds,
                connections=self._plan.connections,
                warm_up=0,
                seconds=self._plan.rounds * self._plan.seconds,
            )
            with (
                self._console.status(f"{name}, under the sampler"),
                asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
            ):
                runner.run(load)

    def _server(self, name: str, command: list[str], port: int, **variables: str) -> ServerProcess:
        return ServerProcess(
            name,
            command,
            port=port,
            folder=self._folder,
            variables=self._variables | variables,
            cores=self._cores.server,
        )


def describe_machine(database: EmbeddedPostgres) -> dict[str, Any]:
    """What the figures depend on."""

    async def server_version() -> str:
        connection = await asyncpg.connect(database.url())
        try:
            version: str = await connection.fetchval("SHOW server_version")
            return version
        finally:
            await connection.close()

    return {"cores": os.cpu_count(), "python": platform.python_version(), "postgres": asyncio.run(server_version())}


def run(options: argparse.Namespace, console: Console) -> int:
    """The whole bench, or a profile; the exit code."""
    plan: Plan = options.plan
    cores = share_cores()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="monocoque-bench-")))
        # Run by root, the database belongs to another account, which has to find its way in.
        folder.chmod(0o711)
        stack.enter_context(pinned(cores.rest))
        console.print("Starting PostgreSQL and migrating an empty database")
        database = stack.enter_context(EmbeddedPostgres(folder / "database", durable=False))
        database.create_database(DATABASE)
        bench = Bench(folder, database, plan, cores, console)
        bench.prepare()
        if options.profile:
            out = HERE / f"profile-{options.profile}"
            bench.profile(options.profile, out)
            console.print(
                out.with_suffix(".txt").read_text(encoding="utf-8"), highlight=False, markup=False, soft_wrap=True
            )
            console.print(f"Stacks for a flame graph: {out.with_suffix('.folded')}")
            return 0
        console.print("Measuring")
        measured, idle_mib = bench.compare(options.cases)
        console.print("Starting monocoque twice on an embedded database of its own")
        results = report.Results(
            bare=_by_server(measured, "bare"),
            monocoque=_by_server(measured, "monocoque"),
            one_module=_by_server(measured, "one module"),
            idle_worker_mib=idle_mib,
            second_start_s=bench.second_start(),
            machine=describe_machine(database),
        )
    report.write(results, options.output)
    report.show(results, console)
    console.print(f"Written to {options.output}")
    return int(options.check and not all(verdict.met for verdict in report.verdicts(results)))


def _by_server(measured: Mapping[str, Mapping[str, Figures]], server: str) -> dict[str, Figures]:
    return {case: servers[server] for case, servers in measured.items() if server in servers}


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line; `plan` holds how long to measure."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    default = Plan()
    parser.add_argument("--quick", action="store_true", help="one short round: shows that it runs, not how fast")
    parser.add_argument("--rounds", type=_positive(int), help=f"rounds a case (default {default.rounds})")
    parser.add_argument("--seconds", type=_positive(float), help=f"seconds a round (default {default.seconds:g})")
    parser.add_argument("--connections", type=_positive(int), help=f"at the same time (default {default.connections})")
    parser.add_argument("--case", dest="cases", choices=CASES, action="append", help="only this case; may be repeated")
    parser.add_argument("--output", type=Path, default=HERE / "results.json", help="where the results are written")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    parser.add_argument("--profile", metavar="CASE", choices=CASES, help="where monocoque spends its time in this case")
    options = parser.parse_args(arguments)
    base = QUICK if options.quick else default
    options.plan = Plan(
        rounds=options.rounds or base.rounds,
        seconds=options.seconds or base.seconds,
        warm_up=base.warm_up,
        connections=options.connections or base.connections,
    )
    options.cases = options.cases or CASES
    return options


def _positive[T: (int, float)](kind: type[T]) -> Any:
    def convert(text: str) -> T:
        value = kind(text)
        if not 0 < value < 1e6:
            raise argparse.ArgumentTypeError("give a number greater than 0")
        return value

    return convert


def main() -> int:
    """Run, and say in one message what went wrong."""
    console = Console()
    try:
        return run(parse(sys.argv[1:]), console)
    except (LoadError, ServerError, seed.SeedError, shape.ShapeError, EmbeddedPostgresError) as error:
        console.print(f"[red]The bench stopped:[/] {type(error).__name__}", highlight=False)
        console.print(str(error), highlight=False, markup=False, soft_wrap=True)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
