"""The run through all operations that the Postman and the Bruno collection are made of."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from monocoque.cli.contracts import openapi_document
from monocoque.cli.contracts.bruno import bruno_files, write_files
from monocoque.cli.contracts.operations import operations
from monocoque.cli.contracts.postman import postman_text
from monocoque.cli.contracts.walkthrough import Walkthrough, walkthrough
from monocoque.failures import StartupError
from monocoque.registry import Inventory
from monocoque.settings import Settings

CREATED = {"content": {"application/json": {"schema": {"properties": {"id": {"type": "string"}}}}}}


def made_up(*lines: str, **more: Any) -> dict[str, Any]:
    """A document of one module with these operations: `post /shelves`, `get /shelves/{shelf_id}`."""
    paths: dict[str, Any] = {}
    for line in lines:
        method, path = line.split()
        name = re.sub(r"\W+", "_", f"shelves_{method}{path}").strip("_")
        statuses: dict[str, Any] = {"204": {}} if method == "delete" else {"200": {}}
        if method == "post" and not path.endswith("/restore"):
            statuses = {"201": CREATED}
        paths.setdefault(path, {})[method] = {
            "operationId": name,
            "tags": ["shelves"],
            "summary": line,
            "responses": statuses,
            "security": [{"bearer": []}],
            **more.get(name, {}),
        }
    return {"info": {"title": "made up", "description": ""}, "tags": [{"name": "shelves"}], "paths": paths}


def named(found: Walkthrough) -> list[str]:
    return [step.name for step in found.steps]


def test_a_thing_is_created_read_changed_deleted_and_restored_in_this_order() -> None:
    document = made_up(
        "delete /shelves/{shelf_id}",
        "get /shelves",
        "get /shelves/{shelf_id}",
        "get /shelves/{shelf_id}/state",
        "patch /shelves/{shelf_id}",
        "post /shelves",
        "post /shelves/{shelf_id}/restore",
        "put /shelves/{shelf_id}/state",
        "delete /shelves/{shelf_id}/state",
    )
    assert named(walkthrough(document, {})) == [
        "post /shelves",
        "get /shelves",
        "get /shelves/{shelf_id}",
        "patch /shelves/{shelf_id}",
        "put /shelves/{shelf_id}/state",
        "get /shelves/{shelf_id}/state",
        "delete /shelves/{shelf_id}/state",
        "delete /shelves/{shelf_id}",
        "post /shelves/{shelf_id}/restore",
    ]


def test_what_is_gone_for_good_goes_after_its_last_use() -> None:
    document = made_up(
        "post /shelves",
        "put /shelves/{shelf_id}/labels/{label_id}",
        "post /labels",
        "get /labels/{label_id}",
        "delete /labels/{label_id}",
    )
    found = walkthrough(document, {})
    assert named(found)[-2:] == ["put /shelves/{shelf_id}/labels/{label_id}", "delete /labels/{label_id}"]
    assert next(step.path for step in found.steps if "put" in step.name) == "/shelves/{{shelfId}}/labels/{{labelId}}"


def test_a_body_names_what_was_made_before_and_what_the_plan_says() -> None:
    shown = {"schema": {"examples": [{"shelf_id": "0198", "title": "Poems", "rows": 3}]}}
    body = {"requestBody": {"content": {"application/json": shown}}}
    document = made_up("post /shelves", "get /shelves/{shelf_id}", "post /books", shelves_post_books=body)
    plan: dict[str, Any] = {
        "steps": {"shelves_post_books": {"body": {"rows": 4}, "expect": [409], "keep": {"code": "code"}}}
    }
    step = next(step for step in walkthrough(document, plan).steps if step.name == "post /books")
    assert step.body == {"shelf_id": "{{shelfId}}", "title": "Poems", "rows": 4}
    assert step.statuses == [409]
    plan["steps"]["shelves_post_books"]["only"] = True
    step = next(step for step in walkthrough(document, plan).steps if step.name == "post /books")
    assert step.body == {"rows": 4}
    assert 'set(\\"code\\", reply.code)' in postman_text(walkthrough(document, plan))


def test_a_plan_for_what_is_not_there_is_refused() -> None:
    with pytest.raises(StartupError, match="shelves_burn"):
        walkthrough(made_up("post /shelves"), {"last": ["shelves_burn"]})


def test_a_collection_is_written_over_an_older_one_and_over_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "bruno"
    write_files(bruno_files(walkthrough(made_up("post /shelves", "get /shelves"), {})), folder)
    write_files(bruno_files(walkthrough(made_up("post /shelves"), {})), folder)
    assert {file.name for file in (folder / "shelves").iterdir()} == {"folder.yml", "post_shelves.yml"}
    (tmp_path / "compose.yml").write_text("services: {}")
    with pytest.raises(StartupError, match="something else"):
        write_files({}, tmp_path)
    assert (tmp_path / "compose.yml").exists()


@pytest.fixture(scope="module")
def document(inventory: Inventory) -> dict[str, Any]:
    return openapi_document(Settings(_env_file=None, environment="development"), inventory)


@pytest.fixture(scope="module")
def committed(document: dict[str, Any]) -> Walkthrough:
    plan = Path(__file__).resolve().parents[2] / "contracts/walkthrough.toml"
    return walkthrough(document, tomllib.loads(plan.read_text()))


def test_every_operation_is_called(document: dict[str, Any], committed: Walkthrough) -> None:
    assert {step.operation.id for step in committed.steps} == {operation.id for operation in operations(document)}


def test_nothing_is_sent_that_no_reply_gave_before(committed: Walkthrough) -> None:
    known = {name for name, value in committed.variables.items() if value}
    for step in committed.steps:
        # Names that begin with $ are made up anew by the programs themselves.
        assert step.needs <= known, step.name
        known |= step.keep.keys()


def test_every_expected_status_is_documented(committed: Walkthrough) -> None:
    for step in committed.steps:
        assert {str(status) for status in step.statuses} <= step.operation.described["responses"].keys(), step.name


def test_both_collections_make_the_same_requests(committed: Walkthrough) -> None:
    postman = [
        (item["name"], item["request"]["method"], item["request"]["url"]["raw"])
        for folder in json.loads(postman_text(committed))["item"]
        for item in folder["item"]
    ]
    files = {path: yaml.safe_load(text) for path, text in bruno_files(committed).items()}
    folders = {path.partition("/")[0]: file["info"]["seq"] for path, file in files.items() if "/folder.yml" in path}
    requests = [
        (folders[path.partition("/")[0]], file["info"]["seq"], file["info"]["name"], *file["http"].values())
        for path, file in files.items()
        if "http" in file
    ]
    assert [found[2:5] for found in sorted(requests, key=lambda found: found[:2])] == postman
