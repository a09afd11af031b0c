"""The HTTP face of a person's library."""

from __future__ import annotations

from operator import itemgetter
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from monocoque import json
from monocoque.conditional import IfNoneMatch
from monocoque.pagination import CurrentPage, Page
from monocoque.replies import document
from monocoque.routing import Router
from monocoque.runtime import Db
from monocoque.security import CurrentPrincipal
from monocoque_media import library_service
from monocoque_media.item_routes import Year
from monocoque_media.item_service import days_of
from monocoque_media.schemas.items import MediaType
from monocoque_media.schemas.library import LibraryEntry, LibraryStats, Sort
from monocoque_media.schemas.states import Status

router = Router()
RatingBound = Annotated[int | None, Query(ge=0, le=100)]


@router.get("", response_model=Page[LibraryEntry], summary="List your library")
async def list_library(
    *,
    owner: CurrentPrincipal,
    db: Db,
    page: CurrentPage,
    sort: Annotated[
        Sort,
        Query(
            description="`updated` and `finished`: latest first; `rating`: highest first; `title`: from A. "
            "What has no such value comes last."
        ),
    ] = "updated",
    status: Annotated[Status | None, Query(description="Only this status.")] = None,
    type_: Annotated[MediaType | None, Query(alias="type", description="Only this type.")] = None,
    tag: Annotated[UUID | None, Query(description="Only what has this tag of yours.")] = None,
    rating_min: Annotated[RatingBound, Query(description="Only what you rated at least so high.")] = None,
    rating_max: Annotated[RatingBound, Query(description="Only what you rated at most so high.")] = None,
    favorite: Annotated[bool | None, Query(description="Only favorites, or only the others.")] = None,
    year: Year = None,
) -> Response:
    """The items that you keep a state of."""
    entries = await library_service.list_entries(
        db,
        owner.user_id,
        sort=sort,
        after=page.position(),
        limit=page.fetch,
        status=status,
        media_type=type_,
        tag=tag,
        rating_min=rating_min,
        rating_max=rating_max,
        favorite=favorite,
        **days_of(year),
    )
    return page.page(entries, _place, itemgetter("entry"))


def _place(entry: Any) -> list[Any]:
    return [entry["place"], entry["place_id"]]


@router.get("/stats", response_model=LibraryStats, summary="Add your library up")
async def get_library_stats(owner: CurrentPrincipal, db: Db, if_none_match: IfNoneMatch = None) -> Response:
    """Your library counted as a whole, by status, by type, and by the month in which you finished."""
    return document(json.dumps(await library_service.count_library(db, owner.user_id)), if_none_match)
