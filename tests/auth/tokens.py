"""Tokens for tests, good and bad, made without the code they test."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from gateway.auth.verifier import TokenVerifier
from gateway.errors import Refused

ISSUER = "https://cognito-idp.ap-south-1.amazonaws.com/ap-south-1_pool"
CLIENTS = ("web", "app")
LEEWAY = 30
LIFE = 86_400
NOW = 1_800_000_000

# Valid JSON that is nested more deeply than a recursive parser can follow.
DEEP = b'{"a": ' + b"[" * 2000 + b"]" * 2000 + b"}"


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of an id token with some changed; None takes one away."""
    values = {"iss": ISSUER, "sub": "u1", "token_use": "id", "aud": "web", "name": "Asha"}
    values |= {"iat": NOW, "exp": NOW + 3600} | changes
    return {name: value for name, value in values.items() if value is not None}


def access(**changes: Any) -> dict[str, Any]:
    return claims(**({"token_use": "access", "aud": None, "client_id": "web", "name": None} | changes))


def sign(payload: dict[str, Any], key: Any, *, algorithm: str = "RS256", **header: Any) -> str:
    return jwt.encode(payload, key, algorithm=algorithm, headers={"kid": "first"} | header)


def sign_raw(payload: bytes, key: RSAPrivateKey, **header: Any) -> str:
    """A well signed token around any bytes; PyJWT checks some claims, so it cannot make a wrong one."""
    return jwt.PyJWS().encode(payload, key, algorithm="RS256", headers={"kid": "first"} | header)


def raw_token(payload: dict[str, Any], key: RSAPrivateKey, header: dict[str, Any]) -> str:
    """A well signed token with any header, which PyJWT would refuse to make."""
    parts = [json.dumps({"alg": "RS256", "kid": "first"} | header), json.dumps(payload)]
    signed = ".".join(segment(part.encode()) for part in parts)
    algorithm = jwt.get_algorithm_by_name("RS256")
    return f"{signed}.{segment(algorithm.sign(signed.encode(), key))}"


def segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


async def refusal(verifier: TokenVerifier, token: str) -> str:
    """The code a token is refused with, having checked that the message holds no part of it."""
    with pytest.raises(Refused) as caught:
        await verifier.verify(token)
    assert caught.value.message.endswith(".")
    assert not any(part in caught.value.message for part in token.split(".") if len(part) > 8)
    return caught.value.code
