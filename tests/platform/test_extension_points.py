"""A module brings something for a point that another module defines; neither imports the other."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from starlette.responses import Response

from monocoque.failures import StartupError
from monocoque.modules import Module
from monocoque.routing import Router
from monocoque.runtime import Runtime
from monocoque.security import CurrentPrincipal
from tests.platform.workshop import Workshop, bearer

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


def shelf() -> Router:
    """A router with one route, which every signed-in person may call."""
    router = Router()

    @router.get("/items/{item_id}/shelves", summary="List the shelves of an item")
    async def list_shelves(item_id: str, owner: CurrentPrincipal) -> Response:
        return Response(f"{item_id} is on one shelf")

    return router


async def test_a_module_answers_below_the_path_of_one_that_it_requires(workshop: Workshop) -> None:
    books = workshop.module("library_books")
    shelves = workshop.module("shelves", contract={"requires": ("library_books",)})
    vars(sys.modules[shelves.package])["shelf"] = shelf()
    shelves = replace(shelves, extends={"library_books": f"{shelves.package}:shelf"})
    client = await workshop.serve(books, shelves)
    path = "/api/v1/library-books/items/7/shelves"
    assert (await client.get(path, headers=bearer())).text == "7 is on one shelf"
    assert (await client.get(path)).status_code == 401
    operation = (await client.get("/openapi.json")).json()["paths"]["/api/v1/library-books/items/{item_id}/shelves"]
    assert operation["get"]["tags"] == ["shelves"]
    assert operation["get"]["operationId"] == "shelves_list_shelves"


async def test_an_extension_goes_with_its_module(workshop: Workshop) -> None:
    client = await workshop.serve(workshop.module("library_books"))
    assert (await client.get("/api/v1/library-books/items/7/shelves", headers=bearer())).status_code == 404


def test_only_what_is_required_can_be_extended() -> None:
    with pytest.raises(ValueError, match="extends only what it requires"):
        Module(name="shelves", summary="", extends={"media": "acme_shelves:router"})


def page() -> Router:
    router = Router()

    @router.get("/{name}", summary="A page")
    async def show(name: str) -> Response:
        return Response(f"<p>{name}</p>", media_type="text/html")

    return router


async def test_pages_stand_at_the_root_and_outside_the_reference(workshop: Workshop) -> None:
    bare = workshop.module("posters")
    vars(sys.modules[bare.package])["page"] = page()
    client = await workshop.serve(replace(bare, pages={"/p": f"{bare.package}:page"}))
    assert (await client.get("/p/spring")).text == "<p>spring</p>"
    assert not [path for path in (await client.get("/openapi.json")).json()["paths"] if path.startswith("/p/")]


def test_two_modules_cannot_have_pages_at_one_path(workshop: Workshop) -> None:
    def poster(name: str) -> Module:
        return Module(name=name, summary="", package=f"acme_{name}", pages={"/p": f"acme_{name}.pages:router"})

    with pytest.raises(StartupError, match=r"'\w+' and '\w+' both have pages at /p") as caught:
        workshop.inventory(poster("posters"), poster("flyers"))
    assert "MONOCOQUE_MODULES_DISABLED=" in (caught.value.hint or "")
    workshop.inventory(poster("posters"), poster("flyers"), without=["flyers"])


@pytest.mark.parametrize("path", ["", "/", "p", "/P", "/p/q", "/p\n", "/api", "/docs", "/health", "/assets"])
def test_pages_have_a_free_path_at_the_root(path: str) -> None:
    with pytest.raises(ValueError, match="Pages have a path"):
        Module(name="posters", summary="", pages={path: "acme_posters.pages:router"})
