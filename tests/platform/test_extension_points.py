"""A module brings something for a point that another module defines; neither imports the other."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from monocoque.failures import StartupError
from monocoque.modules import Module
from monocoque.runtime import Runtime
from tests.platform.workshop import Workshop

POINT = "kitchen.spices"


@asynccontextmanager
async def cook(runtime: Runtime) -> AsyncIterator[None]:
    """What the module that defines the point does at its start."""
    runtime.resources["dish"] = [(module.name, make()) for module, make in runtime.provided(POINT)]
    yield


def provider(workshop: Workshop, name: str, **options: Any) -> Module:
    """A third party's module that provides a spice of its own name."""
    bare = workshop.module(name)
    vars(sys.modules[bare.package])["make"] = lambda: f"{name} of the house"
    reference = {POINT: f"{bare.package}:make"}
    return Module(name=name, summary="Made up.", package=bare.package, provides=reference, **options)


async def test_what_modules_provide_is_collected_in_start_order(workshop: Workshop) -> None:
    pepper, cumin = provider(workshop, "pepper", after=("salt",)), provider(workshop, "cumin")
    salt = provider(workshop, "salt")
    app = await workshop.app(workshop.module("kitchen", lifespan=cook), pepper, salt, cumin, workshop.module("garden"))
    assert app.state.runtime.resources["dish"] == [
        ("cumin", "cumin of the house"),
        ("salt", "salt of the house"),
        ("pepper", "pepper of the house"),
    ]


async def test_a_disabled_module_provides_nothing(workshop: Workshop) -> None:
    kitchen, salt = workshop.module("kitchen", lifespan=cook), provider(workshop, "salt")
    app = workshop.build(kitchen)
    app.state.runtime.inventory = workshop.inventory(kitchen, salt, without=["salt"])
    await workshop.run(app)
    assert app.state.runtime.resources["dish"] == []


def test_a_point_that_nobody_collects_is_no_matter(workshop: Workshop) -> None:
    runtime = workshop.build(provider(workshop, "salt")).state.runtime
    assert runtime.provided("kitchen.knives") == []


async def test_what_cannot_be_imported_is_told_with_the_module(workshop: Workshop) -> None:
    broken = Module(name="salt", summary="", package="acme_salt", provides={POINT: "no_such_package.spices:make"})
    with pytest.raises(StartupError, match="The module 'salt' cannot be mounted"):
        await workshop.app(workshop.module("kitchen", lifespan=cook), broken)


@pytest.mark.parametrize(
    "point", ["", "kitchen", "kitchen.", "Kitchen.spices", "kitchen.spices.hot", "kitchen.spices\n"]
)
def test_a_point_is_named_after_its_module(point: str) -> None:
    with pytest.raises(ValueError, match="extension point"):
        Module(name="salt", summary="", provides={point: "acme_salt:make"})


def test_a_contract_stays_hashable() -> None:
    assert hash(Module(name="salt", summary="", provides={POINT: "acme_salt:make"}))
