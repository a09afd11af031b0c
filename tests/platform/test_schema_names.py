"""Schemas are named so that generators of clients can tell them apart."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest

from monocoque.cli.contracts import openapi_document
from monocoque.registry import Inventory
from monocoque.schema_names import name_schemas
from monocoque.settings import Settings

WELL_NAMED = re.compile(r"[A-Z][A-Za-z0-9]*|[A-Z][A-Za-z0-9]*_[A-Z][A-Za-z0-9]*_")


@pytest.fixture(scope="module")
def document(inventory: Inventory) -> dict[str, Any]:
    return openapi_document(Settings(_env_file=None, environment="development"), inventory)


def test_no_two_schemas_are_named_alike_and_none_by_a_path(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert [name for name in schemas if not WELL_NAMED.fullmatch(name)] == []
    titles = Counter(re.sub(r"\W", "", schema["title"]).lower() for schema in schemas.values())
    assert [title for title, times in titles.items() if times > 1] == []
    assert "BuildListsItemRead" in schemas
    assert "Page_BuildListsItemRead_" in schemas


def test_a_body_that_may_be_left_out_is_one_schema(document: dict[str, Any]) -> None:
    share = document["paths"]["/api/v1/build-lists/{list_id}/share"]["post"]["requestBody"]
    assert share["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ShareWrite"}
    assert not share.get("required", False)


def reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def page(title: str, item: str) -> dict[str, Any]:
    return {"title": title, "properties": {"items": {"type": "array", "items": reference(item)}}}


def named(schemas: dict[str, Any], **paths: Any) -> dict[str, Any]:
    """The document after its schemas were named."""
    document = {"paths": paths, "components": {"schemas": schemas}}
    name_schemas(document)
    return document


def test_namesakes_of_two_modules_carry_their_modules_names() -> None:
    document = named(
        {
            "Alone": {"title": "Alone"},
            "acme_garage__schemas__ItemRead": {"title": "ItemRead"},
            "monocoque_build_lists__schemas__items__ItemRead": {"title": "ItemRead"},
        },
        garage=reference("acme_garage__schemas__ItemRead"),
        alone=reference("Alone"),
        list={"mapping": {"item": "#/components/schemas/monocoque_build_lists__schemas__items__ItemRead"}},
    )
    assert document["components"]["schemas"] == {
        name: {"title": name} for name in ("AcmeGarageItemRead", "Alone", "BuildListsItemRead")
    }
    assert document["paths"] == {
        "garage": reference("AcmeGarageItemRead"),
        "alone": reference("Alone"),
        "list": {"mapping": {"item": "#/components/schemas/BuildListsItemRead"}},
    }


def test_namesakes_in_one_module_carry_their_paths() -> None:
    schemas = {
        "monocoque_media__schemas__items__Sums": {"title": "Sums"},
        "monocoque_media__schemas__library__Sums": {"title": "Sums"},
    }
    assert list(named(schemas)["components"]["schemas"]) == ["MediaSchemasItemsSums", "MediaSchemasLibrarySums"]


def test_a_new_name_never_takes_that_of_another_schema() -> None:
    schemas = {
        "MediaSums": {"title": "MediaSums"},
        "monocoque_cars__schemas__Sums": {"title": "Sums"},
        "monocoque_media__schemas__Sums": {"title": "Sums"},
    }
    assert list(named(schemas)["components"]["schemas"]) == ["CarsSums", "MediaSchemasSums", "MediaSums"]


def test_a_page_is_named_after_what_it_holds() -> None:
    schemas = {
        "Page_Alone_": page("Page[Alone]", "Alone"),
        "Page_Car_": page("Page[Car]", "monocoque_cars__schemas__Car"),
        "monocoque__pagination__Page_Item___1": page("Page[Item]", "monocoque_media__schemas__Item"),
        "monocoque__pagination__Page_Item___2": page("Page[Item]", "monocoque_menus__schemas__Item"),
        "Alone": {"title": "Alone"},
        "monocoque_build_lists__schemas__Car": {"title": "Car"},
        "monocoque_cars__schemas__Car": {"title": "Car"},
        "monocoque_media__schemas__Item": {"title": "Item"},
        "monocoque_menus__schemas__Item": {"title": "Item"},
    }
    found = named(schemas)["components"]["schemas"]
    assert {name: schema for name, schema in found.items() if name.startswith("Page")} == {
        "Page_Alone_": page("Page[Alone]", "Alone"),
        "Page_CarsCar_": page("Page[CarsCar]", "CarsCar"),
        "Page_MediaItem_": page("Page[MediaItem]", "MediaItem"),
        "Page_MenusItem_": page("Page[MenusItem]", "MenusItem"),
    }
    assert "__" not in json.dumps(found)
