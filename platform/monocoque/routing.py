"""Routes: the router class that modules use, and the dispatcher that finds an operation by its prefix."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.dependencies.utils import get_flat_params, get_validation_alias
from fastapi.exceptions import RequestValidationError
from fastapi.params import Form, Query
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from monocoque.compiled import Endpoint, HandOver, compile_route, replay
from monocoque.problems import METHOD_NOT_ALLOWED, UNSUPPORTED_MEDIA_TYPE, Problem

_JSON_TYPE = re.compile(r"\s*application/(?:[^\s;/]+\+)?json\s*(?:;|$)", re.IGNORECASE)


class Route(APIRoute):
    """A route that refuses unknown query parameters and bodies that are no JSON, served from its compiled plan."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        handle = super().get_route_handler()
        known = query_names(self)
        takes_json = self.body_field is not None and not isinstance(self.body_field.field_info, Form)

        async def strict(request: Request) -> Response:
            if request.scope["query_string"]:
                refuse_unknown_query(request.scope, known)
            if takes_json:
                await refuse_other_bodies(request)
            response: Response = await handle(request)
            return response

        return strict


class Router(APIRouter):
    """The APIRouter of a module: as FastAPI's, with our route class, and operation ids by `<tag>_<function>`."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("route_class", Route)
        super().__init__(**options)


def query_names(route: Any) -> frozenset[str]:
    """The query parameters that a route declares, its dependencies' included."""
    return frozenset(
        get_validation_alias(field) for field in get_flat_params(route.dependant) if isinstance(field.field_info, Query)
    )


def refuse_unknown_query(scope: Scope, known: frozenset[str]) -> None:
    """Raise FastAPI's validation error for each query parameter that is not declared."""
    given = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    unknown = dict.fromkeys(name for name, _ in given if name not in known)
    if unknown:
        raise RequestValidationError(
            [{"type": "extra_forbidden", "loc": ("query", name), "msg": "Unknown parameter"} for name in unknown]
        )


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
    serve: Endpoint
    known_query: frozenset[str]
    route: BaseRoute


@dataclass(slots=True)
class _Table:
    """The operations below one prefix: those of a fixed path by path, the others by pattern."""

    fixed: dict[str, list[_Entry]]
    patterns: list[tuple[re.Pattern[str], list[_Entry]]]
    methods: list[tuple[re.Pattern[str], set[str]]]
    """What every path allows, operations that are not compiled included."""


class Dispatcher:
    """Serves compiled routes, found by the prefix of their module first; everything else goes on to `fallback`.

    Its cost does not grow with the number of modules: one look-up finds the module's table.
    """

    def __init__(self, routes: Iterable[BaseRoute], prefixes: Iterable[str], fallback: ASGIApp) -> None:
        self._fallback = fallback
        self._tables: dict[str, _Table] = {prefix: _Table({}, [], []) for prefix in prefixes}
        self._depths = sorted({prefix.count("/") for prefix in self._tables}, reverse=True)
        for context in iter_route_contexts(list(routes)):
            self._add(context)

    def _add(self, context: RouteContext) -> None:
        if not isinstance(context.original_route, Route) or not context.path_format:
            return
        path = context.path_format
        prefix = next((self_prefix for self_prefix in self._prefixes_of(path) if self_prefix in self._tables), None)
        if prefix is None:
            return
        self._tables[prefix].methods.append((context.path_regex, set(context.methods or ())))
        serve = compile_route(context)
        if serve is None:
            return
        entry = _Entry(frozenset(context.methods or ()), serve, query_names(context), context.original_route)
        table = self._tables[prefix]
        if "{" not in path:
            table.fixed.setdefault(path, []).append(entry)
            return
        if any(type(convertor).__name__ != "StringConvertor" for convertor in context.param_convertors.values()):
            return
        pattern = context.path_regex
        for known, entries in table.patterns:
            if known.pattern == pattern.pattern:
                entries.append(entry)
                return
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope.get("root_path") or scope["app"].dependency_overrides:
            await self._fall_back(scope, receive, send)
            return
        match = self.find(scope["method"], scope["path"])
        if match is None:
            await self._fall_back(scope, receive, send)
            return
        entry, path = match
        if scope["query_string"]:
            refuse_unknown_query(scope, entry.known_query)
        scope["route"] = entry.route
        try:
            await entry.serve(scope, receive, send, path)
        except HandOver as hand_over:
            body = hand_over.body
            await self._fall_back(scope, receive if body is None else replay(body, receive), send)

    async def _fall_back(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._fallback(scope, receive, send)
        except HTTPException as error:
            # Starlette names the methods of the first route of this path only; RFC 9110 wants all of them.
            allowed = self._allowed(scope["path"]) if error.status_code == 405 else set()
            if not allowed:
                raise
            raise Problem(METHOD_NOT_ALLOWED, headers={"Allow": ", ".join(sorted(allowed))}) from None

    def _allowed(self, path: str) -> set[str]:
        table = next((self._tables[prefix] for prefix in self._prefixes_of(path) if prefix in self._tables), None)
        if table is None:
            return set()
        return {method for pattern, methods in table.methods if pattern.match(path) for method in methods}
