"""The HTTP face of searching, and of the sources outside."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from monocoque.replies import JsonReply
from monocoque.routing import Router
from monocoque.runtime import CurrentRuntime
from monocoque.security import CurrentPrincipal
from monocoque.types import SearchText
from monocoque_media import facade, searching_service
from monocoque_media.contracts import MediaType
from monocoque_media.schemas.searching import ProviderList, SearchRead
from monocoque_media.settings import MediaSettings

router = Router()


@router.get("/search", response_model=SearchRead, summary="Search the catalogue")
async def search_items(
    *,
    caller: CurrentPrincipal,
    runtime: CurrentRuntime,
    q: Annotated[
        SearchText, Query(description="Words of title or creators, the last may be unfinished; an ISBN; an id.")
    ],
    type_: Annotated[MediaType | None, Query(alias="type", description="Only this type.")] = None,
    year: Annotated[int | None, Query(ge=1, le=9999, description="Only what came out in this year.")] = None,
    include_external: Annotated[
        bool, Query(description="Ask the sources outside too, and take in what they find.")
    ] = False,
    limit: Annotated[int, Query(ge=1, le=100, description="Items at most.")] = 20,
) -> Response:
    """The best of the catalogue: what has the id, the title, a title that begins so, every word; else what is alike.

    A source that is slow, down or out of quota never fails the search; `sources` says how each took part.
    """
    extra: list[UUID] = []
    sources: dict[str, searching_service.SourceReport] = {}
    if include_external:
        extra, sources = await searching_service.search_sources(
            runtime.database,
            facade.connectors(runtime),
            q,
            user_id=caller.user_id,
            media_type=type_,
            year=year,
            limit=limit,
            seconds=runtime.settings_of("media", MediaSettings).provider_timeout_seconds,
            flights=facade.flights(runtime),
        )
    rows = await searching_service.search(runtime.database, q, media_type=type_, year=year, limit=limit, extra=extra)
    return JsonReply({"items": [dict(row.items()) for row in rows], "sources": sources})


@router.get("/providers", response_model=ProviderList, summary="List the sources")
async def list_providers(_caller: CurrentPrincipal, runtime: CurrentRuntime) -> Response:
    """The sources outside, and how each is doing in this process. Nothing is asked of them."""
    items = []
    for name, connector in facade.connectors(runtime).items():
        health = connector.health()
        items.append(
            {
                "name": name,
                "media_types": sorted(connector.media_types),
                "configured": health.configured,
                "breaker": health.breaker,
                "last_success": health.last_success,
                "quota_left": health.quota_left,
            }
        )
    return JsonReply({"items": items})
