"""What anyone may read: a build list, by the token of its share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from monocoque.conditional import IfNoneMatch
from monocoque.problems import responses
from monocoque.replies import document
from monocoque.routing import Router
from monocoque.runtime import Db
from monocoque_build_lists import service
from monocoque_build_lists.problems import SHARE_NOT_FOUND
from monocoque_build_lists.schemas import SharedBuildList

router = Router()
# A shared list is for whoever got its link, not for search engines, and a revoked one must not live on in caches.
_HEADERS = ((b"cache-control", b"no-cache"), (b"x-robots-tag", b"noindex"))


@router.get(
    "/{token}",
    response_model=SharedBuildList,
    summary="Read a shared build list",
    responses=responses(SHARE_NOT_FOUND),
)
async def get_shared_build_list(
    token: Annotated[str, Path(description="The token of a share.")], db: Db, if_none_match: IfNoneMatch = None
) -> Response:
    """A build list as its owner shares it: its items, their totals and the car. Needs no sign-in."""
    return document(await service.find_shared(db, token), if_none_match, _HEADERS)
