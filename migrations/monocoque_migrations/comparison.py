"""Compares what the models say with what the database has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from monocoque_migrations.connections import alchemy, database_error, quoted
from monocoque_migrations.contract import Chain, MigrationError
from monocoque_migrations.environment import comparing, configure
from monocoque_migrations.history import ALLOWED_IMPORTS, heads, read
from monocoque_migrations.locking import APPLICATION_NAME
from monocoque_migrations.state import status

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

# A column that is missing or of another type has a line of its own.
REPORTED_BY_ALEMBIC = frozenset({"42703", "42804", "42883"})

_CHECKS = """
SELECT c.relname, k.conname, pg_get_constraintdef(k.oid) AS definition
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'c' AND n.nspname = :schema
"""

_PROBE_CHECKS = """
SELECT k.conname, pg_get_constraintdef(k.oid) AS definition FROM pg_constraint k
WHERE k.contype = 'c' AND k.conrelid = 'pg_temp.check_probe'::regclass
"""


async def compare(url: str, chain: Chain) -> list[str]:
    """Give the differences between the chain's models and the database as sentences; empty when they are in step.

    Tables, columns, types, defaults, indexes, keys and CHECK constraints of the chain's schema count; a default of
    `uuidv7()` does not, and neither does the WHERE of a partial index. Raises MigrationError when the models are not
    loaded.
    """
    if chain.metadata is None:
        raise MigrationError(f"The models of {chain.name!r} are not loaded.", "Give the chain its metadata.")
    async with alchemy(url, f"{APPLICATION_NAME}: compare {chain.name}") as connection:
        return await connection.run_sync(_compare, chain)


async def check(url: str, chains: Sequence[Chain]) -> list[str]:
    """Give all that is wrong with the chains, as sentences naming the module; empty when every one is right.

    Right: one line of revisions that import alembic and sqlalchemy only, applied up to the head, models in step with
    the database.
    """
    problems: list[str] = []
    sound: list[Chain] = []
    for chain in chains:
        history = read(chain)
        problems += [f"{chain.name}: {problem}" for problem in history.problems]
        problems += [
            f"{chain.name}: {file.path.name} imports {', '.join(strange)}; only alembic and sqlalchemy are allowed"
            for file in history.files
            if (strange := sorted(file.imports - ALLOWED_IMPORTS))
        ]
        if not history.problems:
            sound.append(chain)
    for found in await status(url, sound):
        if found.state in {"behind", "empty", "ahead"}:
            problems.append(
                f"{found.name}: {found.state}, applied {found.applied or 'nothing'}, the head is {found.head}"
            )
    for chain in sound:
        if chain.metadata is not None and (heads([chain]) or _own_tables(chain)):
            problems += [f"{chain.name}: {difference}" for difference in await compare(url, chain)]
    return problems


def _own_tables(chain: Chain) -> list[Table]:
    return [table for table in chain.metadata.sorted_tables if table.schema == chain.schema] if chain.metadata else []


def _compare(connection: Connection, chain: Chain) -> list[str]:
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415  (the engine stays light until it works)

    assert chain.metadata is not None
    found = compare_metadata(configure(connection, chain, comparing(chain)), chain.metadata)
    lines = [_sentence(item) for entry in found for item in (entry if isinstance(entry, list) else [entry])]
    return lines + list(_changed_checks(connection, chain))


def _changed_checks(connection: Connection, chain: Chain) -> Iterator[str]:
    """Compare the expressions of equally named CHECKs in the server's own words, the model's tried on an empty copy."""
    from sqlalchemy import text  # noqa: PLC0415  (as above)
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    existing = {
        (row.relname, row.conname): row.definition
        for row in connection.execute(text(_CHECKS), {"schema": chain.schema})
    }
    for table in _own_tables(chain):
        wanted = {name: sql for name, sql in _model_checks(connection, table) if (table.name, name) in existing}
        if not wanted:
            continue
        name = f"{quoted(chain.schema)}.{quoted(table.name)}"
        attempt = connection.begin_nested()
        try:
            connection.exec_driver_sql(f"CREATE TEMP TABLE check_probe (LIKE {name})")
            for constraint, sql in wanted.items():
                connection.exec_driver_sql(
                    f"ALTER TABLE pg_temp.check_probe ADD CONSTRAINT {quoted(constraint)} CHECK ({sql})"
                )
            probed = {row.conname: row.definition for row in connection.execute(text(_PROBE_CHECKS))}
        except DBAPIError as error:
            native = database_error(error)
            if native is None or native.sqlstate not in REPORTED_BY_ALEMBIC:
                yield f"table {chain.schema}.{table.name}: its check constraints cannot be compared: {native or error}"
            continue
        finally:
            attempt.rollback()
        for constraint, definition in probed.items():
            if (now := existing[table.name, constraint]) != definition:
                yield (
                    f"table {chain.schema}.{table.name}: check constraint {constraint} is {now} in the database "
                    f"and {definition} in the models"
                )


def _model_checks(connection: Connection, table: Table) -> Iterator[tuple[str, str]]:
    from sqlalchemy import CheckConstraint  # noqa: PLC0415  (as above)

    for constraint in table.constraints:
        if isinstance(constraint, CheckConstraint):
            name = connection.dialect.identifier_preparer.format_constraint(constraint)
            if name is not None:
                options = {"literal_binds": True, "include_table": False}
                sql = constraint.sqltext.compile(dialect=connection.dialect, compile_kwargs=options)
                yield name.strip('"'), str(sql)


def _sentence(difference: tuple[Any, ...]) -> str:
    """Put one of Alembic's difference tuples into words."""
    verb, _, kind = difference[0].partition("_")
    if verb == "modify":
        _, schema, table, column, _, before, after = difference
        subject = f"column {schema}.{table}.{column}: {'server default' if kind == 'default' else kind}"
        return f"{subject} is {_shown(before)} in the database and {_shown(after)} in the models"
    place = "is in the models but not in the database" if verb == "add" else "is in the database but not in the models"
    if kind == "column":
        _, schema, table, column = difference
        return f"column {schema}.{table}.{column.name} {place}"
    item = difference[1]
    if kind == "table":
        return f"table {item.schema}.{item.name} {place}"
    what = {"fk": "foreign key", "constraint": _constraint(item)}.get(kind, kind.replace("_", " "))
    return f"table {_owner(item)}: {what} {item.name or '(unnamed)'} {place}"


def _constraint(item: object) -> str:
    return type(item).__name__.removesuffix("Constraint").lower() + " constraint"


def _owner(item: Any) -> str:
    return f"{item.table.schema}.{item.table.name}" if hasattr(item, "table") else f"{item.schema}.{item.name}"


def _shown(value: Any) -> str:
    default = getattr(value, "arg", value)
    return "not set" if default is None else str(getattr(default, "text", default))
