"""What is imported when: contracts cost nothing, and what is disabled is not there."""

import json
import os
import subprocess
import sys
from typing import Any

from sqlalchemy import Column, ForeignKey, MetaData, Table, Uuid

from monocoque.modules import load
from monocoque.registry import Inventory
from monocoque.tables import metadata
from tests.architecture.workspace import ROOT, feature_modules

MODULES = [module.name for module in feature_modules(ROOT)]


def run(code: str, **environment: str) -> Any:
    """What a fresh interpreter prints as JSON."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_reading_the_contracts_imports_no_table_and_no_framework() -> None:
    loaded = run(
        "import json, sys\n"
        "from monocoque.registry import discover, order\n"
        "inventory = order(discover())\n"
        "names = [module.name for module in inventory.enabled]\n"
        "print(json.dumps([names, sorted(sys.modules)]))"
    )
    names, modules = loaded
    assert sorted(names) == MODULES
    heavy = {"sqlalchemy", "sqlmodel", "fastapi", "starlette", "pydantic", "asyncpg", "alembic", "jose", "bcrypt"}
    assert heavy & set(modules) == set()
    ours = [name for name in modules if name.startswith("monocoque_")]
    assert sorted(ours) == sorted([f"monocoque_{name}{part}" for name in MODULES for part in ("", ".module")])


def test_a_disabled_module_is_not_imported_and_has_no_route_document_or_job() -> None:
    seen = run(
        "import json, sys\n"
        "from monocoque.app import create_app\n"
        "from monocoque.jobs import jobs_of\n"
        "from monocoque.migration import chains\n"
        "app = create_app(database_url='postgresql://unused')\n"
        "inventory = app.state.runtime.inventory\n"
        "print(json.dumps({\n"
        "    'paths': sorted(app.openapi()['paths']),\n"
        "    'tags': [tag['name'] for tag in app.openapi()['tags']],\n"
        "    'jobs': [job.name for job in jobs_of(inventory)],\n"
        "    'chains': [chain.name for chain in chains(inventory)],\n"
        "    'imported': sorted(sys.modules),\n"
        "}))",
        MONOCOQUE_MODULES="auth,cars",
    )
    assert seen["tags"] == ["auth", "cars"]
    assert "/api/v1/cars/{car_id}" in seen["paths"]
    assert not [path for path in seen["paths"] if "parts" in path or "build-lists" in path]
    assert "cars.purge_deleted" in seen["jobs"]
    assert {name.partition(".")[0] for name in seen["jobs"]} <= {"shell", "auth", "cars"}
    assert seen["chains"] == ["monocoque", "auth", "cars"]
    disabled = [name for name in seen["imported"] if name.startswith(("monocoque_parts", "monocoque_build_lists"))]
    assert disabled == [
        "monocoque_build_lists",
        "monocoque_build_lists.module",
        "monocoque_parts",
        "monocoque_parts.module",
    ]


def stray_tables(tables: MetaData, requires: dict[str, set[str]]) -> list[str]:
    """Tables outside a known schema, and foreign keys that cross where they may not; `requires` is by schema."""
    found = []
    for table in tables.tables.values():
        if table.schema not in requires:
            found.append(f"{table.fullname} is in the schema of no module")
            continue
        for constraint in table.foreign_key_constraints:
            target = constraint.referred_table
            if target.schema == table.schema:
                continue
            if target.schema not in requires[table.schema]:
                found.append(f"{table.fullname} refers to {target.fullname}, which it does not require")
            if {element.column for element in constraint.elements} != set(target.primary_key):
                found.append(f"{table.fullname} refers to something else than the primary key of {target.fullname}")
            if constraint.ondelete not in {"CASCADE", "SET NULL"}:
                found.append(f"{table.fullname} would block a deletion in {target.fullname}")
    return found


def test_tables_live_in_the_schema_of_their_module_and_refer_to_what_it_requires(inventory: Inventory) -> None:
    requires: dict[str, set[str]] = {"monocoque": set()}
    for module in inventory.enabled:
        assert module.models
        load(module.models)
        requires[module.schema] = {f"monocoque_{name}" for name in module.requires}
    assert stray_tables(metadata, requires) == []
    assert {table.schema for table in metadata.tables.values()} == set(requires)


def test_stray_tables_are_noticed() -> None:
    planted = MetaData()
    Table("users", planted, Column("id", Uuid, primary_key=True), Column("tag", Uuid), schema="monocoque_auth")
    Table("lost", planted, Column("id", Uuid, primary_key=True), schema="public")
    for name, target, on_delete in (
        ("unrequired", "monocoque_parts.parts.id", "CASCADE"),
        ("keyless", "monocoque_auth.users.tag", "CASCADE"),
        ("blocking", "monocoque_auth.users.id", None),
        ("fine", "monocoque_auth.users.id", "SET NULL"),
    ):
        column = Column("other", Uuid, ForeignKey(target, ondelete=on_delete))
        Table(name, planted, Column("id", Uuid, primary_key=True), column, schema="monocoque_cars")
    Table("parts", planted, Column("id", Uuid, primary_key=True), schema="monocoque_parts")
    requires = {"monocoque_auth": set(), "monocoque_parts": set(), "monocoque_cars": {"monocoque_auth"}}
    assert sorted(stray_tables(planted, requires)) == [
        "monocoque_cars.blocking would block a deletion in monocoque_auth.users",
        "monocoque_cars.keyless refers to something else than the primary key of monocoque_auth.users",
        "monocoque_cars.unrequired refers to monocoque_parts.parts, which it does not require",
        "public.lost is in the schema of no module",
    ]
