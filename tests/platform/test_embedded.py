"""The embedded PostgreSQL: who gets in, what survives, and what is said when something is wrong. No part is simulated
that the machine can do for real: servers are started, parents are killed.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from monocoque import embedded, embedded_host
from monocoque.embedded import EmbeddedPostgres, EmbeddedPostgresError

SERVE = """
import sys, time
from pathlib import Path
from monocoque.embedded import EmbeddedPostgres
database = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
try:
    database.start()
    print(database.pid, flush=True)
    time.sleep(300)
except KeyboardInterrupt:
    print("draining", database.pid, flush=True)
    time.sleep(0.3)
    print("drained", database.pid, flush=True)
    database.stop()
    print("stopped", database.pid, flush=True)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A home that the server's account reaches also when the tests run as root, unlike pytest's private `tmp_path`."""
    folder = Path(tempfile.mkdtemp(prefix="mq-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def database(home: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(home, durable=False)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def shared() -> Iterator[EmbeddedPostgres]:
    folder = Path(tempfile.mkdtemp(prefix="mq-"))
    folder.chmod(0o755)
    with EmbeddedPostgres(folder, durable=False) as server:
        yield server
    shutil.rmtree(folder)


def serve(home: Path) -> tuple[subprocess.Popen[str], int]:
    """Another process that runs the database of this home, and the pid of its server."""
    parent = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(home)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert parent.stdout
    return parent, int(parent.stdout.readline())


def kill(parent: subprocess.Popen[str]) -> None:
    parent.kill()
    parent.communicate()


def is_running(pid: int) -> bool:
    """Whether the process lives; one that ended and that nobody has waited for does not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def wait_until(true: Callable[[], object]) -> None:
    """Return when it is true, as late as that is on a slow machine."""
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def crash(server: int) -> None:
    """Kill it, and return when it is dead."""
    os.kill(server, signal.SIGKILL)
    wait_until(lambda: not is_running(server))


async def ask(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


# What it is


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
        ("max_connections", "100"),
        ("listen_addresses", ""),
        ("fsync", "off"),
    ],
)
async def test_the_server_is_set_up_for_us(shared: EmbeddedPostgres, setting: str, value: str) -> None:
    assert await ask(shared.url(), f"SELECT current_setting('{setting}')") == value


async def test_text_is_unicode_whatever_the_locale_of_the_machine(shared: EmbeddedPostgres) -> None:
    assert await ask(shared.url(), "SELECT upper('äöé')") == "ÄÖÉ"
    assert await ask(shared.url(), "SELECT datlocale FROM pg_database WHERE datname = 'postgres'") == "C.UTF-8"


async def test_trigrams_and_uuids_by_time_are_there(shared: EmbeddedPostgres) -> None:
    shared.create_database("trigrams")
    await ask(shared.url("trigrams"), "CREATE EXTENSION pg_trgm")
    assert await ask(shared.url("trigrams"), "SELECT similarity('turbo', 'turbos') > 0.5 AND uuidv7() IS NOT NULL")


def test_the_url_suits_sqlalchemy_and_psql_too(shared: EmbeddedPostgres) -> None:
    url = make_url(shared.url("some where"))
    assert (url.database, url.username, url.query["host"]) == ("some where", "postgres", str(shared.folder / "run"))
    psql = embedded_host.find_installation().program("psql")
    done = subprocess.run([psql, "-XAtc", "SELECT 7", shared.url()], capture_output=True, text=True, check=True)
    assert done.stdout == "7\n"


async def test_a_clone_has_the_tables_and_a_drop_ends_the_connections(shared: EmbeddedPostgres) -> None:
    shared.create_database("template")
    await ask(shared.url("template"), "CREATE TABLE cars AS SELECT 42 AS id")
    shared.clone("template", "copy")
    connection = await asyncpg.connect(shared.url("copy"))
    assert await connection.fetchval("SELECT id FROM cars") == 42
    shared.drop_database("copy")
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(shared.url("copy"))
    connection.terminate()


@pytest.mark.parametrize("name", ['x"; DROP DATABASE postgres; --', "Ünïcode & space", "%41/?host=elsewhere", "'"])
async def test_any_name_of_a_database_is_only_a_name(shared: EmbeddedPostgres, name: str) -> None:
    shared.create_database(name)
    assert await ask(shared.url(name), "SELECT current_database()") == name
    shared.drop_database(name)
    shared.drop_database(name)


@pytest.mark.parametrize("name", ["", "a\0b", "ü" * 32])
def test_a_name_that_the_server_would_cut_is_refused(shared: EmbeddedPostgres, name: str) -> None:
    with pytest.raises(EmbeddedPostgresError, match="63 bytes"):
        shared.create_database(name)


def test_what_the_server_refuses_is_said(shared: EmbeddedPostgres) -> None:
    with pytest.raises(EmbeddedPostgresError, match='template database "nowhere" does not exist'):
        shared.clone("nowhere", "copy_of_nothing")


# What survives


async def test_the_second_start_makes_nothing_anew_and_keeps_the_data(
    database: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.start()
    await ask(database.url(), "CREATE TABLE cars AS SELECT 1 AS id")
    database.stop()
    assert database.pid is None
    database.stop()
    monkeypatch.delattr(EmbeddedPostgres, "_initialise")
    assert database.start() == database.start()
    assert database.notes == []
    assert await ask(database.url(), "SELECT id FROM cars") == 1


async def test_a_start_stops_the_server_that_outlived_its_killed_parent(database: EmbeddedPostgres, home: Path) -> None:
    parent, orphan = serve(home)
    kill(parent)
    assert is_running(orphan)
    database.start()
    wait_until(lambda: not is_running(orphan))
    assert len(database.notes) == 1
    assert f"ended without stopping its database (pid {orphan})" in database.notes[0]
    assert await ask(database.url(), "SELECT 1") == 1


async def test_a_start_repairs_what_a_crash_of_the_machine_leaves(database: EmbeddedPostgres, home: Path) -> None:
    parent, server = serve(home)
    crash(server)
    kill(parent)
    database.start()
    assert database.notes == [f"The last run left a stale lock file behind (pid {server}); it has been repaired."]
    assert await ask(database.url(), "SELECT 1") == 1


def test_a_lock_file_whose_pid_is_now_someone_else_is_repaired_and_that_process_left_alone(
    database: EmbeddedPostgres, home: Path
) -> None:
    parent, server = serve(home)
    crash(server)
    kill(parent)
    account = embedded_host.choose_account(database.folder / "data")
    with subprocess.Popen(["/bin/sleep", "60"], **account.process_options) as innocent:
        for file in (database.folder / "data/postmaster.pid", *(database.folder / "run").glob(".s.PGSQL.*.lock")):
            file.write_text(file.read_text().replace(str(server), str(innocent.pid), 1))
        database.start()
        assert innocent.poll() is None
        innocent.kill()
    assert f"stale lock file behind (pid {innocent.pid})" in database.notes[0]


@pytest.mark.parametrize("content", ["", "nonsense\n", "-1\n"])
def test_a_lock_file_without_a_pid_is_repaired(database: EmbeddedPostgres, content: str) -> None:
    database.start()
    database.stop()
    (database.folder / "data/postmaster.pid").write_text(content)
    database.start()
    assert "no pid in it" in database.notes[0]


async def test_a_start_waits_for_the_queries_of_a_killed_server(
    database: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "LEFT_OVER_SECONDS", 60.0)
    database.start()
    connection = await asyncpg.connect(database.url())
    left_over = connection.get_server_pid()
    assert database.pid
    # A process that stands still does not notice that its server is gone.
    os.kill(left_over, signal.SIGSTOP)
    try:
        await asyncio.to_thread(crash, database.pid)
        starting = asyncio.create_task(asyncio.to_thread(database.start))
        await asyncio.to_thread(wait_until, lambda: embedded.IN_USE in database.log_file.read_bytes())
        assert not starting.done()
    finally:
        os.kill(left_over, signal.SIGCONT)
    await starting
    connection.terminate()
    assert await ask(database.url(), "SELECT 1") == 1


def test_an_interrupted_first_start_leaves_no_half_of_a_database(database: EmbeddedPostgres) -> None:
    unfinished = database.folder / "data.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    database.start()
    assert not unfinished.exists()


def test_two_servers_on_one_home_are_one_too_many(database: EmbeddedPostgres, home: Path) -> None:
    parent, server = serve(home)
    with pytest.raises(EmbeddedPostgresError, match=rf"Another process \(pid {parent.pid}\)") as caught:
        database.start()
    assert "MONOCOQUE_HOME" in caught.value.hint
    assert is_running(server)
    parent.send_signal(signal.SIGINT)
    parent.communicate(timeout=60)
    assert not is_running(server)
    database.start()
    assert database.notes == []


def test_ctrl_c_leaves_the_database_up_until_the_application_has_drained(home: Path) -> None:
    parent, server = serve(home)
    os.killpg(parent.pid, signal.SIGINT)
    output, _ = parent.communicate(timeout=60)
    assert output.splitlines() == [f"draining {server}", f"drained {server}", "stopped None"]
    assert not is_running(server)


def test_a_server_that_does_not_answer_is_killed_in_the_end(
    database: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "STOP_STEPS", [(request, 0.2) for request, _ in embedded.STOP_STEPS[:2]] + [(9, 60)])
    database.start()
    assert database.pid
    pid = database.pid
    os.kill(pid, signal.SIGSTOP)
    database.stop()
    assert not is_running(pid)


def test_destroy_leaves_nothing(database: EmbeddedPostgres, home: Path) -> None:
    database.start()
    database.destroy()
    assert list(home.iterdir()) == []
