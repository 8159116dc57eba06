"""Whatever text arrives is refused with an error that has a code, and nothing else happens."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.auth.verifier import TokenVerifier
from gateway.errors import KsmpError, Refused

from .tokens import LEEWAY, NOW, claims, segment, sign, sign_raw

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
documents = scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.text(max_size=3), scalars, max_size=3)
headers = st.fixed_dictionaries(
    {"alg": st.sampled_from(["RS256", "none", "HS256"]) | scalars, "kid": st.just("first") | scalars},
    optional=dict.fromkeys(("typ", "jku", "jwk", "x5u", "x5c", "crit", "b64", "zip"), documents),
)
binary_segment = st.binary(max_size=60).map(segment)
json_segment = (headers | documents).map(lambda value: segment(json.dumps(value).encode()))
segments = st.lists(binary_segment | json_segment | st.text(max_size=10), max_size=4).map(".".join)

# The fixtures serve every example: neither the verifier nor the server is changed by a refused token.
every_example = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@every_example
@given(text=st.text() | segments)
@example(text="eyJhbGciOiJub25lIn0.e30.")
async def test_any_text_is_refused(verifier: TokenVerifier, text: str) -> None:
    with pytest.raises(KsmpError):
        await verifier.verify(text)


@every_example
@given(place=st.integers(min_value=0), character=st.characters())
async def test_any_changed_character_is_refused(
    verifier: TokenVerifier, key: RSAPrivateKey, place: int, character: str
) -> None:
    good = sign(claims(), key)
    place %= len(good)
    changed = good[:place] + character + good[place + 1 :]
    if changed == good:
        await verifier.verify(changed)
    else:
        with pytest.raises(Refused):
            await verifier.verify(changed)


@every_example
@given(payload=st.dictionaries(st.sampled_from(sorted(claims())), documents) | documents)
async def test_any_signed_payload_gives_a_principal_or_a_refusal(
    verifier: TokenVerifier, key: RSAPrivateKey, payload: Any
) -> None:
    changed = claims() | payload if isinstance(payload, dict) else payload
    try:
        principal = await verifier.verify(sign_raw(json.dumps(changed).encode(), key))
    except Refused:
        return
    assert principal.id == changed["sub"]
    assert 1 <= len(principal.name) <= 100
    assert principal.expires_at > (NOW - LEEWAY) * 1000
