"""A refresh token is 256 random bits; only its digest is stored, and what cannot be one never reaches the database."""

import hashlib
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque_auth.refresh_tokens import digest, new_refresh_token

TOKEN = "mrt_" + "A" * 43

ODD = {
    "empty": "",
    "prefix_only": "mrt_",
    "no_prefix": "A" * 43,
    "other_prefix": "mrs_" + "A" * 43,
    "prefix_in_capitals": "MRT_" + "A" * 43,
    "one_short": TOKEN[:-1],
    "one_long": TOKEN + "A",
    "padded": TOKEN + "=",
    "newline": TOKEN + "\n",
    "space_first": " " + TOKEN,
    "plain_base64_alphabet": TOKEN[:-2] + "+A",
    "trailing_bits": TOKEN[:-1] + "B",
    "full_width": TOKEN[:-2] + "\uff21A",
    "nul": TOKEN[:-2] + "\x00A",
    "lone_surrogate": TOKEN[:-2] + "\ud800A",
    "very_long": TOKEN * 100_000,
}


def test_a_new_token_leads_to_the_digest_that_was_stored_for_it() -> None:
    for _ in range(200):
        token, stored = new_refresh_token()
        assert digest(token) == stored == hashlib.sha256(token.encode()).digest()


def test_tokens_are_unlike_and_carry_256_bits_of_the_systems_randomness(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len({new_refresh_token()[0] for _ in range(1000)}) == 1000
    monkeypatch.setattr(secrets, "token_urlsafe", lambda nbytes: {32: "A" * 43}[nbytes])
    assert new_refresh_token()[0] == TOKEN


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
def test_a_text_that_cannot_be_ours_has_no_digest(text: str) -> None:
    assert digest(TOKEN) is not None
    assert digest(text) is None


@given(st.text())
def test_random_text_has_no_digest(text: str) -> None:
    assert digest(text) is None
