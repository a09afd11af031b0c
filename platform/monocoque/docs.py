"""The API reference at /docs: Swagger UI, its assets served by us, so that it works without internet."""

from __future__ import annotations

import copy
import html
import importlib.util
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response

from monocoque import json
from monocoque.problems import NOT_FOUND, Problem
from monocoque.settings import Settings

_TYPES = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css", "favicon.png": "image/png"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: API reference</title>
<link rel="icon" href="docs/assets/favicon.png">
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/assets/start.js"></script>
</body>
</html>
"""
_START = """"use strict";
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  persistAuthorization: true,
  displayRequestDuration: true,
  filter: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
});
"""


def docs_router(settings: Settings) -> APIRouter:
    """/docs, its assets and /openapi.json."""
    router = APIRouter(include_in_schema=False)
    page = _PAGE.format(title=html.escape(settings.project_name))
    assets = _assets()

    @router.get("/docs")
    async def get_docs(request: Request) -> Response:
        request.scope["own_policy"] = True
        return Response(page, media_type="text/html", headers={"content-security-policy": _POLICY})

    @router.get("/docs/assets/{name}")
    async def get_asset(name: str) -> Response:
        if name == "start.js":
            return Response(_START, media_type="text/javascript")
        if name not in _TYPES:
            raise Problem(NOT_FOUND)
        headers = {"cache-control": "public, max-age=86400"}
        return FileResponse(assets / name, media_type=_TYPES[name], headers=headers)

    @router.get("/openapi.json")
    async def get_openapi(request: Request) -> Response:
        return Response(json.dumps(_below(request.app.openapi(), _root_path(request))), media_type="application/json")

    return router


def _root_path(request: Request) -> str:
    """Where a proxy has put the API; empty for the root."""
    found: str = request.scope.get("root_path", "")
    return found.rstrip("/")


def _below(document: dict[str, Any], root: str) -> dict[str, Any]:
    """The document as it reads where a proxy serves the API below `root`."""
    if not root:
        return document
    moved = copy.deepcopy(document)
    moved["servers"] = [{"url": root}]
    for scheme in moved["components"].get("securitySchemes", {}).values():
        for flow in scheme.get("flows", {}).values():
            flow["tokenUrl"] = root + flow["tokenUrl"]
    return moved


def _assets() -> Path:
    # Found without importing the package: only its files are wanted.
    spec = importlib.util.find_spec("fastapi_offline")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "static"
