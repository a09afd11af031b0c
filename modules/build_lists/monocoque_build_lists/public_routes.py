"""What anyone may read: a build list, by the token of its share."""

from __future__ import annotations

from fastapi import Depends, Request
from starlette.responses import Response

from monocoque.conditional import IfNoneMatch
from monocoque.negotiation import VARY, WantsPage, wants_page
from monocoque.problems import responses
from monocoque.replies import document
from monocoque.routing import Router
from monocoque.runtime import Db
from monocoque_build_lists import pages, service
from monocoque_build_lists.export_replies import WantedFormat, documented, exported
from monocoque_build_lists.problems import SHARE_NOT_FOUND
from monocoque_build_lists.schemas import ExportFormat, SharedBuildList, Token

router = Router()
# A shared list is for whoever got its link, not for search engines, and a revoked one must not live on in caches.
_HEADERS = ((b"cache-control", b"no-cache"), (b"x-robots-tag", b"noindex"))


@router.get(
    "/{token}",
    response_model=SharedBuildList,
    summary="Read a shared build list",
    responses={
        200: {"content": {"text/html": {"schema": {"type": "string"}, "example": "<!doctype html>..."}}},
        **responses(SHARE_NOT_FOUND),
    },
)
async def get_shared_build_list(
    token: Token, request: Request, db: Db, as_page: WantsPage, if_none_match: IfNoneMatch = None
) -> Response:
    """A build list as its owner shares it: its items, their totals and the car. Needs no sign-in.

    With `Accept: text/html` the answer is a page, the one at the `page_url` of the share.
    """
    content = await service.find_shared(db, token)
    if as_page:
        return await pages.shared_page(request, token, content, if_none_match)
    return document(content, if_none_match, (*_HEADERS, VARY))


@router.get(
    "/{token}/export",
    response_class=Response,
    summary="Export a shared build list",
    # Followed from the page: a link that opens nothing any more says so to people too.
    dependencies=[Depends(wants_page)],
    responses={**documented(SharedBuildList), **responses(SHARE_NOT_FOUND)},
)
async def export_shared_build_list(token: Token, db: Db, format_: WantedFormat = ExportFormat.MARKDOWN) -> Response:
    """What the link shows, as a file, escaped as its owner's export is. Needs no sign-in."""
    content = await service.find_shared(db, token)
    return await exported(SharedBuildList.model_validate_json(content), format_, [("X-Robots-Tag", "noindex")])
