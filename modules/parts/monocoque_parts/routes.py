"""The HTTP face of parts."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query
from starlette.responses import Response

from monocoque.conditional import ExpectedVersions, IfNoneMatch
from monocoque.database import Executor
from monocoque.idempotency import CurrentOnce
from monocoque.pagination import CurrentPage, Page
from monocoque.problems import responses
from monocoque.replies import created, found, no_content
from monocoque.routing import Router
from monocoque.runtime import Db
from monocoque.security import CurrentPrincipal
from monocoque.statements import like_pattern
from monocoque.types import SearchText
from monocoque_parts import queries, service
from monocoque_parts.problems import NOT_FOUND
from monocoque_parts.schemas import PartPatch, PartRead, PartWrite

router = Router()
PartId = Annotated[UUID, Path(description="The id of one of your parts.")]


@router.post("", status_code=201, response_model=PartRead, summary="Add a part")
async def create_part(part: PartWrite, owner: CurrentPrincipal, once: CurrentOnce) -> Response:
    """Adds a part to yours."""

    async def create(executor: Executor) -> Response:
        row = await service.create_part(executor, owner.user_id, part)
        return created(row, once.location(row["id"]))

    return await once.run(owner.user_id, create)


@router.get("", response_model=Page[PartRead], summary="List your parts")
async def list_parts(
    *,
    owner: CurrentPrincipal,
    db: Db,
    page: CurrentPage,
    brand: Annotated[SearchText | None, Query(description="Only this brand, whatever its case.")] = None,
    category: Annotated[SearchText | None, Query(description="Only this category, whatever its case.")] = None,
    q: Annotated[
        SearchText | None, Query(description="Text within name, brand, category, part number or notes.")
    ] = None,
    deleted: Annotated[bool, Query(description="The deleted ones, which can be restored, instead.")] = False,
) -> Response:
    """Your parts, newest first."""
    rows = await db.all(
        queries.LIST,
        owner_id=owner.user_id,
        deleted=deleted,
        before=page.before(),
        limit=page.fetch,
        brand=brand,
        category=category,
        pattern=like_pattern(q),
    )
    return page.page(rows)


@router.get("/{part_id}", response_model=PartRead, summary="Get a part", responses=responses(NOT_FOUND))
async def get_part(part_id: PartId, owner: CurrentPrincipal, db: Db, if_none_match: IfNoneMatch = None) -> Response:
    """One of your parts, with its ETag."""
    return found(await service.find_part(db, owner.user_id, part_id), if_none_match)


@router.put("/{part_id}", response_model=PartRead, summary="Replace a part", responses=responses(NOT_FOUND))
async def replace_part(
    part_id: PartId, part: PartWrite, owner: CurrentPrincipal, db: Db, versions: ExpectedVersions
) -> Response:
    """Sets every field; what is left out becomes empty."""
    return found(await service.replace_part(db, owner.user_id, part_id, part, versions))


@router.patch("/{part_id}", response_model=PartRead, summary="Change a part", responses=responses(NOT_FOUND))
async def merge_part(
    part_id: PartId, change: PartPatch, owner: CurrentPrincipal, db: Db, versions: ExpectedVersions
) -> Response:
    """Sets the fields that are sent (RFC 7396), within the price too: an amount alone keeps the currency."""
    return found(await service.merge_part(db, owner.user_id, part_id, change, versions))


@router.delete("/{part_id}", status_code=204, summary="Delete a part", responses=responses(NOT_FOUND))
async def delete_part(part_id: PartId, owner: CurrentPrincipal, db: Db, versions: ExpectedVersions) -> Response:
    """Puts the part aside; it can be restored until it is purged."""
    await service.delete_part(db, owner.user_id, part_id, versions)
    return no_content()


@router.post("/{part_id}/restore", response_model=PartRead, summary="Restore a part", responses=responses(NOT_FOUND))
async def restore_part(part_id: PartId, owner: CurrentPrincipal, db: Db) -> Response:
    """Brings a deleted part back."""
    return found(await service.restore_part(db, owner.user_id, part_id))
