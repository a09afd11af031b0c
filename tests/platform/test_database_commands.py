"""`monocoque db`: what cannot be done is said before anything is asked or started."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from monocoque.cli.commands import app as command_line


def test_a_purge_that_is_impossible_is_refused_before_anyone_is_asked(
    worker_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONOCOQUE_DATABASE_URL", worker_database_url)
    monkeypatch.setenv("MONOCOQUE_MODULES_DISABLED", "cars,build_lists")
    done = CliRunner().invoke(command_line, ["db", "purge", "--module", "cars"])
    assert done.exit_code == 1
    assert "monocoque_build_lists.build_lists (" in done.output
    assert "Purge or downgrade what refers to it first. Nothing was dropped." in done.output
    assert "for good" not in done.output


@pytest.mark.parametrize("command", ["upgrade", "downgrade --module cars", "status", "check", "revision -m cars x"])
def test_a_choice_of_modules_that_is_wrong_starts_no_database(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONOCOQUE_MODULES_DISABLED", "cars")
    done = CliRunner().invoke(command_line, ["db", *command.split()])
    assert done.exit_code == 1
    assert "The module 'build_lists' requires cars." in done.output
    assert list(tmp_path.iterdir()) == []
