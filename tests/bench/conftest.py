"""The bench is a package of the repository's root, not a distribution: pytest has to be told where it is."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2]))


@pytest.fixture
def enough() -> int:
    """How many replies are something to measure."""
    return 5


@pytest.fixture(autouse=True)
def unhurried(enough: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every window last until there is something to measure in it, though the machine stands still meanwhile."""
    from bench import load

    wait = load._run_for

    async def until_answered(seconds: float, run: Any) -> None:
        await wait(seconds, run)
        async with asyncio.timeout(60):
            while seconds and not run.stopping and len(run.latencies) < enough:
                await wait(0.01, run)

    monkeypatch.setattr(load, "_run_for", until_answered)
