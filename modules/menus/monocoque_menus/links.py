"""The links of unlisted menus, and where a menu can be read.

The token of a link is computed from the menu's id and a nonce with the server's secret key, and looked up by its
digest. So its owner is told it whenever they ask, and yet a copy of the database opens nothing.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request

from monocoque.pages import base_address
from monocoque.runtime import CurrentRuntime, Runtime

_NONCE_BYTES = 16
_TOKEN_BYTES = 32
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def is_token(address: str) -> bool:
    """Whether the last part of a menu's address is the token of a link, and no slug."""
    return _TOKEN.fullmatch(address) is not None and not is_slug(address)


def is_slug(address: str) -> bool:
    """Whether the last part of a menu's address has the form of a slug."""
    return _SLUG.fullmatch(address) is not None


def digest_of(token: str) -> bytes:
    """What a token is looked up by."""
    return hashlib.sha256(token.encode("ascii")).digest()


@dataclass(frozen=True, slots=True)
class Links:
    """Makes links, and tells what they are. The first of `keys` signs, all of them are tried when one is told again."""

    keys: Sequence[str]
    documents: str
    """The address below which menus are JSON."""
    pages: str
    """The address below which they are pages."""

    def new(self, menu_id: UUID) -> dict[str, bytes]:
        """The columns of a new link."""
        while True:
            nonce = secrets.token_bytes(_NONCE_BYTES)
            if is_token(_token(self.keys[0], menu_id, nonce)):
                return self.made(menu_id, nonce)

    def made(self, menu_id: UUID, nonce: bytes) -> dict[str, bytes]:
        """The columns of the link that these 16 bytes make."""
        return {"link_nonce": nonce, "link_digest": digest_of(_token(self.keys[0], menu_id, nonce))}

    def shown(self, row: Mapping[str, Any], *, living: bool = True, told: bool = True) -> dict[str, Any]:
        """A menu as its owner gets it: with its addresses while it can be read there, its link only where `told`."""
        menu = dict(row.items())
        nonce, digest = menu.pop("link_nonce"), menu.pop("link_digest")
        address = None
        if living and menu["visibility"] == "public":
            address = menu["slug"]
        elif living and told and menu["visibility"] == "unlisted":
            address = self._token_of(menu["id"], nonce, digest)
        menu["url"] = None if address is None else f"{self.documents}/{address}"
        menu["page_url"] = None if address is None else f"{self.pages}/{address}"
        return menu

    def _token_of(self, menu_id: UUID, nonce: bytes, digest: bytes) -> str | None:
        """The token, or None where it was made with a key that is not known any more."""
        tokens = (_token(key, menu_id, nonce) for key in self.keys)
        return next((token for token in tokens if digest_of(token) == digest), None)


def _token(key: str, menu_id: UUID, nonce: bytes) -> str:
    signing = hashlib.blake2b(key.encode(), person=b"menu link").digest()
    made = hashlib.blake2b(menu_id.bytes + nonce, key=signing, digest_size=_TOKEN_BYTES).digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def links_of(runtime: Runtime, base: str) -> Links:
    """The links of this installation, whose root clients find at `base`."""
    settings = runtime.settings
    return Links(settings.secrets, f"{base}{settings.api_prefix}/public/menus", f"{base}/m")


async def links(request: Request, runtime: CurrentRuntime) -> Links:
    """The links of this installation, for who sends this request."""
    return links_of(runtime, base_address(request.scope))


CurrentLinks = Annotated[Links, Depends(links)]
