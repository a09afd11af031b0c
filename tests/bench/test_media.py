"""The bench of the catalogue runs as a whole: it fills, serves, measures both servers, and judges what it measured."""

import asyncio
import io
import json
import sys
from pathlib import Path

import asyncpg
import pytest
from rich.console import Console

from bench import media
from bench.report import Verdict
from bench.rounds import Plan

PLAN = Plan(rounds=1, seconds=0.5, warm_up=0.0, connections=2)


@pytest.fixture
def enough() -> int:
    """So many that they show in the time of the processor, which ticks a hundred times a second."""
    return 200


@pytest.mark.slow
def test_it_measures_searches_by_size_and_reads_against_bare(tmp_path: Path) -> None:
    output = tmp_path / "results.json"
    verdicts = media.run((60, 300), PLAN, output, Console(file=io.StringIO()))
    assert [(verdict.target, verdict.limit, verdict.unit) for verdict in verdicts] == [
        ("search of 300: p99", 50.0, "ms"),
        ("search: p99 against that of 60", 1.5, "x"),
        ("item: CPU against bare", 1.5, "x"),
        ("library: CPU against bare", 1.5, "x"),
        ("import of 300 rows", 30.0, "s"),
    ]
    assert all(verdict.measured > 0 for verdict in verdicts)
    results = json.loads(output.read_text())
    assert list(results["search"]) == ["60", "300"]
    assert results["reads"].keys() == {"item", "library"}
    assert all(of.keys() == {"bare", "monocoque"} for of in results["reads"].values())
    assert all(one["rps"] > 0 for one in results["search"].values())


def counted(url: str, what: str) -> int:
    async def ask() -> int:
        connection = await asyncpg.connect(url)
        found: int = await connection.fetchval(f"SELECT count(*) FROM {what}")
        await connection.close()
        return found

    return asyncio.run(ask())


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_a_catalogue_is_filled_once_and_one_in_use_is_left_alone(
    migrated_database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["media", "--fill", migrated_database_url, "--items", "40"])
    indexes = "pg_indexes WHERE schemaname = 'monocoque_media'"
    before = counted(migrated_database_url, indexes)
    assert media.main() == 0
    assert "Filling in 40 items" in said(capsys)
    assert media.main() == 2
    assert "The bench stopped: FillError The catalogue of this database is not empty" in said(capsys)
    assert counted(migrated_database_url, "monocoque_media.items") == 40
    assert counted(migrated_database_url, indexes) == before


def test_the_small_catalogue_is_smaller() -> None:
    assert media.parse(["--items", "400"]).items == 400
    assert media.parse(["--items", "1", "--fill", "postgresql://"]).items == 1
    with pytest.raises(SystemExit):
        media.parse(["--items", "399"])


@pytest.mark.parametrize(("measured", "code"), [(49.0, 0), (51.0, 1)])
def test_a_missed_target_is_told_and_fails_a_check(
    measured: float, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[int, ...]] = []

    def run(sizes: tuple[int, ...], *_: object) -> list[Verdict]:
        asked.append(sizes)
        return [Verdict("search: p99", measured, media.P99_LIMIT_MS, "ms")]

    monkeypatch.setattr(media, "run", run)
    monkeypatch.setattr(sys, "argv", ["media", "--items", "200000", "--check"])
    assert media.main() == code
    assert asked == [(10_000, 200_000)]
    assert f"search: p99: {measured:.2f} ms, at most 50: {'missed' if code else 'met'}" in said(capsys)
