"""The HTTP face of the order of a menu."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Path
from starlette.responses import Response

from monocoque.conditional import ExpectedVersions
from monocoque.problems import responses
from monocoque.replies import found
from monocoque.routing import Router
from monocoque.runtime import Db
from monocoque.security import CurrentPrincipal
from monocoque_menus import arranging_service
from monocoque_menus.course_routes import MenuId
from monocoque_menus.links import CurrentLinks
from monocoque_menus.problems import ITEM_NOT_FOUND, NOT_FOUND, ORDER_MISMATCH, PLACE_UNKNOWN
from monocoque_menus.schemas import MenuOrder, MenuRead, MoveWrite

order_router = Router()
move_router = Router()


@order_router.put("", response_model=MenuRead, summary="Order a menu", responses=responses(NOT_FOUND, ORDER_MISMATCH))
async def replace_menu_order(
    menu_id: MenuId,
    order: MenuOrder,
    owner: CurrentPrincipal,
    db: Db,
    links: CurrentLinks,
    versions: ExpectedVersions,
) -> Response:
    """Sets the whole order: each course of the menu and each entry exactly once, under whichever course.

    If-Match takes the ETag of the menu.
    """
    return found(links.shown(await arranging_service.order_menu(db, owner.user_id, menu_id, order, versions)))


@move_router.post(
    "/{item_id}/move",
    response_model=MenuRead,
    summary="Move an entry",
    responses=responses(ITEM_NOT_FOUND, PLACE_UNKNOWN),
)
async def move_item(
    item_id: Annotated[UUID, Path(description="The id of an entry of one of your menus.")],
    move: MoveWrite,
    owner: CurrentPrincipal,
    db: Db,
    links: CurrentLinks,
    versions: ExpectedVersions,
) -> Response:
    """Puts one entry before another of the same or another course, or at its end, and gives the menu.

    If-Match takes the ETag of the menu.
    """
    return found(links.shown(await arranging_service.move_item(db, owner.user_id, item_id, move, versions)))
