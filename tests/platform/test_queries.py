"""Statements: compiled once, parameters by name, JSON both ways, and the building blocks that modules share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from pydantic import BaseModel
from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    DateTime,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
    bindparam,
    cast,
    func,
    literal_column,
    null,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from monocoque import json
from monocoque.database import Database
from monocoque.problems import PRECONDITION_FAILED, Problem, ProblemCode
from monocoque.queries import Query
from monocoque.statements import (
    assigned,
    contains,
    json_object,
    like_pattern,
    merge_parameters,
    merged,
    missing_or_stale,
    optional,
    parameter,
    touched,
    version_expected,
)

SCHEMA = f"made_up_{uuid4().hex}"
things = Table(
    "things",
    MetaData(schema=SCHEMA),
    Column("id", Integer, primary_key=True),
    Column("name", String(100)),
    Column("size", Integer),
    Column("extra", JSONB),
    Column("version", Integer, server_default="1"),
    Column("updated_at", String),
)
GONE = ProblemCode("things.not_found", 404, "Gone")


class Upper(TypeDecorator[str]):
    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        return None if value is None else value.upper()


@pytest.fixture(scope="module")
async def db(worker_database_url: str) -> AsyncIterator[Database]:
    database = Database(worker_database_url, pool_size=3)
    await database.open()
    async with database.connection() as connection:
        await connection.execute(f"CREATE SCHEMA {SCHEMA}")
        await connection.execute(
            f"CREATE TABLE {SCHEMA}.things (id serial PRIMARY KEY, name varchar(100), size int, extra jsonb,"
            " version int NOT NULL DEFAULT 1, updated_at timestamptz)"
        )
    yield database
    async with database.connection() as connection:
        await connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
    await database.close()


ADD = Query(things.insert().values(assigned(things, ("name", "size", "extra"))).returning(things.c.id))


async def add(db: Database, name: str | None = "x", size: int | None = 1, extra: Any = None) -> int:
    return int(await db.value(ADD, name=name, size=size, extra=extra))


def test_a_statement_is_compiled_where_it_is_written() -> None:
    query = Query(select(things.c.id).where(things.c.name == parameter(things.c.name)))
    assert "$1" in query.sql
    assert query.names == ("name",)
    assert "Query(" in repr(query)


def test_parameters_go_by_name_in_the_order_of_the_statement() -> None:
    query = Query(select(bindparam("b", type_=String), bindparam("a", type_=String), bindparam("b", type_=String)))
    assert query.names == ("b", "a")
    assert query.arguments({"a": "1", "b": "2"}) == ["2", "1"]


@pytest.mark.parametrize("given", [{}, {"a": 1}, {"a": 1, "c": 2}, {"a": 1, "b": 2, "c": 3}])
def test_a_missing_or_unknown_name_is_a_type_error(given: dict[str, int]) -> None:
    plain = Query(select(bindparam("a", type_=Integer), bindparam("b", type_=Integer)))
    converting = Query(select(bindparam("a", type_=JSONB), bindparam("b", type_=Integer)))
    for query in (plain, converting):
        with pytest.raises(TypeError, match=r"missing \[.*\], unknown \[.*\]"):
            query.arguments(given)


def test_a_value_in_the_statement_stays_unless_the_call_gives_another() -> None:
    query = Query(select(bindparam("a", 5, type_=Integer), bindparam("b", {"k": 1}, type_=JSONB)))
    assert query.arguments({}) == [5, '{"k":1}']
    assert query.arguments({"a": 6, "b": None}) == [6, None]


def test_defaults_in_python_are_refused() -> None:
    table = Table("t", MetaData(), Column("a", Integer), Column("b", Integer, default=1, onupdate=2))
    for statement in (table.insert().values(a=bindparam("a")), table.update().values(a=bindparam("x"))):
        with pytest.raises(TypeError, match="server default for b"):
            Query(statement)


def test_a_list_that_grows_the_statement_is_refused() -> None:
    with pytest.raises(TypeError, match="any_"):
        Query(select(things.c.id).where(things.c.id.in_(bindparam("ids", expanding=True))))


async def test_a_type_of_ones_own_converts_its_parameter(db: Database) -> None:
    query = Query(select(bindparam("name", type_=Upper)))
    assert await db.value(query, name="abc") == "ABC"
    assert await db.value(query, name=None) is None


@pytest.mark.parametrize("value", [{"a": [1, None, "ü"]}, [], "text", 1, True, {"100%": "$1"}])
async def test_jsonb_comes_back_as_it_went_in(db: Database, value: Any) -> None:
    assert await db.value(Query(select(bindparam("value", type_=JSONB))), value=value) == value


async def test_json_none_is_null(db: Database) -> None:
    new = await add(db, extra=None)
    assert await db.value(
        Query(select(things.c.extra.is_(null())).where(things.c.id == parameter(things.c.id))), id=new
    )


async def test_json_goes_through_as_text_untouched(db: Database) -> None:
    row = await db.first(Query(select(cast(literal_column("""'{"b": 1,   "a": 1.50}'"""), JSON).label("document"))))
    assert row is not None
    assert json.dumps(dict(row.items())) == b'{"document":{"b": 1,   "a": 1.50}}'


async def test_a_percent_sign_is_a_percent_sign(db: Database) -> None:
    assert await db.value(Query(select(literal_column("'100%'")))) == "100%"


async def test_the_ways_to_run_a_statement(db: Database) -> None:
    await db.many(ADD, [{"name": "many", "size": size, "extra": None} for size in (1, 2, 3)])
    named = things.c.name == bindparam("name", type_=String)
    assert len(await db.all(Query(select(things).where(named)), name="many")) == 3
    assert await db.first(Query(select(things).where(named)), name="nobody") is None
    assert await db.run(Query(things.update().where(named).values(size=func.abs(things.c.size))), name="many") == 3

    async def together(transaction: Any) -> int:
        await transaction.many(ADD, [{"name": "together", "size": 1, "extra": None}])
        rows = await transaction.all(Query(select(things).where(named)), name="together")
        first = await transaction.first(Query(select(things).where(named)), name="together")
        gone = await transaction.run(Query(things.delete().where(named)), name="together")
        assert first == rows[0]
        return int(gone + await transaction.transact(lambda inner: inner.value(Query(select(literal_column("41"))))))

    assert await db.transact(together) == 42


@pytest.mark.parametrize("text", ["100%", "a_b", "back\\slash", "\\", "%", "_", "\\%", "'", "ü"])
async def test_a_search_text_matches_itself_and_nothing_else(db: Database, text: str) -> None:
    mark = uuid4().hex
    await add(db, name=f"{mark} with {text} in it")
    await add(db, name=f"{mark} without")
    query = Query(
        select(things.c.name).where(things.c.name.startswith(bindparam("m", type_=String)), contains([things.c.name]))
    )
    assert len(await db.all(query, m=mark, pattern=like_pattern(text))) == 1
    assert len(await db.all(query, m=mark, pattern=like_pattern(None))) == 2


async def test_an_optional_filter_counts_when_it_is_given_whatever_the_case_of_a_text(db: Database) -> None:
    mark = uuid4().hex
    await add(db, name=f"{mark}A", size=7)
    await add(db, name=f"{mark}b", size=8)
    query = Query(
        select(things.c.id).where(
            things.c.name.startswith(bindparam("m", type_=String)), optional(things.c.name), optional(things.c.size)
        )
    )
    assert len(await db.all(query, m=mark, name=None, size=None)) == 2
    assert len(await db.all(query, m=mark, name=f"{mark}a".upper(), size=None)) == 1
    assert len(await db.all(query, m=mark, name=None, size=8)) == 1
    assert len(await db.all(query, m=mark, name=f"{mark}a", size=8)) == 0


class Change(BaseModel):
    name: str | None = None
    size: int | None = None


async def test_a_merge_sets_what_was_sent_null_included_and_leaves_the_rest(db: Database) -> None:
    new = await add(db, name="before", size=3, extra={"k": 1})
    merge = Query(
        things.update()
        .where(things.c.id == parameter(things.c.id), version_expected(things))
        .values({**merged(things, ("name", "size", "extra")), **touched(things)})
        .returning(things.c.name, things.c.size, things.c.extra, things.c.version)
    )
    names = ("name", "size", "extra")
    row = await db.first(merge, id=new, versions=None, **merge_parameters(Change(size=None), names))
    assert row is not None
    assert tuple(row.values()) == ("before", None, {"k": 1}, 2)
    row = await db.first(merge, id=new, versions=[7, 2], **merge_parameters(Change(name="a"), names, extra={"k": 2}))
    assert row is not None
    assert tuple(row.values()) == ("a", None, {"k": 2}, 3)
    assert await db.first(merge, id=new, versions=[2], **merge_parameters(Change(name="b"), names)) is None


async def test_a_change_that_touched_nothing_was_stale_or_had_nothing_to_touch(db: Database) -> None:
    new = await add(db)
    find = Query(select(things.c.id).where(things.c.id == parameter(things.c.id)))
    for given, versions, code in ((new, [7], PRECONDITION_FAILED), (-1, [7], GONE), (new, None, GONE)):
        with pytest.raises(Problem) as caught:
            await missing_or_stale(db, find, GONE, versions, id=given)
        assert caught.value.code is code


async def test_times_are_spelt_alike_in_and_outside_of_json(db: Database) -> None:
    at: ColumnElement[Any] = bindparam("at", type_=DateTime(timezone=True))
    query = Query(select(cast(at, DateTime(timezone=True)).label("at"), json_object(at=at, none=null()).label("made")))
    for microsecond in (123_456, 120_000, 7):
        when = datetime(2026, 2, 3, 4, 5, 6, microsecond, timezone(timedelta(hours=9)))
        row = await db.first(query, at=when)
        assert row is not None
        assert json.loads(json.dumps(row["made"])) == {"at": json.loads(json.dumps(row["at"])), "none": None}


async def test_times_are_utc_and_a_statement_cannot_run_for_ever(db: Database) -> None:
    async with db.connection() as connection:
        assert await connection.fetchval("SHOW timezone") == "UTC"
        assert await connection.fetchval("SHOW statement_timeout") == "10s"
        assert await connection.fetchval("SHOW lock_timeout") == "3s"
        assert await connection.fetchval("SHOW idle_in_transaction_session_timeout") == "15s"
        assert isinstance(connection, asyncpg.Connection | asyncpg.pool.PoolConnectionProxy)
