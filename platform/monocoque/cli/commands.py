"""All commands: the shell's own and those of the installed modules."""

from __future__ import annotations

import typer

from monocoque import __version__
from monocoque.cli.contracts import (
    export_bruno,
    export_configuration,
    export_endpoints,
    export_openapi,
    export_postman,
    export_problems,
    export_schema,
)
from monocoque.cli.database import app as database_app
from monocoque.cli.demo import app as demo_app
from monocoque.cli.inventory import app as modules_app
from monocoque.cli.serving import serve
from monocoque.failures import StartupError
from monocoque.modules import load
from monocoque.registry import discover

app = typer.Typer(
    name="monocoque",
    help="A modular-monolith REST backend: a shell and the domain modules that bolt onto it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)
app.command()(serve)
app.add_typer(modules_app, name="modules")
app.add_typer(database_app, name="db")
app.add_typer(demo_app, name="demo")
app.command("openapi")(export_openapi)
app.command("problems")(export_problems)
app.command("configuration")(export_configuration)
app.command("schema")(export_schema)
app.command("endpoints")(export_endpoints)
app.command("postman")(export_postman)
app.command("bruno")(export_bruno)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def run() -> None:
    """Run what the command line asks for."""
    try:
        for found in discover():
            if found.module.commands:
                group: typer.Typer = load(found.module.commands)
                app.add_typer(group)
    except (StartupError, ImportError) as error:
        typer.echo(str(error), err=True)
    app()
