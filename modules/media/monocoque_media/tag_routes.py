"""The HTTP face of tags, and of the tags on an item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path
from starlette.responses import Response

from monocoque.conditional import ExpectedVersions
from monocoque.database import Executor
from monocoque.idempotency import CurrentOnce
from monocoque.pagination import CurrentPage, Page
from monocoque.problems import responses
from monocoque.replies import created, found, no_content
from monocoque.routing import Router
from monocoque.runtime import Db
from monocoque.security import CurrentPrincipal
from monocoque_media import tag_service
from monocoque_media.item_routes import ItemId
from monocoque_media.problems import MERGED, NOT_FOUND, TAG_NOT_FOUND, TAG_TAKEN
from monocoque_media.schemas.tags import TagRead, TagWrite

router = Router()
item_router = Router()
TagId = Annotated[UUID, Path(description="The id of one of your tags.")]


@router.post("", status_code=201, response_model=TagRead, summary="Add a tag", responses=responses(TAG_TAKEN))
async def create_tag(tag: TagWrite, owner: CurrentPrincipal, once: CurrentOnce) -> Response:
    """Adds a tag of your own, which nobody else sees."""

    async def create(executor: Executor) -> Response:
        row = await tag_service.create_tag(executor, owner.user_id, tag.name)
        return created(row, once.location(row["id"]))

    return await once.run(owner.user_id, create)


@router.get("", response_model=Page[TagRead], summary="List your tags")
async def list_tags(owner: CurrentPrincipal, db: Db, page: CurrentPage) -> Response:
    """Your tags by name, each with the number of its items."""
    tags = await tag_service.list_tags(db, owner.user_id, after=page.position(), limit=page.fetch)
    return page.page(tags, tag_service.place_of, _shown)


def _shown(tag: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tag[name] for name in TagRead.model_fields}


@router.get("/{tag_id}", response_model=TagRead, summary="Get a tag", responses=responses(TAG_NOT_FOUND))
async def get_tag(tag_id: TagId, owner: CurrentPrincipal, db: Db) -> Response:
    """One of your tags, with the ETag for changing it; the number of its items changes without it."""
    return found(await tag_service.find_tag(db, owner.user_id, tag_id))


@router.patch(
    "/{tag_id}", response_model=TagRead, summary="Rename a tag", responses=responses(TAG_NOT_FOUND, TAG_TAKEN)
)
async def rename_tag(
    tag_id: TagId, tag: TagWrite, owner: CurrentPrincipal, db: Db, versions: ExpectedVersions
) -> Response:
    """Gives the tag another name; its items keep it."""
    return found(await tag_service.rename_tag(db, owner.user_id, tag_id, tag.name, versions))


@router.delete("/{tag_id}", status_code=204, summary="Delete a tag", responses=responses(TAG_NOT_FOUND))
async def delete_tag(tag_id: TagId, owner: CurrentPrincipal, db: Db, versions: ExpectedVersions) -> Response:
    """Drops the tag for good, and takes it off every item."""
    await tag_service.delete_tag(db, owner.user_id, tag_id, versions)
    return no_content()


@item_router.put(
    "/{tag_id}", status_code=204, summary="Tag an item", responses=responses(NOT_FOUND, MERGED, TAG_NOT_FOUND)
)
async def attach_tag(item_id: ItemId, tag_id: TagId, owner: CurrentPrincipal, db: Db) -> Response:
    """Puts one of your tags on the item; answers the same where it is already."""
    await tag_service.attach_tag(db, owner.user_id, item_id, tag_id)
    return no_content()


@item_router.delete(
    "/{tag_id}", status_code=204, summary="Untag an item", responses=responses(NOT_FOUND, MERGED, TAG_NOT_FOUND)
)
async def detach_tag(item_id: ItemId, tag_id: TagId, owner: CurrentPrincipal, db: Db) -> Response:
    """Takes one of your tags off the item; answers the same where it is not."""
    await tag_service.detach_tag(db, owner.user_id, item_id, tag_id)
    return no_content()
