"""What `make clients` works with: journeys that the committed document allows, and tools that are pinned.

The clients themselves are generated, compiled and used by `make clients`, which is a step of its own in `.ci/run`.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from clients.__main__ import StepError, run

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = ROOT / "clients"
TYPESCRIPT = (CLIENTS / "typescript/journey.ts").read_text(encoding="utf-8")
PYTHON = (CLIENTS / "python/journey.py").read_text(encoding="utf-8")


def contract(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "contracts" / name).read_text(encoding="utf-8"))
    return found


def camel(name: str) -> str:
    """How the TypeScript client spells an operation's id."""
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def typescript_operations() -> set[str]:
    return set(re.findall(r"\bapi\.([a-z]\w+)\(", TYPESCRIPT))


def python_operations() -> set[str]:
    return set(re.findall(r"\b([a-z_]+)\.sync(?:_detailed)?\(", PYTHON))


def test_both_journeys_call_the_same_operations_and_all_are_in_the_document() -> None:
    operations = {
        operation["operationId"]
        for path in contract("openapi.json")["paths"].values()
        for operation in path.values()
        if "operationId" in operation
    }
    assert python_operations() <= operations
    assert {camel(name) for name in python_operations()} == typescript_operations()
    assert len(typescript_operations()) > 20


def test_both_journeys_meet_the_same_problems_and_all_are_registered() -> None:
    codes = {code for group in contract("problem-codes.json").values() for code in group}
    typescript = set(re.findall(r"\bmet\('([\w.]+)'", TYPESCRIPT))
    assert set(re.findall(r'\bmet\("([\w.]+)"', PYTHON)) == typescript
    assert typescript <= codes
    assert len(typescript) > 5


def test_what_the_clients_are_made_with_is_pinned_and_locked() -> None:
    project = tomllib.loads((CLIENTS / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked = {
        f"{package['name']}=={package['version']}"
        for package in tomllib.loads((CLIENTS / "uv.lock").read_text(encoding="utf-8"))["package"]
    }
    assert set(project["dependencies"]) <= locked

    wanted = json.loads((CLIENTS / "typescript/package.json").read_text(encoding="utf-8"))["devDependencies"]
    packages = json.loads((CLIENTS / "typescript/package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert wanted == {name: packages[f"node_modules/{name}"]["version"] for name in wanted}
    assert all("integrity" in package for path, package in packages.items() if path)
    # Packages come from the registry that whoever runs this has configured, not from the one they were locked with.
    assert not any("resolved" in package for package in packages.values())


def test_a_tool_that_fails_is_shown_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(StepError, match=r"-c(.|\n)*no such document\n$"):
        run(tmp_path, sys.executable, "-c", "import sys; sys.exit('no such document')")
