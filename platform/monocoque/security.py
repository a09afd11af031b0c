"""Who is calling: the principal, how a token becomes one, and what a route's signature says about it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer
from starlette.types import Scope

from monocoque.direct import direct
from monocoque.problems import FORBIDDEN, TOKEN_EXPIRED, UNAUTHENTICATED, Problem, ProblemCode
from monocoque.revocations import Revocations

CACHED_TOKENS = 20_000


@dataclass(frozen=True, slots=True)
class Principal:
    """The signed-in person behind a request, as the access token says."""

    user_id: UUID
    session_id: UUID
    role: str

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """A principal and the time (epoch seconds) until which its token counts."""

    principal: Principal
    expires_at: float


class TokenRefused(Exception):
    """The token does not count."""

    def __init__(self, *, expired: bool = False) -> None:
        super().__init__("expired" if expired else "invalid")
        self.expired = expired


class Authenticator(Protocol):
    """Provided by the module that keeps accounts."""

    def verify(self, token: str) -> VerifiedToken:
        """The principal of a token; raises TokenRefused for any that is not valid now."""
        ...


class Gate:
    """Turns an Authorization header into a principal; verified tokens are cached until they expire or are revoked."""

    def __init__(self, authenticator: Authenticator | None, revocations: Revocations) -> None:
        self._authenticator = authenticator
        self._revocations = revocations
        self._verified: dict[bytes, VerifiedToken] = {}
        revocations.on_revoked.append(self._forget)

    async def principal(self, authorization: bytes | None) -> Principal:
        """Who sends this header; raises a 401 problem."""
        if authorization is None:
            raise _refusal(UNAUTHENTICATED)
        known = self._verified.get(authorization)
        if known is None or known.expires_at <= time.time():
            known = self._verify(authorization)
        if not self._revocations.trusted and await self._revocations.confirm(known.principal.session_id):
            raise _refusal(UNAUTHENTICATED, "invalid_token")
        return known.principal

    def _verify(self, authorization: bytes) -> VerifiedToken:
        self._verified.pop(authorization, None)
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != b"bearer" or self._authenticator is None:
            raise _refusal(UNAUTHENTICATED)
        try:
            verified = self._authenticator.verify(token.decode("ascii"))
        except UnicodeDecodeError:
            raise _refusal(UNAUTHENTICATED, "invalid_token") from None
        except TokenRefused as refused:
            raise _refusal(TOKEN_EXPIRED if refused.expired else UNAUTHENTICATED, "invalid_token") from None
        if self._revocations.is_revoked(verified.principal.session_id):
            raise _refusal(UNAUTHENTICATED, "invalid_token")
        if len(self._verified) >= CACHED_TOKENS:
            for stale in list(self._verified)[: CACHED_TOKENS // 4]:
                del self._verified[stale]
        self._verified[authorization] = verified
        return verified

    def _forget(self, session_ids: frozenset[UUID]) -> None:
        ended = [key for key, known in self._verified.items() if known.principal.session_id in session_ids]
        for key in ended:
            del self._verified[key]


def _refusal(code: ProblemCode, error: str = "") -> Problem:
    challenge = f'Bearer error="{error}"' if error else "Bearer"
    return Problem(code, headers={"WWW-Authenticate": challenge})


bearer_scheme = OAuth2PasswordBearer(
    tokenUrl="auth/token", auto_error=False, scheme_name="bearer", description="An access token from sign-in."
)


def _header(scope: Scope) -> bytes | None:
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    # Two Authorization headers are one too many: which of them a proxy looked at is anyone's guess.
    return values[0] if len(values) == 1 else None


async def _principal_directly(scope: Scope) -> Principal:
    gate: Gate = scope["app"].state.gate
    principal = await gate.principal(_header(scope))
    scope["principal"] = principal
    return principal


@direct(_principal_directly)
async def current_principal(request: Request, _token: Annotated[str | None, Depends(bearer_scheme)]) -> Principal:
    """The signed-in person; a 401 problem when there is none."""
    return await _principal_directly(request.scope)


async def _admin_directly(scope: Scope) -> Principal:
    principal = await _principal_directly(scope)
    if not principal.is_admin:
        raise Problem(FORBIDDEN, "This needs the role admin.")
    return principal


@direct(_admin_directly)
async def current_admin(principal: Annotated[Principal, Depends(current_principal)]) -> Principal:
    """The signed-in admin; a 403 problem for anyone else who is signed in."""
    if not principal.is_admin:
        raise Problem(FORBIDDEN, "This needs the role admin.")
    return principal


CurrentPrincipal = Annotated[Principal, Depends(current_principal)]
CurrentAdmin = Annotated[Principal, Depends(current_admin)]
