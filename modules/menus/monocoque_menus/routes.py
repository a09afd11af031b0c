"""The HTTP face of menus."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from asyncpg import Record
from fastapi import Path, Query, Request
from starlette.responses import Response

from monocoque import json
from monocoque.conditional import ExpectedVersions, IfNoneMatch
from monocoque.database import Executor
from monocoque.files import file_reply
from monocoque.idempotency import CurrentOnce
from monocoque.pagination import CurrentPage, Page
from monocoque.problems import responses
from monocoque.replies import JsonReply, created, found, no_content
from monocoque.routing import Router
from monocoque.runtime import Db
from monocoque.security import CurrentPrincipal
from monocoque.statements import like_pattern
from monocoque.types import SearchText
from monocoque_menus import examples, export, service
from monocoque_menus.arranging_routes import move_router, order_router
from monocoque_menus.contracts import Visibility
from monocoque_menus.course_routes import router as course_router
from monocoque_menus.item_routes import router as item_router
from monocoque_menus.links import CurrentLinks
from monocoque_menus.problems import NOT_FOUND, SLUG_EMPTY, SLUG_RESERVED, SLUG_TAKEN
from monocoque_menus.queries import menus as queries
from monocoque_menus.schemas import CloneWrite, ExportedMenu, ExportFormat, MenuPatch, MenuRead, MenuWrite

router = Router()
MenuId = Annotated[UUID, Path(description="The id of one of your menus.")]
_SLUG_PROBLEMS = (SLUG_TAKEN, SLUG_RESERVED, SLUG_EMPTY)
_EXAMPLE = ExportedMenu.model_validate(examples.EXPORTED)
_EXPORTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The menu, as a file to keep.",
        "model": ExportedMenu,
        "content": {
            kind.media_type.partition(";")[0]: {"schema": {"type": "string"}, "example": kind.write(_EXAMPLE)}
            for form, kind in export.KINDS.items()
            if form is not ExportFormat.JSON
        },
    }
}


@router.post("", status_code=201, response_model=MenuRead, summary="Start a menu", responses=responses(*_SLUG_PROBLEMS))
async def create_menu(
    menu: MenuWrite, owner: CurrentPrincipal, db: Db, once: CurrentOnce, links: CurrentLinks
) -> Response:
    """Starts an empty menu. Unless it brings a slug, one is made from the title, with a suffix where that is taken."""

    made: Record | None = None

    async def create(executor: Executor) -> Response:
        nonlocal made
        made = await service.create_menu(executor, owner.user_id, menu, links)
        # This reply is kept for the Idempotency-Key, and nothing that is kept may open an unlisted menu.
        return created(links.shown(made, told=False), once.location(made["id"]))

    reply = await once.run(owner.user_id, create)
    if menu.visibility != "unlisted":
        return reply
    told = json.loads(bytes(reply.body))
    # A reply from before is of a menu that may be another by now, or gone.
    row = made or await db.first(queries.FIND, id=UUID(told["id"]), owner_id=owner.user_id)
    return reply if row is None else _with_addresses(reply, told, links.shown(row))


def _with_addresses(reply: Response, told: dict[str, Any], shown: dict[str, Any]) -> Response:
    addresses = {name: shown[name] for name in ("url", "page_url")}
    headers = [header for header in reply.raw_headers if header[0] not in {b"content-type", b"content-length"}]
    return JsonReply({**told, **addresses}, reply.status_code, headers)


@router.get("", response_model=Page[MenuRead], summary="List your menus")
async def list_menus(
    *,
    owner: CurrentPrincipal,
    db: Db,
    page: CurrentPage,
    links: CurrentLinks,
    visibility: Annotated[Visibility | None, Query(description="Only those that are so.")] = None,
    q: Annotated[SearchText | None, Query(description="Text within title or description.")] = None,
    deleted: Annotated[bool, Query(description="The deleted ones, which can be restored, instead.")] = False,
) -> Response:
    """Your menus, newest first."""
    rows = await db.all(
        queries.LIST,
        owner_id=owner.user_id,
        deleted=deleted,
        before=page.before(),
        limit=page.fetch,
        visibility=visibility,
        pattern=like_pattern(q),
    )
    return page.page([links.shown(row, living=not deleted) for row in rows])


@router.get("/{menu_id}", response_model=MenuRead, summary="Get a menu", responses=responses(NOT_FOUND))
async def get_menu(
    menu_id: MenuId, owner: CurrentPrincipal, db: Db, links: CurrentLinks, if_none_match: IfNoneMatch = None
) -> Response:
    """One of your menus, with its ETag, which changes with its courses and entries too."""
    return found(links.shown(await service.find_menu(db, owner.user_id, menu_id)), if_none_match)


@router.put(
    "/{menu_id}",
    response_model=MenuRead,
    summary="Replace a menu",
    responses=responses(NOT_FOUND, *_SLUG_PROBLEMS),
)
async def replace_menu(
    menu_id: MenuId,
    menu: MenuWrite,
    owner: CurrentPrincipal,
    db: Db,
    links: CurrentLinks,
    versions: ExpectedVersions,
) -> Response:
    """Sets every field of the menu itself, so that without a visibility it becomes a draft; only the slug stays unless
    another is given. Courses stay, and so does the link."""
    return found(links.shown(await service.replace_menu(db, owner.user_id, menu_id, menu, versions)))


@router.patch(
    "/{menu_id}",
    response_model=MenuRead,
    summary="Change a menu",
    responses=responses(NOT_FOUND, *_SLUG_PROBLEMS),
)
async def merge_menu(
    menu_id: MenuId,
    change: MenuPatch,
    owner: CurrentPrincipal,
    db: Db,
    links: CurrentLinks,
    versions: ExpectedVersions,
) -> Response:
    """Sets the fields that are sent (RFC 7396).

    With another slug, the address with the one before leads on to it for ever, and no other menu ever gets that.
    """
    return found(links.shown(await service.merge_menu(db, owner.user_id, menu_id, change, versions)))


@router.delete("/{menu_id}", status_code=204, summary="Delete a menu", responses=responses(NOT_FOUND))
async def delete_menu(menu_id: MenuId, owner: CurrentPrincipal, db: Db, versions: ExpectedVersions) -> Response:
    """Puts the menu aside, to be restored until it is purged; meanwhile nobody can read it. Its slugs stay taken."""
    await service.delete_menu(db, owner.user_id, menu_id, versions)
    return no_content()


@router.post("/{menu_id}/restore", response_model=MenuRead, summary="Restore a menu", responses=responses(NOT_FOUND))
async def restore_menu(menu_id: MenuId, owner: CurrentPrincipal, db: Db, links: CurrentLinks) -> Response:
    """Brings a deleted menu back, as visible as it was."""
    return found(links.shown(await service.restore_menu(db, owner.user_id, menu_id)))


@router.post("/{menu_id}/link", response_model=MenuRead, summary="Renew the link", responses=responses(NOT_FOUND))
async def renew_link(
    menu_id: MenuId, owner: CurrentPrincipal, db: Db, links: CurrentLinks, versions: ExpectedVersions
) -> Response:
    """Gives the menu another link; the one before, which every menu has from its start, opens nothing from now on."""
    return found(links.shown(await service.renew_link(db, owner.user_id, menu_id, links, versions)))


@router.post(
    "/{menu_id}/clone",
    status_code=201,
    response_model=MenuRead,
    summary="Copy a menu",
    responses=responses(NOT_FOUND),
)
async def clone_menu(
    menu_id: Annotated[UUID, Path(description="The id of one of your menus, or of anyone's public one.")],
    request: Request,
    owner: CurrentPrincipal,
    once: CurrentOnce,
    links: CurrentLinks,
    wish: CloneWrite | None = None,
) -> Response:
    """Makes a draft of your own with the same courses and entries; the original stays as it is."""

    async def clone(executor: Executor) -> Response:
        row = await service.clone_menu(executor, owner.user_id, menu_id, wish or CloneWrite(), links)
        menus = request.scope["path"].removesuffix("/clone").rpartition("/")[0]
        return created(links.shown(row), f"{menus}/{row['id']}")

    return await once.run(owner.user_id, clone)


@router.get(
    "/{menu_id}/export",
    response_class=Response,
    summary="Export a menu",
    responses={**_EXPORTED, **responses(NOT_FOUND)},
)
async def export_menu(
    menu_id: MenuId,
    owner: CurrentPrincipal,
    db: Db,
    format_: Annotated[
        ExportFormat,
        Query(alias="format", description="Markdown is for people, CSV for spreadsheets."),
    ] = ExportFormat.MARKDOWN,
) -> Response:
    """The whole menu as a file. Every text is escaped for its form, formulas in CSV with an apostrophe."""
    menu = ExportedMenu.model_validate_json(await service.export_menu(db, owner.user_id, menu_id))
    return await file_reply(menu, export.KINDS[format_], menu.title, "menu")


router.include_router(course_router, prefix="/{menu_id}/courses")
router.include_router(item_router, prefix="/{menu_id}/courses/{course_id}/items")
router.include_router(order_router, prefix="/{menu_id}/order")
router.include_router(move_router, prefix="/course-items")
