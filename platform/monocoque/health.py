"""Health: alive (touches nothing), the database, and readiness with what each component says."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
from fastapi import APIRouter
from sqlalchemy import select, text
from starlette.responses import Response

from monocoque.database import PoolExhausted
from monocoque.queries import Query
from monocoque.replies import JsonReply
from monocoque.runtime import CurrentRuntime, Runtime

PING = Query(select(text("1")))
_LIMIT = 2.0
router = APIRouter(tags=["health"])


@router.get("/health", summary="Alive", operation_id="health_get_liveness")
async def get_liveness() -> Response:
    """Answers as long as the process can; touches nothing, so that a slow database never gets it restarted."""
    return JsonReply({"status": "ok"})


@router.get("/health/db", summary="Database", operation_id="health_get_database", responses={503: {}})
async def get_database(runtime: CurrentRuntime) -> Response:
    """Whether the database answers within two seconds; 503 when it does not."""
    state = await _database(runtime)
    return JsonReply(state, 200 if state["status"] == "ok" else 503)


@router.get("/health/ready", summary="Ready", operation_id="health_get_readiness", responses={503: {}})
async def get_readiness(runtime: CurrentRuntime) -> Response:
    """Whether requests should come here, and what each component says.

    A schema at or ahead of the code is ready, so that a rollback of the code works. A database that is away for a
    moment does not take all replicas out at once: requests are answered with a 503 and Retry-After instead.
    """
    components: dict[str, Any] = {"database": await _database(runtime)}
    if components["database"]["status"] == "ok":
        components["migrations"] = await _migrations(runtime)
    components["revocations"] = {"status": "ok" if runtime.revocations.trusted else "degraded"}
    ready = not runtime.draining and components.get("migrations", {"status": "ok"})["status"] == "ok"
    status = "draining" if runtime.draining else "ok" if ready else "behind"
    return JsonReply({"status": status, "components": components}, 200 if ready else 503)


async def _database(runtime: Runtime) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout(_LIMIT):
            await runtime.database.value(PING)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, PoolExhausted) as error:
        return {"status": "unavailable", "reason": type(error).__name__}
    return {"status": "ok", "ms": round((loop.time() - began) * 1000, 2)}


async def _migrations(runtime: Runtime) -> dict[str, Any]:
    behind = await runtime.behind()
    return {"status": "behind" if behind else "ok", "behind": behind}
