"""What anyone may read: a menu, by its slug or by its link."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path, Query, Request
from starlette.responses import Response

from monocoque.conditional import IfNoneMatch
from monocoque.negotiation import VARY, WantsPage
from monocoque.problems import TOKEN_EXPIRED, UNAUTHENTICATED, responses
from monocoque.replies import EmptyReply, document
from monocoque.routing import Router
from monocoque.runtime import Db
from monocoque.security import current_principal
from monocoque_menus.pages import FOR_A_WHILE, FOR_ALL, FOR_ONE, menu_page
from monocoque_menus.problems import NOT_PUBLIC
from monocoque_menus.public_service import Found, Moved, find_public
from monocoque_menus.schemas import PublicMenu

router = Router()
Headers = tuple[tuple[bytes, bytes], ...]
_NO_INDEX = (b"x-robots-tag", b"noindex")
_PUBLIC: Headers = (FOR_ALL, VARY)
# For whoever got the link, not for search engines.
_BY_LINK: Headers = (FOR_ONE, VARY, _NO_INDEX)
# One reader's, at an address that is everyone's.
_OWN: Headers = (FOR_ONE, (b"vary", b"Accept, Authorization"), _NO_INDEX)
_PAGE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {"schema": {"type": "string"}, "example": "<!doctype html>..."}}}
}
_LOCATION: dict[int | str, dict[str, Any]] = {
    301: {
        "description": "The menu has another slug now.",
        "headers": {"Location": {"schema": {"type": "string"}, "description": "Relative to this address."}},
    }
}


@router.get(
    "/{slug}",
    response_model=PublicMenu,
    summary="Read a menu",
    responses={**_PAGE, **_LOCATION, **responses(NOT_PUBLIC, UNAUTHENTICATED, TOKEN_EXPIRED)},
)
async def get_public_menu(
    slug: Annotated[str, Path(description="The slug of a public menu, or the token of the link of an unlisted one.")],
    request: Request,
    db: Db,
    as_page: WantsPage,
    if_none_match: IfNoneMatch = None,
    include: Annotated[
        Literal["progress"] | None,
        Query(description="How far you are with each course; for this one has to be signed in."),
    ] = None,
) -> Response:
    """A menu with its courses and entries in their order. Needs no sign-in.

    With `Accept: text/html` and without `include` the answer is a page, the one at the `page_url` of the menu.
    """
    reader = None if include is None else await current_principal(request, None)
    menu = await find_public(db, slug, None if reader is None else reader.user_id)
    if isinstance(menu, Moved):
        query = "" if include is None else f"?include={include}"
        return EmptyReply(301, ((b"location", f"{menu.slug}{query}".encode()), FOR_A_WHILE))
    if as_page and include is None:
        return await menu_page(request, slug, menu, if_none_match)
    return document(menu.document, if_none_match, _headers(menu, own=reader is not None))


def _headers(menu: Found, *, own: bool) -> Headers:
    if own:
        return _OWN
    return _BY_LINK if menu.by_link else _PUBLIC
