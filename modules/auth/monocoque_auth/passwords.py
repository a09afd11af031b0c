"""Password hashes: bcrypt over a SHA-256 of the whole password, on threads of their own."""

import asyncio
import base64
import hashlib
import re
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import bcrypt

MIN_ROUNDS: Final = 4
# About four seconds on a current core; above it a single stored hash could hold a worker for minutes.
MAX_ROUNDS: Final = 16
MAX_PASSWORD_LENGTH: Final = 1024

_STORED: Final = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}", re.ASCII)
# The digest half of a hash that no password is known to have.
_NO_DIGEST: Final = "." * 31


class PasswordHashingBusy(Exception):
    """As many passwords wait to be hashed as may wait; try again in `retry_after` seconds."""

    retry_after: Final = 1


class Passwords:
    """Hashes and checks passwords with bcrypt at `rounds` (the cost is 2 ** rounds), off the event loop.

    At most `workers` hash at once and `max_waiting` more wait; beyond that PasswordHashingBusy is raised at once.
    Passwords are compared in NFC, as RFC 8265 (OpaqueString) has it: the same letters typed on two systems are the same
    password, while compatibility forms that only look alike stay different, which NFKC would merge.
    """

    def __init__(self, rounds: int = 12, workers: int = 2, max_waiting: int = 64) -> None:
        if not MIN_ROUNDS <= rounds <= MAX_ROUNDS:
            raise ValueError(f"bcrypt rounds must be {MIN_ROUNDS} to {MAX_ROUNDS}, not {rounds}; 12 is usual.")
        if workers < 1 or max_waiting < 0:
            raise ValueError("Password hashing needs at least one worker, and a queue of zero or more.")
        self._rounds = rounds
        # A valid salt is all that it takes to spend the same time; making a real hash would slow each start down.
        self._dummy = bcrypt.gensalt(rounds).decode() + _NO_DIGEST
        self._slots = threading.BoundedSemaphore(workers + max_waiting)
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="password")

    async def hash_password(self, password: str) -> str:
        """Give the text to store for a password; ValueError when it has more than 1024 characters."""
        if len(password) > MAX_PASSWORD_LENGTH:
            raise ValueError(f"A password may have at most {MAX_PASSWORD_LENGTH} characters.")
        return await self._run(self._hash, password)

    async def verify_password(self, password: str, hashed: str | None) -> bool:
        """Tell whether the password is the one that was hashed; None, an unknown user, costs one hash too and is False.

        A malformed stored hash and an overlong password are False at the same cost, never an error.
        """
        if hashed is None or not _is_usable(hashed) or len(password) > MAX_PASSWORD_LENGTH:
            await self._run(_matches, password[:MAX_PASSWORD_LENGTH], self._dummy)
            return False
        return await self._run(_matches, password, hashed)

    def needs_rehash(self, hashed: str) -> bool:
        """Tell whether a stored hash was made at another cost than the configured one."""
        return needs_rehash(hashed, self._rounds)

    def close(self) -> None:
        """Take no more passwords: calls that still wait are cancelled, those being hashed end by themselves."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _hash(self, password: str) -> str:
        return bcrypt.hashpw(_prehash(password), bcrypt.gensalt(self._rounds)).decode()

    async def _run[Result](self, work: Callable[..., Result], *arguments: str) -> Result:
        if not self._slots.acquire(blocking=False):
            raise PasswordHashingBusy("Too many passwords are being checked at the moment; try again in a second.")
        try:
            future = self._executor.submit(work, *arguments)
        except BaseException:
            self._slots.release()
            raise
        # Released by the thread's own future, not by the caller: a cancelled caller leaves a running hash behind, and
        # that still holds its worker.
        future.add_done_callback(lambda _: self._slots.release())
        return await asyncio.wrap_future(future)


def needs_rehash(hashed: str, rounds: int) -> bool:
    """Tell whether a stored hash was made at another cost than `rounds`, or is not a hash of ours at all."""
    stored = _STORED.fullmatch(hashed)
    return stored is None or int(stored[1]) != rounds or not hashed.startswith("$2b$")


def _is_usable(hashed: str) -> bool:
    stored = _STORED.fullmatch(hashed)
    return stored is not None and MIN_ROUNDS <= int(stored[1]) <= MAX_ROUNDS and _has_readable_salt(hashed)


def _has_readable_salt(hashed: str) -> bool:
    # 22 characters hold 132 bits for a salt of 128; bcrypt refuses a salt whose last four are not zero.
    return hashed[28] in ".Oeu"


def _matches(password: str, hashed: str) -> bool:
    return bcrypt.checkpw(_prehash(password), hashed.encode())


def _prehash(password: str) -> bytes:
    """SHA-256 in base64: 44 bytes without NUL, so that bcrypt's limit of 72 never cuts or refuses a password."""
    # surrogatepass: a lone surrogate is refused at the API; here it must not become an error that carries the password.
    text = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    return base64.b64encode(hashlib.sha256(text).digest())
