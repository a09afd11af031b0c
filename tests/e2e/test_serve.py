"""One command from an empty folder to a running API, and what it says when something is in the way."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path
from types import ModuleType

import asyncpg
import httpx
import psutil
import pytest

from monocoque.cli import main
from tests.e2e.process import PATIENCE, Served, monocoque

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder that also an unprivileged database server can reach."""
    for place in (tmp_path, *tmp_path.parents):
        if place.owner() == "root" and os.geteuid() == 0 and "pytest" in place.name:
            place.chmod(0o755)
    return tmp_path


def test_a_newcomer_gets_an_api_from_an_empty_folder_and_ctrl_c_stops_all_of_it(folder: Path) -> None:
    with Served(folder) as served:
        output = served.output()
        assert "PostgreSQL in .monocoque" in output
        assert "migrations (" in output
        for shown in (f"{served.base}/api/v1", f"{served.base}/docs", str(folder / ".monocoque"), "curl http"):
            assert shown in output
        pasted = output.split("Try: curl ")[1].split()[0]
        assert httpx.get(pasted, timeout=PATIENCE).json()["items"][0]["name"] == "auth"
        children = psutil.Process(served.process.pid).children(recursive=True)
        assert any("postgres" in child.name() for child in children)
        assert served.interrupt() == 0
        assert "Stopped, the database too." in served.output()
        assert not any(child.is_running() for child in children)
    with Served(folder) as again:
        # That is what makes it three seconds on an idle machine, which the bench measures.
        assert "migrations" not in again.output()


def test_after_kill_9_no_worker_goes_on_and_the_next_start_repairs_what_was_left_and_says_so(folder: Path) -> None:
    with Served(folder, "--workers", "2") as first:
        children = psutil.Process(first.process.pid).children(recursive=True)
        first.process.kill()
        workers = [child for child in children if "postgres" not in child.name()]
        assert len(workers) >= 2
        _, left = psutil.wait_procs(workers, timeout=PATIENCE)
        assert left == []
        first.wait_until_closed()
        assert "Traceback" not in first.output()
    with Served(folder) as second:
        assert "The last run" in second.output()
        assert second.get("/health/ready").json()["status"] == "ok"


def slow_upload(served: Served) -> socket.socket:
    """A registration under way, of whose 50 bytes one has been sent."""
    slow = socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)
    slow.sendall(b"POST /api/v1/auth/register HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n")
    slow.sendall(b"Content-Length: 50\r\nExpect: 100-continue\r\n\r\n")
    # The application reads: the request is running.
    assert slow.recv(4096).startswith(b"HTTP/1.1 100")
    slow.sendall(b"{")
    return slow


def test_ctrl_c_twice_ends_what_still_runs_with_a_problem_and_without_a_traceback(folder: Path) -> None:
    with Served(folder) as served, slow_upload(served) as slow:
        children = psutil.Process(served.process.pid).children(recursive=True)
        os.killpg(served.process.pid, signal.SIGINT)
        served.wait_until_said("Ctrl-C again")
        assert served.interrupt() == 0
        reply = b"".join(iter(lambda: slow.recv(4096), b"")).decode()
        assert reply.startswith("HTTP/1.1 503")
        assert "application/problem+json" in reply
        assert "server.unavailable" in reply
        assert "Traceback" not in served.output()
        assert served.output().endswith("Stopped, the database too.\n")
        assert not any(child.is_running() for child in children)


def test_sigterm_drains_and_ends_with_exit_code_zero(folder: Path, migrated_database_url: str) -> None:
    with Served(folder, variables={"DATABASE_URL": migrated_database_url}) as served:
        assert served.interrupt(signal.SIGTERM) == 0


def test_several_workers_answer_on_one_port_and_let_nobody_else_in_while_they_drain(
    folder: Path, migrated_database_url: str
) -> None:
    served = Served(folder, "--workers", "2", variables={"DATABASE_URL": migrated_database_url})
    with served, slow_upload(served) as slow:
        assert served.get("/health/db").status_code == 200
        # To the first process alone, as a supervisor sends it.
        served.process.terminate()
        served.wait_until_closed()
        slow.sendall(b" " * 48 + b"}")
        reply = b"".join(iter(lambda: slow.recv(4096), b"")).decode()
        assert reply.startswith("HTTP/1.1 422")
        assert "connection: close" in reply
        assert served.process.wait(timeout=PATIENCE) == 0


def test_what_is_wrong_with_a_module_stops_several_workers_too(folder: Path, migrated_database_url: str) -> None:
    variables = {"DATABASE_URL": migrated_database_url, "MONOCOQUE_AUTH_PASSWORD_ROUNDS": "none"}
    said = refused(folder, "serve", "--port", "0", "--workers", "2", variables=variables)
    assert "MONOCOQUE_AUTH_PASSWORD_ROUNDS" in said
    assert "API:" not in said


def refused(folder: Path, *arguments: str, variables: dict[str, str] | None = None) -> str:
    """What a start that fails says: one message, no traceback, exit code 1."""
    done = monocoque(*arguments, folder=folder, variables=variables)
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "Traceback" not in said
    return said


def test_a_port_that_is_taken_is_named_with_another_to_use(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused(folder, "serve", "--port", str(port))
    assert f"Port {port}" in said
    assert "MONOCOQUE_PORT=" in said


def test_a_data_folder_that_is_a_file_is_explained(folder: Path) -> None:
    (folder / "home").write_text("in the way")
    assert "MONOCOQUE_HOME" in refused(folder, "serve", "--port", "0", variables={"MONOCOQUE_HOME": "home"})


def test_an_unreachable_database_is_explained_without_its_password(folder: Path) -> None:
    # Held, so that nobody else comes to listen there.
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        url = f"postgresql://somebody:hunter2-secret@127.0.0.1:{silent.getsockname()[1]}/db"
        said = refused(folder, "serve", "--port", "0", variables={"MONOCOQUE_DATABASE_URL": url})
    assert "cannot be reached" in said
    assert "MONOCOQUE_DATABASE_URL" in said
    assert "hunter2" not in said


def test_an_unknown_module_is_named_with_the_nearest_one(folder: Path) -> None:
    said = refused(folder, "serve", "--port", "0", variables={"MONOCOQUE_MODULES": "auth,carz"})
    assert "'carz'" in said
    assert "'cars'" in said


def test_build_lists_without_cars_and_parts_is_refused_naming_both(folder: Path) -> None:
    said = refused(folder, "serve", "--port", "0", variables={"MONOCOQUE_MODULES": "auth,build_lists"})
    assert "requires cars, parts" in said


def test_production_names_every_missing_setting_at_once(folder: Path) -> None:
    said = refused(folder, "serve", variables={"MONOCOQUE_ENVIRONMENT": "production", "MONOCOQUE_LOG_LEVEL": "loud"})
    for name in ("MONOCOQUE_DATABASE_URL", "MONOCOQUE_SECRET_KEY", "MONOCOQUE_LOG_LEVEL"):
        assert name in said


def test_production_does_not_migrate_by_itself(folder: Path, database_url: str) -> None:
    said = refused(
        folder,
        "serve",
        "--port",
        "0",
        variables={
            "MONOCOQUE_ENVIRONMENT": "production",
            "MONOCOQUE_DATABASE_URL": database_url,
            "MONOCOQUE_SECRET_KEY": "k" * 40,
        },
    )
    assert "monocoque db upgrade" in said


async def test_the_commands_of_the_database_work_from_up_to_purge(folder: Path, database_url: str) -> None:
    variables = {"DATABASE_URL": database_url}

    def run(*arguments: str, code: int = 0) -> str:
        done = monocoque(*arguments, folder=folder, variables=variables)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    assert "applied" in run("db", "upgrade", "--module", "cars")
    assert "behind" in run("modules", "list") or "empty" in run("modules", "list")
    assert "applied" in run("db", "upgrade")
    assert "Nothing to do" in run("db", "upgrade")
    assert "In step" in run("db", "check")
    assert "build_lists" in run("db", "downgrade", "base", "--module", "cars", code=1)
    assert "taken back" in run("db", "downgrade", "base", "--module", "build_lists")
    assert '"applied": null' in run("modules", "list", "--json")
    assert "enabled" in run("db", "purge", "--module", "parts", "--yes", code=1)
    variables["MONOCOQUE_MODULES"] = "auth,cars"
    assert "disabled" in run("db", "status")
    assert "Dropped" in run("db", "purge", "--module", "build_lists", "--yes")
    connection = await asyncpg.connect(database_url)
    left = await connection.fetchval("SELECT count(*) FROM pg_namespace WHERE nspname = 'monocoque_build_lists'")
    await connection.close()
    assert left == 0


def test_the_first_admin_is_made_on_the_command_line(folder: Path, migrated_database_url: str) -> None:
    variables = {"DATABASE_URL": migrated_database_url, "MONOCOQUE_AUTH_ADMIN_PASSWORD": "a long enough password"}
    done = monocoque("users", "create-admin", "admin@example.org", folder=folder, variables=variables)
    assert done.returncode == 0, done.stderr
    with Served(folder, variables=variables) as served:
        login = {"email": "admin@example.org", "password": "a long enough password"}
        reply = httpx.post(f"{served.base}/api/v1/auth/login", json=login, timeout=PATIENCE)
        token = reply.json()["access_token"]
        me = served.get("/api/v1/auth/me", Authorization=f"Bearer {token}")
        assert me.json()["role"] == "admin"


def test_ctrl_c_while_python_still_imports_leaves_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_name: str) -> None:
        raise KeyboardInterrupt

    commands = ModuleType("monocoque.cli.commands")
    commands.__getattr__ = interrupted  # type: ignore[method-assign]
    monkeypatch.setitem(sys.modules, "monocoque.cli.commands", commands)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr() == ("", "")


def test_python_m_and_the_version_agree(folder: Path) -> None:
    from monocoque import __version__

    assert monocoque("version", folder=folder).stdout.strip() == __version__
    assert sys.version_info >= (3, 12)


def test_what_is_no_http_is_answered_with_a_problem_too(folder: Path, migrated_database_url: str) -> None:
    with Served(folder, variables={"DATABASE_URL": migrated_database_url}) as served:
        with socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400")
        assert b"application/problem+json" in head
        assert json.loads(body)["code"] == "request.malformed"
