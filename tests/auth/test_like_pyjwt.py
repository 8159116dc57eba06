"""`gateway.auth.jws` reads tokens as PyJWT does; where the two differ, ours refuses more, and the test says why."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.auth.jws import Jws
from gateway.errors import Refused

from .tokens import claims, raw_token, segment, sign, sign_raw

EXAMPLES = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
# Each brings its own key or asks for an extension.
FORBIDDEN = ("jku", "jwk", "x5u", "x5c", "crit", "b64")
scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
headers = st.dictionaries(st.sampled_from(["typ", "cty", "kid", "alg", "other", *FORBIDDEN]), scalars, max_size=3)


def ours(token: str, key: RSAPrivateKey) -> bytes | None:
    """The payload of a token that is let in."""
    try:
        jws = Jws.read(token)
        jws.verify(key.public_key())
    except Refused:
        return None
    return jws.payload


def theirs(token: str, key: RSAPrivateKey) -> bytes | None:
    try:
        found = jwt.PyJWS().decode_complete(token, key.public_key(), algorithms=["RS256"])
    except jwt.InvalidTokenError:
        return None
    payload: bytes = found["payload"]
    return payload


def stricter(token: str) -> bool:
    """Whether ours refuses a token that PyJWT lets in."""
    for part in token.split("."):
        # A token without a payload says nothing. RFC 7515, section 2: base64url without padding, and so that there is
        # one way alone to write each signature.
        if not part or segment(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) != part:
            return True
    header: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.partition(".")[0] + "=="))
    return not header.get("kid") or not isinstance(header["kid"], str) or any(name in header for name in FORBIDDEN)


def check(token: str, key: RSAPrivateKey) -> bytes | None:
    """What both say of a token."""
    here, there = ours(token, key), theirs(token, key)
    if here is None and there is not None:
        assert stricter(token), token
    else:
        assert here == there, token
    return here


@EXAMPLES
@given(payload=st.binary(max_size=200), header=headers)
def test_signed_tokens(key: RSAPrivateKey, payload: bytes, header: dict[str, Any]) -> None:
    if "alg" in header or not isinstance(header.get("kid", ""), str) or "b64" in header or "crit" in header:
        # PyJWT makes no such token.
        check(raw_token({"a": 1}, key, header), key)
        return
    check(sign_raw(payload, key, **header), key)


def test_good_tokens(key: RSAPrivateKey) -> None:
    assert check(sign(claims(), key), key) == json.dumps(claims(), separators=(",", ":")).encode()
    assert check(sign_raw(b"", key), key) is None, "a token without a payload says nothing"
    assert check(sign_raw(b"\x00\xff", key, typ="JWT", other=1), key) == b"\x00\xff"


@EXAMPLES
@given(place=st.integers(min_value=0), character=st.characters(codec="utf-8"))
def test_tokens_with_a_changed_character(key: RSAPrivateKey, place: int, character: str) -> None:
    good = sign(claims(), key)
    place %= len(good)
    changed = good[:place] + character + good[place + 1 :]
    assert (check(changed, key) is not None) == (changed == good)


@EXAMPLES
@given(parts=st.lists(st.binary(max_size=40).map(segment) | st.text(max_size=10), max_size=5))
def test_malformed_tokens(key: RSAPrivateKey, parts: list[str]) -> None:
    assert check(".".join(parts), key) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda good: good + "=",
        lambda good: good + ".",
        lambda good: "." + good,
        lambda good: good.rpartition(".")[0] + ".",
        lambda good: good.replace(".", "..", 1),
        lambda good: f" {good}",
        lambda good: f"{good}\n",
        lambda good: good + "A",
        lambda good: good[:-1],
        lambda good: ".".join(reversed(good.split("."))),
        lambda good: good.partition(".")[2],
    ],
)
def test_tampered_tokens(key: RSAPrivateKey, change: Any) -> None:
    assert check(change(sign(claims(), key)), key) is None


@pytest.mark.parametrize("algorithm", ["HS256", "none", "RS384", "PS256", "rs256", "", None])
def test_other_algorithms(key: RSAPrivateKey, algorithm: str | None) -> None:
    assert check(raw_token(claims(), key, {"alg": algorithm}), key) is None


def test_another_key(key: RSAPrivateKey) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert check(sign(claims(), other), key) is None
