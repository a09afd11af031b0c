"""Routes: the router class that modules use, and the dispatcher that finds an operation by its prefix."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi._compat import field_annotation_is_sequence
from fastapi.dependencies.utils import _get_flat_fields_from_params, get_validation_alias
from fastapi.exceptions import RequestValidationError
from fastapi.params import Form
from fastapi.routing import APIRoute, RouteContext, _effective_route_context_var, iter_route_contexts
from starlette._utils import get_route_path
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from monocoque.compiled import Endpoint, HandOver, compile_route, replay
from monocoque.negotiation import prefers_page, wants_page
from monocoque.problems import NOT_FOUND, UNSUPPORTED_MEDIA_TYPE, Problem

# JSON of any kind but a list of operations, which would be taken for a change by members (RFC 7396).
_JSON_TYPE = re.compile(r"\s*application/(?!json-patch\+)(?:[^\s;/]+\+)?json\s*(?:;|$)", re.IGNORECASE)


class Route(APIRoute):
    """A route that refuses unknown and repeated query parameters and bodies that are no JSON, served as compiled."""

    refuses_unknown_query = True

    def get_route_handler(self) -> Callable[[Request], Any]:
        handle = super().get_route_handler()
        # The route as it was included, with what the including router's own dependencies declare.
        included = _effective_route_context_var.get()
        route: Any = included if included is not None and included.original_route is self else self
        query = KnownQuery.of(route)
        takes_form = route.body_field is not None and isinstance(route.body_field.field_info, Form)
        takes_json = route.body_field is not None and not isinstance(route.body_field.field_info, Form)

        async def strict(request: Request) -> Response:
            if request.scope["query_string"] and self.refuses_unknown_query:
                query.check(request.scope)
            if takes_json:
                await refuse_other_bodies(request)
            elif takes_form and "idempotency-key" in request.headers:
                # Kept as it came, for the key's fingerprint; a form's parser leaves nothing behind.
                await request.body()
            response: Response = await handle(request)
            return response

        return strict


class Router(APIRouter):
    """The APIRouter of a module: as FastAPI's, with our route class, and operation ids by `<tag>_<function>`."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("route_class", Route)
        super().__init__(**options)


@dataclass(frozen=True, slots=True)
class KnownQuery:
    """The query parameters of a route, those of its dependencies included."""

    names: Mapping[str, bool]
    """By name: whether it may be repeated."""
    negotiated: bool
    """Whether the route answers with a page where that is preferred; networks put marks of their own on links."""

    @classmethod
    def of(cls, route: Any) -> Self:
        names: dict[str, bool] = {}
        negotiated = False
        pending = [route.dependant]
        while pending:
            dependant = pending.pop()
            pending.extend(dependant.dependencies)
            negotiated = negotiated or dependant.call is wants_page
            for field in _get_flat_fields_from_params(dependant.query_params):
                names[get_validation_alias(field)] = field_annotation_is_sequence(field.field_info.annotation)
        return cls(names, negotiated)

    def check(self, scope: Scope) -> None:
        """Raise FastAPI's validation error for each that is not declared, or given twice for one value."""
        if self.negotiated and prefers_page(scope):
            return
        given = [name for name, _ in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)]
        errors = []
        for name, times in Counter(given).items():
            if name not in self.names:
                errors.append({"type": "extra_forbidden", "loc": ("query", name), "msg": "Unknown parameter"})
            elif times > 1 and not self.names[name]:
                errors.append({"type": "repeated", "loc": ("query", name), "msg": "This can be given once only."})
        if errors:
            if self.negotiated:
                scope["negotiated"] = True
            raise RequestValidationError(errors)


def allowed_methods(routes: Iterable[BaseRoute], scope: Scope) -> list[str]:
    """Every method that some route with this path answers to."""
    path = get_route_path(scope)
    found: set[str] = set()
    for context in iter_route_contexts(list(routes)):
        pattern = getattr(context, "path_regex", None)
        if context.methods and pattern is not None and pattern.match(path):
            found |= context.methods
    return sorted(found | {"HEAD"} if "GET" in found else found)


async def refuse_other_bodies(request: Request) -> None:
    """Raise a 415 for a body that is not said to be JSON, a validation error for one that is none.

    FastAPI would take the first for bytes, and answer some of the second, and a body over the limit, with a bare 400.
    What is read here is kept by the request, so that FastAPI does not read it again.
    """
    if not await request.body():
        return
    if not _JSON_TYPE.match(request.headers.get("content-type", "")):
        raise Problem(UNSUPPORTED_MEDIA_TYPE)
    try:
        await request.json()
    except (ValueError, RecursionError):
        raise RequestValidationError([{"type": "json_invalid", "loc": ("body",), "msg": "Not JSON"}]) from None


@dataclass(slots=True)
class _Entry:
    methods: frozenset[str]
    serve: Endpoint | None
    """None: the route is FastAPI's to serve, and stands here for those that it comes before."""
    known_query: KnownQuery | None
    """None: any parameter is let through."""
    route: BaseRoute
    max_body_size: int | None


@dataclass(slots=True)
class _Table:
    """The operations below one prefix: those of a fixed path by path, the others by pattern."""

    fixed: dict[str, list[_Entry]]
    patterns: list[tuple[re.Pattern[str], list[_Entry]]]


def _entry_of(context: RouteContext) -> _Entry:
    methods, route = frozenset(context.methods or ()), context.original_route
    plain = all(type(convertor).__name__ == "StringConvertor" for convertor in context.param_convertors.values())
    if not isinstance(route, Route) or not plain:
        return _Entry(methods, None, None, route, None)
    known = KnownQuery.of(context) if route.refuses_unknown_query else None
    return _Entry(methods, compile_route(context), known, route, context.max_body_size)


class Dispatcher:
    """Serves compiled routes, found by the prefix of their module first; everything else goes on to `fallback`.

    Its cost does not grow with the number of modules: one look-up finds the module's table.
    """

    def __init__(self, routes: Iterable[BaseRoute], prefixes: Iterable[str], fallback: ASGIApp) -> None:
        self._fallback = fallback
        self._tables: dict[str, _Table] = {prefix: _Table({}, []) for prefix in prefixes}
        self._depths = sorted({prefix.count("/") for prefix in self._tables}, reverse=True)
        for context in iter_route_contexts(list(routes)):
            self._add(context)

    def _add(self, context: RouteContext) -> None:
        path = context.path_format
        if not path or not context.methods:
            return
        prefix = next((self_prefix for self_prefix in self._prefixes_of(path) if self_prefix in self._tables), None)
        if prefix is None:
            return
        table = self._tables[prefix]
        entry = _entry_of(context)
        if "{" not in path:
            earlier = [known for pattern, entries in table.patterns if pattern.match(path) for known in entries]
            if any(known.methods & entry.methods for known in earlier):
                entry.serve = None
            table.fixed.setdefault(path, []).append(entry)
            return
        pattern = context.path_regex
        for known_pattern, entries in reversed(table.patterns):
            if known_pattern.pattern == pattern.pattern:
                entries.append(entry)
                return
            if any(known.methods & entry.methods for known in entries):
                break
        table.patterns.append((pattern, [entry]))

    def _prefixes_of(self, path: str) -> Iterable[str]:
        parts = path.split("/")
        return ("/".join(parts[: depth + 1]) for depth in self._depths)

    def find(self, method: str, path: str) -> tuple[_Entry, dict[str, str]] | None:
        """The compiled operation for a request, with its path values."""
        parts = path.split("/")
        for depth in self._depths:
            table = self._tables.get("/".join(parts[: depth + 1]))
            if table is None:
                continue
            for entry in table.fixed.get(path, ()):
                if method in entry.methods:
                    return entry, {}
            if path in table.fixed:
                return None
            for pattern, entries in table.patterns:
                match = pattern.match(path)
                if match:
                    for entry in entries:
                        if method in entry.methods:
                            return entry, match.groupdict()
            return None
        return None

    def body_limit(self, scope: Scope) -> int | None:
        """The `max_body_size` that the route of a request was declared with, in bytes."""
        match = self.find(scope["method"], get_route_path(scope))
        return None if match is None else match[0].max_body_size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].endswith("\n"):
            # The `$` of Starlette's patterns matches before a final line feed too: the address would be another's.
            raise Problem(NOT_FOUND)
        if scope["type"] != "http" or scope.get("root_path") or scope["app"].dependency_overrides:
            await self._fallback(scope, receive, send)
            return
        match = self.find(scope["method"], scope["path"])
        if match is None or match[0].serve is None:
            await self._fallback(scope, receive, send)
            return
        entry, path = match
        if scope["query_string"] and entry.known_query is not None:
            entry.known_query.check(scope)
        scope["route"] = entry.route
        try:
            await match[0].serve(scope, receive, send, path)
        except HandOver as hand_over:
            body = hand_over.body
            await self._fallback(scope, receive if body is None else replay(body, receive), send)
