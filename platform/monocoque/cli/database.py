"""`monocoque db`: migrate, look, check, write revisions, purge."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

import monocoque_migrations as engine
from monocoque.cli.inventory import print_table
from monocoque.console import current_inventory, database_address, explained
from monocoque.failures import StartupError
from monocoque.migration import chains
from monocoque.settings import load_shell_settings
from monocoque_migrations import Chain, MigrationError

app = typer.Typer(help="Migrate the database, one chain of revisions for each module.", no_args_is_help=True)
ModuleOption = Annotated[str | None, typer.Option("--module", "-m", help="This module only (and what it requires).")]


@contextmanager
def _database(*, with_metadata: bool = False, installed: bool = False) -> Iterator[tuple[str, list[Chain]]]:
    """The database's address and the chains; what is wrong with the modules is said before a database is started."""
    with explained():
        settings = load_shell_settings()
        known = chains(current_inventory(settings), with_metadata=with_metadata, installed=installed)
        with database_address(settings) as url:
            yield url, known


@app.command()
def upgrade(module: ModuleOption = None) -> None:
    """Apply every pending revision, in the order in which modules require each other."""
    with _database() as (url, known):
        done = asyncio.run(engine.upgrade(url, known, only=module, on_step=show_step))
        typer.echo(f"{len(done)} revision(s) applied." if done else "Nothing to do: every module is at its head.")


def show_step(chain: str, revision: str, doc: str, seconds: float) -> None:
    """Show an applied revision as it is done."""
    typer.echo(f"ok  {chain} {revision}: {doc} {seconds:.2f} s", err=True)


@app.command()
def downgrade(
    module: Annotated[str, typer.Option("--module", "-m", help="The module to take back.")],
    revision: Annotated[str, typer.Argument(help="A revision, -1 for one step, or base.")] = "-1",
) -> None:
    """Take back revisions of one module; refused where other modules' tables still refer to its own."""
    with _database(installed=True) as (url, known):
        done = asyncio.run(engine.downgrade(url, known, only=module, revision=revision))
        typer.echo(f"{len(done)} revision(s) taken back.")


@app.command()
def status(module: ModuleOption = None) -> None:
    """Where each module stands: enabled, disabled, or gone with its tables left behind."""
    with explained():
        settings = load_shell_settings()
        inventory = current_inventory(settings)
        with database_address(settings) as url:
            found = asyncio.run(engine.status(url, chains(inventory, with_metadata=False, installed=True)))
    enabled = {"monocoque", *(entry.name for entry in inventory.enabled)}
    rows = [
        [
            entry.name,
            "gone" if entry.state == "gone" else "enabled" if entry.name in enabled else "disabled",
            entry.schema,
            entry.applied or "-",
            entry.head or "-",
            entry.state,
            str(len(entry.pending)),
        ]
        for entry in found
        if module in {None, entry.name}
    ]
    print_table(["module", "enabled", "schema", "applied", "head", "state", "pending"], rows)


@app.command()
def check(module: ModuleOption = None) -> None:
    """Compare models, revisions and database; exit code 1 and a list where they differ."""
    with _database(with_metadata=True) as (url, known):
        differences = asyncio.run(engine.check(url, [chain for chain in known if module in {None, chain.name}]))
        if differences:
            raise StartupError("Models, revisions and database differ.", *differences)
    typer.echo("In step.")


@app.command()
def revision(
    message: Annotated[str, typer.Argument(help="What it does, in a few words.")],
    module: Annotated[str, typer.Option("--module", "-m", help="The module that it belongs to.")],
    autogenerate: Annotated[bool, typer.Option(help="Fill it from the models.")] = True,
) -> None:
    """Write the next revision file of a module."""
    with _database(with_metadata=True) as (url, known):
        chain = next((chain for chain in known if chain.name == module), None)
        if chain is None:
            raise MigrationError(f"There is no enabled module {module!r}.", "See `monocoque modules list`.")
        typer.echo(asyncio.run(engine.revision(chain, message, url=url, autogenerate=autogenerate)))


@app.command()
def purge(
    module: Annotated[str, typer.Option("--module", "-m", help="The module (or the schema left by one that is gone).")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Drop a disabled or vanished module's schema with all its data, after saying what that is."""
    with explained():
        settings = load_shell_settings()
        inventory = current_inventory(settings)
        if inventory.is_enabled(module):
            raise StartupError(
                f"The module {module!r} is enabled.", hint=f"Disable it first: MONOCOQUE_MODULES_DISABLED={module}."
            )
        schemas = {entry.name: entry.schema for entry in inventory.ordered()}
        known = chains(inventory, with_metadata=False, installed=True)
        with database_address(settings) as url:
            schema = schemas.get(module) or _schema_left_by(url, known, module)
            plan = asyncio.run(engine.purge_plan(url, schema))
            typer.echo(f"Schema {schema}:")
            for table, rows in plan.tables.items():
                typer.echo(f"  {table}: {rows} row(s)")
            # Before a person is asked for what cannot be done.
            plan.check()
            if not yes:
                typer.confirm("Drop all of this for good?", abort=True)
            asyncio.run(engine.purge(url, schema))
    typer.echo(f"Dropped {schema}.")


def _schema_left_by(url: str, known: list[Chain], name: str) -> str:
    for entry in asyncio.run(engine.status(url, known)):
        if entry.state == "gone" and name in {entry.name, entry.schema}:
            return entry.schema
    raise MigrationError(f"There is no module or left-over schema {name!r}.", "See `monocoque db status`.")
