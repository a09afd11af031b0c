"""The list of sources says how each is doing, without asking them, and shows those of other modules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI

from monocoque.app import create_app
from monocoque.modules import Module
from monocoque.registry import Installed, discover, order
from monocoque.routing import Dispatcher, Route
from monocoque.runtime import Runtime
from monocoque_media.contracts import (
    CONNECTORS,
    BookDetails,
    ConnectorHealth,
    ItemUnknown,
    MediaType,
    NormalisedItem,
)
from monocoque_media.schemas.items import ItemRead
from monocoque_media.schemas.searching import ProviderList
from tests.conftest import client_of
from tests.modules.media.conftest import Open, Outside, checked
from tests.modules.media.vendors import broken
from tests.support import problem, sign_up

SAMPLE = "0198c5a0-f1a2-7c8e-9d3b-5f6a7b8c9d0e"


async def _nothing(*_: object) -> None:
    raise AssertionError("not called")


@pytest.mark.parametrize(
    ("operation", "endpoint"),
    [
        ("GET search", "search_items"),
        ("GET providers", "list_providers"),
        ("POST ingest/tmdb", "ingest_items"),
        (f"POST items/{SAMPLE}/refresh", "refresh_item"),
    ],
)
def test_every_operation_is_on_the_compiled_lane(app: FastAPI, operation: str, endpoint: str) -> None:
    method, path = operation.split()
    found = Dispatcher(app.routes, ["/api/v1/media"], _nothing).find(method, f"/api/v1/media/{path}")
    assert found is not None
    assert found[0].serve is not None
    assert isinstance(found[0].route, Route)
    assert found[0].route.endpoint.__name__ == endpoint


def test_every_trouble_is_documented(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    ingest = paths["/api/v1/media/ingest/{source}"]["post"]["responses"]
    assert {"200", "201", "401", "404", "422", "429", "502", "503", "504"} <= set(ingest)
    refresh = paths["/api/v1/media/items/{item_id}/refresh"]["post"]["responses"]
    assert {"200", "308", "401", "404", "409", "422", "429", "502", "503", "504"} <= set(refresh)


async def providers(outside: Outside) -> dict[str, Any]:
    body = checked(await outside.person.get("/media/providers"), 200, ProviderList)
    return {provider["name"]: provider for provider in body["items"]}


async def test_each_source_is_listed_and_none_is_asked(open_outside: Open) -> None:
    outside = await open_outside(lastfm_api_key=None)
    found = await providers(outside)
    assert {name: provider["configured"] for name, provider in found.items()} == {
        "google_books": True,
        "tmdb": True,
        "igdb": True,
        "lastfm": False,
    }
    assert found["tmdb"]["media_types"] == ["movie", "tv"]
    assert {provider["breaker"] for provider in found.values()} == {"closed"}
    assert {provider["last_success"] for provider in found.values()} == {None}
    assert outside.vendors.requests == []
    problem(await outside.person.client.get("/media/providers"), 401, "auth.unauthenticated")
    assert "made-up" not in str(found)


async def test_success_and_failure_show(open_outside: Open) -> None:
    outside = await open_outside(provider_attempts=1, provider_breaker_failures=2)
    await outside.person.post("/media/ingest/igdb", json={"external_id": "1"})
    outside.vendors.always("tmdb", broken(500))
    for _ in range(2):
        await outside.person.post("/media/ingest/tmdb", json={"external_id": "movie/1"})
    found = await providers(outside)
    assert found["igdb"]["last_success"] is not None
    assert (found["tmdb"]["breaker"], found["tmdb"]["last_success"]) == ("open", None)
    calls = len(outside.vendors.seen("tmdb"))
    reply = await outside.person.post("/media/ingest/tmdb", json={"external_id": "movie/1"})
    assert "left alone" in problem(reply, 502, "media.source_unavailable")["detail"]
    assert len(outside.vendors.seen("tmdb")) == calls


class Comics:
    """A source of another module."""

    name = "acme_comics"
    media_types: frozenset[MediaType] = frozenset({"book"})
    configured = True
    closed = False

    async def search(
        self, query: str, *, media_type: MediaType | None = None, year: int | None = None, max_results: int = 20
    ) -> list[NormalisedItem]:
        return [await self.fetch("1")]

    async def fetch(self, external_id: str) -> NormalisedItem:
        if external_id != "1":
            raise ItemUnknown(self.name, "has no such comic")
        payload: Mapping[str, Any] = {"id": 1, "name": "The Acme Papers"}
        return NormalisedItem(
            media_type="book",
            title="The Acme Papers",
            details=BookDetails(authors=("Acme",)),
            source=self.name,
            kind="comic",
            external_id="1",
            raw_payload=payload,
        )

    def health(self) -> ConnectorHealth:
        return ConnectorHealth(configured=True, breaker="closed")

    async def close(self) -> None:
        Comics.closed = True


def make_comics(_runtime: Runtime) -> Comics:
    """What the module's `provides` names."""
    return Comics()


async def test_a_source_of_another_module_is_one_of_ours(outside: Outside) -> None:
    provides = {CONNECTORS: "tests.modules.media.test_providers:make_comics"}
    acme = Module(name="acme", summary="Comics.", package="acme", requires=("media",), provides=provides)
    inventory = order([*discover(), Installed(acme, "1.0")])
    app = create_app(outside.runtime.settings, inventory=inventory, database_url=outside.url, access_log=False)
    async with app.router.lifespan_context(app), client_of(app) as client:
        theirs = replace(outside, app=app, person=await sign_up(client))
        assert (await providers(theirs))["acme_comics"]["media_types"] == ["book"]
        reply = await theirs.person.post("/media/ingest/acme_comics", json={"external_id": "1"})
        assert checked(reply, 201, ItemRead)["title"] == "The Acme Papers"
        reply = await theirs.person.post("/media/ingest/acme_comics", json={"external_id": "2"})
        problem(reply, 404, "media.source_item_unknown")
        found = await theirs.search("acme papers", include_external=True)
        assert found["sources"]["acme_comics"]["status"] == "ok"
        assert found["items"][0]["title"] == "The Acme Papers"
    assert Comics.closed
