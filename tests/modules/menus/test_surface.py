"""The operations as the shell and the API reference see them."""

from __future__ import annotations

from fastapi import FastAPI

from monocoque.routing import Dispatcher, Route
from monocoque.runtime import Runtime
from monocoque_menus.problems import CONSTRAINTS

SAMPLE = "0198c5a0-f1a2-7c8e-9d3b-5f6a7b8c9d0e"
OPERATIONS = {
    "create_menu": "POST /menus",
    "list_menus": "GET /menus",
    "get_menu": "GET /menus/{menu_id}",
    "replace_menu": "PUT /menus/{menu_id}",
    "merge_menu": "PATCH /menus/{menu_id}",
    "delete_menu": "DELETE /menus/{menu_id}",
    "restore_menu": "POST /menus/{menu_id}/restore",
    "renew_link": "POST /menus/{menu_id}/link",
    "clone_menu": "POST /menus/{menu_id}/clone",
    "export_menu": "GET /menus/{menu_id}/export",
    "replace_menu_order": "PUT /menus/{menu_id}/order",
    "move_item": "POST /menus/course-items/{item_id}/move",
    "list_courses": "GET /menus/{menu_id}/courses",
    "create_course": "POST /menus/{menu_id}/courses",
    "get_course": "GET /menus/{menu_id}/courses/{course_id}",
    "merge_course": "PATCH /menus/{menu_id}/courses/{course_id}",
    "delete_course": "DELETE /menus/{menu_id}/courses/{course_id}",
    "add_items": "POST /menus/{menu_id}/courses/{course_id}/items:bulk",
    "list_items": "GET /menus/{menu_id}/courses/{course_id}/items",
    "create_item": "POST /menus/{menu_id}/courses/{course_id}/items",
    "get_item": "GET /menus/{menu_id}/courses/{course_id}/items/{item_id}",
    "merge_item": "PATCH /menus/{menu_id}/courses/{course_id}/items/{item_id}",
    "delete_item": "DELETE /menus/{menu_id}/courses/{course_id}/items/{item_id}",
    "get_public_menu": "GET /public/menus/{slug}",
    "list_menus_of_item": "GET /media/items/{item_id}/menus",
}


async def _nothing(*_: object) -> None:
    raise AssertionError("not called")


def test_every_operation_is_on_the_compiled_lane(app: FastAPI) -> None:
    prefixes = ["/api/v1/menus", "/api/v1/public/menus", "/api/v1/media"]
    dispatcher = Dispatcher(app.routes, prefixes, _nothing)
    for name, operation in OPERATIONS.items():
        method, path = operation.split()
        for parameter in ("menu_id", "course_id", "item_id", "slug"):
            path = path.replace(f"{{{parameter}}}", SAMPLE)
        found = dispatcher.find(method, f"/api/v1{path}")
        assert found is not None, operation
        route = found[0].route
        assert isinstance(route, Route)
        assert route.endpoint.__name__ == name
        # The export's media type is for each request to say, which is FastAPI's own lane.
        assert (found[0].serve is None) == (name == "export_menu"), operation


def test_the_reference_names_exactly_these_operations(app: FastAPI) -> None:
    documented = {
        f"{method.upper()} {path.removeprefix('/api/v1')}": operation["operationId"]
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
        if "menus" in operation.get("tags", ())
    }
    assert documented == {operation: f"menus_{name}" for name, operation in OPERATIONS.items()}


def test_the_reference_describes_each_form_of_an_export(app: FastAPI) -> None:
    operation = app.openapi()["paths"]["/api/v1/menus/{menu_id}/export"]["get"]
    content = operation["responses"]["200"]["content"]
    assert set(content) == {"application/json", "text/markdown", "text/csv"}
    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/ExportedMenu"}


def test_a_public_menu_needs_no_sign_in_and_everything_else_does(app: FastAPI) -> None:
    for path, operations in app.openapi()["paths"].items():
        for operation in operations.values():
            if "menus" in operation.get("tags", ()):
                assert bool(operation.get("security")) == ("/public/" not in path)


async def test_the_constraints_that_stand_for_problems_exist(runtime: Runtime) -> None:
    async with runtime.database.connection() as connection:
        present = await connection.fetch(
            "SELECT conname FROM pg_constraint WHERE connamespace = 'monocoque_menus'::regnamespace"
        )
    assert set(CONSTRAINTS) <= {row["conname"] for row in present}
