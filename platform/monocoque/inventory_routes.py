"""GET / and GET /modules: what this installation can do, and where."""

from __future__ import annotations

from pydantic import ConfigDict
from starlette.responses import Response

from monocoque import __version__
from monocoque.replies import JsonReply
from monocoque.routing import Router
from monocoque.runtime import CurrentRuntime
from monocoque.types import Output

router = Router(tags=["modules"])


class ModuleRead(Output):
    """An enabled module."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "cars",
                    "version": "0.1.0",
                    "summary": "The cars a person owns.",
                    "requires": ["auth"],
                    "path": "/api/v1/cars",
                }
            ]
        }
    )

    name: str
    version: str
    summary: str
    requires: list[str]
    path: str


class ModuleList(Output):
    """The enabled modules in start order."""

    items: list[ModuleRead]


@router.get("/modules", response_model=ModuleList, summary="List the enabled modules")
async def list_modules(runtime: CurrentRuntime) -> Response:
    """The enabled modules, in the order in which they start."""
    prefix = runtime.settings.api_prefix
    return JsonReply(
        {
            "items": [
                {
                    "name": module.name,
                    "version": runtime.inventory.version(module.name),
                    "summary": module.summary,
                    "requires": list(module.requires),
                    "path": f"{prefix}/{module.slug}",
                }
                for module in runtime.inventory.enabled
            ]
        }
    )


root = Router(tags=["shell"])


class Index(Output):
    """Where things are."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "monocoque",
                    "version": "0.1.0",
                    "api": "/api/v1",
                    "modules": "/api/v1/modules",
                    "health": "/health/ready",
                    "docs": "/docs",
                }
            ]
        }
    )

    name: str
    version: str
    api: str
    modules: str
    health: str
    docs: str | None


@root.get("/", response_model=Index, summary="Where things are", operation_id="shell_get_index")
async def get_index(runtime: CurrentRuntime) -> Response:
    """The addresses to begin with; `docs` is null where the API reference is not served."""
    settings = runtime.settings
    return JsonReply(
        {
            "name": settings.project_name,
            "version": __version__,
            "api": settings.api_prefix,
            "modules": f"{settings.api_prefix}/modules",
            "health": "/health/ready",
            "docs": "/docs" if settings.docs else None,
        }
    )
