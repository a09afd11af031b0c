"""From any exception to a problem: validation errors, framework errors, PostgreSQL's, and the unforeseen."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from typing import Any

import asyncpg
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from monocoque.database import PoolExhausted
from monocoque.problems import (
    BAD_REQUEST,
    CONFLICT,
    INVALID,
    SERVER_ERROR,
    UNAVAILABLE,
    FieldError,
    Problem,
    ProblemCode,
    code_for_status,
)

_log = logging.getLogger("monocoque.errors")
_MESSAGES = {
    "missing": "This is required.",
    "extra_forbidden": "This is not known here.",
    "json_invalid": "The body is not valid JSON.",
    "union_tag_invalid": "This is none of the known kinds.",
    "union_tag_not_found": "This does not say of which kind it is.",
    # What pydantic says of these is about Python.
    "none_required": "Input should be null.",
    "decimal_type": "Input should be a valid number.",
    "uuid_type": "Input should be a valid UUID.",
    "url_type": "Input should be a valid URL.",
    "date_from_datetime_inexact": "Input should be a date without a time.",
    **dict.fromkeys(
        ("model_attributes_type", "model_type", "dataclass_type", "dict_type", "mapping_type"),
        "Input should be an object.",
    ),
    **dict.fromkeys(
        ("tuple_type", "set_type", "frozen_set_type", "iterable_type", "deque_type"), "Input should be a valid list."
    ),
}
_DECIMAL = re.compile(r"Decimal\('([^']*)'\)")
_SHOWN_ERRORS = 50
_PASSING = {"40001", "40P01", "55P03", "25P02", "25006"}
_STALE = asyncpg.InvalidCachedStatementError
_CHALLENGE = {"WWW-Authenticate": 'Bearer error="invalid_token"'}

# The last: a free connection that the server has just ended, before the end itself has arrived.
AWAY = (PoolExhausted, TimeoutError, ConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What is raised when the database is out of reach for the moment, beside PostgreSQL's own errors."""

backstop_hits: Counter[str] = Counter()
"""SQLSTATEs that reached PostgreSQL and should have been stopped by an input type; meant to stay empty."""


class ConstraintProblems:
    """Which problem a violated constraint means; filled from the `CONSTRAINTS` of the modules' problem files."""

    def __init__(self) -> None:
        self._known: dict[str, ProblemCode] = {}

    def add(self, schema: str, constraints: dict[str, ProblemCode]) -> None:
        self._known.update({f"{schema}.{name}": code for name, code in constraints.items()})

    def get(self, error: asyncpg.PostgresError) -> ProblemCode | None:
        schema, name = getattr(error, "schema_name", None), getattr(error, "constraint_name", None)
        return self._known.get(f"{schema}.{name}")


constraint_problems = ConstraintProblems()


def problem_for(error: BaseException, scope: Scope) -> Problem:
    """The problem document that an exception becomes; logs what nobody foresaw."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        return validation_problem(error)
    if isinstance(error, HTTPException | ClientDisconnect | asyncio.CancelledError):
        return _framework_problem(error)
    if isinstance(error, asyncpg.PostgresError):
        return _database_problem(error, scope)
    if isinstance(error, AWAY):
        _log.warning("request %s: %s: %s", scope.get("request_id"), type(error).__name__, error)
        return Problem(UNAVAILABLE, headers={"Retry-After": "2"})
    scope["logged"] = error
    _log.error("request %s failed", scope.get("request_id"), exc_info=error)
    return Problem(SERVER_ERROR)


def validation_problem(error: RequestValidationError) -> Problem:
    """A 422 that names each place, and never repeats what was sent."""
    problems = [
        FieldError(_pointer(problem["loc"]), str(problem["type"]), _message(problem))
        for problem in list(error.errors())[:_SHOWN_ERRORS]
    ]
    return Problem(INVALID, errors=problems)


def _pointer(location: tuple[Any, ...]) -> str:
    place, *rest = location
    # A member's name may hold half a character, which no JSON text can.
    names = [str(step).encode("utf-8", "replace").decode()[:100] for step in rest]
    steps = [name.replace("~", "~0").replace("/", "~1") for name in names]
    if place == "body":
        # The position of a syntax error is no member of the document.
        return "#/" + "/".join(steps) if not (len(rest) == 1 and isinstance(rest[0], int)) and steps else "#"
    return "/".join([str(place), *steps])


def _message(problem: dict[str, Any]) -> str:
    kind = problem["type"]
    if kind in _MESSAGES:
        return _MESSAGES[kind]
    message = str(problem["msg"]).removeprefix("Value error, ").rstrip(".")
    # A limit as Python writes it.
    message = _DECIMAL.sub(r"\1", message)
    if kind in {"too_short", "too_long"}:
        message = f"Input {message.partition(' ')[2].partition(' after validation')[0]}"
    # pydantic quotes the input in a few of its messages; what follows the comma or colon may be a secret.
    if kind.startswith(("uuid", "decimal", "date", "time", "url")):
        message = message.partition(",")[0].partition(":")[0]
    return f"{message}."


def _framework_problem(error: HTTPException | ClientDisconnect | asyncio.CancelledError) -> Problem:
    if isinstance(error, asyncio.CancelledError):
        # The server ends, and its patience with this request has ended too.
        stopping = {"Retry-After": "2", "Connection": "close"}
        return Problem(UNAVAILABLE, "The server stopped before this request was done.", headers=stopping)
    if isinstance(error.__cause__, Problem):
        # FastAPI takes any failure to read a form for a bare 400; what the edge said about the body counts.
        return error.__cause__
    if isinstance(error, ClientDisconnect):
        return Problem(BAD_REQUEST, "The connection was closed before the request was complete.")
    code = code_for_status(error.status_code)
    detail = error.detail if isinstance(error.detail, str) and error.detail != code.title else ""
    if error.status_code in {404, 405} or not detail:
        detail = code.detail
    return Problem(code, detail, headers=error.headers)


def _database_problem(error: asyncpg.PostgresError, scope: Scope) -> Problem:
    state = error.sqlstate or ""
    known = constraint_problems.get(error)
    if known is not None:
        return Problem(known, headers=_CHALLENGE if known.status == 401 else None)
    if state.startswith("22"):
        return _backstop(error, scope, INVALID)
    if state in {"23505", "23503", "23P01"}:
        return _backstop(error, scope, CONFLICT)
    if state.startswith("23"):
        return _backstop(error, scope, INVALID)
    if state in _PASSING or state.startswith(("08", "53", "57")) or isinstance(error, _STALE):
        _log.warning("request %s: PostgreSQL says %s %s", scope.get("request_id"), state, error)
        return Problem(UNAVAILABLE, headers={"Retry-After": "2"})
    scope["logged"] = error
    _log.error("request %s failed in PostgreSQL", scope.get("request_id"), exc_info=error)
    return Problem(SERVER_ERROR)


def _backstop(error: asyncpg.PostgresError, scope: Scope, code: ProblemCode) -> Problem:
    backstop_hits[f"{error.sqlstate} {getattr(error, 'constraint_name', '') or ''}".strip()] += 1
    _log.warning(
        "request %s: PostgreSQL had to refuse the input (%s %s)",
        scope.get("request_id"),
        error.sqlstate,
        getattr(error, "constraint_name", ""),
    )
    return Problem(code)
