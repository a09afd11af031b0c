"""What is generated and committed: the OpenAPI document, the problem codes, the example configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic_settings import BaseSettings

from monocoque.console import current_inventory, explained
from monocoque.modules import load
from monocoque.problems import codes_in, shell_codes
from monocoque.registry import Inventory, discover, order
from monocoque.settings import Settings, load_shell_settings, variable_of

OutputOption = Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file instead of the screen.")]


def _emit(text: str, output: Path | None) -> None:
    if output is None:
        typer.echo(text, nl=False)
    else:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")


def openapi_text(settings: Settings, inventory: Inventory) -> str:
    """The OpenAPI document as it is committed."""
    from monocoque.app import create_app  # noqa: PLC0415  imports every enabled module

    app = create_app(settings, inventory=inventory, database_url="postgresql://unused")
    return json.dumps(app.openapi(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


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


def configuration_text(inventory: Inventory) -> str:
    """`.env.example`: every variable with its meaning and its default, commented out."""
    parts = ["# Every setting with its default. Copy to .env and uncomment what you change.\n"]
    parts.append(_section("The shell", Settings))
    parts.extend(
        _section(f"Module {module.name}", load(module.settings))
        for module in sorted(inventory.enabled, key=lambda module: module.name)
        if module.settings
    )
    return "\n".join(parts)


def _section(title: str, model: type[BaseSettings]) -> str:
    lines = [f"# --- {title}"]
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, tuple):
            default = ",".join(str(part) for part in default)
        if isinstance(default, bool):
            default = str(default).lower()
        lines.append(f"# {field.description}")
        lines.append(f"# {variable_of(model, name)}={'' if default is None else default}")
    return "\n".join(lines) + "\n"


def export_openapi(output: OutputOption = None) -> None:
    """Print the OpenAPI document of the enabled modules."""
    with explained():
        settings = load_shell_settings()
        _emit(openapi_text(settings, current_inventory(settings)), output)


def export_problems(output: OutputOption = None) -> None:
    """Print every problem code with its status and meaning."""
    with explained():
        _emit(problems_text(order(discover())), output)


def export_configuration(output: OutputOption = None) -> None:
    """Print `.env.example`."""
    with explained():
        _emit(configuration_text(order(discover())), output)
