"""Replies: rows written straight to JSON, with the headers that go with them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from monocoque import json

_JSON = (b"content-type", b"application/json")


class JsonReply(Response):
    """A JSON reply made of one value; an asyncpg record counts as an object."""

    media_type = "application/json"

    def __init__(self, value: Any, status_code: int = 200, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        # Response.__init__ is left out on purpose: it costs more than the encoding of a small body.
        self.status_code = status_code
        self.background = None
        self.body = value if type(value) is bytes else json.dumps(value)
        self.raw_headers = [_JSON, (b"content-length", b"%d" % len(self.body)), *headers]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  the ASGI signature
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})
        if self.background is not None:
            await self.background()


class EmptyReply(Response):
    """A reply without a body: 204, or 304 with the ETag that still holds."""

    def __init__(self, status_code: int = 204, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self.status_code = status_code
        self.background = None
        self.body = b""
        self.raw_headers = list(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  the ASGI signature
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": b""})


def record(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as the object that a client gets."""
    return dict(row.items())


def etag(version: int) -> str:
    """The ETag of a row version."""
    return f'"{version}"'


def found(row: Mapping[str, Any], if_none_match: str | None = None) -> Response:
    """One resource with the ETag of its `version`; 304 when the client's copy is current."""
    tag = etag(row["version"])
    headers = ((b"etag", tag.encode()),)
    if is_current(tag, if_none_match):
        return EmptyReply(304, headers)
    return JsonReply(dict(row.items()), 200, headers)


def created(row: Mapping[str, Any], location: str) -> JsonReply:
    """A new resource: 201 with its ETag and where it is."""
    headers = ((b"etag", etag(row["version"]).encode()), (b"location", location.encode()))
    return JsonReply(dict(row.items()), 201, headers)


def document(body: bytes, if_none_match: str | None = None, headers: Iterable[tuple[bytes, bytes]] = ()) -> Response:
    """A JSON text that no row version stands for, its ETag a digest of it; 304 when the client's copy is current."""
    tag = digest_tag(body)
    headers = ((b"etag", tag.encode()), *headers)
    if is_current(tag, if_none_match):
        return EmptyReply(304, headers)
    return JsonReply(body, 200, headers)


def no_content() -> EmptyReply:
    """204."""
    return EmptyReply()


def digest_tag(body: bytes) -> str:
    """The ETag of a body that no row version stands for."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def is_current(tag: str, if_none_match: str | None) -> bool:
    """Whether If-None-Match, which compares weakly (RFC 9110, 13.1.2), names the tag: then the copy will do."""
    if if_none_match is None:
        return False
    return any(given in {"*", tag} for given in (part.strip().removeprefix("W/") for part in if_none_match.split(",")))
