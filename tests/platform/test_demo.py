"""How demo data is loaded and taken away, whatever the modules bring."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, cast
from uuid import RFC_4122, UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import Uuid, bindparam, text
from typer.testing import CliRunner

from monocoque import database, demo
from monocoque.cli import demo as demo_commands
from monocoque.cli.commands import app as command_line
from monocoque.console import open_runtime
from monocoque.demo import Demo, demo_id
from monocoque.failures import StartupError
from monocoque.modules import Module
from monocoque.progress import Progress
from monocoque.queries import Query
from monocoque.runtime import Runtime
from monocoque.settings import Settings
from monocoque.tables import Revocation
from tests.platform.workshop import Workshop

SECRET = "a secret of at least 32 characters, not the other"
# Some table is needed; this one is the shell's own, and there whatever modules are.
_id = bindparam("id", type_=Uuid)
ADD = Query(text("INSERT INTO monocoque.revocations (session_id, expires_at) VALUES (:id, now())").bindparams(_id))
COUNT = Query(text("SELECT count(*) FROM monocoque.revocations WHERE session_id = :id").bindparams(_id))

Open = Callable[..., AbstractAsyncContextManager[Runtime]]


@pytest.fixture
def opened(workshop: Workshop) -> Open:
    """Opens a runtime of these modules."""

    def open_one(*modules: Module, **settings: Any) -> AbstractAsyncContextManager[Runtime]:
        options = Settings(_env_file=None, **{"environment": "test", **settings})
        return open_runtime(options, workshop.inventory(*modules), workshop.url)

    return open_one


@pytest.fixture
def thing() -> str:
    """The name of a thing that no other test has."""
    return f"ones.{uuid4()}"


def silent() -> Progress:
    return Progress(io.StringIO())


def teller(workshop: Workshop, told: list[str], name: str, **contract: Any) -> Module:
    """A module whose demo data is to tell that it was asked."""

    async def load(_demo: Demo) -> None:
        told.append(f"load {name}")

    async def reset(_demo: Demo) -> None:
        told.append(f"reset {name}")

    return workshop.module(name, demo={"load": load, "reset": reset}, contract=contract)


def test_an_id_is_a_uuid_of_version_7_that_stays_the_same() -> None:
    found = demo_id("cars.roadster")
    assert found == UUID("019b78c9-0a80-7413-9880-d3f63d04100d")
    assert (found.version, found.variant) == (7, RFC_4122)
    assert found != demo_id("cars.coupe")


async def test_modules_are_loaded_in_start_order_and_reset_in_reverse(workshop: Workshop, opened: Open) -> None:
    told: list[str] = []
    ones = teller(workshop, told, "ones", requires=("twos",))
    twos = teller(workshop, told, "twos")
    without = workshop.module("bare")
    async with opened(ones, twos, without) as runtime:
        await demo.load(runtime, silent())
        await demo.reset(runtime, silent())
    assert told == ["load twos", "load ones", "reset ones", "reset twos"]


async def test_a_module_that_is_disabled_brings_nothing(workshop: Workshop) -> None:
    told: list[str] = []
    modules = [teller(workshop, told, name) for name in ("ones", "twos")]
    settings = Settings(_env_file=None, environment="test")
    async with open_runtime(settings, workshop.inventory(*modules, without=["twos"]), workshop.url) as runtime:
        await demo.load(runtime, silent())
    assert told == ["load ones"]


async def test_what_one_module_began_is_undone_where_it_fails_and_what_others_did_stays(
    workshop: Workshop, opened: Open, thing: str
) -> None:
    async def add(found: Demo) -> None:
        await found.transaction.run(ADD, id=demo_id(thing))

    async def fail(found: Demo) -> None:
        await found.transaction.run(ADD, id=demo_id(f"{thing}/twos"))
        raise LookupError

    ones = workshop.module("ones", demo={"load": add})
    twos = workshop.module("twos", demo={"load": fail}, contract={"after": ("ones",)})
    async with opened(ones, twos) as runtime:
        with pytest.raises(LookupError):
            await demo.load(runtime, silent())
        assert await runtime.database.value(COUNT, id=demo_id(thing)) == 1
        assert await runtime.database.value(COUNT, id=demo_id(f"{thing}/twos")) == 0


async def test_what_does_not_go_with_what_is_there_is_explained(workshop: Workshop, opened: Open, thing: str) -> None:
    async def add(found: Demo) -> None:
        await found.transaction.run(ADD, id=demo_id(thing))

    async with opened(workshop.module("ones", demo={"load": add})) as runtime:
        await demo.load(runtime, silent())
        with pytest.raises(StartupError, match=r"'ones' does not go with what is there \(pk_revocations\)") as raised:
            await demo.load(runtime, silent())
    assert "monocoque demo reset" in raised.value.hint


@pytest.mark.parametrize(
    ("present", "owner_is_new", "missing"),
    [("", False, "ab"), ("a", False, ""), ("ab", False, ""), ("a", True, "b"), ("ab", True, "")],
)
async def test_what_is_missing_is_all_of_a_kind_or_what_comes_with_a_new_account(
    workshop: Workshop, opened: Open, thing: str, present: str, *, owner_is_new: bool, missing: str
) -> None:
    seen: list[list[str]] = []

    async def load(found: Demo) -> None:
        if owner_is_new:
            found.added.add(demo_id(f"{thing}/owner"))
        seen.append(await found.missing(Revocation, [f"{thing}/{name}" for name in "ab"], f"{thing}/owner"))
        found.added.discard(demo_id(f"{thing}/owner"))

    async with opened(workshop.module("ones", demo={"load": load})) as runtime:
        for name in present:
            await runtime.database.run(ADD, id=demo_id(f"{thing}/{name}"))
        found = await demo.load(runtime, silent())
    assert seen == [[f"{thing}/{name}" for name in missing]]
    assert found.added == {demo_id(name) for name in seen[0]}


async def test_two_at_once_come_one_after_the_other(
    workshop: Workshop, opened: Open, thing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(database.SESSION, "lock_timeout", "0")

    async def load(found: Demo) -> None:
        for _ in await found.missing(Revocation, [thing]):
            await found.transaction.run(ADD, id=demo_id(thing))

    async with opened(workshop.module("ones", demo={"load": load})) as runtime:
        rounds = await asyncio.gather(*(demo.load(runtime, silent()) for _ in range(4)))
        assert await runtime.database.value(COUNT, id=demo_id(thing)) == 1
    assert sorted(len(found.added) for found in rounds) == [0, 0, 0, 1]


async def test_who_has_to_wait_too_long_is_told_why(workshop: Workshop, opened: Open) -> None:
    async def load(_demo: Demo) -> None:
        raise asyncpg.LockNotAvailableError

    async with opened(workshop.module("ones", demo={"load": load})) as runtime:
        with pytest.raises(StartupError, match="Another process is at the demo data"):
            await demo.load(runtime, silent())


async def test_a_file_without_load_is_named(workshop: Workshop, opened: Open) -> None:
    async with opened(workshop.module("ones", demo={})) as runtime:
        with pytest.raises(StartupError, match=r"'ones' cannot be mounted: .* has no 'load'"):
            await demo.load(runtime, silent())


async def test_a_token_stays_the_same_and_changes_with_the_name_and_the_secret_key(
    workshop: Workshop, opened: Open
) -> None:
    tokens: list[str] = []

    async def load(found: Demo) -> None:
        tokens.extend(found.token(name) for name in ("ones.list", "ones.other"))

    module = workshop.module("ones", demo={"load": load})
    for settings in ({"secret_key": SECRET}, {"secret_key": SECRET}, {"secret_key": SECRET[::-1]}):
        async with opened(module, **settings) as runtime:
            await demo.load(runtime, silent())
    assert tokens[:2] == tokens[2:4]
    assert len({*tokens}) == 4
    assert all(re.fullmatch("[A-Za-z0-9_-]{43}", token) for token in tokens)


async def test_what_modules_show_comes_with_the_address_of_the_root_links_first(
    workshop: Workshop, opened: Open
) -> None:
    async def load(found: Demo) -> None:
        found.note("Visitor", "visitor@demo.example")
        found.link("Page", "/p/one")

    async with opened(workshop.module("ones", demo={"load": load})) as runtime:
        shown = (await demo.load(runtime, silent())).shown("http://127.0.0.1:8000")
    assert list(shown.items()) == [("Page", "http://127.0.0.1:8000/p/one"), ("Visitor", "visitor@demo.example")]


async def test_what_is_left_out_does_not_count_and_is_said_once(workshop: Workshop, opened: Open, thing: str) -> None:
    async def load(found: Demo) -> None:
        for name in await found.missing(Revocation, [thing]):
            found.leave_out(name, "there is another")

    said = io.StringIO()
    async with opened(workshop.module("ones", demo={"load": load})) as runtime:
        found = await demo.load(runtime, Progress(said))
    assert found.added == set()
    assert said.getvalue().splitlines()[1:] == [f"!   {thing}: left out, because there is another."]


@pytest.mark.parametrize(
    ("variables", "page"),
    [
        ({"HOST": "0.0.0.0", "PORT": "18442"}, "http://127.0.0.1:18442/p/one"),
        ({"HOST": "::", "PORT": "18442"}, "http://127.0.0.1:18442/p/one"),
        ({"HOST": "::1", "PORT": "18442"}, "http://[::1]:18442/p/one"),
        ({"HOST": "192.0.2.7", "PORT": "18442"}, "http://192.0.2.7:18442/p/one"),
        ({"HOST": "localhost", "PORT": "18442"}, "http://localhost:18442/p/one"),
        ({"PORT": "0"}, "/p/one"),
        ({"PORT": "0", "PUBLIC_URL": "https://menus.example.com/"}, "https://menus.example.com/p/one"),
    ],
)
def test_the_links_can_be_opened_wherever_the_server_listens(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], page: str
) -> None:
    async def load(_runtime: Runtime, _progress: Progress) -> Demo:
        found = Demo(cast("Runtime", None))
        found.link("Page", "/p/one")
        return found

    monkeypatch.setattr(demo, "load", load)
    monkeypatch.setattr(demo_commands, "run_with_runtime", lambda action: asyncio.run(action(None)))
    for name, value in variables.items():
        monkeypatch.setenv(f"MONOCOQUE_{name}", value)
    done = CliRunner().invoke(command_line, ["demo", "load"])
    assert done.exit_code == 0, done.output
    assert f"Page: {page}\n" in done.output
    assert ("below the address that it tells" in done.output) is page.startswith("/")


async def test_how_much_was_added_is_said(workshop: Workshop, opened: Open, thing: str) -> None:
    async def load(found: Demo) -> None:
        for _ in await found.missing(Revocation, [thing]):
            await found.transaction.run(ADD, id=demo_id(thing))

    said = io.StringIO()
    async with opened(workshop.module("ones", demo={"load": load})) as runtime:
        await demo.load(runtime, Progress(said))
        await demo.load(runtime, Progress(said))
        await demo.reset(runtime, Progress(said))
    lines = [re.sub(r" \d+\.\d\d s$", "", line) for line in said.getvalue().splitlines()]
    assert lines == ["ok  demo data (1 added)", "ok  demo data (there already)", "ok  demo data taken away"]


async def test_production_gets_no_demo_data_and_can_be_rid_of_it(workshop: Workshop, opened: Open) -> None:
    told: list[str] = []
    production = {"environment": "production", "secret_key": SECRET, "database_url": workshop.url}
    async with opened(teller(workshop, told, "ones"), **production) as runtime:
        with pytest.raises(StartupError, match="no demo data in production"):
            await demo.load(runtime, silent())
        await demo.reset(runtime, silent())
    assert told == ["reset ones"]


@pytest.mark.parametrize("arguments", [["serve", "--demo"], ["demo", "load"]], ids=" ".join)
def test_the_commands_refuse_in_production_before_they_touch_anything(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONOCOQUE_ENVIRONMENT", "production")
    monkeypatch.setenv("MONOCOQUE_SECRET_KEY", SECRET)
    monkeypatch.setenv("MONOCOQUE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
    done = CliRunner().invoke(command_line, arguments)
    assert done.exit_code == 1
    assert "There is no demo data in production" in done.output
    assert "MONOCOQUE_ENVIRONMENT=development" in done.output


@pytest.mark.parametrize("command", ["load", "reset"])
def test_a_database_that_is_not_migrated_is_explained(
    command: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONOCOQUE_DATABASE_URL", database_url)
    done = CliRunner().invoke(command_line, ["demo", command])
    assert done.exit_code == 1
    assert "The database is not migrated" in done.output
    assert "monocoque db upgrade" in done.output
