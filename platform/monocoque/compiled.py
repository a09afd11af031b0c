"""The compiled lane: an endpoint's signature worked out once, and called directly where that is all it takes.

FastAPI works out an endpoint's dependencies anew for each request. Here the plan is made once from FastAPI's own
reading of the signature. A request that the plan does not fit exactly (a value that does not validate, a body of
another type, overridden dependencies) is handed to FastAPI's handler, which answers as it always does; so the lane
adds speed and no behaviour of its own.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Collection, Sequence
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from urllib.parse import parse_qsl

import orjson
from fastapi import Request
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_validation_alias
from fastapi.routing import serialize_response
from fastapi.utils import is_body_allowed_for_status_code
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from monocoque.direct import direct_form
from monocoque.replies import JsonReply

# orjson makes a float of an integer beyond 64 bits; the standard library, and so FastAPI, keeps it exact.
_LONG_NUMBER = re.compile(rb"[0-9]{19}")
_JSON_TYPES = {b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"}


class _NotCompilable(Exception):
    """The signature uses something that only FastAPI's own handler knows."""


class HandOver(Exception):
    """This request goes to FastAPI's handler; `body` has been read already, if it is not None."""

    def __init__(self, body: bytes | None = None) -> None:
        super().__init__()
        self.body = body


class _Values:
    """The raw values of one request, each parsed when it is first asked for."""

    __slots__ = ("body", "cache", "headers", "path", "query", "request", "scope")

    def __init__(self, scope: Scope, path: dict[str, str]) -> None:
        self.scope = scope
        self.path = path
        self.query: dict[str, str] | None = None
        self.headers: dict[str, str] | None = None
        self.request: Request | None = None
        self.body: Any = None
        self.cache: dict[Any, Any] = {}

    def query_values(self) -> dict[str, str]:
        if self.query is None:
            raw = self.scope["query_string"]
            self.query = dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True)) if raw else {}
        return self.query

    def header_values(self) -> dict[str, str]:
        if self.headers is None:
            # The first of several counts, as in Starlette's Headers.get.
            self.headers = {
                name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(self.scope["headers"])
            }
        return self.headers


class _Parameter:
    """One scalar parameter of the path, the query or a header."""

    __slots__ = ("alias", "default", "field", "location", "mutable", "name", "required", "validate")

    def __init__(self, field: Any, location: str) -> None:
        if not _is_scalar(field):
            raise _NotCompilable
        self.field = field
        self.location = location
        self.name: str = field.name
        self.alias: str = get_validation_alias(field)
        if location == "header":
            self.alias = self.alias.lower()
        self.required: bool = field.field_info.is_required()
        self.default = None if self.required else field.get_default()
        # A default that could be changed, or is made anew each time, is asked for each time.
        self.mutable = field.field_info.default_factory is not None or not isinstance(
            self.default, str | int | float | bool | type(None)
        )
        self.validate = field.validate

    def value(self, raw: dict[str, str]) -> Any:
        given = raw.get(self.alias)
        if given is None:
            if self.required:
                raise HandOver
            return self.field.get_default() if self.mutable else self.default
        value, errors = self.validate(given, {}, loc=(self.location, self.alias))
        if errors:
            raise HandOver
        return value


_Gathered = tuple[dict[str, Any], Sequence[Any]]
_NOTHING: _Gathered = ({}, ())


class _Plan:
    """How to call one dependency, or the endpoint itself, with everything that its signature asks for."""

    def __init__(self, dependant: Dependant, *, root: bool = False) -> None:
        self.call: Callable[..., Any] = dependant.call  # type: ignore[assignment]
        self.name = dependant.name
        self.form = None if root else direct_form(dependant.call)
        self.key = dependant.call if dependant.use_cache else None
        self.children: list[_Plan] = []
        self.path: list[_Parameter] = []
        self.query: list[_Parameter] = []
        self.header: list[_Parameter] = []
        self.request_name: str | None = None
        self.body_name: str | None = None
        if self.form is not None:
            return
        call = self.call if inspect.isroutine(self.call) else getattr(self.call, "__call__", None)  # noqa: B004
        if inspect.isclass(self.call) or not inspect.iscoroutinefunction(call):
            raise _NotCompilable
        if any(
            (
                dependant.cookie_params,
                dependant.http_connection_param_name,
                dependant.websocket_param_name,
                dependant.response_param_name,
                dependant.background_tasks_param_name,
                dependant.security_scopes_param_name,
                getattr(dependant, "concurrency", None) is not None,
                dependant.own_oauth_scopes,
            )
        ):
            raise _NotCompilable
        self.children = [_Plan(child) for child in dependant.dependencies]
        self.path = [_Parameter(field, "path") for field in dependant.path_params]
        self.query = [_Parameter(field, "query") for field in dependant.query_params]
        self.header = [_Parameter(field, "header") for field in dependant.header_params]
        self.request_name = dependant.request_param_name
        if dependant.body_params:
            if not root or len(dependant.body_params) != 1:
                raise _NotCompilable
            self.body_name = dependant.body_params[0].name

    def gather(self, values: _Values) -> _Gathered:
        """Validate every parameter, here and below, before anything is called; raises HandOver."""
        found: dict[str, Any] = {}
        if self.form is not None:
            return found, ()
        for parameter in self.path:
            found[parameter.name] = parameter.value(values.path)
        if self.query:
            raw = values.query_values()
            for parameter in self.query:
                found[parameter.name] = parameter.value(raw)
        if self.header:
            raw = values.header_values()
            for parameter in self.header:
                found[parameter.name] = parameter.value(raw)
        if self.request_name is not None:
            found[self.request_name] = values.request
        if self.body_name is not None:
            found[self.body_name] = values.body
        return found, [child.gather(values) for child in self.children] if self.children else ()

    async def prepare(self, values: _Values) -> None:
        """Run the direct forms among the dependencies; they depend on nothing that would have to be validated."""
        for child in self.children:
            if child.form is not None and child.key is not None:
                await child.result(values, _NOTHING)

    async def result(self, values: _Values, gathered: _Gathered) -> Any:
        """Call it, its dependencies first."""
        key = self.key
        if key is not None and key in values.cache:
            return values.cache[key]
        if self.form is not None:
            result = await self.form(values.scope)
        else:
            found, below = gathered
            for child, part in zip(self.children, below, strict=True):
                given = await child.result(values, part)
                if child.name is not None:
                    found[child.name] = given
            result = await self.call(**found)
        if key is not None:
            values.cache[key] = result
        return result


def _is_scalar(field: Any) -> bool:
    """Whether the raw text of one value is all that FastAPI would look at."""
    return all(
        isinstance(part, type)
        and (issubclass(part, str | bytes) or not issubclass(part, Collection))
        and not issubclass(part, BaseModel)
        for part in _alternatives(field.field_info.annotation)
    )


def _alternatives(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return [type(value) for value in get_args(annotation)]
    if get_origin(annotation) in {Union, UnionType}:
        return [found for part in get_args(annotation) for found in _alternatives(part)]
    return [annotation]


Endpoint = Callable[[Scope, Receive, Send, dict[str, str]], Awaitable[None]]


def compile_route(route: Any) -> Endpoint | None:
    """`(scope, receive, send, path values)` for a route as FastAPI sees it, or None where only FastAPI can serve it.

    The callable raises HandOver before anything was done or sent when this request is for FastAPI's handler.
    """
    dependant: Dependant = route.dependant
    plan = _plan_of(route)
    if plan is None:
        return None
    body = dependant.body_params[0] if dependant.body_params else None
    wants_request = _wants_request(plan)
    status_code = route.status_code

    async def serve(scope: Scope, receive: Receive, send: Send, path: dict[str, str]) -> None:
        values = _Values(scope, path)
        raw: bytes | None = None
        if body is not None:
            if _content_type(scope) not in _JSON_TYPES:
                raise HandOver
            raw = await _read(receive)
            parsed = _parsed(raw)
            # Who calls is asked before the body is looked at in earnest, which a stranger could make expensive.
            await plan.prepare(values)
            values.body = _validated(body, parsed, raw)
        if wants_request:
            scope["path_params"] = path
            values.request = request = Request(scope, receive)
            if raw is not None:
                request._body = raw  # noqa: SLF001  as Request.body() would have left it
        try:
            gathered = plan.gather(values)
        except HandOver:
            raise HandOver(raw) from None
        reply = await plan.result(values, gathered)
        if not isinstance(reply, Response):
            reply = await _serialised(route, reply, status_code)
        await reply(scope, receive, send)

    return serve


def _plan_of(route: Any) -> _Plan | None:
    field = route.body_field
    if field is not None and (route._embed_body_fields or type(field.field_info).__name__ != "Body"):  # noqa: SLF001
        return None
    if route.dependant is None or route.is_sse_stream or route.is_json_stream:
        return None
    if not isinstance(route.response_class, DefaultPlaceholder) or route.max_body_size is not None:
        return None
    try:
        return _Plan(route.dependant, root=True)
    except _NotCompilable:
        return None


def _wants_request(plan: _Plan) -> bool:
    return plan.request_name is not None or any(_wants_request(child) for child in plan.children)


def _content_type(scope: Scope) -> bytes | None:
    for name, value in scope["headers"]:
        if name == b"content-type":
            found: bytes = value.lower()
            return found
    return None


async def _read(receive: Receive) -> bytes:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    raw: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return raw
    parts = [raw]
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _parsed(raw: bytes) -> Any:
    if _LONG_NUMBER.search(raw):
        raise HandOver(raw)
    try:
        # What the standard library reads otherwise (NaN, lone surrogates) fails here and so goes to FastAPI.
        parsed = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise HandOver(raw) from None
    if parsed is None or parsed is PydanticUndefined:
        raise HandOver(raw)
    return parsed


def _validated(field: Any, parsed: Any, raw: bytes) -> Any:
    value, errors = field.validate(parsed, {}, loc=("body",))
    if errors:
        raise HandOver(raw)
    return value


async def _serialised(route: Any, content: Any, status_code: int | None) -> Response:
    """What FastAPI makes of a value that is no Response."""
    field = route.response_field
    value = await serialize_response(
        field=field,
        response_content=content,
        include=route.response_model_include,
        exclude=route.response_model_exclude,
        by_alias=route.response_model_by_alias,
        exclude_unset=route.response_model_exclude_unset,
        exclude_defaults=route.response_model_exclude_defaults,
        exclude_none=route.response_model_exclude_none,
        dump_json=field is not None,
    )
    status = status_code or 200
    reply: Response = JSONResponse(value, status) if field is None else JsonReply(value, status)
    if not is_body_allowed_for_status_code(status):
        reply.body = b""
    return reply


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives a body which was read already, then goes on with the original."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
