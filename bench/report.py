"""What was measured: as JSON, as a table, and against the targets."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from bench.stats import Figures, cpu_ratio

RATIO_LIMITS = {"get": 1.5, "list": 1.5, "create": 2.0, "public": 1.5}
MODULES_LIMIT = 1.05
MEMORY_LIMIT_MIB = 110.0
START_LIMIT_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Results:
    """One run: figures by case and server, the idle worker's memory, the second start, the machine."""

    bare: Mapping[str, Figures]
    monocoque: Mapping[str, Figures]
    one_module: Mapping[str, Figures]
    idle_worker_mib: float
    second_start_s: float
    machine: Mapping[str, Any]

    def ratio(self, case: str) -> float:
        """CPU a request of monocoque with every module, in units of the bare server's."""
        return cpu_ratio(self.monocoque[case], self.bare[case])

    def modules_ratio(self, case: str) -> float:
        """CPU a request with every module, in units of that with just the one that answers."""
        return cpu_ratio(self.monocoque[case], self.one_module[case])


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target, what was measured, and whether it is met."""

    target: str
    measured: float
    limit: float
    unit: str

    @property
    def met(self) -> bool:
        return self.measured <= self.limit


def as_json(results: Results) -> dict[str, Any]:
    """The content of `bench/results.json`."""
    return {
        "cases": {
            case: {
                "bare": asdict(results.bare[case]),
                "monocoque": asdict(results.monocoque[case]),
                "ratio": results.ratio(case),
            }
            for case in results.bare
        },
        "modules": {
            case: {
                "all": {"cpu_us": results.monocoque[case].cpu_us},
                "one": {"cpu_us": results.one_module[case].cpu_us},
                "ratio": results.modules_ratio(case),
            }
            for case in results.one_module
        },
        "memory": {"idle_worker_mib": results.idle_worker_mib},
        "startup": {"second_start_s": results.second_start_s},
        "machine": dict(results.machine),
    }


def write(results: Results, path: Path) -> None:
    """Write the results as JSON."""
    path.write_text(json.dumps(as_json(results), indent=2) + "\n", encoding="utf-8")


def verdicts(results: Results) -> Iterator[Verdict]:
    """Every target that this run has a figure for."""
    for case in results.bare:
        yield Verdict(f"{case}: CPU against bare", results.ratio(case), RATIO_LIMITS[case], "x")
    for case in results.one_module:
        yield Verdict(f"{case}: CPU, all modules against one", results.modules_ratio(case), MODULES_LIMIT, "x")
    yield Verdict("memory of an idle worker", results.idle_worker_mib, MEMORY_LIMIT_MIB, "MiB")
    yield Verdict("second start to first answer", results.second_start_s, START_LIMIT_SECONDS, "s")


def show(results: Results, console: Console) -> None:
    """Print the figures and the verdicts as tables."""
    console.print(_figures_table(results))
    console.print(_targets_table(results))


def _figures_table(results: Results) -> Table:
    machine = "busy: share of the server's core; " + ", ".join(f"{name} {of}" for name, of in results.machine.items())
    table = Table(title="Medians over the rounds", caption=machine, box=box.SIMPLE_HEAD)
    for heading in ("case", "server"):
        table.add_column(heading, no_wrap=True)
    for heading in ("req/s", "p50 ms", "p99 ms", "CPU us/req", "x bare", "busy"):
        table.add_column(heading, justify="right", no_wrap=True)
    for case, bare in results.bare.items():
        rows = [("bare", bare), ("monocoque", results.monocoque[case])]
        if case in results.one_module:
            rows.append(("  auth, cars", results.one_module[case]))
        for server, figures in rows:
            table.add_row(
                case if server == "bare" else "",
                server,
                f"{figures.rps:,.0f}",
                f"{figures.p50_ms:.2f}",
                f"{figures.p99_ms:.2f}",
                f"{figures.cpu_us:.0f}",
                f"{cpu_ratio(figures, bare):.2f}",
                f"{figures.rps * figures.cpu_us / 1e6:.0%}",
            )
        table.add_section()
    return table


def _targets_table(results: Results) -> Table:
    table = Table(title="Targets", box=box.SIMPLE_HEAD)
    table.add_column("target")
    for heading in ("measured", "at most"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for verdict in verdicts(results):
        table.add_row(
            verdict.target,
            f"{verdict.measured:.2f} {verdict.unit}",
            f"{verdict.limit:g} {verdict.unit}",
            "[green]met[/]" if verdict.met else "[red]missed[/]",
        )
    return table
