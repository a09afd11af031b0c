"""What the documents say is there: links, files, make targets, commands, variables, the fields of the contract."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest
import typer
from pydantic_settings import BaseSettings

from monocoque.cli.commands import app as command_line
from monocoque.database import SESSION
from monocoque.modules import Module, load
from monocoque.registry import discover
from monocoque.settings import Settings, variable_of
from monocoque_migrations import connections
from tests.architecture.workspace import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
ADRS = sorted((ROOT / "docs/adr").glob("*.md"))
_LINK = re.compile(r"\]\(([^)#\s]+)")
_FILE = re.compile(r"`((?:platform|migrations|modules|tests|docs)/[\w./-]*)`")
_MAKE = re.compile(r"(?:`|^\$ )make ([a-z][a-z-]*)", re.MULTILINE)
_COMMAND = re.compile(r"(?:`|^\$ )(?:uv run )?monocoque ([a-z-]+(?: [a-z-]+)?)", re.MULTILINE)
_VARIABLE = re.compile(r"\bMONOCOQUE_[A-Z0-9_]*[A-Z0-9]\b(?!_\*)")


@cache
def targets() -> frozenset[str]:
    return frozenset(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@cache
def variables() -> frozenset[str]:
    kinds: list[type[BaseSettings]] = [Settings]
    kinds.extend(load(found.module.settings) for found in discover() if found.module.settings)
    return frozenset(variable_of(kind, name) for kind in kinds for name in kind.model_fields)


@cache
def commands() -> frozenset[str]:
    """Every command, with its group: `serve`, `db`, `db upgrade`."""
    found = set()
    groups = [("", command_line)]
    groups.extend((f"{group.info.name} ", group) for found in discover() if found.module.commands
                  for group in [load(found.module.commands)])  # fmt: skip
    for prefix, group in groups:
        found.add(prefix.strip())
        found.update(_names(prefix, group))
    return frozenset(found)


def _names(prefix: str, group: typer.Typer) -> Iterator[str]:
    for command in group.registered_commands:
        assert command.callback is not None
        yield prefix + (command.name or command.callback.__name__.replace("_", "-"))
    for below in group.registered_groups:
        assert below.name
        assert below.typer_instance
        yield prefix + below.name
        yield from _names(f"{prefix}{below.name} ", below.typer_instance)


def broken(text: str, folder: Path) -> list[str]:
    """What a text names that is not there; its links are relative to `folder`."""
    links = (link for link in _LINK.findall(text) if not link.startswith(("https://", "http://")))
    return [
        *(f"link {link}" for link in links if not (folder / link).exists()),
        *(f"file {file}" for file in _FILE.findall(text) if not (ROOT / file).exists()),
        *(f"make {target}" for target in _MAKE.findall(text) if target not in targets()),
        *(f"monocoque {command}" for command in _COMMAND.findall(text) if not _is_command(command)),
        *(f"variable {variable}" for variable in _VARIABLE.findall(text) if variable not in variables()),
    ]


def _is_command(words: str) -> bool:
    """Whether these words begin with a command; a group alone is followed by one of its own."""
    first = words.partition(" ")[0]
    is_group = any(name.startswith(f"{first} ") for name in commands())
    return words in commands() or (first in commands() and not is_group)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_names_is_there(document: Path) -> None:
    assert broken(document.read_text(encoding="utf-8"), document.parent) == []


def test_what_is_not_there_is_noticed() -> None:
    text = (
        "[one](docs/absent.md) [two](docs/modules.md#name) [three](https://example.org/absent) `tests/absent.py`\n"
        "`make absent` and `make run`, then\n$ make gone now\n"
        "`monocoque absent`, `monocoque db absent`, `monocoque db upgrade`, `monocoque serve --reload`\n"
        "MONOCOQUE_ABSENT=1, `MONOCOQUE_PORT`, MONOCOQUE_CARS_*, `MONOCOQUE_AUTH_ABSENT`\n"
    )
    assert broken(text, ROOT) == [
        "link docs/absent.md",
        "file tests/absent.py",
        "make absent",
        "make gone",
        "monocoque absent",
        "monocoque db absent",
        "variable MONOCOQUE_ABSENT",
        "variable MONOCOQUE_AUTH_ABSENT",
    ]


def test_the_first_screen_of_the_readme_has_the_commands() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 90
    screen = "\n".join(lines[:35])
    for command in ("make run", "make test", "uv run monocoque serve", "uv run pytest"):
        assert command in screen


def test_every_field_of_the_contract_is_documented_in_its_order() -> None:
    text = (ROOT / "docs/modules.md").read_text(encoding="utf-8")
    table = text.partition("## The contract")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == [field.name for field in fields(Module)]


@pytest.mark.parametrize("page", ADRS, ids=lambda path: path.stem)
def test_a_decision_is_one_page_of_the_same_form(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {page.name[:4]} ")
    assert re.findall(r"^\*\*(.+?)\.?\*\*", text, re.MULTILINE) == ["Context", "Decision", "Violated when", "Evidence"]
    assert len(text.splitlines()) <= 50


def test_decisions_are_numbered_without_gaps() -> None:
    assert [page.name[:4] for page in ADRS] == [f"{number:04}" for number in range(1, len(ADRS) + 1)]


def test_hooks_are_fetched_from_nowhere() -> None:
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"repo: (\S+)", text)) == {"local"}
    assert set(re.findall(r"language: (\S+)", text)) == {"system"}


def test_the_module_of_the_examples_of_operation_can_be_done_without() -> None:
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    names = set(re.findall(r"(?:--module |MONOCOQUE_MODULES_DISABLED=)(\w+)", text))
    assert len(names) == 1
    assert not names & {name for found in discover() for name in found.module.requires}


def test_a_pooler_is_told_to_ignore_all_that_is_set_on_connecting() -> None:
    operations = (ROOT / "docs" / "operations.md").read_text()
    [told] = re.findall("^ignore_startup_parameters = (.+)$", operations, re.MULTILINE)
    # It follows these by itself.
    known = {"application_name", "timezone"}
    assert set(told.split(", ")) == (SESSION.keys() | connections.SESSION.keys()) - known
    limits = {name: f"{int(value) // 1000}s" for name, value in SESSION.items() if name not in known}
    assert dict(re.findall("^ALTER ROLE monocoque SET (.+) = '(.+)';$", operations, re.MULTILINE)) == limits
