"""Secrets rotate without signing anybody out; an unfit secret, lifetime or role is refused before a token is made."""

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from monocoque_auth.tokens import AccessTokens, TokenInvalid

SECRET = "a-test-secret-of-forty-characters-length"
OTHER_SECRET = "another-secret-of-forty-characters-long!"
NOW = 1_800_000_000
USER = UUID("0198c0de-0000-7000-8000-0000000000a1")
SESSION = UUID("0198c0de-0000-7000-8000-0000000000b2")


def tokens(secret: str = SECRET, **changes: Any) -> AccessTokens:
    settings: dict[str, Any] = {"issuer": "monocoque", "audience": "monocoque-api", "clock": lambda: NOW} | changes
    return AccessTokens(secret, **settings)


TOKENS = tokens()


def test_lifetime_and_leeway_are_told_in_seconds() -> None:
    configured = tokens(lifetime=timedelta(minutes=2), leeway=timedelta(seconds=5))
    assert (configured.lifetime_seconds, configured.leeway_seconds) == (120, 5)
    assert configured.verify(configured.issue(user_id=USER, session_id=SESSION, role="admin")).expires_at == NOW + 120


def test_a_previous_secret_still_verifies_but_no_longer_signs() -> None:
    token = TOKENS.issue(user_id=USER, session_id=SESSION, role="user")
    rotated = tokens(OTHER_SECRET, previous_secrets=(SECRET,))
    assert rotated.verify(token).user_id == USER
    fresh = rotated.issue(user_id=USER, session_id=SESSION, role="user")
    assert rotated.verify(fresh).user_id == USER
    with pytest.raises(TokenInvalid):
        TOKENS.verify(fresh)
    with pytest.raises(TokenInvalid):
        tokens(OTHER_SECRET).verify(token)


@pytest.mark.parametrize(
    "secret", ['{"kty":"oct","k":"MDAwMDAwMDAwMDAwMDAwMA"}', '"a-secret-in-quotation-marks-is-one-too"']
)
def test_a_secret_that_looks_like_json_is_taken_as_it_is(secret: str) -> None:
    token = tokens(secret).issue(user_id=USER, session_id=SESSION, role="user")
    head, body, signature = token.split(".")
    digest = hmac.new(secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    expected = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert signature == expected
    assert tokens(secret).verify(token).user_id == USER


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "x" * 31,
        "\ud800" * 32,
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2Vw\n-----END PUBLIC KEY-----",
        "ssh-rsa " + "A" * 40,
    ],
    ids=["empty", "short", "not_utf8", "pem", "ssh"],
)
def test_an_unfit_secret_is_refused_at_once_and_never_quoted(secret: str) -> None:
    for current, previous in ((secret, ()), (SECRET, (secret,))):
        with pytest.raises(ValueError, match="token secret must") as refused:
            tokens(current, previous_secrets=previous)
        assert not secret or secret not in str(refused.value)


@pytest.mark.parametrize(
    "changes",
    [{"issuer": ""}, {"audience": ""}, {"lifetime": timedelta(0)}, {"leeway": timedelta(seconds=-1)}],
    ids=str,
)
def test_a_configuration_that_could_not_work_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"[Aa]ccess token"):
        tokens(**changes)


@pytest.mark.parametrize("role", ["", "Admin", "user\n", "u" * 33, "1st"])
def test_a_role_that_would_not_verify_is_not_issued(role: str) -> None:
    with pytest.raises(ValueError, match="role"):
        TOKENS.issue(user_id=USER, session_id=SESSION, role=role)
