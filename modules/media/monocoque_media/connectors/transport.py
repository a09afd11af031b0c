"""The HTTP client of a vendor; imported when a source is first asked."""

from __future__ import annotations

import ssl
from functools import cache
from typing import Literal

import httpx

from monocoque import __version__
from monocoque_media.connectors.http import Keys
from monocoque_media.settings import MediaSettings


class _Signing(httpx.AsyncBaseTransport):
    def __init__(self, inner: httpx.AsyncBaseTransport, keys: Keys) -> None:
        self._inner = inner
        self._keys = keys

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        signed = httpx.Request(
            request.method,
            request.url.copy_merge_params(dict(self._keys.parameters)) if self._keys.parameters else request.url,
            headers={**request.headers, **self._keys.headers},
            stream=request.stream,
            extensions=request.extensions,
        )
        return await self._inner.handle_async_request(signed)

    async def aclose(self) -> None:
        await self._inner.aclose()


@cache
def tls() -> ssl.SSLContext:
    """The certificates that are trusted, read once."""
    return httpx.create_ssl_context()


def connect(settings: MediaSettings, keys: Keys, verify: ssl.SSLContext | Literal[False]) -> httpx.AsyncClient:
    """A client that adds the keys as the last thing, and follows no redirect."""
    transport = httpx.AsyncHTTPTransport(
        verify=verify, limits=httpx.Limits(max_connections=settings.provider_concurrency, keepalive_expiry=30)
    )
    return httpx.AsyncClient(
        transport=_Signing(transport, keys),
        timeout=httpx.Timeout(settings.provider_timeout_seconds, connect=settings.provider_connect_seconds),
        headers={
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": f"monocoque/{__version__}",
        },
        follow_redirects=False,
    )
