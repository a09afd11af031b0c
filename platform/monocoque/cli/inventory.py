"""`monocoque modules`: what is installed, what is enabled, and where its migrations stand."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import typer

from monocoque.console import current_inventory, database_address, explained
from monocoque.migration import chains
from monocoque.settings import load_shell_settings
from monocoque_migrations import status

app = typer.Typer(help="Look at the installed modules.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Look at the installed modules."""


@app.command("list")
def list_modules(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    database: Annotated[bool, typer.Option(help="Ask the database which migrations are applied.")] = True,
) -> None:
    """List every installed module: version, enabled, requires, schema, migration head against applied."""
    with explained():
        settings = load_shell_settings()
        inventory = current_inventory(settings)
        rows: list[dict[str, Any]] = [
            {
                "name": module.name,
                "version": inventory.version(module.name),
                "enabled": inventory.is_enabled(module.name),
                "requires": list(module.requires),
                "schema": module.schema,
                "summary": module.summary,
            }
            for module in inventory.ordered()
        ]
        if database:
            known = chains(inventory, with_metadata=False, installed=True)
            with database_address(settings) as url:
                states = {state.name: state for state in asyncio.run(status(url, known))}
            for row in rows:
                state = states.get(row["name"])
                row["head"] = state.head if state else None
                row["applied"] = state.applied if state else None
                row["migrations"] = state.state if state else "none"
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    table = [[_cell(row[key]) for key in row if key != "summary"] for row in rows]
    heads = [key for key in rows[0] if key != "summary"] if rows else []
    print_table(heads, table)


def print_table(heads: list[str], rows: list[list[str]]) -> None:
    """A plain table whose columns are as wide as their widest cell."""
    widths = [max(len(head), *(len(row[index]) for row in rows), 0) for index, head in enumerate(heads)] if rows else []
    for line in [[head.upper() for head in heads], *rows]:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False)).rstrip())


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value) or "-"
    return str(value) if value is not None else "-"
