"""Access tokens: short-lived HS256 JWTs that carry what a request needs; the only file that knows python-jose."""

import json
import re
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, NoReturn
from uuid import UUID

from jose import jwk, jws
from jose.backends.base import Key
from jose.exceptions import JOSEError

ALGORITHM: Final = "HS256"
PURPOSE: Final = "access"
MAX_TOKEN_LENGTH: Final = 4096
MIN_SECRET_BYTES: Final = 32

# The header is not negotiated. {"alg":"HS256","typ":"JWT"} is the one that we issue and so the only one that we read:
# another alg, kid, crit, jwk, x5u, a repeated key or mere white space is another header.
_HEADER: Final = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
_SHAPE: Final = re.compile(rf"{_HEADER}\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{{43}})")
_ROLE: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_TOKEN_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
# Years up to 9999: what a datetime can hold, so that nobody downstream meets a number that it cannot convert.
_LAST_SECOND: Final = 253_402_300_799


class TokenInvalid(Exception):
    """The text is not an access token of ours; the message names the reason and never quotes the token."""


class TokenExpired(TokenInvalid):
    """The token is right in every other respect, but its time is over."""


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a verified token says: whose it is, in which session (token family) and role; times in epoch seconds."""

    user_id: UUID
    session_id: UUID
    role: str
    issued_at: int
    expires_at: int


class AccessTokens:
    """Issues and verifies access tokens with one secret; `previous_secrets` are still verified, never used to issue.

    A secret has at least 32 bytes, `lifetime` at least a second, neither name is empty: ValueError otherwise. `clock`
    gives epoch seconds.
    """

    def __init__(
        self,
        secret: str,
        *,
        issuer: str,
        audience: str,
        lifetime: timedelta = timedelta(minutes=15),
        leeway: timedelta = timedelta(seconds=30),
        previous_secrets: tuple[str, ...] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not issuer or not audience:
            raise ValueError("Access tokens need an issuer and an audience; an empty one would match by accident.")
        if lifetime < timedelta(seconds=1) or leeway < timedelta(0):
            raise ValueError("An access token's lifetime must be at least one second and its leeway not negative.")
        self._keys = tuple(_key(each) for each in (secret, *previous_secrets))
        self._issuer = issuer
        self._audience = audience
        self._lifetime = int(lifetime.total_seconds())
        self._leeway = int(leeway.total_seconds())
        self._clock = clock

    @property
    def lifetime_seconds(self) -> int:
        """Seconds from issue to expiry: the `expires_in` of a token reply."""
        return self._lifetime

    @property
    def leeway_seconds(self) -> int:
        """Seconds by which clocks may differ: a token is accepted until `expires_at` plus this."""
        return self._leeway

    def issue(self, *, user_id: UUID, session_id: UUID, role: str) -> str:
        """Sign a token that starts now and lives for the configured time; ValueError for an odd role."""
        if not _ROLE.fullmatch(role):
            raise ValueError("A role is 1 to 32 lower-case letters, digits and underscores, starting with a letter.")
        now = int(self._clock())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(user_id),
            "sid": str(session_id),
            "role": role,
            "purpose": PURPOSE,
            "iat": now,
            "exp": now + self._lifetime,
            "jti": secrets.token_urlsafe(9),
        }
        return jws.sign(claims, self._keys[0], algorithm=ALGORITHM)

    def verify(self, token: str) -> AccessClaims:
        """Give the claims of a token that is ours, unchanged and current; TokenExpired or TokenInvalid otherwise."""
        _check_shape(token)
        claims = _parse(self._signed_payload(token))
        _expect(claims, "iss", self._issuer)
        _expect(claims, "aud", self._audience)
        _expect(claims, "purpose", PURPOSE)
        _matching(claims, "jti", _TOKEN_ID)
        result = AccessClaims(
            user_id=_uuid(claims, "sub"),
            session_id=_uuid(claims, "sid"),
            role=_matching(claims, "role", _ROLE),
            issued_at=_seconds(claims, "iat"),
            expires_at=_seconds(claims, "exp"),
        )
        self._check_times(result, _seconds(claims, "nbf") if "nbf" in claims else result.issued_at)
        return result

    def _signed_payload(self, token: str) -> bytes:
        for key in self._keys:
            with suppress(JOSEError):
                # A list: python-jose tests a plain string for substrings.
                return jws.verify(token, key, algorithms=[ALGORITHM])
        raise TokenInvalid("The token's signature does not match.")

    def _check_times(self, claims: AccessClaims, not_before: int) -> None:
        now = self._clock()
        if max(claims.issued_at, not_before) > now + self._leeway:
            raise TokenInvalid("The token is not valid yet.")
        # The leeway again, so that a slightly shortened lifetime does not sign everybody out on deployment.
        if not 0 < claims.expires_at - claims.issued_at <= self._lifetime + self._leeway:
            raise TokenInvalid("The token's lifetime is not one that is issued here.")
        if now >= claims.expires_at + self._leeway:
            raise TokenExpired("The token has expired.")


def _key(secret: str) -> Key:
    """Build the key once: given a text, python-jose would try it as JSON each time and take a JWK out of it."""
    try:
        raw = secret.encode()
    except UnicodeEncodeError:
        raise ValueError("A token secret must be text that can be written in UTF-8.") from None
    if len(raw) < MIN_SECRET_BYTES:
        raise ValueError(f"A token secret must have at least {MIN_SECRET_BYTES} bytes; this one has {len(raw)}.")
    try:
        return jwk.construct(raw, ALGORITHM)
    except JOSEError:
        raise ValueError("A token secret must be random text, not a PEM, certificate or SSH key.") from None


def _check_shape(token: str) -> None:
    if not isinstance(token, str) or len(token) > MAX_TOKEN_LENGTH:
        raise TokenInvalid(f"An access token is a text of at most {MAX_TOKEN_LENGTH} characters.")
    shape = _SHAPE.fullmatch(token)
    if shape is None:
        raise TokenInvalid("The text does not have the form of an access token of this service.")
    # The last character of a segment has bits that decoding drops: without this, one token would have several spellings
    # and each would be a cache key of its own.
    if not all(_is_canonical(segment) for segment in shape.groups()):
        raise TokenInvalid("The token is not encoded canonically.")


def _is_canonical(segment: str) -> bool:
    if len(segment) % 4 == 1:
        return False
    decoded = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    return urlsafe_b64encode(decoded).rstrip(b"=") == segment.encode()


def _parse(payload: bytes) -> dict[str, Any]:
    try:
        # Decoded here: given bytes, json would guess UTF-16 and UTF-32 too.
        claims = json.loads(payload.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise TokenInvalid("The token's claims are not a plain JSON object.") from None
    if not isinstance(claims, dict):
        raise TokenInvalid("The token's claims are not a plain JSON object.")
    return claims


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("repeated key")
    return found


def _no_constant(_: str) -> NoReturn:
    raise ValueError("not a JSON number")


def _expect(claims: dict[str, Any], name: str, value: str) -> None:
    found = claims.get(name)
    if not isinstance(found, str) or found != value:
        raise TokenInvalid(f"The token's {name} claim is missing or another one.")


def _matching(claims: dict[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise TokenInvalid(f"The token's {name} claim is missing or malformed.")
    return value


def _uuid(claims: dict[str, Any], name: str) -> UUID:
    value = claims.get(name)
    if isinstance(value, str):
        with suppress(ValueError):
            found = UUID(value)
            # UUID() also reads braces, urn: and capitals; a revocation list would then miss the other spelling.
            if str(found) == value:
                return found
    raise TokenInvalid(f"The token's {name} claim is missing or not a canonical UUID.")


def _seconds(claims: dict[str, Any], name: str) -> int:
    value = claims.get(name)
    # type() and not isinstance(): true is an int in Python, and 1e400 a float.
    if type(value) is not int or not 0 <= value <= _LAST_SECOND:
        raise TokenInvalid(f"The token's {name} claim is missing or not a time in whole seconds.")
    return value
