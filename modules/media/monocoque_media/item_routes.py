"""The HTTP face of the items of the catalogue."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path, Query
from starlette.responses import Response

from monocoque import json
from monocoque.conditional import ExpectedVersions, IfNoneMatch
from monocoque.database import Executor
from monocoque.idempotency import CurrentOnce
from monocoque.pagination import CurrentPage, Page
from monocoque.problems import FORBIDDEN, responses
from monocoque.replies import created, document, found, no_content
from monocoque.routing import Router
from monocoque.runtime import CurrentRuntime, Db
from monocoque.security import CurrentAdmin, CurrentPrincipal
from monocoque.statements import like_pattern
from monocoque.types import SearchText
from monocoque_media import facade, item_service, merge_service
from monocoque_media.problems import FIELD_UNKNOWN, IN_USE, MERGE_REFUSED, MERGED, NOT_FOUND, NOT_YOURS
from monocoque_media.schemas.items import (
    ItemPatch,
    ItemRead,
    ItemWithRead,
    ItemWrite,
    LocksWrite,
    MediaType,
    MergeWrite,
)

router = Router()
ItemId = Annotated[UUID, Path(description="The id of an item of the catalogue.")]
Year = Annotated[int | None, Query(ge=1, le=9999, description="Only what came out in this year.")]
_INCLUDES = "details|sources|raw|tags|state"


@router.post("", status_code=201, response_model=ItemRead, summary="Enter an item")
async def create_item(item: ItemWrite, owner: CurrentPrincipal, once: CurrentOnce) -> Response:
    """Adds an entry of your own to the catalogue, which everyone who is signed in reads.

    One form of an ISBN gives the other. What you give counts as edited: no refresh from a source changes it.
    """

    async def create(executor: Executor) -> Response:
        row = await item_service.create_item(executor, owner.user_id, item)
        return created(row, once.location(row["id"]))

    return await once.run(owner.user_id, create)


@router.get("", response_model=Page[ItemRead], summary="List the items")
async def list_items(
    *,
    owner: CurrentPrincipal,
    db: Db,
    page: CurrentPage,
    type_: Annotated[MediaType | None, Query(alias="type", description="Only this type.")] = None,
    q: Annotated[SearchText | None, Query(description="Text within the title or the creators.")] = None,
    created_by: Annotated[Literal["me"] | None, Query(description="Only what you entered.")] = None,
    year: Year = None,
) -> Response:
    """The catalogue, what came last first."""
    rows = await item_service.list_items(
        db,
        owner,
        media_type=type_,
        pattern=like_pattern(q),
        creator=owner.user_id if created_by else None,
        year=year,
        before=page.before(),
        limit=page.fetch,
    )
    return page.page(rows)


@router.get("/{item_id}", response_model=ItemWithRead, summary="Get an item", responses=responses(NOT_FOUND, MERGED))
async def get_item(
    item_id: ItemId,
    owner: CurrentPrincipal,
    db: Db,
    if_none_match: IfNoneMatch = None,
    include: Annotated[
        str | None,
        Query(
            max_length=100,
            pattern=rf"^({_INCLUDES})(,({_INCLUDES}))*$",
            description="Any of `sources`, `raw` (sources with the answers as received), `tags` and `state` (yours), "
            "with commas between; `details` are always there.",
        ),
    ] = None,
) -> Response:
    """One item. The ETag for changing it is that of a reply without `include`; with it, the ETag covers everything.

    An item that was merged into another is answered with 308 and the address of that.
    """
    wanted = frozenset(() if include is None else include.split(",")) - {"details"}
    if not wanted:
        row = await item_service.find_item(db, owner.user_id, item_id, is_admin=owner.is_admin)
        return found(row, if_none_match)
    item = await item_service.find_item_with(db, owner, item_id, wanted)
    return document(json.dumps(item), if_none_match)


@router.patch(
    "/{item_id}",
    response_model=ItemRead,
    summary="Change an item",
    responses=responses(NOT_FOUND, MERGED, NOT_YOURS),
)
async def merge_item(
    item_id: ItemId, change: ItemPatch, owner: CurrentPrincipal, db: Db, versions: ExpectedVersions
) -> Response:
    """Sets the fields that are sent (RFC 7396), which a refresh leaves alone from then on.

    For who entered the item, and administrators.
    """
    return found(await item_service.merge_item(db, owner, item_id, change, versions))


@router.delete(
    "/{item_id}",
    status_code=204,
    summary="Delete an item",
    responses=responses(NOT_FOUND, MERGED, NOT_YOURS, IN_USE),
)
async def delete_item(item_id: ItemId, owner: CurrentPrincipal, db: Db, versions: ExpectedVersions) -> Response:
    """Puts the item aside, to be restored until it is purged; for who entered it, and administrators.

    Only an administrator deletes what somebody else keeps a state or a tag on.
    """
    await item_service.delete_item(db, owner, item_id, versions)
    return no_content()


@router.post(
    "/{item_id}/restore",
    response_model=ItemRead,
    summary="Restore an item",
    responses=responses(NOT_FOUND, MERGED, NOT_YOURS),
)
async def restore_item(item_id: ItemId, owner: CurrentPrincipal, db: Db) -> Response:
    """Brings a deleted item back, with everyone's states and tags; for who entered it, and administrators."""
    return found(await item_service.restore_item(db, owner, item_id))


@router.post(
    "/{item_id}/merge",
    response_model=ItemRead,
    summary="Merge an item into another",
    responses=responses(FORBIDDEN, NOT_FOUND, MERGED, MERGE_REFUSED),
)
async def merge_item_into(item_id: ItemId, wish: MergeWrite, admin: CurrentAdmin, runtime: CurrentRuntime) -> Response:
    """Moves everyone's states, tags and what else hangs on this item, and its sources, to another, which is given.

    Who has a state on both keeps the newer; both are in the log. The id of this item leads to the other from now on.
    For administrators.
    """
    handlers = facade.merge_handlers(runtime)
    return found(await merge_service.merge_items(runtime.database, admin.user_id, item_id, wish.into, handlers))


@router.put(
    "/{item_id}/locks",
    response_model=ItemRead,
    summary="Lock fields",
    responses=responses(NOT_FOUND, MERGED, NOT_YOURS, FIELD_UNKNOWN),
)
async def replace_item_locks(
    item_id: ItemId, locks: LocksWrite, owner: CurrentPrincipal, db: Db, versions: ExpectedVersions
) -> Response:
    """Sets the locks, by the names of fields here and in `details`: a refresh leaves alone what is locked.

    What is left out is unlocked. What was edited is left alone all the same, until it is given back.
    """
    return found(await item_service.lock_fields(db, owner, item_id, locks.fields, versions))


@router.delete(
    "/{item_id}/edits/{field}",
    status_code=204,
    summary="Give an edited field back",
    responses=responses(NOT_FOUND, MERGED, NOT_YOURS, FIELD_UNKNOWN),
)
async def delete_item_edit(
    item_id: ItemId,
    field: Annotated[str, Path(pattern=r"^[a-z0-9_]{1,40}$", description="The name of a field, here or in `details`.")],
    owner: CurrentPrincipal,
    db: Db,
    versions: ExpectedVersions,
) -> Response:
    """Lets the sources have the field again: unless it is locked, a refresh may change it from then on.

    Until then its value stays. The two forms of an ISBN are given back together.
    """
    await item_service.give_back(db, owner, item_id, field, versions)
    return no_content()
