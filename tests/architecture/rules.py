"""The rules that import-linter does not know: each gives the violations that it finds below a root, one a line."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

from tests.architecture.workspace import (
    SOURCES,
    FeatureModule,
    calls,
    feature_modules,
    imported,
    local_names,
    members,
    parsed,
    python_files,
)

MOST_LINES = 400
MOST_CONTRACT_LINES = 40
ROOMS = (
    "__init__.py",
    "contracts.py",
    "facade.py",
    "migrations/__init__.py",
    "models.py",
    "module.py",
    "problems.py",
    "py.typed",
    "queries.py",
    "routes.py",
    "schemas.py",
    "service.py",
)
STATEMENTS_ELSEWHERE = {
    "platform/monocoque/demo.py": "what is missing is asked of whatever table a module names",
    "platform/monocoque/health.py": "the ping",
    "platform/monocoque/idempotency.py": "kept replies are read and written nowhere else",
    "platform/monocoque/jobs.py": "the lock of a job",
    "platform/monocoque/revocations.py": "the news of ended sessions are read and written nowhere else",
}
BROUGHT_ALONG = {"pydantic_core": "pydantic"}
"""Packages that come with another one, which names the only version that fits."""
STATEMENTS = tuple(
    f"{library}.{verb}"
    for library in ("sqlalchemy", "sqlmodel", "sqlalchemy.dialects.postgresql")
    for verb in ("select", "insert", "update", "delete", "union", "union_all", "text")
)

Rule = Callable[[Path], Iterator[str]]


def files_stay_short(root: Path) -> Iterator[str]:
    for folder in SOURCES:
        for file in python_files(root / folder):
            lines = len(file.read_text(encoding="utf-8").splitlines())
            if lines > MOST_LINES:
                yield f"{file.relative_to(root)} has {lines} lines; a file of more than {MOST_LINES} is two files"


def contracts_stay_short(root: Path) -> Iterator[str]:
    for module in feature_modules(root):
        lines = len((module.source / "module.py").read_text(encoding="utf-8").splitlines())
        if lines > MOST_CONTRACT_LINES:
            yield f"{module.name}: module.py has {lines} lines; a contract has at most {MOST_CONTRACT_LINES}"


def platform_stays_a_plain_folder(root: Path) -> Iterator[str]:
    if (root / "platform" / "__init__.py").exists():
        yield "platform/__init__.py would take the place of the standard library's platform: delete it"


def revisions_stand_alone(root: Path) -> Iterator[str]:
    for member in members(root):
        for file in sorted((member.source / "migrations").glob("0*.py")):
            for name, _ in imported(file):
                if name.partition(".")[0] not in {"alembic", "sqlalchemy"}:
                    yield f"{file.relative_to(root)} imports {name}: what it means must never change again"


def statements_live_in_queries(root: Path) -> Iterator[str]:
    modules = {module.source for module in feature_modules(root)}
    for source in sorted({root / "platform" / "monocoque", *modules}):
        for file in python_files(source):
            name = file.relative_to(root).as_posix()
            at_home = file.name == "queries.py" or file.parent.name in {"queries", "migrations"}
            if at_home or name in STATEMENTS_ELSEWHERE:
                continue
            # The shell offers building blocks for statements; tables need text() for their indexes.
            verbs = [verb for verb in STATEMENTS if file.name != "models.py" or not verb.endswith(".text")]
            if holds_statement(file, *(verbs if source in modules else ())):
                yield f"{name} holds a statement: it belongs in queries.py, or its reason in rules.py"


def holds_statement(file: Path, *verbs: str) -> bool:
    """Whether a file constructs a Query, or calls one of SQLAlchemy's `verbs`."""
    return any(calls(file, local_names(file, "monocoque.queries.Query", *verbs)))


def middleware_is_pure_asgi(root: Path) -> Iterator[str]:
    for folder in SOURCES:
        for file in python_files(root / folder):
            for name, object_name in imported(file):
                if "BaseHTTPMiddleware" in (name, object_name) or name == "starlette.middleware.base":
                    yield f"{file.relative_to(root)} uses BaseHTTPMiddleware, which leaks connections: write pure ASGI"
            for node in ast.walk(parsed(file)):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr == "middleware"
                ):
                    yield f"{file.relative_to(root)} uses @app.middleware, which is BaseHTTPMiddleware: write pure ASGI"


def modules_have_the_same_rooms(root: Path) -> Iterator[str]:
    for module in feature_modules(root):
        missing = [room for room in ROOMS if not _has_room(module.source, room)]
        if missing:
            yield f"{module.name} has no {', '.join(missing)}"
        if not list((module.source / "migrations").glob("0001_*.py")):
            yield f"{module.name} has no first revision"
        if (module.source / "migrations" / "env.py").exists():
            yield f"{module.name} has an env.py of its own: the engine brings the one environment"


def _has_room(source: Path, room: str) -> bool:
    """Whether a room is there; a large one is a folder of that name, services are files by their subject."""
    name = room.removesuffix(".py")
    if (source / room).is_file() or (room != name and (source / name / "__init__.py").is_file()):
        return True
    return room == "service.py" and any(source.glob("*_service.py"))


def requirements_agree(root: Path) -> Iterator[str]:
    modules = {module.package: module for module in feature_modules(root)}
    for module in modules.values():
        declared = {modules[found].name for found in _packages(module.depends_on) & modules.keys()}
        used = {modules[found].name for found in (module.imports | module.references) & modules.keys()} - {module.name}
        for name in sorted(used ^ module.requires):
            yield f"{module.name}: module.py and its code disagree about {name}"
        for name in sorted(declared ^ module.requires):
            yield f"{module.name}: module.py and pyproject.toml disagree about {name}"
        sources = module.project["tool"]["uv"]["sources"]
        for name in sorted({"monocoque", *(f"monocoque-{_slug(required)}" for required in module.requires)}):
            if sources.get(name) != {"workspace": True}:
                yield f"{module.name}: pyproject.toml does not take {name} from the workspace"


def imports_are_declared(root: Path) -> Iterator[str]:
    distributions = packages_distributions()
    ours = {member.package for member in members(root)}
    for member in members(root):
        declared = {_slug(name).lower() for name in member.depends_on}
        for package in sorted(member.imports - ours - sys.stdlib_module_names):
            providers = [*distributions.get(package, []), BROUGHT_ALONG.get(package, package)]
            if not declared & {_slug(name).lower() for name in providers}:
                yield f"{member.distribution} imports {package}, which its pyproject.toml does not declare"


def names_agree(root: Path) -> Iterator[str]:
    for module in feature_modules(root):
        name, package = module.name, f"monocoque_{module.name}"
        expected: dict[str, tuple[Any, Any]] = {
            "distribution": (module.distribution, f"monocoque-{_slug(name)}"),
            "package folder": (module.source.is_dir(), True),
            "contract name": (module.contract.get("name"), name),
            "contract package": (module.contract.get("package", package), package),
            "entry points": (
                module.project["project"].get("entry-points"),
                {"monocoque.modules": {name: f"{package}.module:module"}},
            ),
            "build backend": (module.project["tool"]["uv"]["build-backend"]["module-name"], package),
            "schema": (_constants(module.source / "models.py", "SCHEMA"), {package}),
        }
        if (module.source / "settings.py").is_file():
            prefixes = _constants(module.source / "settings.py", "env_prefix")
            expected["settings prefix"] = (prefixes, {f"MONOCOQUE_{name.upper()}_"})
        for what, (found, wanted) in expected.items():
            if found != wanted:
                yield f"{name}: its {what} is {found!r} instead of {wanted!r}"
        yield from _references_stay_at_home(module, package)
        yield from _codes_are_its_own(module)


def _references_stay_at_home(module: FeatureModule, package: str) -> Iterator[str]:
    for field, value in module.contract.items():
        if field in {"name", "summary", "package"} or not isinstance(value, str):
            continue
        if not value.startswith(f"{package}."):
            yield f"{module.name}: its {field} is {value!r}, which is not in its package"
            continue
        file = module.path / (value.partition(":")[0].replace(".", "/") + ".py")
        if not file.is_file() and not (file.with_suffix("") / "__init__.py").is_file():
            yield f"{module.name}: its {field} names {value!r}, which is not there"


def _codes_are_its_own(module: FeatureModule) -> Iterator[str]:
    for file in python_files(module.source):
        for call in calls(file, local_names(file, "monocoque.problems.ProblemCode")):
            first = call.args[0] if call.args else None
            code = first.value if isinstance(first, ast.Constant) else None
            if not isinstance(code, str) or not code.startswith(f"{module.name}."):
                yield f"{module.name}: {file.name} declares the code {code!r}, which does not begin with {module.name}."


def versions_are_in_lockstep(root: Path) -> Iterator[str]:
    versions = {member.distribution: member.version for member in members(root)}
    versions["the workspace"] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "version"
    ]
    versions["monocoque.__version__"] = ", ".join(_constants(root / "platform/monocoque/__init__.py", "__version__"))
    if len(set(versions.values())) > 1:
        yield f"members have different versions: {versions}"


def _slug(name: str) -> str:
    return name.replace("_", "-")


def _packages(distributions: set[str]) -> set[str]:
    return {name.replace("-", "_") for name in distributions}


def _constants(file: Path, name: str) -> set[str]:
    """What a file assigns, as text, to a name or to an argument of that name."""
    found: list[tuple[str | None, ast.expr]] = []
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.keyword):
            found.append((node.arg, node.value))
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found.append((node.targets[0].id, node.value))
    return {str(value.value) for arg, value in found if arg == name and isinstance(value, ast.Constant)}


RULES: tuple[Rule, ...] = (
    contracts_stay_short,
    files_stay_short,
    imports_are_declared,
    middleware_is_pure_asgi,
    modules_have_the_same_rooms,
    names_agree,
    platform_stays_a_plain_folder,
    requirements_agree,
    revisions_stand_alone,
    statements_live_in_queries,
    versions_are_in_lockstep,
)
