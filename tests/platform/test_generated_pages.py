"""The generated pages say what is so: the tables of a real database, what production refuses, who may call."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from monocoque.cli.contracts.configuration import configuration_text, page_section, refused_in_production
from monocoque.cli.contracts.endpoints import BEGIN, END, caller, with_endpoints
from monocoque.cli.contracts.markdown import table
from monocoque.cli.contracts.operations import Operation, operations
from monocoque.cli.contracts.schema import schema_text
from monocoque.failures import StartupError
from monocoque.registry import Inventory
from monocoque.settings import Settings

_COLUMNS = """
    SELECT table_schema, table_name, column_name, is_nullable FROM information_schema.columns
    WHERE table_schema LIKE 'monocoque%' AND table_name <> 'alembic_version'
"""
_INDEXES = """
    SELECT schemaname, indexname FROM pg_indexes WHERE schemaname LIKE 'monocoque%' AND tablename <> 'alembic_version'
    AND indexname NOT LIKE 'pk_%' AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = indexname)
"""
_MERMAID = tuple(
    re.compile(line)
    for line in (
        r"erDiagram",
        r"    direction LR",
        r"    [a-z_]+ \{",
        r"    \}",
        r"        [a-z][\w()\[\]]* [a-z]\w*( (PK|FK|PK, FK))?",
        r"    [a-z_]+ (\|\||\|o)--(o\||o\{) [a-z_]+ : [a-z_]+",
    )
)


def sections(page: str) -> Iterator[tuple[str, str, str]]:
    """The schema, name and text of each table and view on the page."""
    for section in page.split("\n## ")[1:]:
        schema = re.search(r"Schema `(\w+)`", section)
        assert schema
        for part in section.split("\n### ")[1:]:
            name = re.match(r"(?:View )?`(\w+)`", part)
            assert name
            yield schema[1], name[1], part


async def test_the_page_of_tables_has_every_column_of_a_migrated_database(
    inventory: Inventory, worker_database_url: str
) -> None:
    connection = await asyncpg.connect(worker_database_url)
    columns = await connection.fetch(_COLUMNS)
    indexes = await connection.fetch(_INDEXES)
    await connection.close()
    wanted: dict[tuple[str, str], dict[str, str]] = {}
    for schema, name, column, nullable in columns:
        wanted.setdefault((schema, name), {})[column] = nullable.lower()
    page = schema_text(inventory)
    found = {}
    for schema, name, part in sections(page):
        rows = re.findall(r"^\| `(\w+)` \| `[^`]+` \|(?: (yes|no) \|)?", part, re.MULTILINE)
        # PostgreSQL calls every column of a view nullable.
        found[schema, name] = {column: nullable or "yes" for column, nullable in rows}
    assert found == wanted
    assert {name for _, name in indexes} == set(re.findall(r"^- (?:Unique i|I)ndex `(\w+)`", page, re.MULTILINE))


def test_every_diagram_is_one_that_mermaid_can_draw(inventory: Inventory) -> None:
    diagrams = re.findall(r"```mermaid\n(.*?)```", schema_text(inventory), re.DOTALL)
    assert len(diagrams) == 1 + sum(module.models is not None for module in inventory.enabled)
    for line in "".join(diagrams).splitlines():
        assert any(form.fullmatch(line) for form in _MERMAID), line
    assert any("monocoque_auth_users ||--o{" in diagram for diagram in diagrams)


def test_a_diagram_of_many_tables_is_not_wider_than_a_page(inventory: Inventory) -> None:
    diagrams = re.findall(r"```mermaid\n(.*?)```", schema_text(inventory), re.DOTALL)
    wide = [diagram for diagram in diagrams if diagram.count(" {\n") > 8]
    assert wide == [diagram for diagram in diagrams if diagram.startswith("erDiagram\n    direction LR\n")] != []


def test_what_production_refuses_is_told_whatever_this_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONOCOQUE_DATABASE_URL", "postgresql://host/db")
    monkeypatch.setenv("MONOCOQUE_PORT", "none")
    refused = refused_in_production(Settings)
    assert refused.keys() == {"database_url", "secret_key", "secret_key_previous"}
    assert refused["database_url"] == ["must be set: a postgresql:// address"]


def test_the_page_of_settings_tells_limits_and_further_names(inventory: Inventory) -> None:
    page = configuration_text(inventory, "markdown")
    assert "| `MONOCOQUE_PORT` | whole number, 0 to 65535 | `8000` |" in page
    assert "Also read from `PORT`." in page
    assert "`development`, `test`, `production`" in page
    assert "X-Forwarded-\\*" in page
    assert page.count("**Production:**") == 3


def test_a_setting_of_an_unusual_kind_is_told_too() -> None:
    class Unusual(BaseSettings):
        model_config = SettingsConfigDict(env_prefix="ACME_")
        shares: dict[str, float] = Field(default_factory=dict, description="Who gets which part.")

    assert "| `ACME_SHARES` | dict[str, float] | `{}` | Who gets which part. |" in page_section("Unusual", Unusual)
    assert refused_in_production(Unusual) == {}


def test_a_cell_ends_neither_early_nor_in_italics() -> None:
    assert list(table(("a",), [["`x|y*` or * and **bold**"]]))[-1] == "| `x\\|y*` or \\* and **bold** |"


def operation(*codes: str, signed_in: bool = True) -> Operation:
    """An operation that may answer these problems."""
    examples: dict[str, Any] = {code: {"summary": code} for code in codes}
    content = {"application/problem+json": {"examples": examples}}
    described: dict[str, Any] = {"responses": {"403": {"content": content}}}
    return Operation("/things", "get", {**described, "security": [{"bearer": []}] if signed_in else []}, {})


def test_who_may_call_follows_from_the_problems() -> None:
    assert caller(operation(signed_in=False)) == "anyone"
    assert caller(operation("auth.password_wrong")) == "signed in"
    assert caller(operation("media.not_yours")) == "who made it, administrators"
    assert caller(operation("request.forbidden")) == "administrators"


def test_every_endpoint_and_page_is_in_the_tables(inventory: Inventory, repository: Path) -> None:
    text = (repository / "docs/api.md").read_text()
    tables = text.partition(BEGIN)[2].partition(END)[0]
    for module in inventory.enabled:
        assert f"\n### {module.slug}\n" in tables
        for path in module.pages:
            assert re.search(rf"\n\| GET \| `{path}/[^|]+ \| [A-Z][a-z ]+, as a page \| anyone \|\n", tables)


def test_a_text_without_a_place_for_the_endpoints_is_refused(inventory: Inventory) -> None:
    document: dict[str, Any] = {"paths": {}}
    assert list(operations(document)) == []
    with pytest.raises(StartupError, match="no place"):
        with_endpoints("# Nothing here\n", document, inventory)
