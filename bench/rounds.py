"""Rounds: every server is measured in each of them, so that a change of the machine's mood meets them all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bench.load import Case, measure
from bench.stats import Figures, figures, median


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how often to measure.

    With these figures two processes of one and the same server came out up to 4 % apart on two shared cores: before a
    ratio close to its limit is believed, raise `rounds` and keep the machine quiet.
    """

    rounds: int = 5
    seconds: float = 1.5
    warm_up: float = 0.5
    connections: int = 8


QUICK = Plan(rounds=1, seconds=0.5, warm_up=0.2)


class Measurable(Protocol):
    """What a server under test must give away."""

    name: str
    port: int

    def cpu_seconds(self) -> float:
        """CPU time used so far."""
        ...


async def interleave(
    case: Case, servers: Sequence[Measurable], plan: Plan, *, announce: Callable[[str], None] = lambda _: None
) -> dict[str, Figures]:
    """The median figures of each server, by its name; whoever goes first changes from round to round."""
    rounds: dict[str, list[Figures]] = {server.name: [] for server in servers}
    for number in range(plan.rounds):
        first = number % len(servers)
        for server in (*servers[first:], *servers[:first]):
            announce(f"{case.name}: round {number + 1} of {plan.rounds}, {server.name}")
            window = await measure(
                server.port,
                case,
                cpu_clock=server.cpu_seconds,
                connections=plan.connections,
                warm_up=plan.warm_up,
                seconds=plan.seconds,
            )
            rounds[server.name].append(figures(window))
    return {name: median(measured) for name, measured in rounds.items()}
