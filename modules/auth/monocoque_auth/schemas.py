"""What comes in and goes out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, Strict, StringConstraints
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from monocoque.types import Input, Output, ShortText, clean_text, omitted, single_line
from monocoque_auth.emails import EmailInvalid, normalise_email
from monocoque_auth.problems import EMAIL_INVALID, PASSWORD_LENGTH

MIN_PASSWORD = 8
MAX_PASSWORD = 1000
TOKENS: JsonDict = {
    "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...",
    "token_type": "bearer",
    "expires_in": 900,
    "refresh_token": "mrt_...",
}
USER: JsonDict = {
    "id": "0198c5a0-8f10-7b3c-9d2e-1a2b3c4d5e6f",
    "email": "ada@example.org",
    "display_name": "Ada",
    "role": "user",
    "version": 1,
    "created_at": "2026-03-01T09:30:00Z",
    "updated_at": "2026-03-01T09:30:00Z",
}
SESSION: JsonDict = {
    "id": "0198c5a0-91d4-7e5f-8a6b-2c3d4e5f6071",
    "current": True,
    "user_agent": "Mozilla/5.0",
    "address": "192.0.2.7",
    "created_at": "2026-03-01T09:30:00Z",
    "last_used_at": "2026-03-01T10:15:00Z",
    "expires_at": "2026-03-31T10:15:00Z",
}


def _email(value: str) -> str:
    try:
        return normalise_email(value)
    except EmailInvalid as error:
        raise PydanticCustomError(EMAIL_INVALID.code, "{reason}", {"reason": str(error)}) from None


def _new_password(value: str) -> str:
    value = clean_text(value)
    # Counted after normalisation, which can join characters and also take them apart.
    if not MIN_PASSWORD <= len(value) <= MAX_PASSWORD:
        raise PydanticCustomError(
            PASSWORD_LENGTH.code,
            "A password has {least} to {most} characters",
            {"least": MIN_PASSWORD, "most": MAX_PASSWORD},
        )
    return value


Email = Annotated[
    str,
    Strict(),
    StringConstraints(min_length=3, max_length=254),
    AfterValidator(_email),
    Field(description="Unique without regard to case.", json_schema_extra={"format": "email"}),
]
NewPassword = Annotated[
    str,
    Strict(),
    StringConstraints(min_length=MIN_PASSWORD, max_length=MAX_PASSWORD),
    AfterValidator(_new_password),
    Field(
        repr=False,
        description="Any characters; length is what counts.",
        json_schema_extra={"format": "password", "writeOnly": True},
    ),
]
# Looser than what an account can have: a sign-in that cannot succeed is refused as any other.
GivenEmail = Annotated[str, Strict(), StringConstraints(min_length=1, max_length=254), AfterValidator(single_line)]
GivenPassword = Annotated[
    str,
    Strict(),
    StringConstraints(min_length=1, max_length=MAX_PASSWORD),
    AfterValidator(clean_text),
    Field(repr=False, json_schema_extra={"format": "password", "writeOnly": True}),
]
GivenToken = Annotated[
    str, Strict(), StringConstraints(min_length=1, max_length=4096), AfterValidator(clean_text), Field(repr=False)
]
FormText = Annotated[str, StringConstraints(max_length=500), AfterValidator(clean_text)]


class Registration(Input):
    """A new account."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"email": "ada@example.org", "password": "correct horse battery staple", "display_name": "Ada"}
            ]
        }
    )

    email: Email
    password: NewPassword
    display_name: ShortText | None = None


class Login(Input):
    """E-mail and password."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "ada@example.org", "password": "correct horse battery staple"}]}
    )

    email: GivenEmail
    password: GivenPassword


class TokenForm(Input):
    """The password grant of OAuth 2 (RFC 6749, 4.3); the username is the e-mail. Scope and client are not used here."""

    grant_type: Literal["password"] = "password"
    username: GivenEmail
    password: GivenPassword
    scope: FormText = ""
    client_id: FormText | None = None
    client_secret: FormText | None = Field(None, repr=False)


class Refresh(Input):
    """A refresh token, which this uses up."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"refresh_token": TOKENS["refresh_token"]}]})

    refresh_token: GivenToken


class ProfilePatch(Input):
    """What is to change; members that are left out stay. A new e-mail needs the current password too."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"display_name": "Ada L."}]})

    display_name: ShortText | None = omitted()
    email: Email = omitted()
    current_password: GivenPassword = omitted()


class PasswordChange(Input):
    """The password as it is and as it is to be."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"current_password": "correct horse battery staple", "new_password": "paper lantern over the harbour"}
            ]
        }
    )

    current_password: GivenPassword
    new_password: NewPassword


class UserRead(Output):
    """An account, as its owner sees it."""

    model_config = ConfigDict(json_schema_extra={"examples": [USER]})

    id: UUID
    email: str
    display_name: str | None
    role: Literal["user", "admin"]
    version: int
    created_at: datetime
    updated_at: datetime


class Tokens(Output):
    """An access token for the Authorization header, and the refresh token that gets the next pair."""

    model_config = ConfigDict(json_schema_extra={"examples": [TOKENS]})

    access_token: str
    token_type: Literal["bearer"]
    expires_in: int = Field(description="Seconds that the access token lives.")
    refresh_token: str = Field(description="Can be used once; the reply brings the next one.")


class SessionRead(Output):
    """A sign-in that has not ended."""

    model_config = ConfigDict(json_schema_extra={"examples": [SESSION]})

    id: UUID
    current: bool = Field(description="Whether it is the session that asks.")
    user_agent: str | None
    address: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
