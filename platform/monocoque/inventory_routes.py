"""GET /modules: what this installation can do."""

from __future__ import annotations

from pydantic import BaseModel
from starlette.responses import Response

from monocoque.replies import JsonReply
from monocoque.routing import Router
from monocoque.runtime import CurrentRuntime

router = Router(tags=["modules"])


class ModuleRead(BaseModel):
    """An enabled module."""

    name: str
    version: str
    summary: str
    requires: list[str]
    path: str


class ModuleList(BaseModel):
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
