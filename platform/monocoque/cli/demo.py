"""`monocoque demo`: load the demo data, or take it away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from monocoque.console import explained, run_with_runtime
from monocoque.progress import Progress
from monocoque.settings import load_shell_settings

if TYPE_CHECKING:
    from monocoque.runtime import Runtime

app = typer.Typer(help="The demo data of the enabled modules.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """The demo data of the enabled modules."""


@app.command()
def load() -> None:
    """Add what is missing of the demo data; what was changed stays as it is. Refused in production."""
    from monocoque import demo  # noqa: PLC0415  other commands start faster without

    progress = Progress()
    with explained():
        settings = load_shell_settings()
        # Before a database is started for it.
        demo.refuse_in_production(settings)

    async def run(runtime: Runtime) -> None:
        found = await demo.load(runtime, progress)
        base = settings.public_url or f"http://{settings.host}:{settings.port}"
        progress.panel("demo data", found.shown(base.rstrip("/")), "All this works while `monocoque serve` runs.")

    run_with_runtime(run)


@app.command()
def reset() -> None:
    """Take away the demo data and all that the demo people made; what is other people's stays."""
    from monocoque import demo  # noqa: PLC0415  other commands start faster without

    async def run(runtime: Runtime) -> None:
        await demo.reset(runtime, Progress())

    run_with_runtime(run)
