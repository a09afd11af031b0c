"""The application: the enabled modules mounted, the runtime brought up and down around them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from monocoque import __version__
from monocoque.accesslog import AccessLog
from monocoque.cors import Cors, CorsOfProblems
from monocoque.docs import docs_router
from monocoque.errors import AWAY, constraint_problems, problem_for
from monocoque.failures import StartupError
from monocoque.health import router as health_router
from monocoque.inventory_routes import root as root_router
from monocoque.inventory_routes import router as inventory_router
from monocoque.jobs import Scheduler, jobs_of
from monocoque.lifecycle import build_runtime, running
from monocoque.logs import as_json
from monocoque.middleware import Edge
from monocoque.modules import Module, load_part
from monocoque.openapi import openapi_document
from monocoque.page_assets import router as assets_router
from monocoque.pages import problem_reply, send_problem
from monocoque.problems import METHOD_NOT_ALLOWED, Problem
from monocoque.registry import Inventory, discover, order
from monocoque.routing import Dispatcher, allowed_methods
from monocoque.runtime import Runtime
from monocoque.security import Authenticator, Gate
from monocoque.settings import Settings, load_shell_settings

DESCRIPTION = "REST API of the enabled modules. Errors are problem documents (RFC 9457) with a stable `code`."


class Shell(FastAPI):
    """FastAPI with our dispatcher in front of its router and our edge around it all."""

    def __init__(self, settings: Settings, prefixes: list[str], access_log: AccessLog, **options: Any) -> None:
        super().__init__(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False, **options)
        self._settings = settings
        self._prefixes = prefixes
        self._access_log = access_log
        self._traced: bool | None = None

    def build_middleware_stack(self) -> ASGIApp:
        """Edge, CORS where configured, dispatcher, then FastAPI's own stack for what the dispatcher passes on."""
        dispatcher = Dispatcher(self.routes, self._prefixes, super().build_middleware_stack())
        app: ASGIApp = dispatcher
        refuse: ASGIApp = send_problem
        origins = self._settings.cors_origins
        if origins:
            app, refuse = Cors(app, origins), CorsOfProblems(refuse, origins)
        strict = self._settings.production
        return Edge(app, refuse, self._access_log, strict_transport=strict, limit_of=dispatcher.body_limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As FastAPI's, which asks for each request whether OpenTelemetry is set up; that is known once started."""
        if self._traced is None and scope["type"] == "http":
            self._traced = self._native_telemetry.enabled()
        if self._traced or scope["type"] != "http" or self.middleware_stack is None:
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        await self.middleware_stack(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made once."""
        if not self.openapi_schema:
            self.openapi_schema = openapi_document(self)
        return self.openapi_schema


def create_app(
    settings: Settings | None = None,
    *,
    inventory: Inventory | None = None,
    database_url: str | None = None,
    access_log: bool = True,
) -> FastAPI:
    """Discover, order and mount; raises StartupError. Nothing is connected before the application's lifespan."""
    settings = settings or load_shell_settings()
    if inventory is None:
        inventory = order(discover(), only=settings.modules, without=settings.modules_disabled)
    url = database_url or settings.postgres_url
    if url is None:
        raise StartupError(
            "There is no database to connect to.",
            hint="Set MONOCOQUE_DATABASE_URL, or start with `monocoque serve`, which brings an embedded one.",
        )
    runtime = build_runtime(settings, inventory, url)
    prefixes = [path for module in inventory.enabled for path in _prefixes(module, settings.api_prefix)]
    pages = [path for module in inventory.enabled for path in module.pages]
    log = AccessLog(as_json=as_json(settings), enabled=access_log, pages=pages)
    app = Shell(
        settings,
        prefixes,
        log,
        title=settings.project_name,
        version=__version__,
        description=DESCRIPTION,
        lifespan=_lifespan,
        generate_unique_id_function=operation_id,
        openapi_tags=[{"name": module.slug, "description": module.summary} for module in inventory.enabled],
    )
    app.state.runtime = runtime
    app.state.access_log = log
    # The first makes what is handed out and stored, each of them is accepted.
    app.state.cursor_keys = [hashlib.blake2b(key.encode(), person=b"cursor").digest() for key in settings.secrets]
    app.state.gate = Gate(_authenticator(inventory, runtime), runtime.revocations)
    # Those of the database by name: what is only an Exception is raised again after its reply, as a failure.
    for kind in (HTTPException, RequestValidationError, Problem, asyncpg.PostgresError, *AWAY, Exception):
        app.add_exception_handler(kind, _problem_reply)
    app.include_router(root_router)
    app.include_router(health_router)
    app.include_router(assets_router)
    app.include_router(inventory_router, prefix=settings.api_prefix)
    if settings.docs:
        app.include_router(docs_router(settings))
    for module in inventory.enabled:
        _mount(app, module, inventory, settings.api_prefix)
    return app


def _mount(app: FastAPI, module: Module, inventory: Inventory, prefix: str) -> None:
    if module.models:
        load_part(module, module.models)
    if module.problems:
        constraint_problems.add(module.schema, getattr(load_part(module, module.problems), "CONSTRAINTS", {}))
    if module.router:
        app.include_router(load_part(module, module.router), prefix=f"{prefix}/{module.slug}", tags=[module.slug])
    if module.public_router:
        public = load_part(module, module.public_router)
        app.include_router(public, prefix=f"{prefix}/public/{module.slug}", tags=[module.slug])

    for path, pages in module.pages.items():
        app.include_router(load_part(module, pages), prefix=path, tags=[module.slug], include_in_schema=False)
    slugs = {other.name: other.slug for other in inventory.enabled}
    for name, extension in module.extends.items():
        app.include_router(load_part(module, extension), prefix=f"{prefix}/{slugs[name]}", tags=[module.slug])


def _prefixes(module: Module, prefix: str) -> list[str]:
    return [f"{prefix}/{module.slug}", f"{prefix}/public/{module.slug}", *module.pages]


def _authenticator(inventory: Inventory, runtime: Runtime) -> Authenticator | None:
    providers = [module for module in inventory.enabled if module.authenticator]
    if len(providers) > 1:
        names = ", ".join(module.name for module in providers)
        raise StartupError(f"Several enabled modules say who may call: {names}.", hint="Enable one of them.")
    if not providers:
        return None
    assert providers[0].authenticator
    found: Authenticator = load_part(providers[0], providers[0].authenticator)(runtime)
    return found


def operation_id(route: APIRoute) -> str:
    """`<module>_<verb>_<noun>`, such as `cars_create_car`."""
    module = str(route.tags[0]).replace("-", "_") if route.tags else "shell"
    return f"{module}_{route.name}"


async def _problem_reply(request: Request, error: Exception) -> Response:
    # On FastAPI's own lane; what the dispatcher serves reaches the edge as the exception itself.
    problem = problem_for(error, request.scope)
    if problem.code is METHOD_NOT_ALLOWED:
        # FastAPI names the methods of the first route with this path only.
        problem.headers["Allow"] = ", ".join(allowed_methods(request.app.routes, request.scope))
    return await problem_reply(problem, request.scope)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    runtime: Runtime = app.state.runtime
    access_log: AccessLog = app.state.access_log
    try:
        async with running(runtime):
            scheduler = Scheduler(runtime, jobs_of(runtime.inventory))
            scheduler.start()
            try:
                # Ctrl-C twice cancels this instead of asking; what follows comes to its end all the same.
                with suppress(asyncio.CancelledError):
                    yield
            finally:
                await scheduler.stop()
                access_log.flush()
    except StartupError as error:
        app.state.startup_error = error
        raise
