"""Refresh tokens: opaque random texts of which only a SHA-256 digest is ever stored."""

import hashlib
import re
import secrets
from typing import Final

PREFIX: Final = "mrt_"
_RANDOM_BYTES: Final = 32

# 43 base64url characters hold 258 bits; of the last one only the 16 that end in two zero bits can be ours.
_SHAPE: Final = re.compile(PREFIX + r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")


def new_refresh_token() -> tuple[str, bytes]:
    """Give a fresh token of 256 random bits for the client, and the 32-byte digest to store in its place."""
    token = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    return token, hashlib.sha256(token.encode()).digest()


def digest(token: str) -> bytes | None:
    """Give the digest under which a presented token is stored; None when the text cannot be one of ours."""
    return hashlib.sha256(token.encode()).digest() if _SHAPE.fullmatch(token) else None
