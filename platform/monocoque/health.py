"""Health: alive (touches nothing), the database, and readiness with what each component says."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import asyncpg
from fastapi import APIRouter
from pydantic import ConfigDict
from sqlalchemy import select, text
from starlette.responses import Response

from monocoque.errors import AWAY
from monocoque.problems import NOT_READY, Problem, responses
from monocoque.queries import Query
from monocoque.replies import JsonReply
from monocoque.runtime import CurrentRuntime, Runtime
from monocoque.types import Output

PING = Query(select(text("1")))
_LIMIT = 2.0
_RETRY = {"Retry-After": "2"}
# FastAPI's own router: a probe may carry a query that means nothing to us, such as a time against caches.
router = APIRouter(tags=["health"])


class Alive(Output):
    """The process answers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok"}]})

    status: Literal["ok"]


class DatabaseState(Output):
    """The database answers; `ms` is how long it took."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok", "ms": 0.4}]})

    status: Literal["ok"]
    ms: float


class Readiness(Output):
    """Requests should come here."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"status": "ok", "components": {"database": {"status": "ok", "ms": 0.4}}}]}
    )

    status: Literal["ok"]
    components: dict[str, dict[str, Any]]


@router.get("/health", summary="Alive", response_model=Alive, operation_id="health_get_liveness")
async def get_liveness() -> Response:
    """Answers as long as the process can; touches nothing, so that a slow database never gets it restarted."""
    return JsonReply({"status": "ok"})


@router.get(
    "/health/db",
    summary="Database",
    response_model=DatabaseState,
    responses=responses(NOT_READY),
    operation_id="health_get_database",
)
async def get_database(runtime: CurrentRuntime) -> Response:
    """Whether the database answers within two seconds; 503 when it does not."""
    state = await _database(runtime)
    if state["status"] != "ok":
        raise Problem(NOT_READY, headers=_RETRY, extensions={"components": {"database": state}})
    return JsonReply(state)


@router.get(
    "/health/ready",
    summary="Ready",
    response_model=Readiness,
    responses=responses(NOT_READY),
    operation_id="health_get_readiness",
)
async def get_readiness(runtime: CurrentRuntime) -> Response:
    """Whether requests should come here, and what each component says.

    A schema at or ahead of the code is ready, so that a rollback of the code works. A database that is away for a
    moment does not take all replicas out at once: requests are answered with a 503 and Retry-After instead.
    """
    components: dict[str, dict[str, Any]] = {"database": await _database(runtime)}
    if components["database"]["status"] == "ok":
        components["migrations"] = await _migrations(runtime)
    components["revocations"] = {"status": "ok" if runtime.revocations.trusted else "degraded"}
    components["server"] = {"status": "draining" if runtime.draining else "ok"}
    if runtime.draining or components.get("migrations", {"status": "ok"})["status"] != "ok":
        raise Problem(NOT_READY, headers=_RETRY, extensions={"components": components})
    return JsonReply({"status": "ok", "components": components})


async def _database(runtime: Runtime) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout(_LIMIT):
            await runtime.database.value(PING)
    except (*AWAY, OSError, asyncpg.PostgresError) as error:
        return {"status": "unavailable", "reason": type(error).__name__}
    return {"status": "ok", "ms": round((loop.time() - began) * 1000, 2)}


async def _migrations(runtime: Runtime) -> dict[str, Any]:
    behind = await runtime.behind()
    return {"status": "behind" if behind else "ok", "behind": behind}
