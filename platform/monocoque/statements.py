"""Building blocks for a module's `queries.py`: what the statements of most modules have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

from pydantic import BaseModel
from sqlalchemy import (
    ARRAY,
    JSON,
    Boolean,
    ColumnElement,
    DateTime,
    Integer,
    String,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.sql import FromClause
from sqlmodel.sql.sqltypes import AutoString

from monocoque.database import Executor
from monocoque.problems import PRECONDITION_FAILED, Problem, ProblemCode
from monocoque.queries import Query


def parameter(column: ColumnElement[Any], name: str | None = None) -> ColumnElement[Any]:
    """A bound parameter of the column's type, named as the column unless told otherwise."""
    return bindparam(name or column.key, type_=column.type)


def assigned(table: FromClause, names: Iterable[str]) -> dict[str, ColumnElement[Any]]:
    """`{column: parameter}` for a statement that sets every one of these columns."""
    return {name: parameter(table.c[name]) for name in names}


def merged(table: FromClause, names: Iterable[str]) -> dict[str, ColumnElement[Any]]:
    """`{column: parameter or its present value}` for a PATCH; the parameters come from `merge_parameters`."""
    return {
        name: case((bindparam(f"set_{name}", type_=Boolean), parameter(table.c[name])), else_=table.c[name])
        for name in names
    }


def merge_parameters(change: BaseModel, names: Iterable[str], **values: Any) -> dict[str, Any]:
    """Parameters for `merged`: each column's value and whether it was sent; `values` override and count as sent."""
    found: dict[str, Any] = {}
    for name in names:
        sent = name in values or name in change.model_fields_set
        found[f"set_{name}"] = sent
        found[name] = values[name] if name in values else getattr(change, name, None) if sent else None
    return found


def touched(table: FromClause) -> dict[str, ColumnElement[Any]]:
    """What every change of a row changes: the version behind its ETag, and the time."""
    return {"version": table.c.version + 1, "updated_at": func.now()}


def version_expected(table: FromClause) -> ColumnElement[bool]:
    """True where the row's version is among the parameter `versions`, or that is NULL."""
    versions: ColumnElement[Any] = bindparam("versions", type_=ARRAY(Integer))
    return or_(versions.is_(None), table.c.version == func.any(versions))


def optional(column: ColumnElement[Any], name: str | None = None) -> ColumnElement[bool]:
    """True where the column equals its parameter, or that is NULL; text compares without regard to case."""
    given = parameter(column, name)
    if isinstance(column.type, String | AutoString):
        return or_(given.is_(None), func.lower(column) == func.lower(given))
    return or_(given.is_(None), column == given)


def contains(columns: Iterable[ColumnElement[Any]], name: str = "pattern") -> ColumnElement[bool]:
    """True where a column contains what `like_pattern` made of a search text, or the parameter is NULL."""
    pattern = bindparam(name, type_=String)
    return or_(pattern.is_(None), *(column.ilike(pattern, escape="\\") for column in columns))


def like_pattern(text: str | None) -> str | None:
    """A LIKE pattern (escape character `\\`) in which every character of the text stands for itself."""
    if text is None:
        return None
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def literal(text: str) -> ColumnElement[Any]:
    """A text that goes into the statement, so it is the author's alone."""
    return literal_column(f"'{text}'")


NO_ROWS: ColumnElement[Any] = literal_column("'[]'::json")
"""An empty JSON array."""


def json_object(**members: ColumnElement[Any]) -> ColumnElement[Any]:
    """A JSON object of these members; their names go into the statement, so they are the author's alone."""
    pairs = [part for name, value in members.items() for part in (literal(name), iso_time(value))]
    return func.json_build_object(*pairs, type_=JSON)


def iso_time(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """A time as it is spelt in all other replies, where PostgreSQL would leave out zeros; what is no time, as it is."""
    if not isinstance(value.type, DateTime):
        return value
    return func.to_char(func.timezone(literal("UTC"), value), literal('YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'))


def json_row(selected: Any) -> ColumnElement[Any]:
    """The one row of a selection as a JSON object without blanks."""
    row = selected.subquery("shown")
    return select(func.row_to_json(row.table_valued())).scalar_subquery()


def json_array(value: ColumnElement[Any], *order: ColumnElement[Any]) -> ColumnElement[Any]:
    """The values of all rows as a JSON array, in order; NULL where there is no row."""
    return func.array_to_json(func.array_agg(aggregate_order_by(value, *order)))


def utf8(document: ColumnElement[Any]) -> ColumnElement[Any]:
    """A JSON document as the bytes of a reply."""
    return func.convert_to(cast(document, Text), literal("UTF8"))


async def missing_or_stale(
    executor: Executor, find: Query, not_found: ProblemCode, versions: list[int] | None, /, **parameters: Any
) -> NoReturn:
    """Say why a change touched no row: 412 when `find` still finds it in another version than those, else `not_found`.

    Where nothing was expected nothing can be stale: it was not there, even if somebody has restored it since.
    """
    if versions is None or await executor.first(find, **parameters) is None:
        raise Problem(not_found)
    raise Problem(PRECONDITION_FAILED)
