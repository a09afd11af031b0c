"""A router with every form of signature that FastAPI knows, which counts how often its dependencies are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from enum import Enum, StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import (
    BackgroundTasks,
    Body,
    Cookie,
    Depends,
    File,
    Form,
    Header,
    Path,
    Query,
    Request,
    Response,
    Security,
    UploadFile,
)
from fastapi.security import SecurityScopes
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import PlainTextResponse, StreamingResponse

from monocoque.routing import Router

calls: Counter[str] = Counter()
PATH = "/api/v1/things"


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Level(Enum):
    ONE = 1


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=2)
    size: int = 1


class Other(BaseModel):
    kind: Literal["other"]


class ThingOut(BaseModel):
    name: str
    note: str | None = None


class Filters(BaseModel):
    model_config = ConfigDict(extra="forbid")
    page: int = Field(1, ge=1)
    words: list[str] = []


async def base(shared: int = 0) -> int:
    calls["base"] += 1
    return shared


async def left(found: Annotated[int, Depends(base)]) -> int:
    calls["left"] += 1
    return found + 1


def right_sync(found: Annotated[int, Depends(base)]) -> int:
    calls["right"] += 1
    return found + 2


async def cleaned(found: Annotated[int, Depends(base)]) -> AsyncIterator[int]:
    calls["cleaned"] += 1
    yield found + 3
    calls["cleaned up"] += 1


async def scoped(scopes: SecurityScopes) -> list[str]:
    calls["scoped"] += 1
    return scopes.scopes


async def once_each(request: Request, x_tag: Annotated[str, Header()] = "none") -> str:
    calls["once"] += 1
    return f"{request.method} {x_tag}"


class Checker:
    """An instance is a dependency; so is the class, whose instances happen to be callable."""

    def __init__(self, level: int = 5) -> None:
        self.level = level

    async def __call__(self, factor: int = 1) -> int:
        calls["checker"] += 1
        return self.level * factor


def made_anew() -> str:
    calls["made"] += 1
    return f"made {calls['made'] % 2 + 1}"


def router() -> Router:  # noqa: C901  one route after the other
    r = Router()

    def get[F: Callable[..., Any]](path: str, **options: Any) -> Callable[[F], F]:
        return r.get(path, summary=path, **options)

    def post[F: Callable[..., Any]](path: str, **options: Any) -> Callable[[F], F]:
        return r.post(path, summary=path, **options)

    @get("/scalars/{number}/{text}/{uid}")
    async def scalars(
        number: Annotated[int, Path(ge=1, le=10)],
        text: Annotated[str, Path(max_length=5)],
        uid: UUID,
        flag: bool = False,
        rate: Annotated[float, Query(gt=0)] = 1.5,
        at: datetime | None = None,
        colour: Colour = Colour.RED,
        level: Level | None = None,
        pick: Literal["a", 2] = "a",
        maybe: int | str | None = None,
        renamed: Annotated[str | None, Query(alias="re-named")] = None,
        needed: Annotated[str, Query(min_length=1)] = ...,  # type: ignore[assignment]
    ) -> Any:
        return [number, text, uid, flag, rate, at, colour, level, pick, maybe, renamed, needed]

    @get("/headers")
    async def headers(
        x_count: Annotated[int, Header()] = 0,
        user_agent: Annotated[str | None, Header()] = None,
        raw_name: Annotated[str, Header(alias="X-Raw", max_length=3)] = "-",
    ) -> Any:
        return [x_count, bool(user_agent), raw_name]

    @get("/lists")
    async def lists(q: Annotated[list[int], Query()] = [], s: Annotated[Sequence[str], Query()] = ()) -> Any:  # noqa: B006
        return [q, s]

    @get("/model")
    async def model(filters: Annotated[Filters, Query()]) -> Any:
        return filters

    @get("/cookies")
    async def cookies(session: Annotated[str, Cookie()] = "none") -> Any:
        return session

    @get("/factory")
    async def factory(made: Annotated[str, Query(default_factory=made_anew)]) -> Any:
        return made

    @get("/nested")
    async def nested(
        a: Annotated[int, Depends(left)],
        b: Annotated[int, Depends(base)],
        c: Annotated[int, Depends(base, use_cache=False)],
    ) -> Any:
        return [a, b, c]

    @get("/mixed")
    async def mixed(
        a: Annotated[int, Depends(left)], b: Annotated[int, Depends(right_sync)], c: Annotated[int, Depends(cleaned)]
    ) -> Any:
        return [a, b, c]

    @get("/checked")
    async def checked(value: Annotated[int, Depends(Checker(7))]) -> Any:
        return value

    @get("/class")
    async def by_class(value: Annotated[Checker, Depends(Checker)]) -> Any:
        return value.level

    @get("/scopes")
    async def scopes(found: Annotated[list[str], Security(scoped, scopes=["a", "b"])]) -> Any:
        return found

    @get("/tagged", dependencies=[Depends(once_each)])
    async def tagged(tag: Annotated[str, Depends(once_each)], number: int = 0) -> Any:
        return [tag, number]

    @get("/request/{place}")
    async def by_request(request: Request, place: str) -> Any:
        return [request.path_params, request.query_params.get("x"), str(request.url.path)]

    @get("/injected", status_code=202)
    async def injected(response: Response, tasks: BackgroundTasks) -> Any:
        response.headers["X-Extra"] = "1"
        response.status_code = 203
        tasks.add_task(calls.update, ["task"])
        return {}

    @get("/sync")
    def by_thread(number: int = 1) -> Any:
        return number

    @post("/body", status_code=201)
    async def body(thing: Thing, tag: Annotated[str, Depends(once_each)]) -> Any:
        return [thing, tag]

    @post("/optional")
    async def optional(thing: Thing | None = None) -> Any:
        return thing

    @post("/embed")
    async def embed(thing: Annotated[Thing, Body(embed=True)]) -> Any:
        return thing

    @post("/two")
    async def two(thing: Thing, other: Other) -> Any:
        return [thing, other]

    @post("/union")
    async def union(thing: Annotated[Thing | Other, Body()]) -> Any:
        return thing

    @post("/free")
    async def free(document: Annotated[dict[str, Any], Body()]) -> Any:
        return document

    @post("/raw")
    async def raw(request: Request, thing: Thing) -> Any:
        return [(await request.body()).decode(), await request.json(), thing.name]

    @post("/form")
    async def form(name: Annotated[str, Form(min_length=2)], size: Annotated[int, Form()] = 1) -> Any:
        return [name, size]

    @post("/file")
    async def file(data: UploadFile, note: Annotated[bytes, File()] = b"") -> Any:
        return [data.filename, len(await data.read()), len(note)]

    @get("/out", response_model=ThingOut)
    async def out(bad: bool = False) -> Any:
        return {"name": 5 if bad else "n", "secret": "hidden"}

    @get("/out-lean", response_model=ThingOut, response_model_exclude_none=True, response_model_exclude={"name"})
    async def out_lean() -> Any:
        return ThingOut(name="n")

    @get("/none", status_code=204)
    async def none() -> None:
        return None

    @get("/null")
    async def null() -> None:
        return None

    @get("/own")
    async def own() -> Response:
        return PlainTextResponse("own", 206, {"X-Own": "1"})

    @get("/plain", response_class=PlainTextResponse)
    async def plain() -> Any:
        return "plain"

    @get("/stream")
    async def stream() -> Response:
        return StreamingResponse(iter(["a", "b"]))

    @get("/any")
    async def anything(value: Any = None) -> Any:
        return value

    return r
