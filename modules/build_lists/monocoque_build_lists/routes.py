"""The HTTP face of build lists."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request
from starlette.responses import Response

from monocoque import json
from monocoque.conditional import ExpectedVersions, IfNoneMatch
from monocoque.database import Executor
from monocoque.idempotency import CurrentOnce
from monocoque.pages import base_address
from monocoque.pagination import CurrentPage, Page
from monocoque.problems import responses
from monocoque.replies import JsonReply, created, document, found, no_content
from monocoque.routing import Router
from monocoque.runtime import CurrentRuntime, Db
from monocoque.security import CurrentPrincipal
from monocoque.statements import like_pattern
from monocoque.types import SearchText
from monocoque_build_lists import item_service, pages, queries, service
from monocoque_build_lists.export_replies import WantedFormat, documented, exported
from monocoque_build_lists.item_routes import router as item_router
from monocoque_build_lists.problems import CAR_UNKNOWN, NOT_FOUND
from monocoque_build_lists.schemas import (
    BuildListPatch,
    BuildListRead,
    BuildListWrite,
    CloneWrite,
    ExportedBuildList,
    ExportFormat,
    ShareRead,
    ShareWrite,
    Summary,
)

router = Router()
router.include_router(item_router, prefix="/{list_id}/items")
ListId = Annotated[UUID, Path(description="The id of one of your build lists.")]


@router.post(
    "", status_code=201, response_model=BuildListRead, summary="Start a build list", responses=responses(CAR_UNKNOWN)
)
async def create_build_list(build_list: BuildListWrite, owner: CurrentPrincipal, once: CurrentOnce) -> Response:
    """Starts an empty list for one of your cars."""

    async def create(executor: Executor) -> Response:
        row = await service.create_build_list(executor, owner.user_id, build_list)
        return created(row, once.location(row["id"]))

    return await once.run(owner.user_id, create)


@router.get("", response_model=Page[BuildListRead], summary="List your build lists")
async def list_build_lists(
    *,
    owner: CurrentPrincipal,
    db: Db,
    page: CurrentPage,
    car_id: Annotated[UUID | None, Query(description="Only those of this car.")] = None,
    q: Annotated[SearchText | None, Query(description="Text within name or description.")] = None,
    deleted: Annotated[bool, Query(description="The deleted ones, which can be restored, instead.")] = False,
) -> Response:
    """Your build lists, newest first."""
    rows = await db.all(
        queries.LIST,
        owner_id=owner.user_id,
        deleted=deleted,
        before=page.before(),
        limit=page.fetch,
        car_id=car_id,
        pattern=like_pattern(q),
    )
    return page.page(rows)


@router.get("/{list_id}", response_model=BuildListRead, summary="Get a build list", responses=responses(NOT_FOUND))
async def get_build_list(
    list_id: ListId, owner: CurrentPrincipal, db: Db, if_none_match: IfNoneMatch = None
) -> Response:
    """One of your build lists, with its ETag, which changes with its items too."""
    row = await service.find_build_list(db, owner.user_id, list_id)
    # A share that expires does so without a new version, so a copy from before cannot be told from a current one.
    return found(row, if_none_match if row["share_expires_at"] is None else None)


@router.put(
    "/{list_id}",
    response_model=BuildListRead,
    summary="Replace a build list",
    responses=responses(NOT_FOUND, CAR_UNKNOWN),
)
async def replace_build_list(
    list_id: ListId, build_list: BuildListWrite, owner: CurrentPrincipal, db: Db, versions: ExpectedVersions
) -> Response:
    """Sets every field of the list itself; a description that is left out becomes empty. Items and share stay."""
    return found(await service.replace_build_list(db, owner.user_id, list_id, build_list, versions))


@router.patch(
    "/{list_id}",
    response_model=BuildListRead,
    summary="Change a build list",
    responses=responses(NOT_FOUND, CAR_UNKNOWN),
)
async def merge_build_list(
    list_id: ListId, change: BuildListPatch, owner: CurrentPrincipal, db: Db, versions: ExpectedVersions
) -> Response:
    """Sets the fields that are sent (RFC 7396)."""
    return found(await service.merge_build_list(db, owner.user_id, list_id, change, versions))


@router.delete("/{list_id}", status_code=204, summary="Delete a build list", responses=responses(NOT_FOUND))
async def delete_build_list(list_id: ListId, owner: CurrentPrincipal, db: Db, versions: ExpectedVersions) -> Response:
    """Puts the list aside, to be restored until it is purged; meanwhile its link opens nothing."""
    await service.delete_build_list(db, owner.user_id, list_id, versions)
    return no_content()


@router.post(
    "/{list_id}/restore", response_model=BuildListRead, summary="Restore a build list", responses=responses(NOT_FOUND)
)
async def restore_build_list(list_id: ListId, owner: CurrentPrincipal, db: Db) -> Response:
    """Brings a deleted list back."""
    return found(await service.restore_build_list(db, owner.user_id, list_id))


@router.get("/{list_id}/summary", response_model=Summary, summary="Add a build list up", responses=responses(NOT_FOUND))
async def get_build_list_summary(
    list_id: ListId, owner: CurrentPrincipal, db: Db, if_none_match: IfNoneMatch = None
) -> Response:
    """Totals per currency, of the whole list, of each category and of each status; lines without a price apart."""
    return document(json.dumps(await item_service.summarise(db, owner.user_id, list_id)), if_none_match)


@router.post(
    "/{list_id}/clone",
    status_code=201,
    response_model=BuildListRead,
    summary="Copy a build list",
    responses=responses(NOT_FOUND, CAR_UNKNOWN),
)
async def clone_build_list(
    list_id: ListId,
    request: Request,
    owner: CurrentPrincipal,
    once: CurrentOnce,
    wish: CloneWrite | None = None,
) -> Response:
    """Makes a list of its own with the same items; the original stays as it is, and the copy is not shared."""

    async def clone(executor: Executor) -> Response:
        row = await service.clone_build_list(executor, owner.user_id, list_id, wish or CloneWrite())
        lists = request.scope["path"].removesuffix("/clone").rpartition("/")[0]
        return created(row, f"{lists}/{row['id']}")

    return await once.run(owner.user_id, clone)


@router.get(
    "/{list_id}/export",
    response_class=Response,
    summary="Export a build list",
    responses={**documented(ExportedBuildList), **responses(NOT_FOUND)},
)
async def export_build_list(
    list_id: ListId, owner: CurrentPrincipal, db: Db, format_: WantedFormat = ExportFormat.MARKDOWN
) -> Response:
    """The whole list as a file. Every text is escaped for its form, formulas in CSV with an apostrophe."""
    content = await service.export_build_list(db, owner.user_id, list_id)
    return await exported(ExportedBuildList.model_validate_json(content), format_)


@router.post(
    "/{list_id}/share",
    status_code=201,
    response_model=ShareRead,
    summary="Share a build list",
    responses=responses(NOT_FOUND),
)
async def create_share(
    list_id: ListId,
    request: Request,
    owner: CurrentPrincipal,
    runtime: CurrentRuntime,
    wish: ShareWrite | None = None,
) -> Response:
    """Makes a link with which anyone can read the list; the one before, if any, stops to open it at once.

    The token is told this once, since only a digest of it is kept. For the same reason there is no Idempotency-Key
    here: whoever lost the reply sends the request again and gets a new link.
    """
    expires_at = None if wish is None else wish.expires_at
    token = await service.share_build_list(runtime.database, owner.user_id, list_id, expires_at)
    base = base_address(request.scope)
    share = {
        "token": token,
        "url": f"{base}{runtime.settings.api_prefix}/public/build-lists/{token}",
        "page_url": f"{base}{pages.PATH}/{token}",
        "expires_at": expires_at,
    }
    return JsonReply(share, 201, ((b"cache-control", b"no-store"),))


@router.delete("/{list_id}/share", status_code=204, summary="End the share", responses=responses(NOT_FOUND))
async def delete_share(list_id: ListId, owner: CurrentPrincipal, db: Db) -> Response:
    """Lets the link open nothing from now on; answers the same where there is none."""
    await service.revoke_share(db, owner.user_id, list_id)
    return no_content()
