"""`monocoque.asgi:create`: the application for an ASGI server of one's own choosing, configured by the environment."""

from __future__ import annotations

import os

from fastapi import FastAPI

from monocoque.app import create_app
from monocoque.logs import configure
from monocoque.settings import load_shell_settings

DATABASE_VARIABLE = "MONOCOQUE_EMBEDDED_URL"


def create() -> FastAPI:
    """The application; a parent process that runs the embedded database leaves its address in the environment."""
    settings = load_shell_settings()
    configure(settings)
    return create_app(settings, database_url=settings.postgres_url or os.environ.get(DATABASE_VARIABLE))
