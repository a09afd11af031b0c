"""The project keeps its rules, and each rule notices what it forbids."""

import platform
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.architecture import rules
from tests.architecture.workspace import ROOT, change, plant

Plant = Callable[[Path], None]


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_project_keeps_the_rule(rule: rules.Rule) -> None:
    assert list(rule(ROOT)) == []


def _append(file: str, text: str) -> Plant:
    return lambda root: plant(root, file, text)


def _change(file: str, old: str, new: str) -> Plant:
    return lambda root: change(root, file, old, new)


CARS = "modules/cars/monocoque_cars"
PLANTS: list[tuple[rules.Rule, Plant, str]] = [
    (rules.files_stay_short, _append(f"{CARS}/vin.py", "pass\n" * 400), "vin.py has 5"),
    (rules.files_stay_short, _append("bench/endless.py", "pass\n" * 400), "bench/endless.py has 40"),
    (rules.contracts_stay_short, _append(f"{CARS}/module.py", "#\n" * 40), "cars: module.py has 5"),
    (rules.platform_stays_a_plain_folder, _append("platform/__init__.py", ""), "delete it"),
    (
        rules.revisions_stand_alone,
        _append(f"{CARS}/migrations/0001_create_cars.py", "from monocoque_cars.models import Car"),
        "0001_create_cars.py imports monocoque_cars.models",
    ),
    (
        rules.revisions_stand_alone,
        _append("platform/monocoque/migrations/0001_create_shell.py", "def upgrade_more():\n    import httpx"),
        "imports httpx",
    ),
    (
        rules.statements_live_in_queries,
        _append(f"{CARS}/service.py", "from monocoque.queries import Query as Ask\nASK = Ask(None)"),
        "service.py holds a statement",
    ),
    (
        rules.statements_live_in_queries,
        _append(f"{CARS}/routes.py", "from sqlmodel import select\nCOUNT = select(1)"),
        "routes.py holds a statement",
    ),
    (
        rules.statements_live_in_queries,
        _append("platform/monocoque/app.py", "from monocoque.queries import Query\nASK = Query(None)"),
        "app.py holds a statement",
    ),
    (
        rules.middleware_is_pure_asgi,
        _append("platform/monocoque/middleware.py", "from starlette.middleware.base import BaseHTTPMiddleware"),
        "middleware.py uses BaseHTTPMiddleware",
    ),
    (
        rules.middleware_is_pure_asgi,
        _append("platform/monocoque/app.py", 'def more(app):\n    @app.middleware("http")\n    def it(): ...'),
        "app.py uses @app.middleware",
    ),
    (
        rules.modules_have_the_same_rooms,
        lambda root: (root / CARS / "facade.py").unlink(),
        "cars has no facade.py",
    ),
    (
        rules.modules_have_the_same_rooms,
        lambda root: (root / CARS / "migrations/0001_create_cars.py").unlink(),
        "cars has no first revision",
    ),
    (
        rules.modules_have_the_same_rooms,
        _append(f"{CARS}/migrations/env.py", ""),
        "cars has an env.py of its own",
    ),
    (
        rules.requirements_agree,
        _append(f"{CARS}/service.py", "from monocoque_parts.facade import find_part"),
        "cars: module.py and its code disagree about parts",
    ),
    (
        rules.requirements_agree,
        _change(f"{CARS}/module.py", 'requires=("auth",)', 'requires=("auth", "parts")'),
        "cars: module.py and pyproject.toml disagree about parts",
    ),
    (
        rules.requirements_agree,
        _change("modules/cars/pyproject.toml", '    "monocoque-auth",\n', ""),
        "cars: module.py and pyproject.toml disagree about auth",
    ),
    (
        rules.requirements_agree,
        _change("modules/cars/pyproject.toml", "monocoque-auth = { workspace = true }\n", ""),
        "cars: pyproject.toml does not take monocoque-auth from the workspace",
    ),
    (
        rules.imports_are_declared,
        _append(f"{CARS}/vin.py", "def late():\n    from jose import jwt"),
        "monocoque-cars imports jose",
    ),
    (
        rules.imports_are_declared,
        _append("platform/monocoque/app.py", "import not_installed.anywhere"),
        "monocoque imports not_installed",
    ),
    (
        rules.imports_are_declared,
        _change("modules/auth/pyproject.toml", '    "python-jose[cryptography]>=3.5",\n', ""),
        "monocoque-auth imports jose",
    ),
    (
        rules.imports_are_declared,
        _change("modules/parts/pyproject.toml", '    "pydantic>=2.12",\n', ""),
        "monocoque-parts imports pydantic_core",
    ),
    (
        rules.names_agree,
        lambda root: _rename(root / "modules/cars", root / "modules/automobiles"),
        "automobiles: its distribution is 'monocoque-cars'",
    ),
    (rules.names_agree, _change(f"{CARS}/module.py", 'name="cars"', 'name="automobiles"'), "contract name"),
    (rules.names_agree, _change(f"{CARS}/module.py", "monocoque_cars.routes", "monocoque_cars.roads"), "not there"),
    (rules.names_agree, _change(f"{CARS}/module.py", "monocoque_cars.jobs", "elsewhere.jobs"), "not in its package"),
    (rules.names_agree, _change(f"{CARS}/models.py", '"monocoque_cars"', '"cars"'), "its schema is {'cars'}"),
    (rules.names_agree, _change(f"{CARS}/problems.py", '"cars.not_found"', '"missing"'), "the code 'missing'"),
    (rules.names_agree, _change("modules/cars/pyproject.toml", "\ncars = ", "\nauto = "), "entry points"),
    (
        rules.names_agree,
        _change("modules/auth/monocoque_auth/settings.py", '"MONOCOQUE_AUTH_"', '"AUTH_"'),
        "auth: its settings prefix is {'AUTH_'}",
    ),
    (
        rules.versions_are_in_lockstep,
        _change("modules/cars/pyproject.toml", 'version = "', 'version = "9.'),
        "'monocoque-cars': '9.",
    ),
    (
        rules.versions_are_in_lockstep,
        _change("platform/monocoque/__init__.py", '__version__ = "', '__version__ = "9.'),
        "'monocoque.__version__': '9.",
    ),
]


def _rename(source: Path, target: Path) -> None:
    shutil.move(source, target)


@pytest.mark.parametrize(
    ("rule", "violate", "said"), PLANTS, ids=[f"{rule.__name__}: {said}" for rule, _, said in PLANTS]
)
def test_a_planted_violation_is_named(copy: Path, rule: rules.Rule, violate: Plant, said: str) -> None:
    before = list(rule(copy))
    violate(copy)
    found = [line for line in rule(copy) if line not in before]
    assert any(said in line for line in found), found


def test_every_rule_has_a_planted_violation() -> None:
    assert {rule for rule, _, _ in PLANTS} == set(rules.RULES)


@pytest.mark.parametrize("file", rules.STATEMENTS_ELSEWHERE)
def test_an_exception_that_is_none_is_struck_off(file: str) -> None:
    assert rules.holds_statement(ROOT / file), "it holds no statement any more: strike it off in rules.py"


def test_platform_is_the_standard_librarys() -> None:
    assert platform.system()
    assert Path(platform.__file__).parent != ROOT / "platform"
