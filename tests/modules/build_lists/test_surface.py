"""The operations as the shell and the API reference see them."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from monocoque.routing import Dispatcher, Route
from monocoque.runtime import Runtime
from monocoque_build_lists.problems import CONSTRAINTS

SAMPLE = "0198c5a0-f1a2-7c8e-9d3b-5f6a7b8c9d0e"
OPERATIONS = {
    "create_build_list": "POST /build-lists",
    "list_build_lists": "GET /build-lists",
    "get_build_list": "GET /build-lists/{list_id}",
    "replace_build_list": "PUT /build-lists/{list_id}",
    "merge_build_list": "PATCH /build-lists/{list_id}",
    "delete_build_list": "DELETE /build-lists/{list_id}",
    "restore_build_list": "POST /build-lists/{list_id}/restore",
    "get_build_list_summary": "GET /build-lists/{list_id}/summary",
    "clone_build_list": "POST /build-lists/{list_id}/clone",
    "export_build_list": "GET /build-lists/{list_id}/export",
    "create_share": "POST /build-lists/{list_id}/share",
    "delete_share": "DELETE /build-lists/{list_id}/share",
    "list_items": "GET /build-lists/{list_id}/items",
    "create_item": "POST /build-lists/{list_id}/items",
    "replace_item_order": "PUT /build-lists/{list_id}/items/order",
    "get_item": "GET /build-lists/{list_id}/items/{item_id}",
    "merge_item": "PATCH /build-lists/{list_id}/items/{item_id}",
    "delete_item": "DELETE /build-lists/{list_id}/items/{item_id}",
    "get_shared_build_list": "GET /public/build-lists/{token}",
    "export_shared_build_list": "GET /public/build-lists/{token}/export",
}


async def _nothing(*_: object) -> None:
    raise AssertionError("not called")


def test_every_operation_is_on_the_compiled_lane(app: FastAPI) -> None:
    prefixes = ["/api/v1/build-lists", "/api/v1/public/build-lists"]
    dispatcher = Dispatcher(app.routes, prefixes, _nothing)
    for name, operation in OPERATIONS.items():
        method, path = operation.split()
        for parameter in ("list_id", "item_id", "token"):
            path = path.replace(f"{{{parameter}}}", SAMPLE)
        found = dispatcher.find(method, f"/api/v1{path}")
        assert found is not None, operation
        route = found[0].route
        assert isinstance(route, Route)
        assert route.endpoint.__name__ == name


def test_the_reference_names_exactly_these_operations(app: FastAPI) -> None:
    documented = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, operations in app.openapi()["paths"].items()
        for method in operations
        if "/build-lists" in path
    }
    assert documented == set(OPERATIONS.values())


@pytest.mark.parametrize(
    ("path", "model"),
    [("/build-lists/{list_id}/export", "ExportedBuildList"), ("/public/build-lists/{token}/export", "SharedBuildList")],
)
def test_the_reference_describes_each_form_of_an_export_with_an_example(app: FastAPI, path: str, model: str) -> None:
    content = app.openapi()["paths"][f"/api/v1{path}"]["get"]["responses"]["200"]["content"]
    assert set(content) == {"application/json", "text/markdown", "text/plain", "text/csv"}
    assert content["application/json"]["schema"] == {"$ref": f"#/components/schemas/{model}"}
    assert set(content["text/plain"]["examples"]) == {"bbcode", "text"}
    for media_type, begins in (("text/markdown", "# Track day"), ("text/csv", "number,name,")):
        [example] = content[media_type]["examples"].values()
        assert example["value"].startswith(begins)


def test_the_reference_knows_the_page_of_a_shared_list(app: FastAPI) -> None:
    operation = app.openapi()["paths"]["/api/v1/public/build-lists/{token}"]["get"]
    assert set(operation["responses"]["200"]["content"]) == {"application/json", "text/html"}


def test_a_shared_list_needs_no_sign_in_and_everything_else_does(app: FastAPI) -> None:
    for path, operations in app.openapi()["paths"].items():
        if "/build-lists" in path:
            for operation in operations.values():
                assert bool(operation.get("security")) == ("/public/" not in path)


async def test_the_constraints_that_stand_for_problems_exist(runtime: Runtime) -> None:
    async with runtime.database.connection() as connection:
        present = await connection.fetch(
            "SELECT conname FROM pg_constraint WHERE connamespace = 'monocoque_build_lists'::regnamespace"
        )
    assert set(CONSTRAINTS) <= {row["conname"] for row in present}
