"""Chains go up and down: in order, on data, and never halfway."""

import asyncio
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from monocoque_migrations import Applied, Chain, MigrationError, applied, compare, downgrade, status, upgrade
from tests.migrations.workshop import Workshop
from tests.support import awaited

BROKEN = """
def upgrade():
    op.create_table("half", sa.Column("id", sa.Integer()), schema="demo_cars")
    op.execute("SELECT no_such_column FROM demo_cars.cars")

def downgrade():
    pass
"""


async def add_car(database: asyncpg.Connection, **columns: str) -> None:
    owner = uuid4()
    await database.execute("INSERT INTO demo_auth.users VALUES ($1, 'owner@example.org')", owner)
    values = {"id": uuid4(), "owner_id": owner} | columns
    marks = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    await database.execute(f"INSERT INTO demo_cars.cars ({', '.join(values)}) VALUES ({marks})", *values.values())


def ids(done: list[Applied]) -> list[str]:
    return [step.revision for step in done]


async def test_a_fresh_database_goes_to_every_head_in_requires_order(database_url: str, workshop: Workshop) -> None:
    chains = workshop.demo()
    steps: list[tuple[str, str, str]] = []

    done = await upgrade(database_url, chains, on_step=lambda *step: steps.append(step[:3]))

    assert ids(done) == ["auth_0001", "cars_0001", "cars_0002", "cars_0003"]
    assert steps == [(step.chain, step.revision, step.doc) for step in done]
    assert steps[0] == ("auth", "auth_0001", "Step 1 of auth.")
    assert all(step.seconds > 0 for step in done)
    for chain in chains:
        assert await compare(database_url, chain) == []


async def test_a_second_upgrade_does_nothing(database_url: str, workshop: Workshop) -> None:
    chains = workshop.demo()
    await upgrade(database_url, chains)
    assert await upgrade(database_url, chains) == []


async def test_up_down_and_up_again_on_data(
    database_url: str, database: asyncpg.Connection, workshop: Workshop
) -> None:
    chains = workshop.demo()
    await upgrade(database_url, chains, only="cars", revision="0001")
    await add_car(database)

    assert ids(await upgrade(database_url, chains)) == ["cars_0002", "cars_0003"]
    assert await database.fetchval("SELECT colour FROM demo_cars.cars") == "unknown"
    assert ids(await downgrade(database_url, chains, only="cars", revision="cars_0001")) == ["cars_0003", "cars_0002"]
    assert await database.fetchval("SELECT count(*) FROM demo_cars.cars") == 1
    assert ids(await upgrade(database_url, chains)) == ["cars_0002", "cars_0003"]
    assert await database.fetchval("SELECT colour FROM demo_cars.cars") == "unknown"
    assert await compare(database_url, chains[1]) == []


async def test_down_one_step_and_down_to_base_leave_an_empty_version_table(
    database_url: str, database: asyncpg.Connection, workshop: Workshop
) -> None:
    chains = workshop.demo()
    await upgrade(database_url, chains)

    assert ids(await downgrade(database_url, chains, only="cars", revision="-1")) == ["cars_0003"]
    assert ids(await downgrade(database_url, chains, only="cars", revision="base")) == ["cars_0002", "cars_0001"]

    assert await database.fetchval("SELECT count(*) FROM demo_cars.alembic_version") == 0
    assert await applied(database_url, chains) == {"auth": "auth_0001", "cars": None}
    assert await downgrade(database_url, chains, only="cars", revision="base") == []
    assert len(await upgrade(database_url, chains)) == 3


async def test_only_upgrades_a_module_and_what_it_requires(database_url: str, workshop: Workshop) -> None:
    chains = [*workshop.demo(), workshop.chain("media", "def upgrade(): pass\n")]
    assert {step.chain for step in await upgrade(database_url, chains, only="cars")} == {"auth", "cars"}
    assert (await applied(database_url, chains))["media"] is None


async def test_concurrent_index_is_built_outside_a_transaction_while_others_poll_for_the_lock(
    database_url: str, database: asyncpg.Connection, workshop: Workshop
) -> None:
    chains = workshop.demo()
    first, second = await asyncio.gather(upgrade(database_url, chains), upgrade(database_url, chains))
    assert sorted(ids(first + second)) == ["auth_0001", "cars_0001", "cars_0002", "cars_0003"]
    assert await database.fetchval(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = 'demo_cars.ix_cars_colour'::regclass"
    )


async def test_two_databases_migrate_at_once_in_one_process(
    database_url: str, other_database_url: str, workshop: Workshop
) -> None:
    chains = workshop.demo()
    results = await asyncio.gather(*(upgrade(url, chains) for url in (database_url, other_database_url)))
    assert [len(done) for done in results] == [4, 4]
    assert await compare(other_database_url, chains[1]) == await compare(database_url, chains[1]) == []


async def test_a_failing_revision_is_named_and_rolled_back_and_the_earlier_ones_stay(
    database_url: str, database: asyncpg.Connection, workshop: Workshop
) -> None:
    chains = workshop.demo()
    workshop.add(chains[1], BROKEN)

    with pytest.raises(MigrationError) as caught:
        await upgrade(database_url, chains)

    assert "'cars'" in caught.value.message
    assert "cars_0004" in caught.value.message
    assert 'column "no_such_column" does not exist' in caught.value.message
    assert await applied(database_url, chains) == {"auth": "auth_0001", "cars": "cars_0003"}
    assert await database.fetchval("SELECT to_regclass('demo_cars.half')") is None


async def test_a_python_error_in_a_revision_is_named_too(database_url: str, workshop: Workshop) -> None:
    chain = workshop.chain("cars", "def upgrade():\n    raise RuntimeError('no fuel')\n")
    with pytest.raises(MigrationError, match=r"cars_0001, failed: RuntimeError: no fuel"):
        await upgrade(database_url, [chain])


async def test_a_table_in_use_makes_the_revision_give_up_after_the_lock_timeout(
    database_url: str, database: asyncpg.Connection, workshop: Workshop
) -> None:
    chains = workshop.demo()
    await upgrade(database_url, chains, only="cars", revision="0001")
    async with database.transaction():
        await database.execute("LOCK TABLE demo_cars.cars")
        with pytest.raises(MigrationError, match="lock timeout") as caught:
            await upgrade(database_url, chains, lock_timeout=0.2)
    assert "quieter" in caught.value.hint
    assert len(await upgrade(database_url, chains)) == 2


@pytest.mark.parametrize("revision", ["base", "-1"])
async def test_downgrade_under_a_living_dependant_is_refused_and_changes_nothing(
    database_url: str, database: asyncpg.Connection, workshop: Workshop, revision: str
) -> None:
    chains = workshop.demo()
    await upgrade(database_url, chains)
    await add_car(database, colour="red")

    with pytest.raises(MigrationError) as caught:
        await downgrade(database_url, chains, only="auth", revision=revision)

    assert "demo_cars.cars (fk_cars_owner_id_users)" in caught.value.message
    assert "demo_cars" in caught.value.hint
    assert await database.fetchval("SELECT count(*) FROM demo_cars.cars JOIN demo_auth.users u ON u.id = owner_id") == 1
    assert {found.state for found in await status(database_url, chains)} == {"current"}


async def test_a_refused_downgrade_of_several_revisions_undoes_none_of_them(
    database_url: str, database: asyncpg.Connection, workshop: Workshop
) -> None:
    auth, cars = workshop.demo()
    workshop.add(
        auth,
        'def upgrade():\n    op.add_column("users", sa.Column("note", sa.Text()), schema="demo_auth")\n\n'
        'def downgrade():\n    op.drop_column("users", "note", schema="demo_auth")\n',
    )
    await upgrade(database_url, [auth, cars])

    with pytest.raises(MigrationError, match="fk_cars_owner_id_users"):
        await downgrade(database_url, [auth, cars], only="auth", revision="-2")

    assert (await applied(database_url, [auth]))["auth"] == "auth_0002"
    assert await database.fetch("SELECT note FROM demo_auth.users") == []


async def test_a_downgrade_that_says_cascade_is_refused_before_it_can_cut_a_foreign_key(
    database_url: str, database: asyncpg.Connection, workshop: Workshop
) -> None:
    auth, cars = workshop.demo()
    workshop.add(auth, 'def upgrade(): pass\n\ndef downgrade(): op.execute("DROP TABLE demo_auth.users CASCADE")\n')
    await upgrade(database_url, [auth, cars])
    with pytest.raises(MigrationError, match="fk_cars_owner_id_users"):
        await downgrade(database_url, [auth, cars], only="auth", revision="base")
    assert await database.fetchval("SELECT count(*) FROM pg_constraint WHERE conname = 'fk_cars_owner_id_users'") == 1


async def test_code_that_was_rolled_back_leaves_a_newer_schema_alone(database_url: str, workshop: Workshop) -> None:
    chains = workshop.demo()
    await upgrade(database_url, chains)
    newest = workshop.place(chains[1]) / "0003_step.py"
    newest.unlink()

    assert await upgrade(database_url, chains) == []
    assert [found.state for found in await status(database_url, chains)] == ["current", "ahead"]
    with pytest.raises(MigrationError, match="cars_0003, which this code does not know"):
        await downgrade(database_url, chains, only="cars", revision="-1")


async def test_an_interrupted_upgrade_lets_go_of_the_lock_and_can_be_run_again(
    database_url: str, database: asyncpg.Connection, workshop: Workshop
) -> None:
    chain = workshop.chain(
        "cars", 'def upgrade(): op.execute("CREATE TABLE demo_cars.late AS SELECT 1 FROM pg_advisory_xact_lock(1)")\n'
    )
    await database.execute("SELECT pg_advisory_lock(1)")
    upgrading = asyncio.create_task(upgrade(database_url, [chain], lock_timeout=0))
    await awaited(database)
    upgrading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upgrading
    await database.execute("SELECT pg_advisory_unlock(1)")
    assert await database.fetchval("SELECT to_regclass('demo_cars.late')") is None
    assert ids(await upgrade(database_url, [chain])) == ["cars_0001"]


async def test_an_unknown_revision_is_refused(database_url: str, workshop: Workshop) -> None:
    chains = workshop.demo()
    with pytest.raises(MigrationError, match="cannot go up to 'nowhere'"):
        await upgrade(database_url, chains, only="cars", revision="nowhere")
    with pytest.raises(MigrationError, match="of which module"):
        await upgrade(database_url, chains, revision="cars_0001")


async def test_chains_out_of_requires_order_are_refused_before_anything_runs(
    database_url: str, database: asyncpg.Connection, workshop: Workshop
) -> None:
    auth, cars = workshop.demo()
    for wrong in ([cars, auth], [cars], [auth, auth]):
        with pytest.raises(MigrationError):
            await upgrade(database_url, wrong)
    with pytest.raises(MigrationError, match="no module 'boats'"):
        await upgrade(database_url, [auth, cars], only="boats")
    assert await database.fetchval("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'demo%'") == 0


async def test_a_role_that_may_not_create_schemas_works_in_the_one_made_for_it(
    database_url: str, database: asyncpg.Connection, workshop: Workshop
) -> None:
    role = f"app_{uuid4().hex[:8]}"
    await database.execute(f"CREATE ROLE {role}; CREATE SCHEMA demo_auth AUTHORIZATION {role}")
    # A search path that starts with the module's schema would make the server leave that schema out of every name.
    url = f"{database_url}{'&' if '?' in database_url else '?'}role={role}&search_path=demo_auth"
    auth = workshop.demo()[0]
    try:
        assert ids(await upgrade(url, [auth])) == ["auth_0001"]
        assert await compare(url, auth) == []
        with pytest.raises(MigrationError, match="permission denied"):
            await upgrade(url, [workshop.chain("media", "def upgrade(): pass\n")])
    finally:
        await database.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


async def test_a_chain_without_revisions_has_nothing_to_do(database_url: str, workshop: Workshop) -> None:
    empty = workshop.chain("menus")
    assert await upgrade(database_url, [empty]) == []
    [found] = await status(database_url, [empty])
    assert (found.state, found.head, found.applied) == ("current", None, None)


async def test_the_url_may_be_written_in_every_usual_way(database_url: str, workshop: Workshop) -> None:
    chains: list[Chain] = workshop.demo()
    rest = database_url.partition("://")[2]
    for scheme in ("postgres", "postgresql", "postgresql+asyncpg"):
        await upgrade(f"{scheme}://{rest}", chains)
    assert {found.state for found in await status(database_url, chains)} == {"current"}


async def test_a_database_that_cannot_be_reached_is_one_clear_error(workshop: Workshop, tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="cannot be reached") as caught:
        await upgrade(f"postgresql://someone:hunter2@/nothing?host={tmp_path}", workshop.demo())
    assert "hunter2" not in str(caught.value)


async def test_a_server_that_is_too_old_is_refused(
    database_url: str, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monocoque_migrations.connections.OLDEST_SERVER", 99)
    with pytest.raises(MigrationError, match=r"is too old\. Use PostgreSQL 99 or newer"):
        await upgrade(database_url, workshop.demo())


async def test_a_downgrade_that_fails_by_itself_is_named_and_rolled_back(database_url: str, workshop: Workshop) -> None:
    chain = workshop.chain("cars", 'def upgrade(): pass\n\ndef downgrade(): op.execute("SELECT 1 / 0")\n')
    await upgrade(database_url, [chain])
    with pytest.raises(MigrationError, match="cars_0001, failed: division by zero"):
        await downgrade(database_url, [chain], only="cars", revision="base")
    assert await applied(database_url, [chain]) == {"cars": "cars_0001"}


async def test_metadata_is_not_needed_to_migrate(database_url: str, workshop: Workshop) -> None:
    chains = [replace(chain, metadata=None) for chain in workshop.demo()]
    assert len(await upgrade(database_url, chains)) == 4
