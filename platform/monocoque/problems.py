"""Problem documents (RFC 9457): one registry of codes, one exception, one way to write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import ModuleType
from typing import Any

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class ProblemCode:
    """A stable code that clients may rely on, its HTTP status and what it means in general."""

    code: str
    status: int
    title: str
    detail: str = ""

    @property
    def type(self) -> str:
        """The URI that identifies the problem type."""
        return f"urn:monocoque:problem:{self.code}"


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong in one place: `#/price/amount` in a body, `query/limit`, `path/car_id` or `header/If-Match`."""

    pointer: str
    code: str
    detail: str

    def document(self) -> dict[str, str]:
        return {"pointer": self.pointer, "code": self.code, "detail": self.detail}


class Problem(Exception):
    """Ends a request with a problem document; whatever transaction is open is rolled back."""

    def __init__(
        self,
        code: ProblemCode,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail or code.detail or code.title)
        self.code = code
        self.detail = detail or code.detail or code.title
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extensions = dict(extensions or {})

    def document(self, *, instance: str, request_id: str) -> dict[str, Any]:
        """The reply body, without anything that the client sent."""
        return {
            "type": self.code.type,
            "title": self.code.title,
            "status": self.code.status,
            "detail": self.detail,
            "instance": instance,
            "code": self.code.code,
            "request_id": request_id,
            "errors": [error.document() for error in self.errors],
            **self.extensions,
        }


def invalid(pointer: str, code: ProblemCode | str, detail: str) -> Problem:
    """A 422 for one field; `code` names what is wrong with it."""
    if isinstance(code, ProblemCode):
        return Problem(code, detail, errors=[FieldError(pointer, code.code, detail)])
    return Problem(INVALID, errors=[FieldError(pointer, code, detail)])


BAD_REQUEST = ProblemCode("request.malformed", 400, "The request cannot be understood")
UNAUTHENTICATED = ProblemCode(
    "auth.unauthenticated", 401, "Sign-in needed", "Send a valid access token: `Authorization: Bearer <token>`."
)
TOKEN_EXPIRED = ProblemCode(
    "auth.token_expired", 401, "The access token has expired", "Get a new one with the refresh token, or sign in again."
)
FORBIDDEN = ProblemCode("request.forbidden", 403, "Not allowed")
NOT_FOUND = ProblemCode("request.not_found", 404, "Not found", "There is nothing at this address.")
METHOD_NOT_ALLOWED = ProblemCode(
    "request.method_not_allowed", 405, "Method not allowed", "The Allow header lists the methods of this address."
)
NOT_ACCEPTABLE = ProblemCode("request.not_acceptable", 406, "No acceptable representation")
REQUEST_TIMEOUT = ProblemCode(
    "request.timeout", 408, "The request took too long to arrive", "Send the whole body without long pauses."
)
CONFLICT = ProblemCode("request.conflict", 409, "In conflict with what is there")
PRECONDITION_FAILED = ProblemCode(
    "request.stale",
    412,
    "Changed in the meantime",
    "The If-Match header names an older version; get the resource again and repeat the change on it.",
)
TOO_LARGE = ProblemCode("request.too_large", 413, "The request body is too large")
UNSUPPORTED_MEDIA_TYPE = ProblemCode(
    "request.unsupported_media_type", 415, "Unsupported media type", "Send the body as application/json."
)
INVALID = ProblemCode(
    "request.invalid", 422, "The request is not valid", "`errors` lists each place that is wrong, and why."
)
CURSOR_INVALID = ProblemCode(
    "request.cursor_invalid",
    422,
    "The cursor is not valid",
    "A cursor belongs to the list and the filters that it came from; start again without it.",
)
IDEMPOTENCY_REUSED = ProblemCode(
    "request.idempotency_key_reused",
    422,
    "The Idempotency-Key was used for another request",
    "Use a new key for each distinct request.",
)
IDEMPOTENCY_IN_FLIGHT = ProblemCode(
    "request.idempotency_in_flight",
    409,
    "A request with this Idempotency-Key is under way",
    "Wait a moment and send it again.",
)
PRECONDITION_REQUIRED = ProblemCode("request.precondition_required", 428, "An If-Match header is needed")
TOO_MANY_REQUESTS = ProblemCode("request.too_many", 429, "Too many requests")
SERVER_ERROR = ProblemCode(
    "server.error",
    500,
    "Something went wrong here",
    "The failure was logged; give the request_id when you ask about it.",
)
UNAVAILABLE = ProblemCode(
    "server.unavailable", 503, "Not available just now", "Try again after the time in the Retry-After header."
)
NOT_READY = ProblemCode(
    "server.not_ready",
    503,
    "Not ready",
    "`components` says what each part reports; send requests elsewhere.",
)
GATEWAY = ProblemCode("server.bad_gateway", 502, "A service behind this one failed")

_BY_STATUS = {
    400: BAD_REQUEST,
    401: UNAUTHENTICATED,
    403: FORBIDDEN,
    404: NOT_FOUND,
    405: METHOD_NOT_ALLOWED,
    406: NOT_ACCEPTABLE,
    408: REQUEST_TIMEOUT,
    409: CONFLICT,
    412: PRECONDITION_FAILED,
    413: TOO_LARGE,
    415: UNSUPPORTED_MEDIA_TYPE,
    422: INVALID,
    428: PRECONDITION_REQUIRED,
    429: TOO_MANY_REQUESTS,
    500: SERVER_ERROR,
    502: GATEWAY,
    503: UNAVAILABLE,
}


def code_for_status(status: int) -> ProblemCode:
    """The general code of an HTTP status, for errors that a framework made."""
    known = _BY_STATUS.get(status)
    if known is not None:
        return known
    try:
        title = HTTPStatus(status).phrase
    except ValueError:
        title = "Error"
    return ProblemCode(f"http.{status}", status, title)


def codes_in(source: ModuleType) -> list[ProblemCode]:
    """The codes that a `problems.py` declares, in the order of their names."""
    return sorted((value for value in vars(source).values() if isinstance(value, ProblemCode)), key=lambda c: c.code)


def shell_codes() -> list[ProblemCode]:
    """The codes that any operation may answer with."""
    return sorted({code for code in globals().values() if isinstance(code, ProblemCode)}, key=lambda c: c.code)


def responses(*codes: ProblemCode) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route: each code documented under its status, with an example."""
    grouped: dict[int, list[ProblemCode]] = {}
    for code in codes:
        grouped.setdefault(code.status, []).append(code)
    return {status: describe(group) for status, group in grouped.items()}


def describe(codes: Iterable[ProblemCode]) -> dict[str, Any]:
    """One OpenAPI response object for codes that share a status."""
    group = list(codes)
    return {
        "description": "; ".join(dict.fromkeys(code.title for code in group)),
        "content": {
            CONTENT_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {code.code: {"summary": code.title, "value": _example(code)} for code in group},
            }
        },
    }


def _example(code: ProblemCode) -> dict[str, Any]:
    return Problem(code).document(instance="/api/v1/...", request_id="0198c5a0f1a27c8e9d3b5f6a7b8c9d0e")


SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "What went wrong, in the form of RFC 9457.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id", "errors"],
    "properties": {
        "type": {"type": "string", "format": "uri", "description": "Identifies the kind of problem."},
        "title": {"type": "string", "description": "The kind of problem in a few words; the same for each occurrence."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What happened this time and what to do."},
        "instance": {"type": "string", "format": "uri-reference", "description": "The path that was asked for."},
        "code": {"type": "string", "description": "Stable code, such as `cars.vin_taken`; rely on this one."},
        "request_id": {"type": "string", "description": "Also in the X-Request-ID header and in the server's log."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "Where: `#/a/b` in the body, `query/limit`, `path/car_id` or `header/If-Match`.",
                    },
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
