"""TokenVerifier: which claims are let in, as whom, and what is remembered."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from gateway.auth.jws import Jws
from gateway.auth.keys import KeySet
from gateway.auth.verifier import TokenVerifier
from gateway.errors import Code, Refused, Unavailable
from gateway.principal import Principal, Role
from gateway.settings import Settings
from ksmp_testkit import eventually

from .clock import Clock
from .jwks_server import JwksServer
from .tokens import CLIENTS, DEEP, ISSUER, LEEWAY, LIFE, NOW, access, claims, refusal, sign, sign_raw


async def test_id_token(verifier: TokenVerifier, key: RSAPrivateKey) -> None:
    expected = Principal(id="u1", name="Asha", role=Role.STUDENT, expires_at=(NOW + 3600) * 1000)
    found = await verifier.verify(sign(claims(), key))
    # It names itself, so that it can be revoked alone, and says since when it is.
    assert found.token
    assert found.issued_at == NOW * 1000
    assert msgspec.structs.replace(found, token="", issued_at=0) == expected
    other = await verifier.verify(sign(claims(aud="app"), key))
    assert other.token != found.token
    assert (other.id, other.expires_at) == (expected.id, expected.expires_at)


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
        ({"cognito:username": "asha@example.org", "username": "u"}, "u"),
        ({"cognito:username": "+919876543210", "username": "u"}, "u"),
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
        # One that lives longer than tokens may would outlive its revocation; also one that was issued long ago.
        claims(exp=NOW + LIFE + LEEWAY + 1),
        claims(iat=NOW - LIFE, exp=NOW + LEEWAY + 1),
        claims(iat=0),
        claims(iat=NOW - LIFE - LEEWAY, exp=NOW + 0.5),
        claims(nbf=NOW + LEEWAY + 1),
        claims(nbf="0"),
        claims(name=7),
        claims(**{"cognito:groups": "admins"}),
        claims(**{"cognito:groups": [1]}),
    ],
)
async def test_wrong_claims(verifier: TokenVerifier, key: RSAPrivateKey, payload: dict[str, Any]) -> None:
    assert await refusal(verifier, sign_raw(json.dumps(payload).encode(), key)) == Code.UNAUTHENTICATED


@pytest.mark.parametrize("payload", [b"", b"[]", b"null", b"{", b"\xff", DEEP, b'{"exp": 1e999}'])
async def test_signed_nonsense(verifier: TokenVerifier, key: RSAPrivateKey, payload: bytes) -> None:
    assert await refusal(verifier, sign_raw(payload, key)) == Code.UNAUTHENTICATED


async def test_times_have_leeway(verifier: TokenVerifier, key: RSAPrivateKey, clock: Clock) -> None:
    late = claims(exp=NOW - LEEWAY + 1)
    assert (await verifier.verify(sign(late, key))).expires_at == (NOW - LEEWAY + 1) * 1000
    await verifier.verify(sign(claims(iat=NOW + LEEWAY, nbf=NOW + LEEWAY), key))
    await verifier.verify(sign(claims(exp=NOW + LIFE + LEEWAY), key))
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


async def test_a_forged_token_is_verified_once(
    verifier: TokenVerifier, key: RSAPrivateKey, other_key: RSAPrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify, verified = Jws.verify, []

    def counted(jws: Jws, key: RSAPublicKey) -> None:
        verified.append(jws)
        verify(jws, key)

    monkeypatch.setattr(Jws, "verify", counted)
    forged, good = sign(claims(), other_key), sign(claims(), key)
    principal = await verifier.verify(good)
    for _ in range(100):
        assert await refusal(verifier, forged) == Code.UNAUTHENTICATED
    assert len(verified) == 2
    # However many are made up, none pushes out a good one.
    assert await verifier.verify(good) is principal


async def test_a_token_is_judged_anew_by_a_new_key(
    verifier: TokenVerifier, server: JwksServer, key: RSAPrivateKey, other_key: RSAPrivateKey, clock: Clock
) -> None:
    token = sign(claims(exp=NOW + 20_000), other_key)
    assert await refusal(verifier, token) == Code.UNAUTHENTICATED
    server.publish_pairs([("first", other_key)])
    clock.time += 3601

    async def accepted() -> bool:
        # The keys are read again behind the answer.
        try:
            return (await verifier.verify(token)).id == "u1"
        except Refused:
            return False

    await eventually(accepted)


async def test_memory_is_bounded(server: JwksServer, key: RSAPrivateKey, clock: Clock) -> None:
    keys = KeySet(server.url, now=clock)
    verifier = TokenVerifier(
        keys,
        issuer=ISSUER,
        client_ids=CLIENTS,
        life=LIFE,
        leeway=LEEWAY,
        token_bytes=8192,
        now=clock,
        remembered=3,
    )
    tokens = [sign(claims(sub=f"u{number}"), key) for number in range(5)]
    answers = [await verifier.verify(token) for token in tokens]
    again = [await verifier.verify(token) for token in reversed(tokens)]
    kept = [one is two for one, two in zip(answers, reversed(again), strict=True)]
    assert kept == [False, False, True, True, True]
    await verifier.close()


async def test_of_settings(server: JwksServer, key: RSAPrivateKey) -> None:
    chosen = Settings(
        environment="test",
        database_url="",
        nats_url=("",),
        issuer=ISSUER,
        jwks_url=server.url,
        client_ids=("web",),
        token_bytes=2000,
        token_life=3e9,
    )
    verifier = TokenVerifier.of(chosen)
    token = sign(claims(iat=1_600_000_000, exp=4_000_000_000), key)
    assert (await verifier.verify(token)).expires_at == 4_000_000_000_000
    assert await refusal(verifier, sign(claims(aud="app"), key)) == Code.UNAUTHENTICATED
    eternal = sign(claims(iat=1_000_000_000, exp=4_000_000_000 + LEEWAY + 1), key)
    assert await refusal(verifier, eternal) == Code.UNAUTHENTICATED
    assert await refusal(verifier, sign(claims(pad="x" * 2000), key)) == Code.UNAUTHENTICATED
    await verifier.close()
