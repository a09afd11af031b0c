"""What the shell and other modules may ask of auth."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from monocoque.database import Executor
from monocoque.runtime import Runtime
from monocoque.security import Principal, TokenRefused, VerifiedToken
from monocoque_auth import queries
from monocoque_auth.contracts import UserCard
from monocoque_auth.passwords import Passwords
from monocoque_auth.service import PASSWORDS
from monocoque_auth.settings import LEEWAY, AuthSettings
from monocoque_auth.tokens import AccessTokens, TokenExpired, TokenInvalid

TOKENS = "auth.tokens"
ISSUER = "monocoque"
AUDIENCE = "monocoque-api"


class AccessTokenAuthenticator:
    """Reads access tokens for the shell."""

    def __init__(self, tokens: AccessTokens) -> None:
        self._tokens = tokens

    def verify(self, token: str) -> VerifiedToken:
        """Who a token speaks for, and until when; raises TokenRefused."""
        try:
            claims = self._tokens.verify(token)
        except TokenExpired:
            raise TokenRefused(expired=True) from None
        except TokenInvalid:
            raise TokenRefused from None
        principal = Principal(claims.user_id, claims.session_id, claims.role)
        return VerifiedToken(principal, claims.expires_at + self._tokens.leeway_seconds)


def build_authenticator(runtime: Runtime) -> AccessTokenAuthenticator:
    """The authenticator of an application; its tokens are signed with the shell's secret."""
    tokens = AccessTokens(
        runtime.settings.signing_secret,
        issuer=ISSUER,
        audience=AUDIENCE,
        lifetime=runtime.settings_of("auth", AuthSettings).access_lifetime,
        leeway=LEEWAY,
        previous_secrets=runtime.settings.previous_secrets,
    )
    runtime.resources[TOKENS] = tokens
    return AccessTokenAuthenticator(tokens)


@asynccontextmanager
async def lifespan(runtime: Runtime) -> AsyncIterator[None]:
    """Keeps the threads that hash passwords for as long as the process serves."""
    settings = runtime.settings_of("auth", AuthSettings)
    passwords = Passwords(settings.password_rounds, settings.password_workers)
    runtime.resources[PASSWORDS] = passwords
    try:
        yield
    finally:
        passwords.close()


async def find_user(executor: Executor, user_id: UUID) -> UserCard | None:
    """A person in brief, or None when there is no such account."""
    row = await executor.first(queries.FIND_USER, id=user_id)
    return None if row is None else UserCard(row["id"], row["display_name"], row["role"])
