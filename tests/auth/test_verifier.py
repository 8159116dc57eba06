"""TokenVerifier: which tokens are let in, as whom, and every way we know to get past it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.auth import verifier as verifier_module
from gateway.auth.keys import KeySet
from gateway.auth.verifier import TokenVerifier
from gateway.errors import Code, KsmpError, Refused, Unavailable
from gateway.principal import Principal, Role
from gateway.settings import Settings

from .conftest import Clock
from .jwks_server import JwksServer, jwk

ISSUER = "https://cognito-idp.ap-south-1.amazonaws.com/ap-south-1_pool"
LEEWAY = 30
NOW = 1_800_000_000

# Valid JSON that is nested more deeply than a recursive parser can follow.
DEEP = b'{"a": ' + b"[" * 2000 + b"]" * 2000 + b"}"


@pytest.fixture
async def verifier(server: JwksServer, clock: Clock) -> AsyncIterator[TokenVerifier]:
    keys = KeySet(server.url, timeout=0.5, now=clock)
    clients = ("web", "app")
    verifier = TokenVerifier(keys, issuer=ISSUER, client_ids=clients, leeway=LEEWAY, token_bytes=8192, now=clock)
    yield verifier
    await verifier.close()


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of an id token with some changed; None takes one away."""
    values = {"iss": ISSUER, "sub": "u1", "token_use": "id", "aud": "web", "name": "Asha"}
    values |= {"iat": NOW, "exp": NOW + 3600} | changes
    return {name: value for name, value in values.items() if value is not None}


def access(**changes: Any) -> dict[str, Any]:
    return claims(**({"token_use": "access", "aud": None, "client_id": "web", "name": None} | changes))


def sign(payload: dict[str, Any], key: Any, *, algorithm: str = "RS256", **header: Any) -> str:
    return jwt.encode(payload, key, algorithm=algorithm, headers={"kid": "first"} | header)


def segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


async def refusal(verifier: TokenVerifier, token: str) -> str:
    """The code a token is refused with, having checked that the message holds no part of it."""
    with pytest.raises(Refused) as caught:
        await verifier.verify(token)
    assert caught.value.message.endswith(".")
    assert not any(part in caught.value.message for part in token.split(".") if len(part) > 8)
    return caught.value.code


async def test_id_token(verifier: TokenVerifier, key: RSAPrivateKey) -> None:
    expected = Principal(id="u1", name="Asha", role=Role.STUDENT, expires_at=(NOW + 3600) * 1000)
    assert await verifier.verify(sign(claims(), key)) == expected
    assert await verifier.verify(sign(claims(aud="app"), key)) == expected


async def test_access_token(verifier: TokenVerifier, key: RSAPrivateKey) -> None:
    principal = await verifier.verify(sign(access(username="asha"), key))
    assert (principal.id, principal.name, principal.role) == ("u1", "asha", Role.STUDENT)
    resource_bound = access(aud=["https://api.test"])
    assert (await verifier.verify(sign(resource_bound, key))).name == "u1"


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (None, Role.STUDENT),
        ([], Role.STUDENT),
        (["guests", "Admins", "admin"], Role.STUDENT),
        (["students"], Role.STUDENT),
        (["students", "mentors"], Role.MENTOR),
        (["admins", "mentors", "students"], Role.ADMIN),
        (["guests", "students", "admins"], Role.ADMIN),
    ],
)
async def test_role_is_the_highest_group(
    verifier: TokenVerifier, key: RSAPrivateKey, groups: list[str] | None, role: Role
) -> None:
    for payload in (claims(), access()):
        extra = {} if groups is None else {"cognito:groups": groups}
        assert (await verifier.verify(sign(payload | extra, key))).role is role


@pytest.mark.parametrize(
    ("names", "name"),
    [
        ({"name": "  Asha Rao "}, "Asha Rao"),
        ({"name": "a\x00b\x1b[31m\nc\u2028\x7f\x9f"}, "ab[31mc"),
        ({"name": "evil\u202etxt\u2066"}, "eviltxt"),
        ({"name": "क्\u200dष 👩\u200d🏫"}, "क्\u200dष 👩\u200d🏫"),
        ({"name": "x" * 500}, "x" * 100),
        ({"name": "x" * 99 + " y"}, "x" * 99),
        ({"name": "\n ", "preferred_username": "ash"}, "ash"),
        ({"preferred_username": "ash", "cognito:username": "c", "username": "u"}, "ash"),
        ({"cognito:username": "c", "username": "u"}, "c"),
        ({"username": "u"}, "u"),
        ({}, "u1"),
    ],
)
async def test_name(verifier: TokenVerifier, key: RSAPrivateKey, names: dict[str, str], name: str) -> None:
    assert (await verifier.verify(sign(claims(name=None) | names, key))).name == name


@pytest.mark.parametrize(
    "payload",
    [
        claims(iss="https://cognito-idp.ap-south-1.amazonaws.com/ap-south-1_other"),
        claims(iss=ISSUER + "/"),
        claims(iss=[ISSUER]),
        claims(iss=None),
        claims(aud="other"),
        claims(aud=None),
        claims(aud=""),
        claims(aud=None, client_id="web"),
        claims(aud=["web", "other"]),
        access(client_id="other"),
        access(client_id=None),
        access(client_id=None, aud="web"),
        claims(token_use="refresh"),
        claims(token_use=None),
        claims(token_use="ID"),
        claims(token_use=["id"]),
        claims(sub=None),
        claims(sub=""),
        claims(sub="a" * 65),
        claims(sub="a.b"),
        claims(sub="a\n"),
        claims(sub="a>"),
        claims(sub="é"),
        claims(sub=7),
        claims(exp=None),
        claims(exp="1900000000"),
        claims(exp=True),
        claims(exp=10**30),
        claims(exp=1e300),
        claims(exp=-1),
        claims(iat=None),
        claims(iat=NOW + LEEWAY + 1),
        claims(nbf=NOW + LEEWAY + 1),
        claims(nbf="0"),
        claims(name=7),
        claims(**{"cognito:groups": "admins"}),
        claims(**{"cognito:groups": [1]}),
    ],
)
async def test_wrong_claims(verifier: TokenVerifier, key: RSAPrivateKey, payload: dict[str, Any]) -> None:
    assert await refusal(verifier, sign_raw(json.dumps(payload).encode(), key)) == Code.UNAUTHENTICATED


def sign_raw(payload: bytes, key: RSAPrivateKey, **header: Any) -> str:
    """A well signed token around any bytes; PyJWT checks some claims, so it cannot make a wrong one."""
    return jwt.PyJWS().encode(payload, key, algorithm="RS256", headers={"kid": "first"} | header)


@pytest.mark.parametrize("payload", [b"", b"[]", b"null", b"{", b"\xff", DEEP, b'{"exp": 1e999}'])
async def test_signed_nonsense(verifier: TokenVerifier, key: RSAPrivateKey, payload: bytes) -> None:
    assert await refusal(verifier, sign_raw(payload, key)) == Code.UNAUTHENTICATED


async def test_times_have_leeway(verifier: TokenVerifier, key: RSAPrivateKey, clock: Clock) -> None:
    late = claims(exp=NOW - LEEWAY + 1)
    assert (await verifier.verify(sign(late, key))).expires_at == (NOW - LEEWAY + 1) * 1000
    await verifier.verify(sign(claims(iat=NOW + LEEWAY, nbf=NOW + LEEWAY), key))
    clock.time = NOW + 3600 + LEEWAY - 0.001
    token = sign(claims(), key)
    await verifier.verify(token)
    clock.time = NOW + 3600 + LEEWAY
    assert await refusal(verifier, token) == Code.TOKEN_EXPIRED
    clock.time = NOW
    fractions = await verifier.verify(sign(claims(exp=NOW + 1.5, iat=NOW - 0.5), key))
    assert fractions.expires_at == NOW * 1000 + 1500


async def test_expired_is_said_only_of_an_otherwise_valid_token(
    verifier: TokenVerifier, key: RSAPrivateKey, other_key: RSAPrivateKey
) -> None:
    old = {"exp": NOW - 3600, "iat": NOW - 7200}
    assert await refusal(verifier, sign(claims(**old), key)) == Code.TOKEN_EXPIRED
    assert await refusal(verifier, sign(access(**old), key)) == Code.TOKEN_EXPIRED
    assert await refusal(verifier, sign(claims(**old), other_key)) == Code.UNAUTHENTICATED
    for wrong in ({"iss": "x"}, {"aud": "x"}, {"sub": "a b"}, {"token_use": "x"}, {"nbf": NOW + 3600}):
        assert await refusal(verifier, sign(claims(**old | wrong), key)) == Code.UNAUTHENTICATED


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


def raw_token(payload: dict[str, Any], key: RSAPrivateKey, header: dict[str, Any]) -> str:
    """A well signed token with any header, which PyJWT would refuse to make."""
    parts = [json.dumps({"alg": "RS256", "kid": "first"} | header), json.dumps(payload)]
    signed = ".".join(segment(part.encode()) for part in parts)
    algorithm = jwt.get_algorithm_by_name("RS256")
    return f"{signed}.{segment(algorithm.sign(signed.encode(), key))}"


@pytest.mark.parametrize("kid", [None, "", 7, ["first"], {"first": 1}])
async def test_kid_is_required(verifier: TokenVerifier, server: JwksServer, key: RSAPrivateKey, kid: Any) -> None:
    assert await refusal(verifier, raw_token(claims(), key, {"kid": kid})) == Code.UNAUTHENTICATED
    assert server.requests == 0


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


async def test_unknown_kids_make_one_request_a_minute(
    verifier: TokenVerifier, server: JwksServer, other_key: RSAPrivateKey, clock: Clock
) -> None:
    for number in range(300):
        clock.time += 0.5
        token = sign(claims(), other_key, kid=f"guess-{number}")
        assert await refusal(verifier, token) == Code.UNAUTHENTICATED
    assert server.requests == 3


async def test_rotation_and_withdrawal(
    verifier: TokenVerifier, server: JwksServer, key: RSAPrivateKey, other_key: RSAPrivateKey, clock: Clock
) -> None:
    old = sign(claims(), key)
    new = sign(claims(), other_key, kid="second")
    await verifier.verify(old)
    server.publish_pairs([("second", other_key)])
    clock.time += 60
    await verifier.verify(new)
    # The withdrawn key's token had been remembered; it must not outlive its key.
    assert await refusal(verifier, old) == Code.UNAUTHENTICATED
    server.publish_pairs([("second", key)])
    clock.time += 60
    assert await refusal(verifier, sign(claims(), key, kid="third")) == Code.UNAUTHENTICATED
    assert await refusal(verifier, new) == Code.UNAUTHENTICATED


async def test_issuer_away_at_first_and_later(
    verifier: TokenVerifier, server: JwksServer, key: RSAPrivateKey, clock: Clock
) -> None:
    await server.stop()
    token = sign(claims(), key)
    with pytest.raises(Unavailable) as away:
        await verifier.verify(token)
    assert away.value.code == Code.UNAVAILABLE
    await server.start()
    clock.time += 1
    await verifier.verify(token)
    await server.stop()
    clock.time += 3000
    await verifier.verify(token)
    await verifier.verify(sign(claims(sub="u2"), key))


async def test_remembered_token_honours_its_expiry(verifier: TokenVerifier, key: RSAPrivateKey, clock: Clock) -> None:
    token = sign(claims(exp=NOW + 100), key)
    first = await verifier.verify(token)
    assert await verifier.verify(token) is first
    clock.time = NOW + 99.999
    assert await verifier.verify(token) is first
    # From `exp` on the token lives by the leeway alone, and is looked at afresh each time.
    clock.time = NOW + 100
    assert await verifier.verify(token) is not first
    clock.time = NOW + 100 + LEEWAY
    assert await refusal(verifier, token) == Code.TOKEN_EXPIRED
    assert await refusal(verifier, token) == Code.TOKEN_EXPIRED


async def test_memory_is_bounded(verifier: TokenVerifier, key: RSAPrivateKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier_module, "CACHE_ENTRIES", 3)
    tokens = [sign(claims(sub=f"u{number}"), key) for number in range(5)]
    answers = [await verifier.verify(token) for token in tokens]
    again = [await verifier.verify(token) for token in reversed(tokens)]
    kept = [one is two for one, two in zip(answers, reversed(again), strict=True)]
    assert kept == [False, False, True, True, True]


async def test_of_settings(server: JwksServer, key: RSAPrivateKey) -> None:
    chosen = Settings(
        database_url="", nats_url=("",), issuer=ISSUER, jwks_url=server.url, client_ids=("web",), token_bytes=2000
    )
    verifier = TokenVerifier.of(chosen)
    token = sign(claims(iat=1_600_000_000, exp=4_000_000_000), key)
    assert (await verifier.verify(token)).expires_at == 4_000_000_000_000
    assert await refusal(verifier, sign(claims(aud="app"), key)) == Code.UNAUTHENTICATED
    assert await refusal(verifier, sign(claims(pad="x" * 2000), key)) == Code.UNAUTHENTICATED
    await verifier.close()


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
