"""What menus adds to media: where an item of the catalogue is among one's menus."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Path
from starlette.responses import Response

from monocoque.pagination import CurrentPage, Page
from monocoque.problems import responses
from monocoque.routing import Router
from monocoque.runtime import Db
from monocoque.security import CurrentPrincipal
from monocoque_media.facade import ITEM_PROBLEMS, check_item
from monocoque_menus.queries import holding as queries
from monocoque_menus.schemas import HoldingMenu

router = Router()


@router.get(
    "/items/{item_id}/menus",
    response_model=Page[HoldingMenu],
    summary="List your menus that hold an item",
    responses=responses(*ITEM_PROBLEMS),
)
async def list_menus_of_item(
    item_id: Annotated[UUID, Path(description="The id of an item of the catalogue.")],
    owner: CurrentPrincipal,
    db: Db,
    page: CurrentPage,
) -> Response:
    """Which of your menus the item is in, and where, the newest menu first.

    An item that was merged into another is answered with 308 and the address of that.
    """
    rows = await db.all(queries.LIST, item_id=item_id, owner_id=owner.user_id, before=page.before(), limit=page.fetch)
    if not rows:
        # No cursor: it is of the old address.
        await check_item(db, item_id, below="/menus", query=f"?limit={page.limit}")
    return page.page(rows)
