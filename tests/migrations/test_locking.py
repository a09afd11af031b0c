"""One process migrates at a time; a holder that dies lets go; a holder that stays is named."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process

import asyncpg
import pytest

from monocoque_migrations import Chain, MigrationError, applied, upgrade
from monocoque_migrations.locking import LOCK_KEY, migration_lock
from tests.migrations.workshop import Workshop

UPGRADE = """
import asyncio, sys
from monocoque_migrations import Chain, upgrade
auth, cars = sys.argv[2:]
chains = [Chain("auth", "demo_auth", auth), Chain("cars", "demo_cars", cars, requires=("auth",))]
print(*(step.revision for step in asyncio.run(upgrade(sys.argv[1], chains, lock_wait=600))))
"""

HOLD = """
import asyncio, sys
from monocoque_migrations.locking import migration_lock
async def hold():
    async with migration_lock(sys.argv[1], 5):
        print("held", flush=True)
        await asyncio.sleep(600)
asyncio.run(hold())
"""

TERMINATE = """
SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
WHERE application_name LIKE '%(lock)' AND datname = current_database()
"""


async def start(code: str, *arguments: str, path: str = "") -> Process:
    environment = os.environ | {"PYTHONPATH": path}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, *arguments, env=environment, stdout=PIPE, stderr=PIPE
    )


@pytest.mark.slow
async def test_eight_processes_upgrade_at_once_and_each_revision_runs_exactly_once(
    database_url: str, database: asyncpg.Connection, workshop: Workshop
) -> None:
    chains: list[Chain] = workshop.demo()
    workshop.add(
        chains[1],
        'def upgrade():\n    op.execute("CREATE TABLE demo_cars.traces AS SELECT pg_backend_pid()")\n'
        '    op.execute("SELECT pg_sleep(0.3)")\n\ndef downgrade():\n    op.drop_table("traces", schema="demo_cars")\n',
    )
    names = [chain.revisions for chain in chains]
    processes = [await start(UPGRADE, database_url, *names, path=str(workshop.folder)) for _ in range(8)]

    outputs = await asyncio.gather(*(process.communicate() for process in processes))

    assert [process.returncode for process in processes] == [0] * 8, outputs
    done = [revision for out, _ in outputs for revision in out.decode().split()]
    assert sorted(done) == ["auth_0001", "cars_0001", "cars_0002", "cars_0003", "cars_0004"]
    assert await applied(database, chains) == {"auth": "auth_0001", "cars": "cars_0004"}
    assert await database.fetchval("SELECT count(*) FROM demo_cars.traces") == 1


async def test_a_lock_whose_holder_was_killed_is_free_again(database_url: str, workshop: Workshop) -> None:
    chains = workshop.demo()
    holder = await start(HOLD, database_url)
    try:
        assert holder.stdout is not None
        assert await holder.stdout.readline() == b"held\n"
        with pytest.raises(MigrationError, match="not free within 0"):
            await upgrade(database_url, chains, lock_wait=0)
    finally:
        holder.kill()
        await holder.communicate()
    assert len(await upgrade(database_url, chains, lock_wait=60)) == 4


async def test_a_lock_that_stays_held_is_refused_naming_its_holder(
    database_url: str, database: asyncpg.Connection, workshop: Workshop
) -> None:
    await database.execute("SET application_name = 'a stuck deployment'")
    await database.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
    with pytest.raises(MigrationError) as caught:
        await upgrade(database_url, workshop.demo(), lock_wait=0.3)
    assert f"process {database.get_server_pid()} (a stuck deployment)" in caught.value.message
    assert "pg_terminate_backend" in caught.value.hint
    assert await database.fetchval("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'demo%'") == 0


async def test_the_lock_of_one_database_does_not_stop_another(
    database_url: str, other_database_url: str, workshop: Workshop
) -> None:
    async with migration_lock(other_database_url, 1):
        assert len(await upgrade(database_url, workshop.demo(), lock_wait=0)) == 4


async def test_an_upgrade_that_loses_its_lock_stops_before_the_next_revision(
    database_url: str, database: asyncpg.Connection, workshop: Workshop
) -> None:
    chains = workshop.demo()
    workshop.add(
        chains[1],
        f'def upgrade(): op.execute("""{TERMINATE}""")\n',
    )
    workshop.add(chains[1], "def upgrade(): pass\n")
    with pytest.raises(MigrationError, match="lock was closed"):
        await upgrade(database_url, chains)
    assert await applied(database, chains) == {"auth": "auth_0001", "cars": "cars_0004"}
    assert [step.revision for step in await upgrade(database_url, chains)] == ["cars_0005"]
