"""Every table with its columns and keys, and a diagram for each module, from the models."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec

from sqlalchemy import (
    CheckConstraint,
    Column,
    Constraint,
    ForeignKeyConstraint,
    Index,
    Table,
    TableClause,
    UniqueConstraint,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, DefaultClause
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel

from monocoque import tables
from monocoque.cli.contracts.markdown import table as table_of_cells
from monocoque.modules import Module, load
from monocoque.registry import Inventory
from monocoque.tables import SHELL_SCHEMA, metadata

_PAGE = """\
# Tables

Every table of the shell and of the modules, with its columns, keys and indexes. Written by `make contracts` from the
models: change those and write a revision, not this page.

One schema for each module; a foreign key crosses into another only to a primary key of a module that is required, and
says what happens on delete. What other modules may join are the views that a module publishes
([0005](adr/0005-published-read-views.md)). Each schema also holds a table `alembic_version`: how far its chain of
migrations is applied ([0002](adr/0002-one-chain-of-migrations-per-module.md)).
"""

_COMMON = {
    "id": "UUIDv7, made before the row is written: sorts by the time of creation.",
    "owner_id": "Whose row this is.",
    "version": "1 for a new row, one more with each change: what its ETag is made of.",
    "created_at": "When it was made.",
    "updated_at": "When it was last changed.",
    "deleted_at": "Set while it is deleted and can be restored; a job purges it later.",
}
"""What columns of these names mean in every table."""
_TABLES_SIDE_BY_SIDE = 8
"""With more, a diagram runs from left to right: from top to bottom it would be too wide to be read."""
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def schema_text(inventory: Inventory) -> str:
    """The page of all tables, as it is committed in `docs/schema.md`."""
    parts = [_PAGE, _section("The shell", SHELL_SCHEMA, "What the shell keeps for every module.", [])]
    for module in inventory.enabled:
        if module.models:
            load(module.models)
            parts.append(_section(f"Module {module.name}", module.schema, module.summary, list(_views(module))))
    return "\n".join(parts)


def _section(title: str, schema: str, summary: str, views: list[TableClause]) -> str:
    own = [table for table in metadata.tables.values() if table.schema == schema]
    lines = [f"## {title}", "", f"{summary} Schema `{schema}`.", "", *_diagram(own)]
    for table in own:
        lines += ["", *_table(table)]
    for view in views:
        lines += ["", *_view(view)]
    return "\n".join(lines) + "\n"


def _views(module: Module) -> Iterator[TableClause]:
    """The views that a module lets others join: the table clauses in its contracts."""
    if find_spec(f"{module.package}.contracts") is None:
        return
    for value in vars(import_module(f"{module.package}.contracts")).values():
        if isinstance(value, TableClause) and value.schema == module.schema:
            yield value


def _view(view: TableClause) -> Iterator[str]:
    yield f"### View `{view.name}`"
    yield ""
    yield "Read-only, for statements of other modules."
    yield ""
    yield from table_of_cells(
        ("column", "type"), ((f"`{column.name}`", f"`{_type(column.type)}`") for column in view.columns)
    )


def _table(table: Table) -> Iterator[str]:
    model = next((model for model in _models() if getattr(model, "__table__", None) is table), None)
    yield f"### `{table.name}`"
    yield ""
    if model is not None and model.__doc__:
        yield inspect.cleandoc(model.__doc__)
        yield ""
    yield from table_of_cells(
        ("column", "type", "null", "default", "meaning"),
        (
            (
                f"`{column.name}`",
                f"`{_type(column.type)}`",
                "yes" if column.nullable else "no",
                f"`{default}`" if (default := _default(column)) else "",
                _meaning(column, model),
            )
            for column in table.columns
        ),
    )
    yield ""
    yield f"- Primary key: {_names(table.primary_key)}"
    for constraint in sorted(table.constraints, key=lambda found: str(found.name)):
        line = _constraint(constraint)
        if line:
            yield f"- {line}"
    for index in sorted(table.indexes, key=lambda found: str(found.name)):
        yield f"- {_index(index)}"


def _models(root: type[SQLModel] = tables.Table) -> Iterator[type[SQLModel]]:
    for model in root.__subclasses__():
        yield model
        yield from _models(model)


def _type(kind: TypeEngine[object]) -> str:
    words = kind.compile(dialect=_DIALECT).lower()
    return re.sub(r"timestamp\b.* with time zone", "timestamptz", words)


def _default(column: Column[object]) -> str:
    if column.computed is not None:
        return f"generated: {column.computed.sqltext}"
    if column.identity is not None:
        return "identity"
    if not isinstance(column.server_default, DefaultClause):
        return ""
    value = column.server_default.arg
    if isinstance(value, str):
        return value if value.isdigit() else f"'{value}'"
    return str(value.compile(dialect=_DIALECT))


def _meaning(column: Column[object], model: type[SQLModel] | None) -> str:
    field = model.model_fields.get(column.key) if model is not None else None
    words = [column.comment or (field.description if field else None) or _COMMON.get(column.name, "")]
    words += [f"A row of `{_place(key.column.table)}`." for key in sorted(column.foreign_keys, key=str)]
    return " ".join(word for word in words if word)


def _place(table: Table) -> str:
    return f"{table.schema}.{table.name}"


def _names(constraint: Constraint) -> str:
    return ", ".join(f"`{column.name}`" for column in getattr(constraint, "columns", ()))


def _constraint(constraint: Constraint) -> str | None:
    if isinstance(constraint, ForeignKeyConstraint):
        target = constraint.elements[0].column.table
        deleted = (constraint.ondelete or "no action").lower()
        columns = ", ".join(f"`{key.column.name}`" for key in constraint.elements)
        return f"Foreign key: {_names(constraint)} to {columns} of `{_place(target)}`, on delete {deleted}"
    if isinstance(constraint, UniqueConstraint):
        late = ", checked at the end of a statement" if constraint.deferrable else ""
        return f"Unique `{constraint.name}`: {_names(constraint)}{late}"
    if isinstance(constraint, CheckConstraint):
        return f"Check `{constraint.name}`: `{constraint.sqltext}`"
    return None


def _index(index: Index) -> str:
    """An index as PostgreSQL is told of it, from its columns on."""
    statement = " ".join(str(CreateIndex(index).compile(dialect=_DIALECT)).split())
    what = statement.partition(" ON ")[2].partition(" ")[2]
    kind = "Unique index" if index.unique else "Index"
    return f"{kind} `{index.name}`: `{what.removeprefix('USING btree ')}`"


def _diagram(own: list[Table]) -> Iterator[str]:
    """A Mermaid entity relationship diagram; tables of other modules show by name, without their columns."""
    yield "```mermaid"
    yield "erDiagram"
    if len(own) > _TABLES_SIDE_BY_SIDE:
        yield "    direction LR"
    for table in own:
        yield f"    {table.name} {{"
        for column in table.columns:
            marks = ["PK"] if column.primary_key else []
            marks += ["FK"] if column.foreign_keys else []
            kind = re.sub(r"[^\w()\[\]]+", "_", _type(column.type).partition(" collate")[0])
            yield f"        {kind} {column.name} {', '.join(marks)}".rstrip()
        yield "    }"
    for table in own:
        for constraint in sorted(table.foreign_key_constraints, key=lambda found: str(found.name)):
            target = constraint.elements[0].column.table
            yield f"    {_entity(target, table)} {_cardinality(constraint)} {table.name} : {constraint.column_keys[0]}"
    yield "```"


def _entity(table: Table, seen_from: Table) -> str:
    return table.name if table.schema == seen_from.schema else f"{table.schema}_{table.name}"


def _cardinality(constraint: ForeignKeyConstraint) -> str:
    """How many rows of the table belong to one that the key points at, in crow's feet."""
    columns = set(constraint.columns)
    unique = [set(constraint.table.primary_key.columns)]
    unique += [set(found.columns) for found in constraint.table.constraints if isinstance(found, UniqueConstraint)]
    one = any(keys <= columns for keys in unique)
    parent = "|o" if any(column.nullable for column in columns) else "||"
    return f"{parent}--{'o|' if one else 'o{'}"
