"""Every way we know to get past a token verifier (RFC 8725, section 2), and that none of them works."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.auth.verifier import TokenVerifier
from gateway.errors import Code, Refused

from .clock import Clock
from .jwks_server import JwksServer, jwk
from .tokens import DEEP, claims, raw_token, refusal, segment, sign


async def test_wrong_signature(verifier: TokenVerifier, key: RSAPrivateKey, other_key: RSAPrivateKey) -> None:
    assert await refusal(verifier, sign(claims(), other_key)) == Code.UNAUTHENTICATED
    header, payload, signature = sign(claims(), key).split(".")
    raised = segment(json.dumps(claims(**{"cognito:groups": ["admins"]})).encode())
    for forged in (
        f"{header}.{raised}.{signature}",
        f"{header}.{payload}.{signature[:-4]}",
        f"{header}.{payload}.{signature}AAAA",
        f"{header}.{payload}.{segment(bytes(256))}",
        f"{header}.{payload}.AA",
    ):
        assert await refusal(verifier, forged) == Code.UNAUTHENTICATED


async def test_algorithm_confusion(verifier: TokenVerifier, server: JwksServer, key: RSAPrivateKey) -> None:
    public = key.public_key()
    secrets = [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).strip(),
        public.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        jwk(key, "first")["n"].encode(),
    ]
    for secret in secrets:
        for algorithm in ("HS256", "RS256"):
            header = segment(json.dumps({"alg": algorithm, "kid": "first"}).encode())
            signed = f"{header}.{segment(json.dumps(claims()).encode())}"
            signature = hmac.digest(secret, signed.encode(), hashlib.sha256)
            assert await refusal(verifier, f"{signed}.{segment(signature)}") == Code.UNAUTHENTICATED
    assert server.requests == 1


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "nOnE", "", "rs256", "RS512", "HS256", None, 7, ["RS256"]]
)
async def test_other_algorithms(verifier: TokenVerifier, key: RSAPrivateKey, algorithm: Any) -> None:
    header = segment(json.dumps({"alg": algorithm, "kid": "first"}).encode())
    payload = segment(json.dumps(claims()).encode())
    other = sign(claims(), key).rpartition(".")[2]
    # Even a good RS256 signature does not help a header that names something else.
    good = raw_token(claims(), key, {"alg": algorithm}).rpartition(".")[2]
    for signature in ("", "AA", other, good):
        assert await refusal(verifier, f"{header}.{payload}.{signature}") == Code.UNAUTHENTICATED


async def test_real_signatures_of_other_algorithms(verifier: TokenVerifier, key: RSAPrivateKey) -> None:
    for algorithm in ("RS384", "RS512", "PS256"):
        token = sign(claims(), key, algorithm=algorithm)
        assert await refusal(verifier, token) == Code.UNAUTHENTICATED
        # The same signature under a header that claims RS256 must fail as a signature.
        signed, _, signature = token.rpartition(".")
        renamed = segment(json.dumps({"alg": "RS256", "kid": "first"}).encode())
        assert await refusal(verifier, f"{renamed}.{signed.partition('.')[2]}.{signature}") == Code.UNAUTHENTICATED
    curve = ec.generate_private_key(ec.SECP256R1())
    assert await refusal(verifier, sign(claims(), curve, algorithm="ES256")) == Code.UNAUTHENTICATED


async def test_headers_that_bring_a_key(
    verifier: TokenVerifier, server: JwksServer, other_key: RSAPrivateKey, key: RSAPrivateKey
) -> None:
    attacker = JwksServer()
    attacker.publish(jwk(other_key, "first"))
    await attacker.start()
    tricks: list[dict[str, Any]] = [
        {"jku": attacker.url},
        {"x5u": attacker.url},
        {"jwk": jwk(other_key, "first")},
        {"x5c": ["AAAA"]},
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
    ]
    for trick in tricks:
        for signer in (key, other_key):
            assert await refusal(verifier, raw_token(claims(), signer, trick)) == Code.UNAUTHENTICATED
    unencoded = raw_token(claims(), key, {"b64": False, "crit": ["b64"]})
    assert await refusal(verifier, unencoded) == Code.UNAUTHENTICATED
    assert attacker.requests == 0
    assert server.requests == 0
    await attacker.stop()
    # A parameter that means nothing to us changes nothing.
    assert await verifier.verify(raw_token(claims(), key, {"x5t": "AA", "typ": "JWT", "other": {}}))


@pytest.mark.parametrize("kid", [None, "", 7, ["first"], {"first": 1}])
async def test_kid_is_required(verifier: TokenVerifier, server: JwksServer, key: RSAPrivateKey, kid: Any) -> None:
    assert await refusal(verifier, raw_token(claims(), key, {"kid": kid})) == Code.UNAUTHENTICATED
    assert server.requests == 0


async def test_unknown_kids_make_one_request_a_minute(
    verifier: TokenVerifier, server: JwksServer, other_key: RSAPrivateKey, clock: Clock
) -> None:
    for number in range(300):
        clock.time += 0.5
        token = sign(claims(), other_key, kid=f"guess-{number}")
        assert await refusal(verifier, token) == Code.UNAUTHENTICATED
    assert server.requests == 3


async def test_shapes(verifier: TokenVerifier, server: JwksServer, key: RSAPrivateKey) -> None:
    good = sign(claims(), key)
    header, payload, signature = good.split(".")
    shapes = [
        "",
        ".",
        "..",
        "...",
        header,
        f"{header}.{payload}",
        f"{header}.{payload}.",
        f".{payload}.{signature}",
        f"{header}..{signature}",
        f"{good}.{signature}",
        f"{good}.AA.AA",
        f"{good}.",
        f".{good}",
        f"Bearer {good}",
        f" {good}",
        f"{good}\n",
        f"{good}==",
        f"{header}=.{payload}.{signature}",
        f"{header}.{payload}.{signature[:-1]}+",
        f"{header}A.{payload}.{signature}",
        good.replace(".", "。"),
        "\ud800" * 10,
        "\x00" * 10,
        f"{segment(b'[]')}.{payload}.{signature}",
        f"{segment(DEEP)}.{payload}.{signature}",
        f"{segment(bytes(range(256)))}.{payload}.{signature}",
    ]
    for token in shapes:
        assert await refusal(verifier, token) == Code.UNAUTHENTICATED
    assert server.requests == 0
    await verifier.verify(good)


async def test_one_signature_is_written_in_one_way(verifier: TokenVerifier, key: RSAPrivateKey) -> None:
    good = sign(claims(), key)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    written = [good[:-1] + last for last in alphabet]
    accepted = []
    for token in written:
        try:
            await verifier.verify(token)
        except Refused:
            continue
        accepted.append(token)
    assert accepted == [good]


async def test_huge_token(verifier: TokenVerifier, server: JwksServer, key: RSAPrivateKey) -> None:
    longest = sign(claims(pad="x" * 5300), key)
    assert 7500 < len(longest) <= 8192
    await verifier.verify(longest)
    huge = sign(claims(pad="x" * 20_000), key)
    assert await refusal(verifier, huge) == Code.UNAUTHENTICATED
    assert await refusal(verifier, "a" * 50_000_000) == Code.UNAUTHENTICATED
    assert server.requests == 1
