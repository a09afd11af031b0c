"""Cross-origin requests: Starlette's layer, with refusals as problem documents and a way back for those of others."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from monocoque.problems import BAD_REQUEST, Problem

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_ALLOWED = ["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "X-Request-ID"]
_EXPOSED = ["ETag", "Idempotency-Replayed", "Link", "Location", "Retry-After", "WWW-Authenticate", "X-Request-ID"]


class Cors(CORSMiddleware):
    """Answers preflights and marks replies; never with credentials, for who calls is in the Authorization header."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=list(origins),
            allow_methods=_METHODS,
            allow_headers=_ALLOWED,
            expose_headers=_EXPOSED,
            max_age=600,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        reply = super().preflight_response(request_headers)
        if reply.status_code >= 400:
            raise Problem(BAD_REQUEST, f"{bytes(reply.body).decode()}.")
        return reply


class CorsOfProblems(Cors):
    """The layer for a problem document that the edge sends: an exception leaves the other one behind on its way out."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if "origin" in headers:
            await self.simple_response(scope, receive, send, request_headers=headers)
        else:
            await self.app(scope, receive, send)
