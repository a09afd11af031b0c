"""What is generated and committed is what the code says, and the OpenAPI document keeps its promises."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from fastapi.openapi.models import OpenAPI

from monocoque.cli.contracts import collection, openapi_text, problems_text
from monocoque.cli.contracts.bruno import bruno_files
from monocoque.cli.contracts.configuration import configuration_text
from monocoque.cli.contracts.endpoints import with_endpoints
from monocoque.cli.contracts.postman import postman_text
from monocoque.cli.contracts.schema import schema_text
from monocoque.cli.contracts.walkthrough import Walkthrough
from monocoque.registry import Inventory
from monocoque.settings import Settings

METHODS = ("get", "put", "post", "patch", "delete")


@pytest.fixture(scope="module")
def document(inventory: Inventory) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(openapi_text(Settings(_env_file=None, environment="development"), inventory))
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


def module_operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [found for found in operations(document) if not found[0].startswith("/health")]


def test_the_committed_openapi_document_is_the_codes(inventory: Inventory, repository: Path) -> None:
    text = openapi_text(Settings(_env_file=None, environment="development"), inventory)
    assert (repository / "contracts/openapi.json").read_text() == text, "run `make contracts`"


def test_the_committed_problem_codes_are_the_codes(inventory: Inventory, repository: Path) -> None:
    assert (repository / "contracts/problem-codes.json").read_text() == problems_text(inventory), "run `make contracts`"


def test_the_committed_pages_are_the_codes(document: dict[str, Any], inventory: Inventory, repository: Path) -> None:
    docs = repository / "docs"
    assert (docs / "schema.md").read_text() == schema_text(inventory), "run `make contracts`"
    assert (docs / "configuration.md").read_text() == configuration_text(inventory, "markdown"), "run `make contracts`"
    text = (docs / "api.md").read_text()
    assert text == with_endpoints(text, document, inventory), "run `make contracts`"


@pytest.fixture(scope="module")
def run_through(inventory: Inventory) -> Walkthrough:
    plan = Path(__file__).resolve().parents[2] / "contracts/walkthrough.toml"
    return collection(Settings(_env_file=None, environment="development"), inventory, plan)


def test_the_committed_postman_collection_is_the_codes(run_through: Walkthrough, repository: Path) -> None:
    assert (repository / "contracts/postman.json").read_text() == postman_text(run_through), "run `make contracts`"


def test_the_committed_bruno_collection_is_the_codes(run_through: Walkthrough, repository: Path) -> None:
    folder = repository / "contracts/bruno"
    committed = {file.relative_to(folder).as_posix(): file.read_text() for file in folder.rglob("*.*")}
    assert committed == bruno_files(run_through), "run `make contracts`"


def test_the_example_configuration_names_every_setting(inventory: Inventory, repository: Path) -> None:
    text = configuration_text(inventory)
    assert (repository / ".env.example").read_text() == text, "run `make contracts`"
    for name in Settings.model_fields:
        assert f"# MONOCOQUE_{name.upper()}=" in text


def test_the_example_configuration_changes_nothing_when_it_is_used(
    inventory: Inventory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MONOCOQUE_ENVIRONMENT", raising=False)
    lines = configuration_text(inventory).splitlines()
    used = [line.removeprefix("# ") for line in lines if re.match("# MONOCOQUE_[A-Z_]+=", line)]
    assert len(used) >= len(Settings.model_fields)
    (tmp_path / ".env").write_text("\n".join(used))
    assert Settings(_env_file=tmp_path / ".env") == Settings(_env_file=None)


def test_the_document_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    OpenAPI.model_validate(document)
    for name, schema in document["components"]["schemas"].items():
        assert jsonschema_rs.meta.is_valid({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}), name


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = set(re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(document)))
    assert references <= document["components"]["schemas"].keys()
    assert "HTTPValidationError" not in json.dumps(document)


def test_every_operation_has_a_summary_a_description_and_a_name_of_its_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    for path, method, operation in operations(document):
        assert operation["summary"], (method, path)
        assert operation["description"], (method, path)
        (tag,) = operation["tags"]
        assert re.fullmatch(rf"{tag.replace('-', '_')}_[a-z]+(_[a-z]+)*", operation["operationId"]), (method, path)


def test_every_operation_says_which_problems_it_may_answer(document: dict[str, Any]) -> None:
    for path, method, operation in module_operations(document):
        replies = operation["responses"]
        wanted = {"422", "500", "503"}
        if operation.get("security"):
            wanted.add("401")
        if "application/json" in operation.get("requestBody", {}).get("content", {}):
            wanted |= {"408", "413", "415"}
        assert wanted <= replies.keys(), (method, path)
        for status in (status for status in replies if status >= "400"):
            content = replies[status]["content"]["application/problem+json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}, (method, path, status)
            for code, example in content["examples"].items():
                assert example["value"]["code"] == code
                assert str(example["value"]["status"]) == status


def test_every_problem_that_is_documented_is_in_the_registry(document: dict[str, Any], inventory: Inventory) -> None:
    known = {code for codes in json.loads(problems_text(inventory)).values() for code in codes}
    used = {
        code
        for _, _, operation in operations(document)
        for reply in operation["responses"].values()
        for code in reply.get("content", {}).get("application/problem+json", {}).get("examples", {})
    }
    assert used <= known


def has_example(schema: dict[str, Any], schemas: dict[str, Any]) -> bool:
    """Whether a schema, or each of its required members, shows what a value looks like."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if {"example", "examples", "const", "enum", "default"} & schema.keys():
        return True
    if "properties" in schema:
        required = schema.get("required") or schema["properties"]
        return all(has_example(schema["properties"][name], schemas) for name in required)
    return any(has_example(part, schemas) for part in schema.get("anyOf", ()))


def test_every_json_body_has_an_example_that_is_valid(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for path, method, operation in module_operations(document):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            continue
        assert "example" in content or "examples" in content or has_example(content["schema"], schemas), (method, path)
        given = schemas.get(content["schema"].get("$ref", "").rpartition("/")[2], {}).get("examples", ())
        for example in given:
            whole = {**content["schema"], "components": document["components"]}
            jsonschema_rs.validate(whole, example)


def shown(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """The example of a schema; that of a page, which has none of its own, is made of that of its items."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "examples" in schema:
        return schema["examples"][0]
    if schema.get("properties", {}).keys() == {"items", "next_cursor"}:
        return {"items": [shown(schema["properties"]["items"]["items"], schemas)], "next_cursor": None}
    return None


def test_every_success_of_a_module_has_an_example_that_is_valid_and_whole(
    document: dict[str, Any], inventory: Inventory
) -> None:
    modules = tuple(f"{module.name}_" for module in inventory.enabled)
    seen = 0
    for path, method, operation in module_operations(document):
        if not operation["operationId"].startswith((*modules, "public_")):
            continue
        for status in operation["responses"].keys() & {"200", "201"}:
            schema = operation["responses"][status]["content"].get("application/json", {}).get("schema")
            if schema is None:
                continue
            example = shown(schema, document["components"]["schemas"])
            assert example is not None, (method, path, status)
            # Schemas let unknown members pass; an example must not teach any.
            closed = json.loads(json.dumps(document["components"]))
            for component in closed["schemas"].values():
                if "properties" in component:
                    component["additionalProperties"] = False
            jsonschema_rs.validate({**schema, "components": closed}, example, validate_formats=True)
            seen += 1
    assert seen > 30


def test_a_token_is_fetched_where_the_api_is(document: dict[str, Any]) -> None:
    flow = document["components"]["securitySchemes"]["bearer"]["flows"]["password"]
    assert flow["tokenUrl"] in document["paths"]
    assert "application/x-www-form-urlencoded" in document["paths"][flow["tokenUrl"]]["post"]["requestBody"]["content"]
