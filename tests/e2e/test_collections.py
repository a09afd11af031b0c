"""The Postman and the Bruno collection, run from top to bottom by their own programs against a fresh server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.node import program, with_node
from tests.e2e.process import Served

NEWMAN = "newman@6.2.2"
BRUNO = "@usebruno/cli@4.1.0"
RUN_SECONDS = 600


@pytest.fixture
def newman() -> Path:
    return program(NEWMAN, "newman")


@pytest.fixture
def bru() -> Path:
    return program(BRUNO, "bru")


@pytest.fixture
def served(tmp_path: Path, migrated_database_url: str) -> Iterator[Served]:
    with Served(tmp_path, variables={"DATABASE_URL": migrated_database_url}) as running:
        yield running


def run(*command: str | Path, folder: Path) -> str:
    """Run a program to its end, and give what it said; fails with that where it failed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=with_node(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-6000:]
    return said


def called(repository: Path) -> int:
    """How many requests the collections make."""
    folders = json.loads((repository / "contracts/postman.json").read_text())["item"]
    return sum(len(folder["item"]) for folder in folders)


@pytest.mark.slow
def test_every_request_of_the_postman_collection_passes(
    newman: Path, served: Served, repository: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    run(
        newman,
        "run",
        repository / "contracts/postman.json",
        *("--env-var", f"baseUrl={served.base}"),
        *("--reporters", "cli,json", "--reporter-json-export", report),
        *("--color", "off"),
        folder=tmp_path,
    )
    stats: dict[str, Any] = json.loads(report.read_text())["run"]["stats"]
    wanted = {"total": called(repository), "pending": 0, "failed": 0}
    assert stats["requests"] == stats["assertions"] == wanted


@pytest.mark.slow
def test_every_request_of_the_bruno_collection_passes(
    bru: Path, served: Served, repository: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    said = run(
        bru,
        "run",
        "-r",
        *("--env", "local", "--env-var", f"baseUrl={served.base}"),
        *("--sandbox", "developer", "--noproxy"),
        *("--reporter-json", report),
        folder=repository / "contracts/bruno",
    )
    assert "failed" not in said
    (summary,) = (iteration["summary"] for iteration in json.loads(report.read_text()))
    assert summary["totalRequests"] == summary["passedRequests"] == summary["passedTests"] == called(repository)
