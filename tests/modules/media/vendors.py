"""A local HTTP server that plays the vendors with small bodies of their shape, and every way in which they fail."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from monocoque_media.settings import MediaSettings

KEYS = {
    "google_books_api_key": "made-up-google-key",
    "tmdb_token": "made-up-tmdb-token",
    "igdb_client_id": "made-up-client-id",
    "igdb_client_secret": "made-up-client-secret",
    "lastfm_api_key": "made-up-lastfm-key",
}
SOURCES = ("google_books", "tmdb", "igdb", "twitch", "lastfm")


@dataclass(frozen=True)
class Reply:
    """What the server answers: the body as it is, or as JSON; or how it fails to."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0
    """Seconds before anything is sent."""
    until: asyncio.Event | None = None
    """Nothing is sent before it is set."""
    cut: bool = False
    """Promise more bytes than come, then hang up."""
    repeat: int = 1
    """How often the body is sent, in one answer without a length."""

    def when(self, event: asyncio.Event) -> Reply:
        """The same, as soon as the event is set."""
        return replace(self, until=event)


def slow() -> Reply:
    """An answer that comes when nobody waits any more, however long the machine takes over everything else."""
    return Reply({}, delay=600)


def limited(retry_after: str | None = "0") -> Reply:
    return Reply({}, 429, {"Retry-After": retry_after} if retry_after is not None else {})


def broken(status: int = 500, **headers: str) -> Reply:
    return Reply(b"upstream connect error", status, {"Content-Type": "text/plain", **headers})


def cut_off() -> Reply:
    return Reply({"items": ["half of an answer"]}, cut=True)


def web_page(status: int = 200) -> Reply:
    return Reply(b"<!doctype html><title>Sign in to the network</title>", status, {"Content-Type": "text/html"})


def huge(megabytes: int = 50) -> Reply:
    return Reply(b" " * 1024 * 1024, repeat=megabytes)


def packed_huge(megabytes: int = 50) -> Reply:
    return Reply(gzip.compress(b" " * 1024 * 1024 * megabytes), headers={"Content-Encoding": "gzip"})


def elsewhere(address: str, status: int = 302) -> Reply:
    return Reply(b"", status, {"Location": address})


def not_json() -> Reply:
    return Reply(b'{"items": [', headers={"Content-Type": "application/json"})


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    source: str
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: str


def volume(number: int = 1, **info: Any) -> dict[str, Any]:
    return {
        "kind": "books#volume",
        "id": f"volume{number:06}",
        "volumeInfo": {
            "title": "Frankenstein" if number == 1 else f"Frankenstein {number}",
            "authors": ["Mary Shelley"],
            "publishedDate": "1818",
            **({"industryIdentifiers": [{"type": "ISBN_13", "identifier": "9780141439471"}]} if number == 1 else {}),
            **info,
        },
    }


def film(number: int = 1, **more: Any) -> dict[str, Any]:
    title = "Metropolis" if number == 1 else f"Metropolis {number}"
    return {"id": number, "title": title, "original_title": title, "release_date": "1927-02-06", **more}


def series(number: int = 1, **more: Any) -> dict[str, Any]:
    return {"id": number, "name": f"Series {number}", "original_name": f"Series {number}", "first_air_date": "", **more}


def game(number: int = 1, **more: Any) -> dict[str, Any]:
    return {"id": number, "name": "Tetris" if number == 1 else f"Tetris {number}", "first_release_date": 0, **more}


def song(number: int = 1, **more: Any) -> dict[str, Any]:
    return {"name": f"Gymnopédie No. {number}", "artist": "Erik Satie", "mbid": "", "listeners": "1000", **more}


class Vendors:
    """All vendors on one port. Scripted replies come first, then those of small made-up catalogues."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Seen] = []
        self.sizes = dict.fromkeys(("volumes", "movies", "series", "games", "tracks", "albums"), 3)
        """How many things each catalogue holds; their numbers begin at 1."""
        self.token = "token-1"
        """The one that IGDB accepts."""
        self.most_at_once: Counter[str] = Counter()
        """How many requests each source had to answer at the same time."""
        self.bodies = 0
        """How many have been sent; one that is repeated counts each time."""
        self._scripts: dict[str, deque[Reply]] = defaultdict(deque)
        self._always: dict[str, Reply] = {}
        self._at: dict[str, Reply] = {}
        self._at_once: Counter[str] = Counter()
        self._news = asyncio.Event()

    def script(self, source: str, *replies: Reply) -> None:
        """The next replies of a source, one for each request."""
        self._scripts[source].extend(replies)

    def at(self, path: str, reply: Reply) -> None:
        """Every reply at one path, before those of `always`: for requests that come in whichever order."""
        self._at[path] = reply

    def always(self, source: str, reply: Reply | None) -> None:
        """Every reply of a source after the scripted ones; None goes back to the catalogue."""
        if reply is None:
            self._always.pop(source, None)
        else:
            self._always[source] = reply

    def seen(self, source: str) -> list[Seen]:
        return [request for request in self.requests if request.source == source]

    async def asked(self, source: str, times: int = 1) -> None:
        """Wait until a source has been asked so often."""
        async with asyncio.timeout(60):
            while len(self.seen(source)) < times:
                self._news.clear()
                await self._news.wait()

    def configuration(self, **changes: Any) -> dict[str, Any]:
        """Values for MediaSettings: addresses here, made-up keys, short pauses and ample limits."""
        bases = {f"{source}_base_url": f"{self.url}/{source}" for source in SOURCES}
        times = {"provider_timeout_seconds": 20, "provider_connect_seconds": 20, "provider_backoff_seconds": 0.01}
        return {**bases, **KEYS, **times, **changes}

    def settings(self, **changes: Any) -> MediaSettings:
        return MediaSettings(_env_file=None, **self.configuration(**changes))

    def environment(self, **changes: Any) -> dict[str, str]:
        """The same as environment variables."""
        values = self.configuration(**changes)
        return {f"MONOCOQUE_MEDIA_{name.upper()}": str(value) for name, value in values.items() if value is not None}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await self._read(reader)) is not None:
                self.requests.append(request)
                self._news.set()
                source = request.source
                self._at_once[source] += 1
                self.most_at_once[source] = max(self.most_at_once[source], self._at_once[source])
                try:
                    again = await self._send(writer, self._reply(request))
                finally:
                    self._at_once[source] -= 1
                if not again:
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away, which is what some tests are about
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _read(self, reader: asyncio.StreamReader) -> Seen | None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head.rstrip().split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        parts = urlsplit(target)
        _, source, *path = parts.path.split("/", 2)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return Seen(source, method, f"/{''.join(path)}", query, headers, body.decode())

    async def _send(self, writer: asyncio.StreamWriter, reply: Reply) -> bool:
        """Whether the connection may be used again."""
        await asyncio.sleep(reply.delay)
        if reply.until is not None:
            await reply.until.wait()
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        headers = {"Content-Type": "application/json; charset=utf-8", **reply.headers}
        if reply.repeat == 1:
            headers["Content-Length"] = str(len(body) + (100 if reply.cut else 0))
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {reply.status} Whatever\r\n{head}\r\n".encode())
        for _ in range(reply.repeat):
            writer.write(body)
            await writer.drain()
            self.bodies += 1
        return not reply.cut and reply.repeat == 1

    def _reply(self, request: Seen) -> Reply:
        script = self._scripts[request.source]
        if script:
            return script.popleft()
        fixed = self._at.get(request.path) or self._always.get(request.source)
        return fixed or getattr(self, f"_{request.source}")(request)

    def _google_books(self, request: Seen) -> Reply:
        known = [volume(number + 1) for number in range(self.sizes["volumes"])]
        if request.path == "/volumes":
            start = int(request.query["startIndex"])
            page = known[start : start + int(request.query["maxResults"])]
            return Reply({"kind": "books#volumes", "totalItems": len(known), **({"items": page} if page else {})})
        for found in known:
            if request.path == f"/volumes/{found['id']}":
                return Reply(found)
        return Reply({"error": {"code": 404, "errors": [{"reason": "notFound"}]}}, 404)

    def _tmdb(self, request: Seen) -> Reply:
        films = [film(number + 1) for number in range(self.sizes["movies"])]
        shows = [series(number + 1) for number in range(self.sizes["series"])]
        found: dict[str, list[dict[str, Any]]] = {
            "/search/movie": films,
            "/search/tv": shows,
            "/search/multi": [
                *({**entry, "media_type": "movie"} for entry in films),
                *({**entry, "media_type": "tv"} for entry in shows),
            ],
        }
        if request.path in found:
            page, results = int(request.query["page"]), found[request.path]
            total = {"total_pages": -(-len(results) // 20), "total_results": len(results)}
            return Reply({"page": page, "results": results[(page - 1) * 20 : page * 20], **total})
        appended = {"credits": {"cast": [], "crew": [{"name": "Fritz Lang", "job": "Director"}]}}
        for kind, entries in (("movie", films), ("tv", shows)):
            for entry in entries:
                if request.path == f"/{kind}/{entry['id']}":
                    return Reply({**entry, "runtime": 148, **appended})
        return Reply({"success": False, "status_code": 34, "status_message": "not found"}, 404)

    def _twitch(self, request: Seen) -> Reply:
        return Reply({"access_token": self.token, "expires_in": 5_000_000, "token_type": "bearer"})

    def _igdb(self, request: Seen) -> Reply:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return Reply({"message": "Authorization Failure.", "Tip 1": "..."}, 401)
        known = [game(number + 1) for number in range(self.sizes["games"])]
        by_id = re.search(r"where id = ([0-9]+);", request.body)
        if by_id:
            return Reply([entry for entry in known if entry["id"] == int(by_id[1])])
        limit, offset = (re.search(rf"{word} ([0-9]+);", request.body) for word in ("limit", "offset"))
        assert limit
        assert offset
        return Reply(known[int(offset[1]) : int(offset[1]) + int(limit[1])])

    def _lastfm(self, request: Seen) -> Reply:
        kind, _, verb = request.query["method"].partition(".")
        known = [song(number + 1) for number in range(self.sizes[f"{kind}s"])]
        if verb == "search":
            size, page = int(request.query["limit"]), int(request.query["page"])
            found = known[(page - 1) * size : page * size]
            total = {"opensearch:totalResults": str(len(known))}
            return Reply({"results": {**total, f"{kind}matches": {kind: found}}})
        for entry in known:
            if (request.query.get("artist"), unquote(request.query.get(kind, ""))) == (entry["artist"], entry["name"]):
                return Reply({kind: entry})
        return Reply({"error": 6, "message": f"{kind.title()} not found", "links": []})


@asynccontextmanager
async def vendors() -> AsyncIterator[Vendors]:
    """The server, on a free port of the loopback interface."""
    played = Vendors()
    handlers: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        handlers.add(task)
        try:
            await played.serve(reader, writer)
        except asyncio.CancelledError:
            writer.close()
        finally:
            handlers.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    played.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield played
    finally:
        server.close()
        for task in list(handlers):
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)
        await server.wait_closed()
