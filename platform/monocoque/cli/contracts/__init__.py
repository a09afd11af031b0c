"""What is generated from the code and committed: `contracts/`, `.env.example`, and tables in `docs/`."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from monocoque.cli.contracts.configuration import configuration_text
from monocoque.console import current_inventory, explained
from monocoque.modules import load
from monocoque.problems import codes_in, shell_codes
from monocoque.registry import Inventory, discover, order
from monocoque.settings import Settings, load_shell_settings

if TYPE_CHECKING:
    from monocoque.cli.contracts.walkthrough import Walkthrough

OutputOption = Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file instead of the screen.")]
PlanOption = Annotated[
    Path | None,
    typer.Option("--plan", help="TOML file of what the document cannot tell."),
]


def _emit(text: str, output: Path | None) -> None:
    if output is None:
        typer.echo(text, nl=False)
    else:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")


def openapi_document(settings: Settings, inventory: Inventory) -> dict[str, Any]:
    """The OpenAPI document of the enabled modules."""
    from monocoque.app import create_app  # noqa: PLC0415  imports every enabled module

    return create_app(settings, inventory=inventory, database_url="postgresql://unused").openapi()


def openapi_text(settings: Settings, inventory: Inventory) -> str:
    """The OpenAPI document as it is committed."""
    return json.dumps(openapi_document(settings, inventory), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def problems_text(inventory: Inventory) -> str:
    """Every problem code, by module, as it is committed."""
    groups: dict[str, Any] = {"shell": shell_codes()}
    for module in sorted(inventory.enabled, key=lambda module: module.name):
        if module.problems:
            groups[module.name] = [code for code in codes_in(load(module.problems)) if code not in groups["shell"]]
    document = {
        name: {code.code: {"status": code.status, "title": code.title, "detail": code.detail} for code in codes}
        for name, codes in groups.items()
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def export_openapi(output: OutputOption = None) -> None:
    """Print the OpenAPI document of the enabled modules."""
    with explained():
        settings = load_shell_settings()
        _emit(openapi_text(settings, current_inventory(settings)), output)


def export_problems(output: OutputOption = None) -> None:
    """Print every problem code with its status and meaning."""
    with explained():
        _emit(problems_text(order(discover())), output)


def export_configuration(
    output: OutputOption = None,
    form: Annotated[
        Literal["env", "markdown"], typer.Option("--format", help="Lines for `.env`, or a page that explains.")
    ] = "env",
) -> None:
    """Print every setting: `.env.example`, or a page."""
    with explained():
        _emit(configuration_text(order(discover()), form), output)


def export_schema(output: OutputOption = None) -> None:
    """Print every table, as a page."""
    from monocoque.cli.contracts.schema import schema_text  # noqa: PLC0415  imports every table

    with explained():
        _emit(schema_text(order(discover())), output)


def export_endpoints(
    into: Annotated[Path, typer.Option("--into", help="Text whose place for the endpoints is written anew.")],
) -> None:
    """Write the tables of all endpoints into a text."""
    from monocoque.cli.contracts.endpoints import with_endpoints  # noqa: PLC0415

    with explained():
        settings = load_shell_settings()
        inventory = current_inventory(settings)
        text = into.read_text(encoding="utf-8")
        _emit(with_endpoints(text, openapi_document(settings, inventory), inventory), into)


def collection(settings: Settings, inventory: Inventory, plan: Path | None) -> Walkthrough:
    """The run through all operations that the collections are made of."""
    from monocoque.cli.contracts.walkthrough import walkthrough  # noqa: PLC0415  with all that follows from it

    told = tomllib.loads(plan.read_text(encoding="utf-8")) if plan else {}
    return walkthrough(openapi_document(settings, inventory), told)


def export_postman(output: OutputOption = None, plan: PlanOption = None) -> None:
    """Print a Postman collection that runs through all operations."""
    from monocoque.cli.contracts.postman import postman_text  # noqa: PLC0415

    with explained():
        settings = load_shell_settings()
        _emit(postman_text(collection(settings, current_inventory(settings), plan)), output)


def export_bruno(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the collection; what else is in it goes.")],
    plan: PlanOption = None,
) -> None:
    """Write a Bruno collection that runs through all operations."""
    from monocoque.cli.contracts.bruno import bruno_files, write_files  # noqa: PLC0415

    with explained():
        settings = load_shell_settings()
        write_files(bruno_files(collection(settings, current_inventory(settings), plan)), output)
