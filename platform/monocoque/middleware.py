"""The outermost layer, pure ASGI: request id, security headers, body limits, problem documents, access log."""

from __future__ import annotations

import asyncio
import re
import time

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

from monocoque import json
from monocoque.accesslog import AccessLog
from monocoque.errors import problem_for
from monocoque.problems import CONTENT_TYPE, REQUEST_TIMEOUT, TOO_LARGE, Problem

BODY_LIMIT = 1024 * 1024
BODY_DEADLINE = 30.0
_REQUEST_ID = re.compile(rb"^[A-Za-z0-9._-]{1,128}$")
_BODYLESS = {"GET", "HEAD", "OPTIONS"}
_SECURITY = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-site"),
]
_API_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


class Edge:
    """Wraps the whole application. Whatever goes wrong inside leaves as a problem document."""

    def __init__(
        self, app: ASGIApp, access_log: AccessLog, *, strict_transport: bool, body_limit: int = BODY_LIMIT
    ) -> None:
        self._app = app
        self._log = access_log
        self._limit = body_limit
        self._headers = [*_SECURITY, *([_HSTS] if strict_transport else [])]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), None)
        request_id = given if given is not None and _REQUEST_ID.match(given) else uuid7().hex.encode()
        scope["request_id"] = request_id.decode()
        common = self._headers
        status = 0
        complete = False

        async def send_with_headers(message: Message) -> None:
            nonlocal status, complete
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"] = list(message.get("headers", ()))
                headers.append((b"x-request-id", request_id))
                headers.extend(common)
                if "own_policy" not in scope:
                    headers.append(_API_POLICY)
            elif not message.get("more_body", False):
                complete = True
            await send(message)

        try:
            body = None if scope["method"] in _BODYLESS else self._bounded(scope, receive)
            await self._app(scope, body or receive, send_with_headers)
        except Exception as error:
            if not status:
                await ProblemReply(problem_for(error, scope), scope)(scope, receive, send_with_headers)
            elif not complete:
                # The reply has begun: cutting the connection is the only honest end.
                raise
        finally:
            self._log.write(scope, status, time.perf_counter() - began)

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        """`receive` with a cap on the body's size and on the time that it may take to arrive."""
        for name, value in scope["headers"]:
            if name == b"content-length" and (not value.isdigit() or int(value[:20]) > self._limit):
                raise Problem(TOO_LARGE, _too_large(self._limit))
        received = 0
        deadline = 0.0
        done = False

        async def bounded() -> Message:
            nonlocal received, deadline, done
            if done:
                return await receive()
            loop = asyncio.get_running_loop()
            deadline = deadline or loop.time() + BODY_DEADLINE
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise Problem(REQUEST_TIMEOUT, headers={"Connection": "close"}) from None
            received += len(message.get("body", b""))
            if received > self._limit:
                raise Problem(TOO_LARGE, _too_large(self._limit), headers={"Connection": "close"})
            done = not message.get("more_body", False)
            return message

        return bounded


def _too_large(limit: int) -> str:
    return f"A body may have at most {limit} bytes."


class ProblemReply(Response):
    """A problem document as a reply."""

    def __init__(self, problem: Problem, scope: Scope) -> None:
        document = problem.document(instance=scope["path"], request_id=scope.get("request_id", ""))
        headers = {**problem.headers, "Cache-Control": "no-store"}
        super().__init__(json.dumps(document), problem.code.status, headers, CONTENT_TYPE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            self.body = b""
        await super().__call__(scope, receive, send)
