"""`monocoque.asgi:create`: the application for an ASGI server of one's own choosing, configured by the environment."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

from monocoque.configuration import load_configuration
from monocoque.logs import configure

if TYPE_CHECKING:
    from fastapi import FastAPI

DATABASE_VARIABLE = "MONOCOQUE_EMBEDDED_URL"


def create() -> FastAPI:
    """The application; a parent process that runs the embedded database leaves its address in the environment."""
    from monocoque.app import create_app  # noqa: PLC0415  imports every enabled module

    found = load_configuration()
    settings = found.settings
    configure(settings)
    app = create_app(
        settings, inventory=found.inventory, database_url=settings.postgres_url or os.environ.get(DATABASE_VARIABLE)
    )
    settle()
    return app


def settle() -> None:
    """Take what the start has made out of the garbage collector's rounds: it stays for as long as the process."""
    gc.collect()
    gc.freeze()
