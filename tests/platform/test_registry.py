"""Discovery and ordering of modules: what is found, in which order it starts, and what stands in the way."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from monocoque import modules
from monocoque.failures import StartupError
from monocoque.modules import ENTRY_POINT_GROUP, Job, Module, load
from monocoque.registry import Installed, Inventory, discover, order
from monocoque.routing import Router
from tests.platform.workshop import Workshop


def module(name: str, *requires: str, after: tuple[str, ...] = (), package: str = "") -> Module:
    return Module(name=name, summary=name, requires=requires, after=after, package=package)


def arranged(*contracts: Module, **choice: Any) -> list[str]:
    return [found.name for found in inventory(*contracts, **choice).enabled]


def inventory(*contracts: Module, **choice: Any) -> Inventory:
    return order([Installed(contract, "1") for contract in contracts], **choice)


def refusal(*contracts: Module, **choice: Any) -> str:
    with pytest.raises(StartupError) as caught:
        inventory(*contracts, **choice)
    return str(caught.value)


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name=name, value=value, group=ENTRY_POINT_GROUP)


GARAGE = module("garage")
GARAGE_TOO = module("garage")
AUTH, CARS, PARTS = module("auth"), module("cars", "auth"), module("parts", "auth")
LISTS = module("lists", "auth", "cars", "parts")


def test_a_requirement_starts_before_what_requires_it() -> None:
    assert arranged(LISTS, PARTS, CARS, AUTH) == ["auth", "cars", "parts", "lists"]


def test_after_orders_what_is_there_and_asks_for_nothing() -> None:
    early = module("a", after=("z", "absent"))
    assert arranged(early, module("z")) == ["z", "a"]
    assert arranged(early, module("z"), without=["z"]) == ["a"]


def test_the_order_does_not_depend_on_the_order_of_discovery() -> None:
    assert arranged(AUTH, CARS, PARTS, LISTS) == arranged(LISTS, CARS, AUTH, PARTS)


def test_a_choice_enables_what_it_names_once() -> None:
    found = inventory(AUTH, CARS, PARTS, only=["cars", "auth", "cars"])
    assert [chosen.name for chosen in found.enabled] == ["auth", "cars"]
    assert [known.name for known in found.ordered()] == ["auth", "cars", "parts"]
    assert found.is_enabled("cars")
    assert not found.is_enabled("parts")


def test_what_is_switched_off_is_taken_away_from_the_choice() -> None:
    assert arranged(AUTH, CARS, PARTS, only=["auth", "cars"], without=["cars"]) == ["auth"]


@pytest.mark.parametrize(("choice", "variable"), [("only", "MONOCOQUE_MODULES"), ("without", "MONOCOQUE_MODULES_DIS")])
def test_an_unknown_name_is_told_with_the_nearest_one(choice: str, variable: str) -> None:
    message = refusal(AUTH, CARS, **{choice: ["crs"]})
    assert message.startswith(variable)
    assert "'crs'. Did you mean 'cars'?" in message
    assert "Installed: auth, cars." in message


def test_a_name_as_urls_spell_it_finds_the_module() -> None:
    assert "Did you mean 'build_lists'?" in refusal(module("build_lists"), only=["build-lists"])


def test_requirements_that_were_not_chosen_are_named_all_at_once() -> None:
    message = refusal(AUTH, CARS, PARTS, LISTS, only=["auth", "lists"])
    assert message.startswith("The module 'lists' requires cars, parts.")
    assert "cars is not in MONOCOQUE_MODULES (lists -> cars)" in message
    assert "Enable cars, parts too, or leave 'lists' out." in message


def test_the_chain_to_a_requirement_of_a_requirement_is_named() -> None:
    message = refusal(AUTH, CARS, module("lists", "cars"), only=["lists"])
    assert "auth is not in MONOCOQUE_MODULES (lists -> cars -> auth)" in message


def test_a_requirement_that_is_switched_off_says_so() -> None:
    assert "cars is switched off by MONOCOQUE_MODULES_DISABLED" in refusal(AUTH, CARS, PARTS, LISTS, without=["cars"])


def test_a_requirement_that_is_not_installed_says_so() -> None:
    message = refusal(CARS, PARTS)
    assert "auth is not installed (cars -> auth)" in message
    assert "leave 'cars' out" in message


def test_a_circle_is_named_in_full() -> None:
    message = refusal(module("a", "b"), module("b", "c"), module("c", "a"))
    assert "a -> b -> c -> a" in message


def test_two_modules_may_not_share_a_schema() -> None:
    message = refusal(module("one", package="acme"), module("two", package="acme"))
    assert "'one' and 'two' share the schema 'acme'" in message


@pytest.mark.parametrize("name", ["", "Cars", "9cars", "build-lists", "cars\n", "x" * 42])
def test_a_modules_name_is_plain(name: str) -> None:
    with pytest.raises(ValueError, match="lower case"):
        module(name)


@pytest.mark.parametrize(("name", "package"), [("public", ""), ("modules", ""), ("monocoque", ""), ("a", "monocoque")])
def test_what_belongs_to_the_shell_is_no_modules(name: str, package: str) -> None:
    with pytest.raises(ValueError, match="belongs to the shell"):
        module(name, package=package)


def test_a_name_gives_package_schema_slug_and_migrations() -> None:
    found = Module(name="build_lists", summary="", models="monocoque_build_lists.models")
    assert (found.package, found.schema, found.slug) == ("monocoque_build_lists",) * 2 + ("build-lists",)
    assert found.migrations == "monocoque_build_lists.migrations"
    assert module("plain").migrations is None


def test_entry_points_are_discovered_once_each_in_the_order_of_their_names() -> None:
    here = f"{__name__}"
    found = discover([point("lists", f"{here}:LISTS"), point("auth", f"{here}:AUTH"), point("auth", f"{here}:AUTH")])
    assert [(installed.module.name, installed.version) for installed in found] == [("auth", "0"), ("lists", "0")]


def test_two_distributions_of_one_name_are_both_named() -> None:
    with pytest.raises(StartupError) as caught:
        discover([point("garage", f"{__name__}:GARAGE"), point("garage", f"{__name__}:GARAGE_TOO")])
    assert "Two installed modules are named 'garage'" in str(caught.value)
    assert "GARAGE_TOO" in str(caught.value)


@pytest.mark.parametrize("value", ["no_such_package:module", f"{__name__}:NOWHERE"])
def test_a_broken_entry_point_is_named_with_its_reason(value: str) -> None:
    with pytest.raises(StartupError, match="cannot be loaded") as caught:
        discover([point("broken", value)])
    assert value in str(caught.value)


def test_an_entry_point_that_is_no_contract_is_refused() -> None:
    with pytest.raises(StartupError, match=r"no monocoque\.modules\.Module"):
        discover([point("broken", "json:dumps")])


def test_the_version_of_what_is_not_installed_is_no_version() -> None:
    assert inventory(AUTH).version("auth") == "1"
    with pytest.raises(KeyError):
        inventory(AUTH).version("cars")


def test_a_part_that_is_not_there_is_an_import_error() -> None:
    assert load("monocoque.modules") is modules
    with pytest.raises(ImportError, match="has no 'nothing'"):
        load("monocoque.modules:nothing")


class DoorSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="MONOCOQUE_DOORS_")
    count: int = Field(1, ge=1)
    width: int = Field(1, ge=1)


class GateSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="MONOCOQUE_GATES_")
    count: int = Field(1, ge=1)


def things() -> Router:
    router = Router()

    @router.get("", summary="List the things")
    async def list_things() -> dict[str, str]:
        """All of them."""
        return {}

    return router


async def nothing(_runtime: Any) -> None:
    """Does nothing."""


async def test_a_disabled_module_has_no_route_no_path_no_job_and_is_not_imported(workshop: Workshop) -> None:
    jobs = {"JOBS": (Job("off.work", 60, nothing),)}
    on = workshop.module("on", router=things())
    off = workshop.module("off", router=things(), jobs=jobs)
    sys.modules.pop(off.package)
    app = workshop.build(on)
    app.state.runtime.inventory = workshop.inventory(on, off, without=["off"])
    from monocoque.jobs import jobs_of

    assert "off.work" not in [job.name for job in jobs_of(app.state.runtime.inventory)]
    client = workshop.client(await workshop.run(app))
    assert (await client.get("/api/v1/on")).status_code == 200
    assert (await client.get("/api/v1/off")).status_code == 404
    listed = (await client.get("/api/v1/modules")).json()["items"]
    assert [item["name"] for item in listed] == ["on"]
    assert not [path for path in (await client.get("/openapi.json")).json()["paths"] if "off" in path]
    assert off.package not in sys.modules


def test_a_part_that_cannot_be_imported_names_the_module(workshop: Workshop) -> None:
    for part in ("router", "public_router", "models", "problems", "settings", "authenticator"):
        broken = Module(name="broken", summary="", **{part: "no_such_package.part:it"})  # type: ignore[arg-type]
        with pytest.raises(StartupError, match="The module 'broken' cannot be mounted") as caught:
            workshop.build(broken)
        assert "MONOCOQUE_MODULES_DISABLED=broken" in str(caught.value)


def test_two_modules_that_say_who_may_call_are_one_too_many(workshop: Workshop) -> None:
    keepers = [workshop.module(name, authenticator=lambda _runtime: workshop.doorkeeper) for name in ("one", "two")]
    with pytest.raises(StartupError, match="one, two"):
        workshop.build(*keepers)


def test_wrong_settings_of_several_modules_are_reported_at_once(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DOORS_COUNT", "DOORS_WIDTH", "GATES_COUNT"):
        monkeypatch.setenv(f"MONOCOQUE_{name}", "0")
    with pytest.raises(StartupError) as caught:
        workshop.build(workshop.module("doors", settings=DoorSettings), workshop.module("gates", settings=GateSettings))
    for name in ("DOORS_COUNT", "DOORS_WIDTH", "GATES_COUNT"):
        assert f"MONOCOQUE_{name}: " in str(caught.value)


def test_a_modules_settings_are_read_at_start(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONOCOQUE_DOORS_COUNT", "4")
    runtime = workshop.build(workshop.module("doors", settings=DoorSettings)).state.runtime
    assert runtime.settings_of("doors", DoorSettings).count == 4
    with pytest.raises(KeyError):
        runtime.settings_of("keeper", DoorSettings)


def test_an_application_without_a_database_says_what_to_set() -> None:
    from monocoque.app import create_app
    from monocoque.settings import Settings

    with pytest.raises(StartupError, match="MONOCOQUE_DATABASE_URL"):
        create_app(Settings(_env_file=None), inventory=Inventory((), ()))
