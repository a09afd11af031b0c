"""The HTTP face of states, mounted below the item."""

from __future__ import annotations

from starlette.responses import Response

from monocoque.conditional import ExpectedVersions, IfNoneMatch, OnlyNew
from monocoque.pagination import CurrentPage, Page
from monocoque.problems import responses
from monocoque.replies import found, no_content
from monocoque.routing import Router
from monocoque.runtime import Db
from monocoque.security import CurrentPrincipal
from monocoque_media import state_service
from monocoque_media.item_routes import ItemId
from monocoque_media.problems import MERGED, NOT_FOUND, STATE_NOT_FOUND
from monocoque_media.schemas.states import LogEntryRead, StateRead, StateWrite

router = Router()


@router.get("", response_model=StateRead, summary="Get your state", responses=responses(STATE_NOT_FOUND, MERGED))
async def get_state(item_id: ItemId, owner: CurrentPrincipal, db: Db, if_none_match: IfNoneMatch = None) -> Response:
    """Where you are with the item."""
    return found(await state_service.find_state(db, owner.user_id, item_id), if_none_match)


@router.put("", response_model=StateRead, summary="Set your state", responses=responses(NOT_FOUND, MERGED))
async def put_state(
    item_id: ItemId,
    state: StateWrite,
    owner: CurrentPrincipal,
    db: Db,
    versions: ExpectedVersions,
    only_new: OnlyNew,
) -> Response:
    """Sets where you are with the item, and logs it; what is left out becomes empty.

    The pass number goes up by itself when what you had completed or dropped is planned or active again.
    """
    return found(await state_service.put_state(db, owner.user_id, item_id, state, versions, only_new=only_new))


@router.delete(
    "", status_code=204, summary="Remove your state", responses=responses(STATE_NOT_FOUND, NOT_FOUND, MERGED)
)
async def delete_state(item_id: ItemId, owner: CurrentPrincipal, db: Db, versions: ExpectedVersions) -> Response:
    """Takes the item out of your library; the log keeps what was."""
    await state_service.delete_state(db, owner.user_id, item_id, versions)
    return no_content()


@router.get(
    "/log", response_model=Page[LogEntryRead], summary="List the changes", responses=responses(NOT_FOUND, MERGED)
)
async def list_state_log(item_id: ItemId, owner: CurrentPrincipal, db: Db, page: CurrentPage) -> Response:
    """Every change of your state of this item, newest first."""
    return page.page(await state_service.list_log(db, owner.user_id, item_id, before=page.before(), limit=page.fetch))
