"""The HTTP face of accounts."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from fastapi import Form, Path, Query, Request
from starlette.responses import Response

from monocoque.conditional import ExpectedVersions, IfNoneMatch
from monocoque.database import Executor
from monocoque.idempotency import CurrentOnce
from monocoque.pagination import CurrentPage, Page
from monocoque.problems import responses
from monocoque.replies import JsonReply, created, found, no_content
from monocoque.routing import Router
from monocoque.runtime import CurrentRuntime, Db, Runtime
from monocoque.security import CurrentPrincipal
from monocoque_auth import queries, service, sessions
from monocoque_auth.facade import TOKENS
from monocoque_auth.problems import (
    CREDENTIALS_WRONG,
    DISABLED,
    EMAIL_TAKEN,
    PASSWORD_IS_EMAIL,
    PASSWORD_NEEDED,
    PASSWORD_WRONG,
    REFRESH_INVALID,
    REFRESH_REUSED,
    REGISTRATION_CLOSED,
    SESSION_NOT_FOUND,
    THROTTLED,
)
from monocoque_auth.schemas import (
    Login,
    PasswordChange,
    ProfilePatch,
    Refresh,
    Registration,
    SessionRead,
    TokenForm,
    Tokens,
    UserRead,
)
from monocoque_auth.tokens import AccessTokens

router = Router()
_SIGN_IN = responses(CREDENTIALS_WRONG, DISABLED, THROTTLED)


@router.post(
    "/register",
    status_code=201,
    response_model=UserRead,
    summary="Register",
    responses=responses(EMAIL_TAKEN, PASSWORD_IS_EMAIL, REGISTRATION_CLOSED),
)
async def register(account: Registration, runtime: CurrentRuntime, once: CurrentOnce) -> Response:
    """Opens an account. Sign in afterwards to get tokens."""
    row = await service.prepare_account(runtime, account)

    async def create(executor: Executor) -> Response:
        user = await service.create_account(executor, row)
        once.belongs_to = user["id"]
        return created(user, f"{runtime.settings.api_prefix}/auth/me")

    return await once.run(uuid5(NAMESPACE_URL, f"mailto:{row['email_key']}"), create)


@router.post("/login", response_model=Tokens, summary="Sign in", responses=_SIGN_IN)
async def log_in(login: Login, runtime: CurrentRuntime, request: Request) -> Response:
    """Begins a session. Too many failures for an account or from an address make both wait."""
    caller = sessions.caller_of(request)
    return _tokens(runtime, await service.log_in(runtime, login.email, login.password, caller))


@router.post("/token", response_model=Tokens, summary="Sign in (OAuth 2 form)", responses=_SIGN_IN)
async def get_token(form: Annotated[TokenForm, Form()], runtime: CurrentRuntime, request: Request) -> Response:
    """The same as a form of the OAuth 2 password grant, which the Authorize button of the API reference sends."""
    caller = sessions.caller_of(request)
    return _tokens(runtime, await service.log_in(runtime, form.username, form.password, caller))


@router.post(
    "/refresh",
    response_model=Tokens,
    summary="Get new tokens",
    responses=responses(REFRESH_INVALID, REFRESH_REUSED, DISABLED),
)
async def refresh(body: Refresh, runtime: CurrentRuntime) -> Response:
    """Uses up a refresh token. One that was used before ends its session, but for a short grace for retries."""
    return _tokens(runtime, await sessions.refresh(runtime, body.refresh_token))


@router.post("/logout", status_code=204, summary="Sign out")
async def log_out(caller: CurrentPrincipal, runtime: CurrentRuntime) -> Response:
    """Ends the session that asks; its tokens count nowhere any more."""
    await service.log_out(runtime, caller)
    return no_content()


@router.get("/me", response_model=UserRead, summary="Get your account")
async def get_me(caller: CurrentPrincipal, runtime: CurrentRuntime, if_none_match: IfNoneMatch = None) -> Response:
    """Your account, with its ETag."""
    return found(await service.find_me(runtime, caller.user_id), if_none_match)


@router.patch(
    "/me",
    response_model=UserRead,
    summary="Change your account",
    responses=responses(EMAIL_TAKEN, PASSWORD_NEEDED, PASSWORD_WRONG, THROTTLED),
)
async def merge_me(
    change: ProfilePatch,
    caller: CurrentPrincipal,
    runtime: CurrentRuntime,
    versions: ExpectedVersions,
    request: Request,
) -> Response:
    """Sets the fields that are sent (RFC 7396). A new e-mail needs the current password beside it, which has to
    be right wherever it is sent."""
    return found(await service.merge_me(runtime, caller.user_id, change, versions, sessions.caller_of(request)))


@router.delete("/me", status_code=204, summary="Delete your account")
async def delete_me(caller: CurrentPrincipal, runtime: CurrentRuntime, versions: ExpectedVersions) -> Response:
    """Deletes the account and everything that it owns, for good."""
    await service.delete_me(runtime, caller.user_id, versions)
    return no_content()


@router.put(
    "/me/password",
    response_model=Tokens,
    summary="Change your password",
    responses=responses(PASSWORD_IS_EMAIL, PASSWORD_WRONG, THROTTLED),
)
async def change_password(
    change: PasswordChange, caller: CurrentPrincipal, runtime: CurrentRuntime, request: Request
) -> Response:
    """Ends every session, this one included, and begins a new one, whose tokens it gives."""
    grant = await service.change_password(runtime, caller.user_id, change, sessions.caller_of(request))
    return _tokens(runtime, grant)


@router.get("/sessions", response_model=Page[SessionRead], summary="List your sessions")
async def list_sessions(caller: CurrentPrincipal, db: Db, page: CurrentPage) -> Response:
    """Where you are signed in, newest first."""
    rows = await db.all(
        queries.LIST_SESSIONS,
        user_id=caller.user_id,
        current=caller.session_id,
        before=page.before(),
        limit=page.fetch,
    )
    return page.page(rows)


@router.delete("/sessions", status_code=204, summary="End your other sessions")
async def end_other_sessions(
    _scope: Annotated[Literal["others"], Query(alias="scope", description="All but the session that asks.")],
    caller: CurrentPrincipal,
    runtime: CurrentRuntime,
) -> Response:
    """Signs you out everywhere else."""
    await service.end_other_sessions(runtime, caller)
    return no_content()


@router.delete(
    "/sessions/{session_id}", status_code=204, summary="End a session", responses=responses(SESSION_NOT_FOUND)
)
async def end_session(
    session_id: Annotated[UUID, Path(description="The id of one of your sessions.")],
    caller: CurrentPrincipal,
    runtime: CurrentRuntime,
) -> Response:
    """Signs you out there."""
    await service.end_session(runtime, caller.user_id, session_id)
    return no_content()


def _tokens(runtime: Runtime, grant: sessions.Grant) -> JsonReply:
    tokens: AccessTokens = runtime.resources[TOKENS]
    access_token = tokens.issue(user_id=grant.user_id, session_id=grant.session_id, role=grant.role)
    return JsonReply(
        {
            "access_token": access_token,
            "token_type": "bearer",
            "expires_in": tokens.lifetime_seconds,
            "refresh_token": grant.refresh_token,
        },
        200,
        ((b"cache-control", b"no-store"), (b"pragma", b"no-cache")),
    )
