"""One vendor over HTTP: a single exchange, bounded in time and size, with every way to fail made a Fault."""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

import orjson

from monocoque_media.contracts import (
    ProviderAnswerInvalid,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
)
from monocoque_media.settings import MediaSettings

if TYPE_CHECKING:
    import httpx

_PLENTY = 86_400.0
_LONG_NUMBER = re.compile(rb"[0-9]{19}")  # orjson would round it
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked; equal calls are the same question."""

    path: str
    parameters: tuple[tuple[str, str], ...] = ()
    content: str | None = None
    """The body of a POST; None is a GET."""
    form: tuple[tuple[str, str], ...] = ()
    """A POST of form fields, such as secrets that must not stand in a URL."""

    @property
    def label(self) -> str:
        """For logs: never what a person searched for."""
        return dict(self.parameters).get("method") or self.path


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever the status; `document` is None where an error's body is no JSON."""

    status: int
    document: Any
    headers: httpx.Headers


class Fault(Exception):
    """A failed exchange; `again` says whether asking again may help, `wait` how many seconds the vendor wants."""

    def __init__(self, error: ProviderError, *, again: bool = False, wait: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.again = again
        self.wait = wait


@dataclass(slots=True)
class Keys:
    """What only the transport adds to a request, so that no log line, error or URL that we see holds it."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class Http:
    """A connection to one base URL; connects when first used."""

    def __init__(self, source: str, base_url: str, settings: MediaSettings, keys: Keys | None = None) -> None:
        self._source = source
        self._base_url = base_url
        self._settings = settings
        self._keys = keys or Keys()
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _connected(self) -> httpx.AsyncClient:
        # Importing the client and reading the certificates takes long enough to be noticed by others on this loop; and
        # a process that asks no source does without the memory.
        transport = await asyncio.to_thread(import_module, "monocoque_media.connectors.transport")
        tls = await asyncio.to_thread(transport.tls) if self._base_url.startswith("https:") else False
        if self._client is None:
            self._client = transport.connect(self._settings, self._keys, tls)
        return self._client

    async def exchange(self, call: Call, headers: Mapping[str, str] | None = None) -> Answer:
        """One request and its answer; raises Fault where there is none, or none that can be read."""
        post = call.content is not None or bool(call.form)
        client = await self._connected()
        import httpx  # noqa: PLC0415  with the client, when first used

        request = client.build_request(
            "POST" if post else "GET",
            self._base_url + call.path,
            params=list(call.parameters) or None,
            content=call.content.encode() if call.content is not None else None,
            data=dict(call.form) or None,
            headers=dict(headers or {}),
        )
        try:
            response = await client.send(request, stream=True)
            try:
                if response.is_redirect or 300 <= response.status_code < 400:
                    raise Fault(self._invalid("redirects elsewhere, and is not followed"))
                body = await self._read(response)
            finally:
                await response.aclose()
        # What httpx says may hold the address with what was searched for: it is not passed on.
        except httpx.TimeoutException:
            raise Fault(ProviderTimeout(self._source, "did not answer in time"), again=True) from None
        except httpx.RemoteProtocolError:
            raise Fault(self._invalid("broke its answer off"), again=True) from None
        except httpx.HTTPError:
            raise Fault(ProviderUnavailable(self._source, "could not be reached"), again=True) from None
        return Answer(response.status_code, self._document(response, body), response.headers)

    async def _read(self, response: httpx.Response) -> bytes:
        """The body, unpacked no further than the cap: a few kilobytes may be gigabytes of zeros."""
        cap = self._settings.provider_max_bytes
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in {"identity", "gzip"}:
            raise Fault(self._invalid("packs its answer in a way that was not asked for"))
        inflate = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
        body = bytearray()
        async for chunk in response.aiter_raw():
            try:
                body += inflate.decompress(chunk, cap + 1 - len(body)) if inflate else chunk
            except zlib.error:
                raise Fault(self._invalid("broke its answer off"), again=True) from None
            if len(body) > cap:
                raise Fault(self._invalid(f"gave more than {cap} bytes"))
        if inflate and body and not inflate.eof:
            raise Fault(self._invalid("broke its answer off"), again=True)
        return bytes(body)

    def _document(self, response: httpx.Response, body: bytes) -> Any:
        failed = response.status_code >= 400
        kind = response.headers.get("Content-Type", "").lower()
        document = _UNREADABLE if "html" in kind or "xml" in kind else read_json(body)
        if document is not _UNREADABLE:
            return document
        if failed:
            return None
        raise Fault(self._invalid("gave something other than JSON"))

    def _invalid(self, detail: str) -> ProviderAnswerInvalid:
        return ProviderAnswerInvalid(self._source, detail)


_UNREADABLE = object()


def read_json(body: bytes) -> Any:
    """The document, made fit for a `jsonb` column (no NUL, lone surrogate, infinity or huge number); or a marker."""
    if _LONG_NUMBER.search(body):
        return _read_odd_json(body)
    try:
        document = orjson.loads(body)
        if b"\\u0000" in body:
            document = storable(document)
        orjson.dumps(document)  # nested deeper than can be written again
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
        return _read_odd_json(body)
    return document


def _read_odd_json(body: bytes) -> Any:
    """JSON that orjson refuses or rounds, such as half of a surrogate pair or a huge number; slower, so only then."""
    try:
        document = storable(json.loads(body, parse_constant=lambda _: None))
        orjson.dumps(document)
    except (ValueError, RecursionError, orjson.JSONEncodeError):
        return _UNREADABLE
    return document


def is_unreadable(document: Any) -> bool:
    """Whether `read_json` could make nothing of the body."""
    return document is _UNREADABLE


def storable(value: Any) -> Any:
    """A copy in which PostgreSQL refuses nothing: what it cannot hold in text becomes U+FFFD."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {storable(key): storable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [storable(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    return value


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds that a Retry-After header asks for, at most a day; None where there is none that makes sense."""
    given = headers.get("Retry-After", "").strip()
    if given.isascii() and given.isdigit() and len(given) <= 9:
        return min(float(given), _PLENTY)
    try:
        moment = parsedate_to_datetime(given)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - datetime.fromtimestamp(time.time(), UTC)).total_seconds(), 0.0), _PLENTY)


def quota_left(headers: httpx.Headers) -> int | None:
    """Calls left, where the vendor says so."""
    for name in ("X-RateLimit-Remaining", "RateLimit-Remaining"):
        given = headers.get(name, "").strip()
        if given.isascii() and given.isdigit() and len(given) <= 9:
            return int(given)
    return None
