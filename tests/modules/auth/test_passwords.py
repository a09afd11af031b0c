"""All of a password counts, an unknown user costs what a known one costs, and the event loop never waits for bcrypt."""

import asyncio
import re
import threading
from collections.abc import AsyncIterator

import bcrypt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monocoque_auth import passwords as module
from monocoque_auth.passwords import PasswordHashingBusy, Passwords, needs_rehash
from tests.support import until


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    made = Passwords(rounds=4)
    yield made
    made.close()


@pytest.fixture
def costs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The cost of every bcrypt computation since, as the two digits in the hash or salt."""
    seen: list[str] = []
    hashpw, checkpw = bcrypt.hashpw, bcrypt.checkpw

    def counted_hashpw(password: bytes, salt: bytes) -> bytes:
        seen.append(salt[4:6].decode())
        return hashpw(password, salt)

    def counted_checkpw(password: bytes, hashed: bytes) -> bool:
        seen.append(hashed[4:6].decode())
        return checkpw(password, hashed)

    monkeypatch.setattr(bcrypt, "hashpw", counted_hashpw)
    monkeypatch.setattr(bcrypt, "checkpw", counted_checkpw)
    return seen


class Gate:
    """Stands in for bcrypt's check: holds each call until it is opened, and tells how many are inside."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.inside = 0
        self.most_inside = 0
        self.calls = 0
        self._lock = threading.Lock()

    def checkpw(self, password: bytes, hashed: bytes) -> bool:
        with self._lock:
            self.calls += 1
            self.inside += 1
            self.most_inside = max(self.most_inside, self.inside)
        self.opened.wait(60)
        with self._lock:
            self.inside -= 1
        return True


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    made = Gate()
    monkeypatch.setattr(bcrypt, "checkpw", made.checkpw)
    return made


async def test_the_password_that_was_hashed_verifies_and_another_does_not(passwords: Passwords) -> None:
    hashed = await passwords.hash_password("correct horse battery staple")
    assert re.fullmatch(r"\$2b\$04\$[./A-Za-z0-9]{53}", hashed)
    assert await passwords.verify_password("correct horse battery staple", hashed)
    assert not await passwords.verify_password("correct horse battery stapl", hashed)


async def test_the_same_password_is_never_hashed_to_the_same_text(passwords: Passwords) -> None:
    assert await passwords.hash_password("twice") != await passwords.hash_password("twice")


@pytest.mark.parametrize(
    ("password", "nearly"),
    [
        ("🔧" * 64, "🔧" * 63 + "🔩"),
        ("a" * 99 + "b", "a" * 99 + "c"),
        ("a" * 1023 + "b", "a" * 1023 + "c"),
        ("nul\x00inside", "nul\x00outside"),
        ("nul\x00", "nul"),
        ("", "\x00"),
        ("trailing ", "trailing"),
        ("Case", "case"),
        ("lone \ud800", "lone \ud801"),
    ],
    ids=["64_emoji", "past_72_bytes", "the_longest", "nul_inside", "nul_last", "empty", "space", "case", "surrogate"],
)
async def test_every_character_of_a_password_counts(passwords: Passwords, password: str, nearly: str) -> None:
    hashed = await passwords.hash_password(password)
    assert await passwords.verify_password(password, hashed)
    assert not await passwords.verify_password(nearly, hashed)


async def test_the_same_letters_composed_or_not_are_the_same_password(passwords: Passwords) -> None:
    hashed = await passwords.hash_password("Motor\u00f6l")
    assert await passwords.verify_password("Motoro\u0308l", hashed)


async def test_letters_that_only_look_alike_stay_different(passwords: Passwords) -> None:
    hashed = await passwords.hash_password("\ufb01lter")
    assert not await passwords.verify_password("filter", hashed)


async def test_a_password_past_the_limit_is_not_hashed_and_never_matches(
    passwords: Passwords, costs: list[str]
) -> None:
    with pytest.raises(ValueError, match="at most 1024 characters") as refused:
        await passwords.hash_password("secret" * 200)
    assert "secret" not in str(refused.value)
    assert costs == []
    stored = bcrypt.hashpw(module._prehash("a" * 1025), bcrypt.gensalt(4)).decode()
    assert not await passwords.verify_password("a" * 1025, stored)


async def test_hashes_of_bcrypts_broken_kind_never_match(passwords: Passwords) -> None:
    hashed = await passwords.hash_password("right")
    assert await passwords.verify_password("right", hashed.replace("$2b$", "$2y$"))
    assert not await passwords.verify_password("right", hashed.replace("$2b$", "$2x$"))


@pytest.mark.parametrize("rounds", [4, 5])
async def test_an_unknown_user_costs_exactly_one_hash_like_a_known_one(costs: list[str], rounds: int) -> None:
    passwords = Passwords(rounds=rounds)
    hashed = await passwords.hash_password("right")
    for password, stored, verdict in (("right", hashed, True), ("wrong", hashed, False), ("right", None, False)):
        costs.clear()
        assert await passwords.verify_password(password, stored) is verdict
        assert costs == [f"{rounds:02}"]
    passwords.close()


HASH = "$2b$04$EFWH4Tth/S0w8wmhSadmkO" + "." * 31
MALFORMED = {
    "empty": "",
    "word": "password",
    "cut": HASH[:-1],
    "longer": HASH + ".",
    "newline": HASH + "\n",
    "cost_too_low": HASH.replace("$04$", "$03$"),
    "cost_of_hours": HASH.replace("$04$", "$31$"),
    "cost_no_number": HASH.replace("$04$", "$xx$"),
    "cost_in_other_digits": HASH.replace("$04$", "$\u0660\u0664$"),
    "other_scheme": "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$aGFzaA",
    "unreadable_salt": HASH.replace("SadmkO", "Sadmkz"),
    "nul": HASH[:-1] + "\x00",
    "non_ascii": HASH[:-1] + "é",
    "lone_surrogate": HASH[:-1] + "\ud800",
}


@pytest.mark.parametrize("stored", MALFORMED.values(), ids=MALFORMED.keys())
async def test_a_malformed_stored_hash_is_false_at_the_usual_cost(
    passwords: Passwords, costs: list[str], stored: str
) -> None:
    assert await passwords.verify_password("anything", stored) is False
    assert costs == ["04"]


@given(stored=st.from_regex(r"\$2[abxy]\$0[45]\$[./A-Za-z0-9]{53}", fullmatch=True) | st.text(max_size=70))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_stored_text_is_an_error(passwords: Passwords, stored: str) -> None:
    assert await passwords.verify_password("anything", stored) is False


def test_a_hash_of_another_cost_or_kind_is_to_be_made_anew() -> None:
    passwords = Passwords(rounds=4)
    assert not passwords.needs_rehash(HASH)
    assert not needs_rehash(HASH, 4)
    assert needs_rehash(HASH, 5)
    assert needs_rehash(HASH.replace("$2b$", "$2y$"), 4)
    assert needs_rehash("no hash", 4)
    passwords.close()


@pytest.mark.parametrize("arguments", [{"rounds": 3}, {"rounds": 17}, {"workers": 0}, {"max_waiting": -1}], ids=str)
def test_a_configuration_that_could_not_work_is_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"rounds must be|at least one worker"):
        Passwords(**arguments)


async def test_the_event_loop_goes_on_while_a_password_is_hashed(passwords: Passwords, gate: Gate) -> None:
    check = asyncio.create_task(passwords.verify_password("slow", HASH))
    await until(lambda: gate.inside == 1)
    for _ in range(100):
        await asyncio.sleep(0)
    assert not check.done()
    gate.opened.set()
    assert await check


async def test_bcrypt_never_runs_on_the_thread_of_the_event_loop(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[str] = set()
    prehash = module._prehash

    def noted(password: str) -> bytes:
        threads.add(threading.current_thread().name)
        return prehash(password)

    monkeypatch.setattr(module, "_prehash", noted)
    await passwords.verify_password("password", await passwords.hash_password("password"))
    await passwords.verify_password("password", None)
    assert threads
    assert all(name.startswith("password") for name in threads)


async def test_no_more_hash_at_once_than_there_are_workers(gate: Gate) -> None:
    passwords = Passwords(rounds=4, workers=2, max_waiting=8)
    checks = [asyncio.create_task(passwords.verify_password("p", HASH)) for _ in range(10)]
    await until(lambda: gate.inside == 2)
    gate.opened.set()
    assert await asyncio.gather(*checks) == [True] * 10
    assert gate.most_inside == 2
    passwords.close()


async def test_beyond_the_queue_the_answer_is_busy_at_once_and_room_comes_back(gate: Gate) -> None:
    passwords = Passwords(rounds=4, workers=1, max_waiting=2)
    checks = [asyncio.create_task(passwords.verify_password("p", HASH)) for _ in range(3)]
    await until(lambda: gate.inside == 1)
    with pytest.raises(PasswordHashingBusy) as busy:
        await passwords.verify_password("p", HASH)
    assert busy.value.retry_after >= 1
    with pytest.raises(PasswordHashingBusy):
        await passwords.verify_password("p", None)
    with pytest.raises(PasswordHashingBusy):
        await passwords.hash_password("p")
    gate.opened.set()
    assert await asyncio.gather(*checks) == [True] * 3
    assert await passwords.verify_password("p", HASH)
    passwords.close()


async def test_a_cancelled_caller_in_the_queue_gives_its_place_back_and_is_never_hashed(gate: Gate) -> None:
    passwords = Passwords(rounds=4, workers=1, max_waiting=1)
    running = asyncio.create_task(passwords.verify_password("p", HASH))
    await until(lambda: gate.inside == 1)
    for _ in range(5):
        waiting = asyncio.create_task(passwords.verify_password("p", HASH))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    gate.opened.set()
    assert await running
    assert await passwords.verify_password("p", HASH)
    assert gate.calls == 2
    passwords.close()


async def test_a_cancelled_caller_that_is_being_hashed_holds_its_place_until_the_hash_ends(gate: Gate) -> None:
    passwords = Passwords(rounds=4, workers=1, max_waiting=0)
    running = asyncio.create_task(passwords.verify_password("p", HASH))
    await until(lambda: gate.inside == 1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(PasswordHashingBusy):
        await passwords.verify_password("p", HASH)
    gate.opened.set()
    await until(lambda: gate.inside == 0)
    async with asyncio.timeout(60):
        while True:
            try:
                assert await passwords.verify_password("p", HASH)
                break
            except PasswordHashingBusy:
                await asyncio.sleep(0.001)
    passwords.close()


async def test_an_error_while_hashing_gives_the_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Passwords(rounds=4, workers=1, max_waiting=0)

    def fail(password: bytes, hashed: bytes) -> bool:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(bcrypt, "checkpw", fail)
        for _ in range(3):
            with pytest.raises(MemoryError):
                await passwords.verify_password("p", HASH)
            await until(lambda: passwords._slots._value == 1)
    assert not await passwords.verify_password("p", HASH)
    passwords.close()


async def test_closing_cancels_who_waits_and_takes_nobody_more(gate: Gate) -> None:
    passwords = Passwords(rounds=4, workers=1, max_waiting=4)
    running, waiting = (asyncio.create_task(passwords.verify_password("p", HASH)) for _ in range(2))
    await until(lambda: gate.inside == 1)
    passwords.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    for _ in range(8):
        with pytest.raises(RuntimeError, match="shutdown"):
            await passwords.verify_password("p", HASH)
    gate.opened.set()
    assert await running
