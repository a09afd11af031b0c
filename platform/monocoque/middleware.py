"""The outermost layer, pure ASGI: request id, security headers, body limits, problem documents, access log."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable
from urllib.parse import quote

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

from monocoque import json
from monocoque.accesslog import AccessLog
from monocoque.errors import problem_for
from monocoque.problems import BAD_REQUEST, CONTENT_TYPE, REQUEST_TIMEOUT, TOO_LARGE, Problem

_log = logging.getLogger("monocoque.errors")
BODY_LIMIT = 1024 * 1024
BODY_DEADLINE = 30.0
SLOWEST = 128 * 1024
"""Bytes a second that a body has to arrive with, on average, beyond its first `BODY_DEADLINE` seconds."""
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
# What is left of a body that was refused must not be read.
_CLOSE = {"Connection": "close"}
# What RFC 3986 allows in a path as it is: the instance of a problem is a URI.
_IN_A_PATH = "/:@!$&'()*+,;=~"
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
    """Wraps the whole application. Whatever goes wrong inside leaves as a problem document, which `refuse` sends."""

    def __init__(
        self,
        app: ASGIApp,
        refuse: ASGIApp,
        access_log: AccessLog,
        *,
        strict_transport: bool,
        body_limit: int = BODY_LIMIT,
        limit_of: Callable[[Scope], int | None] = lambda _scope: None,
    ) -> None:
        """`limit_of` gives what the operation itself says about its body; it is asked for large ones only."""
        self._app = app
        self._refuse = refuse
        self._log = access_log
        self._limit = body_limit
        self._limit_of = limit_of
        self._marked = [*_SECURITY, *([_HSTS] if strict_transport else [])]
        self._common = [*self._marked, _API_POLICY]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = _request_id(scope)
        scope["request_id"] = request_id.decode()
        method = scope["method"]
        head = method == "HEAD"
        if head:
            # HEAD is GET without the body (RFC 9110, 9.3.2). A copy: the server goes by what its own scope says.
            scope = {**scope, "method": "GET"}
        status = 0
        complete = False

        async def send_with_headers(message: Message) -> None:
            nonlocal status, complete
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"] = list(message.get("headers", ()))
                headers.append((b"x-request-id", request_id))
                headers.extend(self._marked if "own_policy" in scope else self._common)
            else:
                complete = not message.get("more_body", False)
                if head:
                    message = {"type": "http.response.body", "body": b"", "more_body": not complete}
            await send(message)

        try:
            await self._app(scope, self._bounded(scope, receive), send_with_headers)
        except (Exception, asyncio.CancelledError) as error:
            if not status:
                scope["problem"] = problem_for(error, scope)
                await self._refuse(scope, receive, send_with_headers)
            elif not _note_late(error, scope, complete=complete):
                # The reply has begun: cutting the connection is the only honest end.
                raise
            if isinstance(error, asyncio.CancelledError):
                raise
        finally:
            scope["method"] = method
            self._log.write(scope, status, time.perf_counter() - began)

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        """`receive` with a cap on the body's size and on the time that it may take to arrive."""
        if scope["method"] in _BODYLESS:
            return receive
        for name, value in scope["headers"]:
            if name == b"content-length":
                if not value.isdigit():
                    raise Problem(BAD_REQUEST, "Content-Length is no number.", headers=_CLOSE)
                self._check_size(int(value[:20]), scope)
        received = 0
        deadline: float | None = None
        done = False

        async def bounded() -> Message:
            nonlocal received, deadline, done
            if done:
                return await receive()
            loop = asyncio.get_running_loop()
            if deadline is None:
                deadline = loop.time() + BODY_DEADLINE
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise Problem(REQUEST_TIMEOUT, headers=_CLOSE) from None
            size = len(message.get("body", b""))
            received += size
            deadline += size / SLOWEST
            self._check_size(received, scope)
            done = not message.get("more_body", False)
            return message

        return bounded

    def _check_size(self, size: int, scope: Scope) -> None:
        if size <= self._limit:
            return
        limit = max(self._limit, self._limit_of(scope) or 0)
        if size > limit:
            raise Problem(TOO_LARGE, f"A body may have at most {limit} bytes here.", headers=_CLOSE)


def _request_id(scope: Scope) -> bytes:
    """The one that came with the request if it is harmless, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            given: bytes = value
            return given
    return uuid7().hex.encode()


def _note_late(error: BaseException, scope: Scope, *, complete: bool) -> bool:
    """Log what failed after a complete reply, unless that reply was about it; False when the reply is not complete."""
    if complete and isinstance(error, Exception) and error is not scope.get("logged"):
        _log.error("request %s failed after its reply", scope["request_id"], exc_info=error)
    return complete or isinstance(error, ClientDisconnect)


class ProblemReply(Response):
    """A problem document as a reply."""

    def __init__(self, problem: Problem, scope: Scope) -> None:
        instance = quote(scope["path"], safe=_IN_A_PATH, errors="replace")
        document = problem.document(instance=instance, request_id=scope.get("request_id", ""))
        headers = {**problem.headers, "Cache-Control": "no-store"}
        super().__init__(json.dumps(document), problem.code.status, headers, CONTENT_TYPE)
