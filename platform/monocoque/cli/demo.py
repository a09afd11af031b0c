"""`monocoque demo`: load the demo data, or take it away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from monocoque.configuration import load_configuration
from monocoque.console import explained, local_address, run_with_runtime
from monocoque.progress import Progress

if TYPE_CHECKING:
    from monocoque.runtime import Runtime

app = typer.Typer(help="The demo data of the enabled modules.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """The demo data of the enabled modules."""


@app.command()
def load() -> None:
    """Add what is missing of the demo data; what was changed or deleted stays so. Refused in production."""
    from monocoque import demo  # noqa: PLC0415  other commands start faster without

    progress = Progress()
    with explained():
        settings = load_configuration().settings
        # Before a database is started for it.
        demo.refuse_in_production(settings)

    async def run(runtime: Runtime) -> None:
        found = await demo.load(runtime, progress)
        footer = "All this works while `monocoque serve` runs"
        if settings.public_url or settings.port:
            base = settings.public_url or local_address(settings.host, settings.port)
            progress.panel("demo data", found.shown(base.rstrip("/")), f"{footer}.")
        else:
            # Which port it will be, nobody knows yet.
            progress.panel("demo data", found.shown(""), f"{footer}, below the address that it tells.")

    run_with_runtime(run)


@app.command()
def reset() -> None:
    """Take away the demo data and all that the demo people made; what is other people's stays."""
    from monocoque import demo  # noqa: PLC0415  other commands start faster without

    async def run(runtime: Runtime) -> None:
        await demo.reset(runtime, Progress())

    run_with_runtime(run)
