"""The workspace as its files show it: members, what they declare and what they import. Nothing is executed."""

from __future__ import annotations

import ast
import re
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("platform", "migrations", "modules", "bench")
_TABLE = re.compile(r"^(monocoque_[a-z0-9_]+)\.[a-z0-9_]+(\.[a-z0-9_]+)?$")
_REQUIREMENT = re.compile(r"^[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Member:
    """One folder with a `pyproject.toml` of its own."""

    path: Path

    @cached_property
    def project(self) -> dict[str, Any]:
        return tomllib.loads((self.path / "pyproject.toml").read_text(encoding="utf-8"))

    @property
    def distribution(self) -> str:
        return str(self.project["project"]["name"])

    @property
    def package(self) -> str:
        return self.distribution.replace("-", "_")

    @property
    def source(self) -> Path:
        return self.path / self.package

    @property
    def version(self) -> str:
        return str(self.project["project"]["version"])

    @property
    def depends_on(self) -> set[str]:
        """The distributions that it declares."""
        matches = (_REQUIREMENT.match(line) for line in self.project["project"]["dependencies"])
        return {match[0] for match in matches if match}

    @cached_property
    def imports(self) -> set[str]:
        """The top-level packages that its code imports."""
        return {name.partition(".")[0] for file in python_files(self.source) for name, _ in imported(file)}

    @cached_property
    def references(self) -> set[str]:
        """The schemas that its models and revisions name, such as in `ForeignKey("monocoque_auth.users.id")`."""
        return {
            match[1]
            for file in python_files(self.source)
            for node in ast.walk(parsed(file))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            if (match := _TABLE.match(node.value))
        }


class FeatureModule(Member):
    """A member below `modules/`."""

    @property
    def name(self) -> str:
        return self.path.name

    @cached_property
    def contract(self) -> dict[str, Any]:
        """The literal arguments of `Module(...)` in module.py."""
        call = next(
            node
            for node in ast.walk(parsed(self.source / "module.py"))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Module"
        )
        return {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg}

    @property
    def requires(self) -> set[str]:
        return set(self.contract.get("requires", ()))


def members(root: Path) -> list[Member]:
    """The shell, the migration engine and every module."""
    return [Member(root / "platform"), Member(root / "migrations"), *feature_modules(root)]


def feature_modules(root: Path) -> list[FeatureModule]:
    """The folders below `modules/`: the list of folders is the list of features."""
    folders = sorted(path for path in (root / "modules").iterdir() if path.is_dir() and path.name != "__pycache__")
    return [FeatureModule(folder) for folder in folders]


def python_files(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.rglob("*.py")) if "__pycache__" not in file.parts)


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_bytes(), filename=str(file))


def imported(file: Path) -> Iterator[tuple[str, str]]:
    """`(module, name)` for each import of a file; the name is empty for `import module`."""
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)


def local_names(file: Path, *origins: str) -> set[str]:
    """What the file calls the given objects, each named `package.file.object`."""
    return {
        alias.asname or alias.name
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if f"{node.module}.{alias.name}" in origins
    }


def calls(file: Path, names: set[str]) -> Iterator[ast.Call]:
    """The calls of any of these names in a file."""
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node


def copy_workspace(target: Path) -> Path:
    """The sources and their configuration, somewhere where a violation can be planted."""
    leave_out = shutil.ignore_patterns("__pycache__", "results.json", "*.egg-info")
    for folder in SOURCES:
        shutil.copytree(ROOT / folder, target / folder, ignore=leave_out)
    shutil.copy(ROOT / "pyproject.toml", target)
    return target


def plant(root: Path, file: str, text: str) -> None:
    """Append to a file of the copy, which is made if it is not there."""
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as handle:
        handle.write(f"\n{text}\n")


def change(root: Path, file: str, old: str, new: str) -> None:
    """Replace what must be there in a file of the copy."""
    path = root / file
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{file} no longer contains {old!r}: plant something else"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
