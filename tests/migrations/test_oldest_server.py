"""The same chains, and a written revision, on PostgreSQL 15, where this machine has one."""

import contextlib
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa

from monocoque_migrations import check, downgrade, revision, upgrade
from tests.migrations.workshop import Workshop

BINARIES = Path("/usr/lib/postgresql/15/bin")


def _account() -> str | None:
    """The account that may run a server: PostgreSQL refuses root."""
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("postgres").pw_name
    return None


@pytest.fixture(scope="module")
def oldest_server_url() -> Iterator[str]:
    account = _account()
    if not (BINARIES / "initdb").exists() or account is None:
        pytest.skip("[elsewhere] PostgreSQL 15 is not installed in /usr/lib/postgresql/15")
    home = Path(tempfile.mkdtemp(prefix="pg15-"))
    data = home / "data"
    try:
        shutil.chown(home, account)
        _run(account, "initdb", "-D", str(data), "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8")
        options = f"-c listen_addresses='' -c unix_socket_directories={home} -c fsync=off"
        _run(account, "pg_ctl", "-D", str(data), "-w", "-l", str(home / "log"), "-o", options, "start")
        try:
            yield f"postgresql://postgres@/postgres?host={home}"
        finally:
            _run(account, "pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _run(account: str, program: str, *arguments: str) -> None:
    command = [str(BINARIES / program), *arguments]
    subprocess.run(command, user=account, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")


@pytest.fixture
async def oldest_database(oldest_server_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(oldest_server_url)
    yield connection
    await connection.execute("DROP SCHEMA IF EXISTS demo_cars, demo_auth, demo_boats CASCADE")
    await connection.close()


async def test_up_in_step_down_and_up_again_on_data(
    oldest_server_url: str, oldest_database: asyncpg.Connection, workshop: Workshop
) -> None:
    chains = workshop.demo()
    assert oldest_database.get_server_version().major == 15
    assert len(await upgrade(oldest_server_url, chains)) == 4
    assert await check(oldest_server_url, chains) == []
    await oldest_database.execute(
        "INSERT INTO demo_auth.users VALUES (gen_random_uuid(), 'owner@example.org');"
        "INSERT INTO demo_cars.cars (id, owner_id, colour) SELECT gen_random_uuid(), id, 'red' FROM demo_auth.users"
    )
    assert len(await downgrade(oldest_server_url, chains, only="cars", revision="0001")) == 2
    assert len(await upgrade(oldest_server_url, chains)) == 2
    assert await oldest_database.fetchval("SELECT colour FROM demo_cars.cars") == "unknown"


async def test_a_revision_with_a_uuidv7_default_runs_where_there_is_no_uuidv7(
    oldest_server_url: str, oldest_database: asyncpg.Connection, database_url: str, workshop: Workshop
) -> None:
    metadata = sa.MetaData()
    sa.Table(
        "boats",
        metadata,
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), primary_key=True),
        schema="demo_boats",
    )
    chain = workshop.chain("boats", metadata=metadata)
    await revision(chain, "Create boats", url=database_url)

    for url in (database_url, oldest_server_url):
        await upgrade(url, [chain])
        assert await check(url, [chain]) == []
    default = "SELECT column_default FROM information_schema.columns WHERE table_name = 'boats' AND column_name = 'id'"
    assert await oldest_database.fetchval(default) is None
