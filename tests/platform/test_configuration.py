"""What is configured wrongly is said all at once, and before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from typer.testing import CliRunner

from monocoque import asgi, configuration
from monocoque.cli.commands import app as command_line
from monocoque.configuration import load_configuration
from monocoque.failures import StartupError
from monocoque.registry import Installed
from tests.platform.workshop import Workshop


class DoorSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="MONOCOQUE_DOORS_", hide_input_in_errors=True)
    count: int = Field(1, ge=1)


class GateSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="MONOCOQUE_GATES_", hide_input_in_errors=True)
    count: int = Field(1, ge=1)


@pytest.fixture(autouse=True)
def installed(workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two modules, a working folder without a `.env`, and no database but one that would be started."""
    doors = workshop.module("doors", settings=DoorSettings)
    gates = workshop.module("gates", settings=GateSettings, contract={"requires": ("doors",)})
    monkeypatch.setattr(configuration, "discover", lambda: [Installed(doors, "1"), Installed(gates, "1")])
    monkeypatch.chdir(tmp_path)


def refusal(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    for name, value in variables.items():
        monkeypatch.setenv(f"MONOCOQUE_{name}", value)
    with pytest.raises(StartupError) as caught:
        load_configuration()
    return str(caught.value)


def test_a_configuration_that_holds_has_all_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONOCOQUE_DOORS_COUNT", "4")
    monkeypatch.setenv("MONOCOQUE_MODULES_DISABLED", "gates")
    found = load_configuration(port=7)
    assert found.settings.port == 7
    assert [module.name for module in found.inventory.enabled] == ["doors"]
    assert found.module_settings == {"doors": DoorSettings(count=4)}


def test_what_is_wrong_with_the_shell_and_with_modules_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    message = refusal(monkeypatch, SECRET_KEY="short", DOORS_COUNT="0", GATES_COUNT="0", PORT="x")
    assert message.count("The configuration is not valid.") == 1
    for name in ("SECRET_KEY", "DOORS_COUNT", "GATES_COUNT", "PORT"):
        assert message.count(f"  - MONOCOQUE_{name}: ") == 1


def test_a_module_that_is_left_out_may_be_configured_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    message = refusal(monkeypatch, SECRET_KEY="short", DOORS_COUNT="0", GATES_COUNT="0", MODULES=" doors ,")
    assert "MONOCOQUE_DOORS_COUNT" in message
    assert "MONOCOQUE_GATES_COUNT" not in message


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"MODULES": "dors"}, "MONOCOQUE_MODULES names a module that is not installed: 'dors'. Did you mean 'doors'?"),
        ({"MODULES_DISABLED": "doors"}, "The module 'gates' requires doors."),
    ],
)
def test_where_the_modules_cannot_be_known_what_can_be_is_said(
    variables: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = refusal(monkeypatch, SECRET_KEY="short", **variables)
    assert "  - MONOCOQUE_SECRET_KEY: " in message
    assert f"  - {said}" in message
    monkeypatch.delenv("MONOCOQUE_SECRET_KEY")
    assert refusal(monkeypatch).startswith(said)


def test_an_env_file_that_cannot_be_read_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_bytes(b"\xff")
    assert refusal(monkeypatch).startswith("The file .env cannot be read: it is not UTF-8 text.")


@pytest.mark.parametrize("command", ["serve", "serve --migrate", "serve --demo", "demo load", "demo reset"])
def test_a_wrong_setting_of_a_module_is_said_before_anything_is_started(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONOCOQUE_DOORS_COUNT", "0")
    done = CliRunner().invoke(command_line, command.split())
    assert done.exit_code == 1
    assert "MONOCOQUE_DOORS_COUNT: " in done.output
    assert list(tmp_path.iterdir()) == []


def test_another_server_is_told_all_at_once_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONOCOQUE_SECRET_KEY", "short")
    monkeypatch.setenv("MONOCOQUE_DOORS_COUNT", "0")
    with pytest.raises(StartupError) as caught:
        asgi.create()
    for name in ("SECRET_KEY", "DOORS_COUNT"):
        assert f"MONOCOQUE_{name}: " in str(caught.value)
