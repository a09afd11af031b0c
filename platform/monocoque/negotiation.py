"""Which form of a thing a request asks for: a page for people, or a document for programs (RFC 9110, 12.5.1)."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

import mimeparse
from fastapi import Depends, Request
from starlette.types import Scope

from monocoque.direct import direct

VARY = (b"vary", b"Accept")
"""The header of every reply whose form was negotiated."""
_PAGE, _DOCUMENT = "text/html", "application/json"
# Browsers send some 150 characters. The parser's effort grows with the square of the parameters.
_LONGEST = 1000


def prefers_page(scope: Scope) -> bool:
    """Whether the Accept header wants HTML rather than JSON; what wants both alike, or cannot be read, gets JSON."""
    return _prefers_page(b",".join(value for name, value in scope["headers"] if name == b"accept"))


@lru_cache(maxsize=256)
def _prefers_page(accept: bytes) -> bool:
    if len(accept) > _LONGEST:
        return False
    try:
        # The last of several that are wanted alike is the one that is chosen.
        chosen: str = mimeparse.best_match([_PAGE, _DOCUMENT], accept.decode("latin-1").lower())
    except mimeparse.MimeTypeParseException:
        return False
    return chosen == _PAGE


async def _wants_page_directly(scope: Scope) -> bool:
    scope["negotiated"] = True
    return prefers_page(scope)


@direct(_wants_page_directly)
async def wants_page(request: Request) -> bool:
    """Whether this request is to be answered with a page; its problems are told in the same form."""
    return await _wants_page_directly(request.scope)


WantsPage = Annotated[bool, Depends(wants_page)]
