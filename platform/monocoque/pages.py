"""Pages for people: templates rendered on the server into HTML without scripts, under a policy that allows none."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fastapi import Request
from starlette._utils import get_route_path
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from monocoque.middleware import ProblemReply
from monocoque.negotiation import VARY, prefers_page
from monocoque.page_assets import asset
from monocoque.problems import Problem
from monocoque.replies import digest_tag, is_current
from monocoque.routing import Route, Router
from monocoque.runtime import runtime_of

if TYPE_CHECKING:
    from jinja2 import BaseLoader, Environment

_log = logging.getLogger("monocoque.pages")
_HTML = (b"content-type", b"text/html; charset=utf-8")
_RULES = (
    b"default-src 'none'; style-src 'self'; img-src 'self' https:; base-uri 'none'; form-action 'none'; "
    b"frame-ancestors 'none'"
)
_POLICY = (b"content-security-policy", _RULES)
_NO_INDEX = (b"x-robots-tag", b"noindex")


class PageRoute(Route):
    """The route of a page, which lets any query through: networks put marks of theirs on links that are passed on."""

    refuses_unknown_query = False


class PageRouter(Router):
    """The router of a module's `pages`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"route_class": PageRoute, **options})


@dataclass(frozen=True, slots=True)
class Card:
    """What a page tells whoever does not read it: search engines, and the previews of links to it."""

    title: str
    description: str
    path: str
    """The page's own address below the root, such as `l/token`, wherever it was asked for."""
    kind: str = "website"
    """The type of OpenGraph: `website` or `article`."""
    images: tuple[str | None, ...] = ()
    """Candidates for the picture; the first that is at an https address is shown."""
    indexed: bool = True
    """Whether search engines may list it."""

    @property
    def image(self) -> str | None:
        """The picture of the preview."""
        return next(filter(picture, self.images), None)


class PageReply(Response):
    """A page, or a 304 for one that is current."""

    def __init__(self, body: bytes, status_code: int = 200, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        # As JsonReply does, without what Response.__init__ would add.
        self.status_code = status_code
        self.background = None
        self.body = body
        about_body = () if status_code == 304 else (_HTML, (b"content-length", b"%d" % len(body)))
        self.raw_headers = [*about_body, _POLICY, VARY, *headers]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  the ASGI signature
        scope["own_policy"] = True
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})


class Pages:
    """The pages of one package, made of the templates in its folder `templates/`."""

    def __init__(self, package: str) -> None:
        self._package = package

    async def reply(
        self,
        request: Request,
        template: str,
        card: Card,
        *,
        if_none_match: str | None = None,
        headers: Iterable[tuple[bytes, bytes]] = (),
        **shown: Any,
    ) -> PageReply:
        """A page with its ETag, 304 when the client's copy is current; `shown` is what the template gets to show."""
        body, tag = await _rendered(request.scope, self._package, template, {"card": card, **shown})
        headers = [(b"etag", tag.encode()), *headers, *(() if card.indexed else (_NO_INDEX,))]
        if is_current(tag, if_none_match):
            return PageReply(b"", 304, headers)
        return PageReply(body, 200, headers)


def base_address(scope: Scope) -> str:
    """Where clients find the root of this installation, without a final slash: as configured, else as they called."""
    return (runtime_of(scope).settings.public_url or str(Request(scope).base_url)).rstrip("/")


def moved_page(location: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> PageReply:
    """A 301: the page has another address now; `location` may be relative to this one."""
    return PageReply(b"", 301, ((b"location", location.encode()), *headers))


async def problem_reply(problem: Problem, scope: Scope) -> Response:
    """The problem document, or a page that tells the same to a person who asked for a page."""
    document = ProblemReply(problem, scope)
    if "negotiated" not in scope and not _at_a_page(scope):
        return document
    document.headers["vary"] = "Accept"
    if not prefers_page(scope):
        return document
    card = Card(problem.code.title, problem.detail, "", indexed=False)
    shown = {"card": card, "problem": problem, "request_id": scope.get("request_id", "")}
    try:
        body, _ = await _rendered(scope, "monocoque", "problem.html", shown)
    except Exception:  # noqa: BLE001  what went wrong before is what has to be told
        _log.exception("request %s: its problem could not be shown as a page", scope.get("request_id"))
        return document
    headers = {**problem.headers, "cache-control": "no-store"}
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return PageReply(body, problem.code.status, [*encoded, _NO_INDEX])


async def send_problem(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application that answers with the problem at `scope["problem"]`, in the form that fits."""
    reply = await problem_reply(scope["problem"], scope)
    await reply(scope, receive, send)


def _at_a_page(scope: Scope) -> bool:
    path = get_route_path(scope)
    return any(
        path == prefix or path.startswith(f"{prefix}/")
        for module in runtime_of(scope).inventory.enabled
        for prefix in module.pages
    )


async def _rendered(scope: Scope, package: str, template: str, shown: dict[str, Any]) -> tuple[bytes, str]:
    # On a thread: a long list takes long enough to keep everybody else waiting, and so does the first import of Jinja.
    return await asyncio.to_thread(_render, scope, f"{package}/{template}", shown)


def _render(scope: Scope, name: str, shown: dict[str, Any]) -> tuple[bytes, str]:
    """The page and its ETag."""
    settings = runtime_of(scope).settings
    environment = _environment(reload=settings.environment == "development")
    # Relative, so that links are right wherever a proxy has put the root.
    root = "../" * (get_route_path(scope).count("/") - 1)
    text = environment.get_template(name).render(
        {
            "site": settings.project_name,
            "root": root,
            "base": base_address(scope),
            "style": f"{root}assets/{asset('pages.css').name}",
            "icon": f"{root}assets/{asset('icon.svg').name}",
            **shown,
        }
    )
    body = text.encode()
    return body, digest_tag(body)


class _Loaders(dict[str, "BaseLoader"]):
    """The templates of each package, found when they are first wanted."""

    def __missing__(self, package: str) -> BaseLoader:
        from jinja2 import PackageLoader  # noqa: PLC0415  see _environment

        return self.setdefault(package, PackageLoader(package))


@cache
def _environment(*, reload: bool) -> Environment:
    """One for the process. Jinja is imported with it: a process that shows no page need not hold it."""
    from jinja2 import Environment, PrefixLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=PrefixLoader(_Loaders()),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=reload,
    )
    environment.filters.update(web_address=web_address, picture=picture, host=host, day=day)
    return environment


def web_address(address: str | None) -> str | None:
    """The address if it leads to the web and nowhere else, for a link; None for `javascript:` and the like."""
    return address if address is not None and _parts(address, {"http", "https"}) else None


def picture(address: str | None) -> str | None:
    """The address if a page may show what is there, which is at https addresses only."""
    return address if address is not None and _parts(address, {"https"}) else None


def host(address: str) -> str:
    """Where a link leads to, as people know it."""
    return (urlsplit(address).hostname or "").removeprefix("www.")


def day(moment: datetime) -> str:
    """A date as people write it: `3 March 2026`."""
    return f"{moment.day} {moment:%B %Y}"


def _parts(address: str, schemes: set[str]) -> bool:
    if not address.isprintable() or " " in address or "\\" in address:
        return False
    try:
        parts = urlsplit(address)
        return parts.scheme in schemes and bool(parts.hostname)
    except ValueError:
        return False
