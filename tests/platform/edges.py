"""Routes that do well, fail early and fail late, and a request over plain ASGI, for the tests of the edge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
from fastapi import BackgroundTasks, Body, FastAPI, Form, HTTPException
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response, StreamingResponse

from monocoque.database import PoolExhausted
from monocoque.routing import Router
from monocoque.security import CurrentPrincipal
from tests.platform.workshop import Workshop

PATH = "/api/v1/things"
SECRET = "hunter2"


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str


def later() -> None:
    raise RuntimeError("too late to tell")


def routes() -> Router:  # noqa: C901  one route after the other
    router = Router()

    @router.get("/text", summary="Text")
    async def text() -> dict[str, str]:
        """A text."""
        return {"text": "hello"}

    @router.post("/things", summary="Post")
    async def post_thing(thing: Thing) -> Thing:
        """A thing."""
        return thing

    @router.get("/things/{name}", summary="Get")
    async def get_thing(name: str) -> dict[str, str]:
        """A thing."""
        return {"name": name}

    @router.delete("/things/{name}", summary="Delete")
    async def delete_thing(name: str) -> None:
        """A thing."""

    @router.put("/things/{other}", summary="Put")
    def put_thing(other: str) -> None:
        """A thing, on FastAPI's lane."""

    @router.post("/form", summary="Form")
    async def post_form(name: Annotated[str, Form()]) -> dict[str, str]:
        """A form."""
        return {"name": name}

    @router.post("/free", summary="Free")
    async def post_free(document: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        """A document."""
        return document

    @router.get("/me", summary="Me")
    async def me(caller: CurrentPrincipal) -> dict[str, str]:
        """Who."""
        return {"id": str(caller.user_id)}

    @router.get("/boom", summary="Boom")
    async def boom() -> None:
        """Fails on the compiled lane."""
        raise RuntimeError(f"the password is {SECRET}")

    @router.get("/sync-busy", summary="Busy")
    def sync_busy() -> None:
        """Finds no connection, on FastAPI's lane."""
        raise PoolExhausted("all are taken")

    @router.get("/sync-boom", summary="Boom")
    def sync_boom() -> None:
        """Fails on FastAPI's lane."""
        raise RuntimeError(f"the password is {SECRET}")

    @router.get("/teapot", summary="Teapot")
    async def teapot() -> None:
        """Refuses in FastAPI's words."""
        raise HTTPException(418, "short and stout", headers={"X-Spout": "yes"})

    @router.get("/half", summary="Half")
    async def half() -> Response:
        """Fails after the reply began."""

        async def parts() -> AsyncIterator[bytes]:
            yield b"half"
            raise RuntimeError("halfway")

        return StreamingResponse(parts())

    @router.get("/later", summary="Later")
    async def work_later(tasks: BackgroundTasks) -> dict[str, str]:
        """Fails after the reply, on FastAPI's lane."""
        tasks.add_task(later)
        return {}

    @router.get("/later-still", summary="Later")
    async def work_later_still() -> Response:
        """Fails after the reply, on the compiled lane."""
        tasks = BackgroundTasks()
        tasks.add_task(later)
        return Response("{}", media_type="application/json", background=tasks)

    return router


async def serve(workshop: Workshop, **options: Any) -> httpx.AsyncClient:
    return await workshop.serve(workshop.module(router=routes()), **options)


async def exchange(app: FastAPI, method: str, path: str, *parts: Any, **scope: Any) -> list[dict[str, Any]]:
    """One request over plain ASGI; each part of the body is bytes, an exception to raise, or a wait in seconds."""
    sent: list[dict[str, Any]] = []
    queue = list(parts)

    async def receive() -> dict[str, Any]:
        while queue:
            part = queue.pop(0)
            if isinstance(part, float):
                await asyncio.sleep(part)
                continue
            return {"type": "http.request", "body": part, "more_body": bool(queue)}
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(
        {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(b"content-type", b"application/json")],
            "client": ("192.0.2.1", 1),
            "server": ("monocoque.test", 80),
            "scheme": "http",
            **scope,
        },
        receive,
        send,
    )
    return sent
