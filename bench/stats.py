"""The arithmetic of the bench: percentiles, medians over rounds, ratios."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.load import Window


@dataclass(frozen=True, slots=True)
class Figures:
    """What one server did in one case: requests a second, latencies in ms, server CPU in microseconds a request."""

    rps: float
    p50_ms: float
    p99_ms: float
    cpu_us: float


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of the values do not exceed (nearest rank)."""
    if not values:
        raise ValueError("a percentile needs at least one value")
    if not 0 <= share <= 1:
        raise ValueError(f"the share must lie between 0 and 1, not {share}")
    ordered = sorted(values)
    # Rounded first, because 0.07 * 100 is a little more than 7 in floating point and would climb a rank.
    return ordered[max(math.ceil(round(share * len(ordered), 9)) - 1, 0)]


def figures(window: Window) -> Figures:
    """The figures of one measured window."""
    requests = len(window.latencies)
    return Figures(
        rps=requests / window.seconds,
        p50_ms=percentile(window.latencies, 0.50) * 1e3,
        p99_ms=percentile(window.latencies, 0.99) * 1e3,
        cpu_us=window.cpu_seconds / requests * 1e6,
    )


def median(rounds: Sequence[Figures]) -> Figures:
    """The median of each figure over the rounds, one by one."""
    return Figures(
        rps=statistics.median(one.rps for one in rounds),
        p50_ms=statistics.median(one.p50_ms for one in rounds),
        p99_ms=statistics.median(one.p99_ms for one in rounds),
        cpu_us=statistics.median(one.cpu_us for one in rounds),
    )


def cpu_ratio(measured: Figures, reference: Figures) -> float:
    """How many times the reference's CPU a request costs."""
    if reference.cpu_us <= 0:
        raise ValueError("the reference used no measurable CPU: measure for longer")
    return measured.cpu_us / reference.cpu_us
