"""What every page needs besides its text, at /assets: style sheet and icon, under names that change with them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from fastapi import APIRouter
from starlette.responses import Response

from monocoque.conditional import IfNoneMatch
from monocoque.problems import NOT_FOUND, Problem
from monocoque.replies import EmptyReply, is_current

_TYPES = {"pages.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of `assets/`, and the name under which browsers may keep it for ever."""

    name: str
    content: bytes
    media_type: str


@cache
def asset(file: str) -> Asset:
    """The asset of one of our files, such as `pages.css`; raises KeyError for any other."""
    media_type = _TYPES[file]
    content = files("monocoque").joinpath("assets", file).read_bytes()
    stem, _, extension = file.rpartition(".")
    return Asset(f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{extension}", content, media_type)


@router.get("/assets/{name}")
async def get_asset(name: str, if_none_match: IfNoneMatch = None) -> Response:
    stem, *_, extension = name.split(".")
    if name.count(".") != 2 or f"{stem}.{extension}" not in _TYPES:
        raise Problem(NOT_FOUND)
    found = asset(f"{stem}.{extension}")
    # While a new release is rolled out, a page of one process may ask another for the file of the other release.
    caching = "public, max-age=31536000, immutable" if name == found.name else "no-cache"
    tag = f'"{found.name}"'
    headers = {"etag": tag, "cache-control": caching}
    if is_current(tag, if_none_match):
        return EmptyReply(304, [(key.encode(), value.encode()) for key, value in headers.items()])
    return Response(found.content, media_type=found.media_type, headers=headers)
