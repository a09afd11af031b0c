"""What is read without changing anything, and the purge of what vanished modules left."""

import subprocess
import sys
from uuid import uuid4

import asyncpg
import pytest

from monocoque_migrations import (
    ChainStatus,
    MigrationError,
    applied,
    check,
    compare,
    heads,
    purge,
    purge_plan,
    status,
    upgrade,
)
from tests.migrations.workshop import Workshop


def test_importing_the_engine_and_reading_heads_loads_no_heavy_library(workshop: Workshop) -> None:
    chain = workshop.demo()[1]
    code = (
        "import sys, monocoque_migrations as m\n"
        f"c = m.Chain({chain.name!r}, {chain.schema!r}, {chain.revisions!r})\n"
        "assert m.heads([c]) == {'cars': 'cars_0003'}\n"
        "print(sorted({'alembic', 'sqlalchemy', 'asyncpg', 'asyncio'} & set(sys.modules)))\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(workshop.folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "[]"


def test_heads_follow_a_new_file_and_leave_out_a_chain_without_any(workshop: Workshop) -> None:
    chains = [*workshop.demo(), workshop.chain("menus")]
    assert heads(chains) == {"auth": "auth_0001", "cars": "cars_0003"}
    workshop.add(chains[2], "def upgrade(): pass\n")
    assert heads(chains)["menus"] == "menus_0001"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("revision = 'cars_0001'\n", "does not say which revision it is"),
        ("revision = 'cars_0001'\ndown_revision = ('a', 'b')\n", "does not say which revision it is"),
        ("revision = ", "not valid Python"),
        ("revision = 'cars_0001'\ndown_revision = 'cars_0000'\n", "follows cars_0000, which does not exist"),
        ("revision = 'cars_0001'\ndown_revision = None\n", "branch_labels"),
        ("revision = 'cars_0001'\ndown_revision = 'cars_0001'\n", "cannot be reached from the base"),
    ],
)
def test_a_malformed_revision_file_is_named(workshop: Workshop, body: str, message: str) -> None:
    chain = workshop.chain("cars")
    (workshop.place(chain) / "0001_step.py").write_text(body)
    with pytest.raises(MigrationError, match=message):
        heads([chain])


def test_two_heads_and_two_files_of_one_id_are_refused(workshop: Workshop) -> None:
    chain = workshop.demo()[1]
    workshop.add(chain, "def upgrade(): pass\n", after=2)
    with pytest.raises(MigrationError, match="cars_0003 and cars_0004 both follow cars_0002"):
        heads([chain])
    first = workshop.place(chain) / "0001_step.py"
    (workshop.place(chain) / "0004_step.py").write_text(first.read_text())
    with pytest.raises(MigrationError, match=r"0001_step.py and 0004_step.py are both cars_0001"):
        heads([chain])


def test_a_chain_whose_package_does_not_exist_is_refused(workshop: Workshop) -> None:
    chain = workshop.demo()[0]
    for missing in ("no_such_package.migrations", f"{chain.revisions}.deeper"):
        with pytest.raises(MigrationError, match="no such package"):
            heads([type(chain)("auth", "demo_auth", missing)])


async def test_status_tells_empty_behind_and_current_with_what_is_pending(
    database_url: str, workshop: Workshop
) -> None:
    chains = workshop.demo()
    await upgrade(database_url, chains, only="auth")
    auth, cars = await status(database_url, chains)
    assert auth == ChainStatus("auth", "demo_auth", "auth_0001", "auth_0001", (), "current")
    assert cars == ChainStatus("cars", "demo_cars", None, "cars_0003", ("cars_0001", "cars_0002", "cars_0003"), "empty")
    await upgrade(database_url, chains, only="cars", revision="+1")
    cars = (await status(database_url, chains))[1]
    assert (cars.state, cars.applied, cars.pending) == ("behind", "cars_0001", ("cars_0002", "cars_0003"))


async def test_applied_works_on_a_connection_even_inside_a_transaction(
    database_url: str, database: asyncpg.Connection, workshop: Workshop
) -> None:
    chains = workshop.demo()
    await upgrade(database_url, chains, only="auth")
    expected = {"auth": "auth_0001", "cars": None}
    assert await applied(database, chains) == expected
    async with database.transaction():
        assert await applied(database, chains) == expected
        assert await database.fetchval("SELECT 1") == 1
    assert await applied(database_url, []) == {}


async def test_a_vanished_module_shows_as_gone_and_disturbs_no_other(
    database_url: str, database: asyncpg.Connection, workshop: Workshop
) -> None:
    auth, cars = workshop.demo()
    await upgrade(database_url, [auth, cars])
    await database.execute("CREATE SCHEMA stranger; CREATE TABLE stranger.alembic_version (version_num text)")

    found = await status(database_url, [auth])

    assert found[0].state == "current"
    assert found[1:] == [ChainStatus("cars", "demo_cars", "cars_0003", None, (), "gone")]
    assert await upgrade(database_url, [auth]) == []
    assert await check(database_url, [auth]) == []


async def test_purging_a_schema_that_others_refer_to_is_refused(
    database_url: str, database: asyncpg.Connection, workshop: Workshop
) -> None:
    chains = workshop.demo()
    await upgrade(database_url, chains)
    with pytest.raises(MigrationError, match=r"demo_cars\.cars \(fk_cars_owner_id_users\)"):
        await purge(database_url, "demo_auth")
    assert await database.fetchval("SELECT to_regclass('demo_auth.users')") is not None


async def test_a_view_elsewhere_forbids_a_purge_as_well(
    database_url: str, database: asyncpg.Connection, workshop: Workshop
) -> None:
    await upgrade(database_url, workshop.demo())
    await database.execute("CREATE VIEW public.garage AS SELECT id FROM demo_cars.cars")
    with pytest.raises(MigrationError, match=r"view garage depends on table demo_cars\.cars"):
        await purge(database_url, "demo_cars")
    assert await database.fetchval("SELECT count(*) FROM public.garage") == 0


async def test_a_purge_says_what_it_drops_and_drops_all_of_it(
    database_url: str, database: asyncpg.Connection, workshop: Workshop
) -> None:
    chains = workshop.demo()
    await upgrade(database_url, chains)
    owner = uuid4()
    await database.execute("INSERT INTO demo_auth.users VALUES ($1, 'owner@example.org')", owner)
    for _ in range(3):
        await database.execute(
            "INSERT INTO demo_cars.cars (id, owner_id, colour) VALUES ($1, $2, 'red')", uuid4(), owner
        )

    plan = await purge_plan(database_url, "demo_cars")

    assert (plan.name, plan.tables, plan.foreign_keys) == ("cars", {"cars": 3}, ())
    assert [str(key) for key in (await purge_plan(database_url, "demo_auth")).foreign_keys] == [
        "demo_cars.cars (fk_cars_owner_id_users) references demo_auth.users"
    ]
    assert await purge(database_url, "demo_cars") == plan
    assert await database.fetchval("SELECT count(*) FROM pg_namespace WHERE nspname = 'demo_cars'") == 0
    assert [found.state for found in await status(database_url, chains)] == ["current", "empty"]
    assert len(await upgrade(database_url, chains)) == 3


@pytest.mark.parametrize("schema", ["public", "pg_catalog", "nowhere"])
async def test_only_a_modules_schema_can_be_purged(database_url: str, workshop: Workshop, schema: str) -> None:
    await upgrade(database_url, workshop.demo())
    with pytest.raises(MigrationError, match="does not hold a module's tables") as caught:
        await purge(database_url, schema)
    assert "demo_auth, demo_cars" in caught.value.hint


async def test_what_the_server_refuses_is_one_clear_error(
    database_url: str, database: asyncpg.Connection, workshop: Workshop
) -> None:
    chains = workshop.demo()
    await upgrade(database_url, chains)
    role = f"nobody_{uuid4().hex[:8]}"
    await database.execute(f"CREATE ROLE {role}")
    url = f"{database_url}{'&' if '?' in database_url else '?'}role={role}"
    try:
        with pytest.raises(MigrationError, match="permission denied for schema demo_auth"):
            await status(url, chains)
        assert "cannot be compared: permission denied for schema demo_cars" in (await compare(url, chains[1]))[0]
    finally:
        await database.execute(f"DROP ROLE {role}")


async def test_a_database_dropped_by_its_owner_is_an_error_not_a_hang(database_url: str, workshop: Workshop) -> None:
    gone = database_url.replace("/t_", "/gone_")
    with pytest.raises(MigrationError, match="does not exist"):
        await status(gone, workshop.demo())
