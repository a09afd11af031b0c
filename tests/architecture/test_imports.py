"""The import contracts of pyproject.toml: kept by the project, and each broken by what it forbids."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.workspace import ROOT, feature_modules, members, plant


def lint(root: Path) -> tuple[int, str]:
    """Run import-linter with the project's own configuration on the packages below `root`."""
    packages = os.pathsep.join(str(member.path) for member in members(root))
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": packages, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    return done.returncode, done.stdout + done.stderr


CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
CONTRACTS = {contract["name"]: contract for contract in CONFIGURATION["contracts"]}
LAYERS = "Layers point downwards"
SHELL = "The shell and the migration engine know no module"
CYCLES = "No import cycles"


def public(module: str) -> str:
    return f"Only the facade and the contracts of {module} are public"


PLANTS = [
    (LAYERS, "platform/monocoque/app.py", "import monocoque_cars.contracts"),
    (LAYERS, "migrations/monocoque_migrations/locking.py", "from monocoque.failures import StartupError"),
    (LAYERS, "modules/auth/monocoque_auth/service.py", "from monocoque_cars import facade"),
    (LAYERS, "modules/cars/monocoque_cars/service.py", "from monocoque_parts.facade import find_part"),
    (LAYERS, "modules/parts/monocoque_parts/service.py", "from monocoque_cars.contracts import CarCard"),
    (SHELL, "platform/monocoque/jobs.py", "def late():\n    from monocoque_auth.facade import build_authenticator"),
    (SHELL, "platform/monocoque/cli/planted.py", "import monocoque_parts.contracts"),
    (SHELL, "migrations/monocoque_migrations/state.py", "import monocoque_build_lists.contracts"),
    (public("auth"), "modules/cars/monocoque_cars/service.py", "from monocoque_auth.models import User"),
    (public("auth"), "modules/parts/monocoque_parts/jobs.py", "import monocoque_auth"),
    (public("build_lists"), "modules/cars/monocoque_cars/jobs.py", "import monocoque_build_lists.models"),
    (public("cars"), "modules/build_lists/monocoque_build_lists/jobs.py", "from monocoque_cars import queries"),
    (public("media"), "modules/build_lists/monocoque_build_lists/jobs.py", "from monocoque_media import item_service"),
    (public("menus"), "modules/build_lists/monocoque_build_lists/jobs.py", "import monocoque_menus.models"),
    (public("parts"), "modules/build_lists/monocoque_build_lists/jobs.py", "import monocoque_parts.service"),
    (CYCLES, "modules/cars/monocoque_cars/models.py", "from monocoque_cars import routes"),
    (CYCLES, "platform/monocoque/queries.py", "def late():\n    from monocoque.app import create_app"),
    (CYCLES, "migrations/monocoque_migrations/contract.py", "import monocoque_migrations.running"),
    ("Only tokens.py uses jose", "modules/auth/monocoque_auth/service.py", "from jose import jwt"),
    ("Only tokens.py uses jose", "platform/monocoque/security.py", "import jose.jws"),
    ("Only passwords.py uses bcrypt", "modules/auth/monocoque_auth/tokens.py", "import bcrypt"),
]


def test_the_project_and_its_copy_keep_every_contract(copy: Path) -> None:
    for root in (ROOT, copy):
        code, said = lint(root)
        assert code == 0, said
        assert f"{len(CONTRACTS)} kept, 0 broken" in said


@pytest.mark.parametrize(("contract", "file", "line"), PLANTS, ids=[f"{file}: {line}" for _, file, line in PLANTS])
def test_a_planted_import_is_refused(copy: Path, contract: str, file: str, line: str) -> None:
    plant(copy, file, line)
    code, said = lint(copy)
    assert code == 1, said
    assert f"{contract} BROKEN" in said


def test_every_contract_has_a_planted_violation() -> None:
    assert {contract for contract, _, _ in PLANTS} == set(CONTRACTS)


def test_facades_and_contracts_are_open_to_modules_above(copy: Path) -> None:
    for name in ("facade", "contracts"):
        plant(copy, "modules/build_lists/monocoque_build_lists/jobs.py", f"import monocoque_auth.{name}")
    code, said = lint(copy)
    assert code == 0, said


def test_every_package_is_placed() -> None:
    """A new member has to be named in the configuration, and a new module to be protected."""
    packages = {member.package for member in members(ROOT)}
    modules = {module.package for module in feature_modules(ROOT)}
    assert set(CONFIGURATION["root_packages"]) == packages
    assert {name.strip() for layer in CONTRACTS[LAYERS]["layers"] for name in layer.split("|")} == packages
    assert set(CONTRACTS[SHELL]["forbidden_modules"]) == modules
    assert set(CONTRACTS[CYCLES]["ancestors"]) == packages
    assert {name for contract in CONTRACTS.values() for name in contract.get("protected_modules", ())} == modules
    for contract in CONTRACTS.values():
        if contract.get("allow_indirect_imports"):
            assert set(contract["source_modules"]) == packages, contract["name"]


def test_a_module_stands_above_what_it_requires() -> None:
    layers = [[name.strip() for name in layer.split("|")] for layer in CONTRACTS[LAYERS]["layers"]]
    height = {package: -depth for depth, layer in enumerate(layers) for package in layer}
    for module in feature_modules(ROOT):
        assert all(height[module.package] > height[f"monocoque_{name}"] for name in module.requires), module.name
