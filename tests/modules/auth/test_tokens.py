"""Only our own, unchanged, current access tokens pass: everything else is one and the same refusal."""

import base64
import hmac
import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jose import jwt

from monocoque_auth.tokens import AccessClaims, AccessTokens, TokenExpired, TokenInvalid

SECRET = "a-test-secret-of-forty-characters-length"
OTHER_SECRET = "another-secret-of-forty-characters-long!"
NOW = 1_800_000_000
USER = UUID("0198c0de-0000-7000-8000-0000000000a1")
SESSION = UUID("0198c0de-0000-7000-8000-0000000000b2")
HEADER: dict[str, Any] = {"alg": "HS256", "typ": "JWT"}
CLAIMS: dict[str, Any] = {
    "iss": "monocoque",
    "aud": "monocoque-api",
    "sub": str(USER),
    "sid": str(SESSION),
    "role": "user",
    "purpose": "access",
    "iat": NOW,
    "exp": NOW + 900,
    "jti": "abcdefgh1234",
}


def tokens(secret: str = SECRET, *, now: float = NOW, **changes: Any) -> AccessTokens:
    settings: dict[str, Any] = {"issuer": "monocoque", "audience": "monocoque-api", "clock": lambda: now} | changes
    return AccessTokens(secret, **settings)


TOKENS = tokens()
VALID = TOKENS.issue(user_id=USER, session_id=SESSION, role="user")


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def sign_raw(header: bytes, payload: bytes, *, secret: str = SECRET, algorithm: str = "sha256") -> str:
    return sign_segments(b64(header), b64(payload), secret=secret, algorithm=algorithm)


def sign_segments(head: str, body: str, *, secret: str = SECRET, algorithm: str = "sha256") -> str:
    signed = f"{head}.{body}"
    return f"{signed}.{b64(hmac.new(secret.encode(), signed.encode(), algorithm).digest())}"


def with_header(changes: dict[str, Any], **how: Any) -> str:
    return sign_raw(compact(HEADER | changes), compact(CLAIMS), **how)


def with_claims(**changes: Any) -> str:
    return sign_raw(compact(HEADER), compact(CLAIMS | changes))


def without(name: str) -> str:
    return sign_raw(compact(HEADER), compact({key: value for key, value in CLAIMS.items() if key != name}))


def with_payload(payload: bytes) -> str:
    return sign_raw(compact(HEADER), payload)


def with_text(name: str, json_text: str) -> str:
    """Sign claims in which one value is written as the given JSON text, also where json.dumps would not write it."""
    return with_payload(compact(CLAIMS | {name: "@@"}).replace(b'"@@"', json_text.encode()))


def next_in_alphabet(character: str) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(character) + 1]


HEAD, BODY, SIGNATURE = VALID.split(".")
NONE = f"{b64(compact({'alg': 'none', 'typ': 'JWT'}))}.{BODY}"
# A length that leaves two bits over in the last character, and one "=" to pad it.
UNEVEN_BODY = b64(compact(CLAIMS).ljust(len(compact(CLAIMS)) // 3 * 3 + 5))

FORGED: dict[str, object] = {
    # The signature and the key.
    "alg_none_without_signature": f"{NONE}.",
    "alg_none_with_the_old_signature": f"{NONE}.{SIGNATURE}",
    "alg_none_with_two_segments": NONE,
    "alg_None_in_mixed_case": f"{b64(compact({'alg': 'nOnE', 'typ': 'JWT'}))}.{BODY}.",
    "signature_missing": f"{HEAD}.{BODY}.",
    "signature_of_zeros": f"{HEAD}.{BODY}.{'A' * 43}",
    "signature_cut_by_one": VALID[:-1],
    "signature_longer_by_one": VALID + "A",
    "signature_of_another_token": f"{HEAD}.{BODY}.{with_claims(role='admin').split('.')[2]}",
    "signature_with_other_trailing_bits": VALID[:-1] + next_in_alphabet(VALID[-1]),
    "signed_with_another_secret": sign_raw(compact(HEADER), compact(CLAIMS), secret=OTHER_SECRET),
    "signed_with_an_empty_secret": sign_raw(compact(HEADER), compact(CLAIMS), secret=""),
    "signed_with_the_secret_and_a_newline": sign_raw(compact(HEADER), compact(CLAIMS), secret=SECRET + "\n"),
    "signed_with_sha512_but_called_HS256": with_header({}, algorithm="sha512"),
    "claims_changed_after_signing": f"{HEAD}.{with_claims(role='admin').split('.')[1]}.{SIGNATURE}",
    # The header.
    "alg_HS384": with_header({"alg": "HS384"}, algorithm="sha384"),
    "alg_HS512": with_header({"alg": "HS512"}, algorithm="sha512"),
    "alg_HS256_in_lower_case": with_header({"alg": "hs256"}),
    "alg_a_part_of_HS256": with_header({"alg": "HS"}),
    "alg_RS256_keyed_with_the_secret": with_header({"alg": "RS256"}),
    "alg_as_a_list": with_header({"alg": ["HS256"]}),
    "alg_null": with_header({"alg": None}),
    "alg_missing": sign_raw(compact({"typ": "JWT"}), compact(CLAIMS)),
    "kid_added": with_header({"kid": "../../dev/null"}),
    "crit_added": with_header({"crit": ["exp"]}),
    "b64_false": with_header({"b64": False, "crit": ["b64"]}),
    "jwk_embedded": with_header({"jwk": {"kty": "oct", "k": b64(OTHER_SECRET.encode())}}, secret=OTHER_SECRET),
    "jku_added": with_header({"jku": "https://example.invalid/keys"}),
    "zip_added": with_header({"zip": "DEF"}),
    "typ_of_another_kind": with_header({"typ": "at+jwt"}),
    "header_with_white_space": sign_raw(json.dumps(HEADER).encode(), compact(CLAIMS)),
    "header_with_alg_twice": sign_raw(b'{"alg":"none","alg":"HS256","typ":"JWT"}', compact(CLAIMS)),
    "header_as_a_list": sign_raw(b'["HS256"]', compact(CLAIMS)),
    "header_not_json": sign_raw(b"HS256", compact(CLAIMS)),
    # The form.
    "empty": "",
    "dots_only": "..",
    "one_segment": HEAD,
    "four_segments": f"{VALID}.{SIGNATURE}",
    "five_segments_like_an_encrypted_token": f"{HEAD}.{BODY}.{SIGNATURE}.{BODY}.{SIGNATURE}",
    "empty_claims_segment": f"{HEAD}..{SIGNATURE}",
    "leading_space": " " + VALID,
    "trailing_newline": VALID + "\n",
    "space_inside": VALID.replace(".", ". ", 1),
    "nul_at_the_end": VALID + "\x00",
    "bearer_left_on": "Bearer " + VALID,
    "padding_at_the_end": VALID + "=",
    "claims_padded_and_signed_so": sign_segments(HEAD, UNEVEN_BODY + "="),
    "claims_with_other_trailing_bits_and_signed_so": sign_segments(
        HEAD, UNEVEN_BODY[:-1] + next_in_alphabet(UNEVEN_BODY[-1])
    ),
    "plain_base64_alphabet": f"{HEAD}.{BODY[:-2]}+/.{SIGNATURE}",
    "non_ascii_letter": VALID[:-1] + "é",
    "full_width_digits": VALID + "\uff11",
    "lone_surrogate": VALID + "\ud800",
    "claims_segment_of_an_impossible_length": f"{HEAD}.AAAAA.{SIGNATURE}",
    "longer_than_four_kib": with_claims(extra="x" * 3200),
    "a_megabyte_of_dots": "." * 1_048_576,
    "bytes_instead_of_text": VALID.encode(),
    "none_instead_of_text": None,
    # The claims as a document.
    "claims_as_a_list": with_payload(compact([CLAIMS])),
    "claims_as_a_text": with_payload(b'"claims"'),
    "claims_null": with_payload(b"null"),
    "claims_empty_object": with_payload(b"{}"),
    "claims_not_json": with_payload(b"{'iss': 1}"),
    "claims_cut_off": with_payload(compact(CLAIMS)[:-1]),
    "claims_followed_by_more": with_payload(compact(CLAIMS) + b"{}"),
    "claims_in_utf16": with_payload(json.dumps(CLAIMS).encode("utf-16")),
    "claims_with_a_byte_order_mark": with_payload(b"\xef\xbb\xbf" + compact(CLAIMS)),
    "claims_not_utf8": with_payload(compact(CLAIMS).replace(b"user", b"us\xffr")),
    "claims_nested_too_deep": with_payload(b"[" * 2900),
    "sub_twice": with_payload(compact(CLAIMS)[:-1] + b',"sub":"' + str(SESSION).encode() + b'"}'),
    "role_twice_with_the_same_value": with_payload(compact(CLAIMS)[:-1] + b',"role":"user"}'),
    "extra_claim_nan": with_text("extra", "NaN"),
    "key_twice_in_a_nested_object": with_text("extra", '{"a":1,"a":2}'),
    # Every claim is required.
    **{f"{name}_missing": without(name) for name in CLAIMS},
    **{f"{name}_null": with_claims(**{name: None}) for name in CLAIMS},
    **{f"{name}_as_a_list": with_claims(**{name: [value]}) for name, value in CLAIMS.items()},
    # Who issued it, for whom, for what.
    "iss_another": with_claims(iss="someone-else"),
    "iss_in_capitals": with_claims(iss="MONOCOQUE"),
    "aud_another": with_claims(aud="another-api"),
    "aud_with_more_than_ours": with_claims(aud=["monocoque-api", "another-api"]),
    "aud_empty": with_claims(aud=""),
    "aud_a_part_of_ours": with_claims(aud="monocoque"),
    "purpose_refresh": with_claims(purpose="refresh"),
    "purpose_in_capitals": with_claims(purpose="ACCESS"),
    "purpose_true": with_claims(purpose=True),
    # Who it is.
    "sub_empty": with_claims(sub=""),
    "sub_a_number": with_claims(sub=1),
    "sub_not_a_uuid": with_claims(sub="admin"),
    "sub_in_capitals": with_claims(sub=str(USER).upper()),
    "sub_without_hyphens": with_claims(sub=USER.hex),
    "sub_in_braces": with_claims(sub=f"{{{USER}}}"),
    "sub_as_urn": with_claims(sub=USER.urn),
    "sub_with_a_space": with_claims(sub=f"{USER} "),
    "sub_very_long": with_claims(sub="0" * 1000),
    "sid_not_a_uuid": with_claims(sid="1"),
    "sid_in_capitals": with_claims(sid=str(SESSION).upper()),
    "sid_with_full_width_digits": with_claims(sid=str(SESSION).replace("0", "\uff10")),
    "role_empty": with_claims(role=""),
    "role_in_capitals": with_claims(role="ADMIN"),
    "role_with_a_newline": with_claims(role="user\n"),
    "role_with_nul": with_claims(role="user\x00"),
    "role_with_a_lone_surrogate": with_text("role", '"us\\ud800r"'),
    "role_too_long": with_claims(role="u" * 33),
    "role_an_object": with_claims(role={"admin": True}),
    "jti_empty": with_claims(jti=""),
    "jti_too_long": with_claims(jti="x" * 65),
    "jti_a_number": with_claims(jti=12345678),
    # When.
    "exp_past_the_leeway": with_claims(iat=NOW - 930, exp=NOW - 30),
    "exp_before_iat": with_claims(exp=NOW - 1),
    "exp_equal_to_iat": with_claims(exp=NOW),
    "exp_a_year_away": with_claims(exp=NOW + 31_536_000),
    "exp_as_text": with_claims(exp=str(NOW + 900)),
    "exp_as_a_float": with_claims(exp=float(NOW + 900)),
    "exp_true": with_claims(exp=True),
    "exp_negative": with_claims(exp=-1),
    "exp_nan": with_text("exp", "NaN"),
    "exp_infinity": with_text("exp", "Infinity"),
    "exp_1e400": with_text("exp", "1e400"),
    "exp_in_exponent_notation": with_text("exp", "1.8e9"),
    "exp_past_int64": with_claims(exp=2**63),
    "exp_of_two_thousand_digits": with_text("exp", "9" * 2000),
    "exp_and_iat_both_past_year_9999": with_claims(iat=253_402_300_800, exp=253_402_300_900),
    "iat_in_the_future": with_claims(iat=NOW + 31, exp=NOW + 900),
    "iat_as_text": with_claims(iat=str(NOW)),
    "iat_true": with_claims(iat=True),
    "iat_false_for_a_long_life": with_claims(iat=False),
    "iat_minus_infinity": with_text("iat", "-Infinity"),
    "nbf_in_the_future": with_claims(nbf=NOW + 31),
    "iat_in_the_future_but_not_nbf": with_claims(iat=NOW + 31, nbf=NOW, exp=NOW + 900),
    "nbf_null": with_claims(nbf=None),
    "nbf_as_text": with_claims(nbf="0"),
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED.keys())
def test_a_forged_or_odd_token_is_refused(token: Any) -> None:
    with pytest.raises(TokenInvalid):
        TOKENS.verify(token)


def test_the_forged_tokens_are_many_and_all_distinct() -> None:
    assert len(set(FORGED.values())) == len(FORGED) >= 120


def test_the_hand_made_token_passes_before_anything_is_changed_in_it() -> None:
    """The control of the suite above: its tokens are refused for what was changed, not for how they are made."""
    assert TOKENS.verify(with_claims()) == AccessClaims(USER, SESSION, "user", NOW, NOW + 900)
    assert TOKENS.verify(sign_segments(HEAD, UNEVEN_BODY)) == TOKENS.verify(VALID)


def test_an_issued_token_is_a_plain_jwt_with_exactly_the_documented_claims() -> None:
    claims = jwt.decode(VALID, SECRET, algorithms=["HS256"], audience="monocoque-api", options={"verify_exp": False})
    assert jwt.get_unverified_header(VALID) == HEADER
    assert claims | {"jti": ""} == CLAIMS | {"jti": ""}


def test_two_tokens_of_the_same_second_differ() -> None:
    assert TOKENS.issue(user_id=USER, session_id=SESSION, role="user") != VALID


def test_a_claim_of_a_later_version_does_not_sign_anybody_out() -> None:
    assert TOKENS.verify(with_claims(locale="de")).user_id == USER


@pytest.mark.parametrize("seconds", [-30, 0, 899, 929])
def test_a_token_is_accepted_within_its_life_and_the_leeway(seconds: int) -> None:
    assert tokens(now=NOW + seconds).verify(VALID).expires_at == NOW + 900


@pytest.mark.parametrize("seconds", [930, 931, 10_000_000])
def test_an_expired_token_is_told_apart(seconds: int) -> None:
    with pytest.raises(TokenExpired):
        tokens(now=NOW + seconds).verify(VALID)


def test_an_expired_token_that_is_wrong_as_well_is_only_invalid() -> None:
    with pytest.raises(TokenInvalid) as refused:
        tokens(now=NOW + 10_000, audience="another-api").verify(VALID)
    assert not isinstance(refused.value, TokenExpired)


def test_a_token_from_the_future_is_refused_until_the_leeway_reaches_it() -> None:
    with pytest.raises(TokenInvalid):
        tokens(now=NOW - 31).verify(VALID)


@pytest.mark.parametrize(
    ("now", "iat", "exp"),
    [(1, True, 900), (1, 0, True), (1, -1, 800), (1, 0.0, 900), (2**60, 2**60, 2**60 + 900)],
    ids=str,
)
def test_odd_times_are_refused_whatever_the_clock_says(now: int, iat: object, exp: object) -> None:
    assert tokens(now=1).verify(with_claims(iat=1, exp=800)).issued_at == 1
    with pytest.raises(TokenInvalid):
        tokens(now=now).verify(with_claims(iat=iat, exp=exp))


def test_a_not_before_time_is_kept_though_we_issue_none() -> None:
    assert TOKENS.verify(with_claims(nbf=NOW + 30)).user_id == USER


def test_a_longer_life_than_the_configured_one_is_refused_with_a_margin_of_the_leeway() -> None:
    assert TOKENS.verify(with_claims(exp=NOW + 930)).expires_at == NOW + 930
    with pytest.raises(TokenInvalid):
        TOKENS.verify(with_claims(exp=NOW + 931))


@pytest.mark.parametrize("name", ["alg_none_without_signature", "sub_not_a_uuid", "role_twice_with_the_same_value"])
def test_a_refusal_never_quotes_the_token(name: str) -> None:
    token = str(FORGED[name])
    with pytest.raises(TokenInvalid) as refused:
        TOKENS.verify(token)
    assert not any(part and part in str(refused.value) for part in token.split("."))


@given(position=st.integers(0, len(VALID) - 1), character=st.characters())
def test_any_change_of_one_character_is_refused(position: int, character: str) -> None:
    assume(character != VALID[position])
    with pytest.raises(TokenInvalid):
        TOKENS.verify(VALID[:position] + character + VALID[position + 1 :])


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*", fullmatch=True))
def test_random_text_is_refused(text: str) -> None:
    with pytest.raises(TokenInvalid):
        TOKENS.verify(text)


@given(st.binary(max_size=200))
def test_random_claims_under_a_right_signature_are_refused(payload: bytes) -> None:
    with pytest.raises(TokenInvalid):
        TOKENS.verify(with_payload(payload))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@given(name=st.sampled_from(sorted(set(CLAIMS) - {"role", "jti", "iat", "exp"})), value=JSON)
def test_any_other_value_of_an_identifying_claim_is_refused(name: str, value: object) -> None:
    assume(value != CLAIMS[name])
    with pytest.raises(TokenInvalid):
        TOKENS.verify(with_claims(**{name: value}))
