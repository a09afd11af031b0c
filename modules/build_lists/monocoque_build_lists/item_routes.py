"""The HTTP face of the items of a build list, mounted below the list."""

from __future__ import annotations

from typing import Annotated
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
from monocoque_build_lists import item_service
from monocoque_build_lists.problems import (
    ITEM_NAMELESS,
    ITEM_NOT_FOUND,
    NOT_FOUND,
    ORDER_MISMATCH,
    PART_ALREADY_LISTED,
    PART_UNKNOWN,
    TOO_MANY_ITEMS,
)
from monocoque_build_lists.schemas import BuildListRead, ItemOrder, ItemPatch, ItemRead, ItemWrite

router = Router()
ListId = Annotated[UUID, Path(description="The id of one of your build lists.")]
ItemId = Annotated[UUID, Path(description="The id of an item of this list.")]


@router.get("", response_model=Page[ItemRead], summary="List the items", responses=responses(NOT_FOUND))
async def list_items(list_id: ListId, owner: CurrentPrincipal, db: Db, page: CurrentPage) -> Response:
    """The items of the list, in its order."""
    position = page.position()
    after = None if position is None else int(position[0])
    rows = await item_service.list_items(db, owner.user_id, list_id, after=after, limit=page.fetch)
    return page.page(rows, lambda row: [row["position"]])


@router.post(
    "",
    status_code=201,
    response_model=ItemRead,
    summary="Add an item",
    responses=responses(NOT_FOUND, PART_ALREADY_LISTED, PART_UNKNOWN, TOO_MANY_ITEMS),
)
async def create_item(list_id: ListId, item: ItemWrite, owner: CurrentPrincipal, once: CurrentOnce) -> Response:
    """Adds one of your parts, or anything by its name, at the end of the list."""

    async def create(executor: Executor) -> Response:
        row = await item_service.create_item(executor, owner.user_id, list_id, item)
        return created(row, once.location(row["id"]))

    return await once.run(owner.user_id, create)


@router.put(
    "/order",
    response_model=BuildListRead,
    summary="Order the items",
    responses=responses(NOT_FOUND, ORDER_MISMATCH),
)
async def replace_item_order(
    list_id: ListId, order: ItemOrder, owner: CurrentPrincipal, db: Db, versions: ExpectedVersions
) -> Response:
    """Sets the whole order: each item of the list, exactly once. If-Match takes the ETag of the list."""
    return found(await item_service.order_items(db, owner.user_id, list_id, order.items, versions))


@router.get(
    "/{item_id}", response_model=ItemRead, summary="Get an item", responses=responses(NOT_FOUND, ITEM_NOT_FOUND)
)
async def get_item(list_id: ListId, item_id: ItemId, owner: CurrentPrincipal, db: Db) -> Response:
    """One item, with the ETag for changing it. What it shows of its part can change without it."""
    return found(await item_service.find_item(db, owner.user_id, list_id, item_id))


@router.patch(
    "/{item_id}",
    response_model=ItemRead,
    summary="Change an item",
    responses=responses(NOT_FOUND, ITEM_NOT_FOUND, PART_ALREADY_LISTED, PART_UNKNOWN, ITEM_NAMELESS),
)
async def merge_item(
    list_id: ListId, item_id: ItemId, change: ItemPatch, owner: CurrentPrincipal, db: Db, versions: ExpectedVersions
) -> Response:
    """Sets the fields that are sent (RFC 7396). An item whose part is taken away keeps the part's name."""
    return found(await item_service.merge_item(db, owner.user_id, list_id, item_id, change, versions))


@router.delete("/{item_id}", status_code=204, summary="Remove an item", responses=responses(NOT_FOUND, ITEM_NOT_FOUND))
async def delete_item(
    list_id: ListId, item_id: ItemId, owner: CurrentPrincipal, db: Db, versions: ExpectedVersions
) -> Response:
    """Takes the item out of the list for good; the part itself stays."""
    await item_service.delete_item(db, owner.user_id, list_id, item_id, versions)
    return no_content()
