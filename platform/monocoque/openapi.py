"""The OpenAPI document: FastAPI's, with the problems that any operation may answer made explicit."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from monocoque.problems import (
    BAD_REQUEST,
    CURSOR_INVALID,
    IDEMPOTENCY_IN_FLIGHT,
    IDEMPOTENCY_REUSED,
    INVALID,
    PRECONDITION_FAILED,
    REQUEST_TIMEOUT,
    SCHEMA,
    SERVER_ERROR,
    TOKEN_EXPIRED,
    TOO_LARGE,
    UNAUTHENTICATED,
    UNAVAILABLE,
    UNSUPPORTED_MEDIA_TYPE,
    ProblemCode,
    describe,
)
from monocoque.schema_names import name_schemas

_METHODS = {"get", "put", "post", "patch", "delete"}


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """The whole document; the same for the same modules and version."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = SCHEMA
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    name_schemas(document)
    prefix = app.state.runtime.settings.api_prefix
    for scheme in document["components"].get("securitySchemes", {}).values():
        for flow in scheme.get("flows", {}).values():
            # A relative address would be looked for beside the document, where the API is not.
            flow["tokenUrl"] = f"{prefix}/{flow['tokenUrl']}"
    for operations in document["paths"].values():
        for method, operation in operations.items():
            if method in _METHODS:
                _complete(method, operation)
    return document


def _complete(method: str, operation: dict[str, Any]) -> None:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        content["schema"] = _without_null(content["schema"])
    replies = operation["responses"]
    replies.pop("422", None) if _is_fastapi_default(replies.get("422")) else None
    names = {parameter["name"] for parameter in operation.get("parameters", ())}
    if method == "get" and "If-None-Match" in names:
        replies["304"] = {"description": "The copy at hand is current."}
    grouped: dict[int, list[ProblemCode]] = {}
    for code in _shell_codes(method, operation, names):
        grouped.setdefault(code.status, []).append(code)
    for status, group in grouped.items():
        replies[str(status)] = _merged(replies.get(str(status)), describe(group))
    operation["responses"] = {status: replies[status] for status in sorted(replies)}


def _shell_codes(method: str, operation: dict[str, Any], names: set[str]) -> list[ProblemCode]:
    """What the shell itself may answer to an operation of this method with these parameters."""
    codes: list[ProblemCode] = [INVALID, SERVER_ERROR, UNAVAILABLE]
    if operation.get("security"):
        codes += [UNAUTHENTICATED, TOKEN_EXPIRED]
    if "cursor" in names:
        codes.append(CURSOR_INVALID)
    if method != "get" and names & {"If-Match", "If-None-Match"}:
        codes.append(PRECONDITION_FAILED)
    if "Idempotency-Key" in names:
        codes += [IDEMPOTENCY_IN_FLIGHT, IDEMPOTENCY_REUSED]
    if "requestBody" in operation:
        codes += [TOO_LARGE, REQUEST_TIMEOUT]
        is_json = "application/json" in operation["requestBody"]["content"]
        codes.append(UNSUPPORTED_MEDIA_TYPE if is_json else BAD_REQUEST)
    return codes


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A body that may be left out is declared as one or None; who has none sends nothing, not `null`."""
    bodies = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    return bodies[0] if len(bodies) == 1 else schema


def _is_fastapi_default(reply: dict[str, Any] | None) -> bool:
    return reply is not None and "HTTPValidationError" in str(reply.get("content"))


def _merged(first: dict[str, Any] | None, second: dict[str, Any]) -> dict[str, Any]:
    if first is None:
        return second
    content = {kind: dict(value) for kind, value in first.get("content", {}).items()}
    for kind, value in second["content"].items():
        examples = {**content.get(kind, {}).get("examples", {}), **value["examples"]}
        content[kind] = {**value, "examples": examples}
    return {"description": f"{first['description']}; {second['description']}", "content": content}
