"""Private channels: who has a good token sees the playlist, nobody else does."""

from __future__ import annotations

import time
import uuid
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .aws import Aws, refused


def pem(key: ec.EllipticCurvePrivateKey) -> str:
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key.public_key().public_bytes(*form).decode()


async def test_a_private_channel_is_for_who_has_a_token(aws: Aws) -> None:
    key, stranger = (ec.generate_private_key(ec.SECP384R1()) for _ in range(2))
    small = ec.generate_private_key(ec.SECP256R1())
    await refused(aws.ivs.import_playback_key_pair(publicKeyMaterial=pem(small)), "ValidationException", 400, "P-384")
    await refused(aws.ivs.import_playback_key_pair(publicKeyMaterial="key"), "ValidationException", 400)
    pair = (await aws.ivs.import_playback_key_pair(publicKeyMaterial=pem(key), name="k"))["keyPair"]
    await refused(aws.ivs.import_playback_key_pair(publicKeyMaterial=pem(key)), "ConflictException", 409)
    assert (await aws.ivs.get_playback_key_pair(arn=pair["arn"]))["keyPair"] == pair
    channel = (await aws.ivs.create_channel(authorized=True))["channel"]
    arn = channel["arn"]

    def token(signed: Any = key, **claims: Any) -> str:
        standard = {"aws:channel-arn": arn, "aws:access-control-allow-origin": "*", "exp": int(time.time()) + 60}
        return jwt.encode(standard | claims, signed, algorithm="ES384")

    async def watch(text: str, origin: str = "https://ksmp.example") -> int:
        answer = await aws.http.get(channel["playbackUrl"], params={"token": text}, headers={"origin": origin})
        assert (answer.status_code == 200) == answer.text.startswith("#EXTM3U")
        return answer.status_code

    assert await watch(token()) == 404
    await aws.stream("start", arn)
    assert await watch(token()) == 200
    for bad in (
        "",
        token(stranger),
        token(exp=int(time.time()) - 5),
        token(**{"aws:channel-arn": arn + "x"}),
        jwt.encode({"aws:channel-arn": arn}, "secret" * 6, algorithm="HS256"),
        jwt.encode({"aws:channel-arn": arn}, key, algorithm="ES384"),
    ):
        assert await watch(bad) == 403, bad
    strict = {"aws:access-control-allow-origin": "https://a,https://b", "aws:strict-origin-enforcement": True}
    assert [await watch(token(**strict), origin) for origin in ("https://b", "https://c")] == [200, 403]
    once = token(**{"aws:single-use-uuid": str(uuid.uuid4())})
    assert [await watch(once), await watch(once)] == [200, 403]

    viewer = {"aws:viewer-id": "v1", "aws:viewer-session-version": 3}
    revoke = {"channelArn": arn, "viewerId": "v1", "viewerSessionVersionsLessThanOrEqualTo": 3}
    assert await watch(token(**viewer)) == 200
    await aws.ivs.start_viewer_session_revocation(**revoke)
    assert await watch(token(**viewer)) == 403
    assert await watch(token(**viewer | {"aws:viewer-session-version": 4})) == 200
    assert await watch(token(**viewer | {"aws:viewer-id": "v2"})) == 200
    many = await aws.ivs.batch_start_viewer_session_revocation(
        viewerSessions=[
            {"channelArn": arn, "viewerId": "v2", "viewerSessionVersionsLessThanOrEqualTo": 3},
            {"channelArn": arn + "x", "viewerId": "v2"},
        ]
    )
    assert [error["channelArn"] for error in many["errors"]] == [arn + "x"]
    assert await watch(token(**viewer | {"aws:viewer-id": "v2"})) == 403

    await aws.ivs.delete_playback_key_pair(arn=pair["arn"])
    assert await watch(token()) == 403


async def test_a_policy_restricts_origins(aws: Aws) -> None:
    created = await aws.ivs.create_playback_restriction_policy(allowedOrigins=["https://a"], name="p")
    policy = created["playbackRestrictionPolicy"]
    arn = policy["arn"]
    channel = (await aws.ivs.create_channel(playbackRestrictionPolicyArn=arn))["channel"]
    await aws.stream("start", channel["arn"])

    async def watch(origin: str) -> int:
        return (await aws.http.get(channel["playbackUrl"], headers={"origin": origin})).status_code

    assert [await watch("https://a"), await watch("https://b")] == [200, 403]
    playlist = (await aws.http.get(channel["playbackUrl"], headers={"origin": "https://a"})).text
    rendition = await aws.http.get(playlist.splitlines()[-1])
    assert (rendition.status_code, rendition.text.splitlines()[0]) == (200, "#EXTM3U")
    await aws.ivs.update_playback_restriction_policy(arn=arn, allowedOrigins=["https://b"])
    assert [await watch("https://a"), await watch("https://b")] == [403, 200]
    assert (await aws.ivs.get_playback_restriction_policy(arn=arn))["playbackRestrictionPolicy"]["name"] == "p"
    await refused(aws.ivs.delete_playback_restriction_policy(arn=arn), "ConflictException", 409)
