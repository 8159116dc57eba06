"""Private playback: key pairs, restriction policies, revoked viewers, and the playlist itself.

`GET` of a channel's playback URL answers as the real one would: 404 while nothing is live, 403 when the channel is
private and the token is not good, else a playlist.
"""

from __future__ import annotations

import hashlib
import time
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePublicKey

from devcloud.cloud import Cloud, Handlers
from devcloud.document import Document
from devcloud.errors import Refused
from devcloud.paging import page
from devcloud.wire import Request, Response

PREFIX = "/api/video/v1/"
RENDITION = "/720p30.m3u8"

handlers = Handlers("ivs")


@handlers("ImportPlaybackKeyPair")
def import_key_pair(cloud: Cloud, ask: Document) -> Document:
    cloud.quotas.allow("playback-key", len(cloud.store.all("playback-key")))
    print_ = fingerprint(public_key(ask["publicKeyMaterial"]))
    if cloud.store.all("playback-key", lambda other: other["fingerprint"] == print_):
        raise Refused("ConflictException", "The key was imported already.")
    pair = {
        "arn": cloud.place.arn("playback-key"),
        "name": ask.get("name", ""),
        "tags": ask.get("tags", {}),
        "fingerprint": print_,
        "material": ask["publicKeyMaterial"],
    }
    return {"keyPair": cloud.store.add(pair)}


@handlers("GetPlaybackKeyPair")
def get_key_pair(cloud: Cloud, ask: Document) -> Document:
    return {"keyPair": cloud.store.get(ask["arn"])}


@handlers("ListPlaybackKeyPairs")
def list_key_pairs(cloud: Cloud, ask: Document) -> Document:
    return page(ask, "keyPairs", cloud.store.all("playback-key"))


@handlers("DeletePlaybackKeyPair")
def delete_key_pair(cloud: Cloud, ask: Document) -> Document:
    cloud.store.remove(ask["arn"])
    return {}


@handlers("CreatePlaybackRestrictionPolicy")
def create_policy(cloud: Cloud, ask: Document) -> Document:
    kind = "playback-restriction-policy"
    cloud.quotas.allow(kind, len(cloud.store.all(kind)))
    policy: Document = {
        "allowedCountries": [],
        "allowedOrigins": [],
        "enableStrictOriginEnforcement": False,
        "name": "",
        "tags": {},
        **ask,
        "arn": cloud.place.arn(kind),
    }
    return {"playbackRestrictionPolicy": cloud.store.add(policy)}


@handlers("GetPlaybackRestrictionPolicy")
def get_policy(cloud: Cloud, ask: Document) -> Document:
    return {"playbackRestrictionPolicy": cloud.store.get(ask["arn"])}


@handlers("ListPlaybackRestrictionPolicies")
def list_policies(cloud: Cloud, ask: Document) -> Document:
    return page(ask, "playbackRestrictionPolicies", cloud.store.all("playback-restriction-policy"))


@handlers("UpdatePlaybackRestrictionPolicy")
def update_policy(cloud: Cloud, ask: Document) -> Document:
    policy = cloud.store.get(ask["arn"])
    policy.update({name: value for name, value in ask.items() if name in policy and value is not None})
    return {"playbackRestrictionPolicy": policy}


@handlers("DeletePlaybackRestrictionPolicy")
def delete_policy(cloud: Cloud, ask: Document) -> None:
    cloud.store.get(ask["arn"])
    if cloud.store.all("channel", lambda channel: channel["playbackRestrictionPolicyArn"] == ask["arn"]):
        raise Refused("ConflictException", "The policy is in use by a channel.")
    cloud.store.remove(ask["arn"])


@handlers("StartViewerSessionRevocation")
def revoke(cloud: Cloud, ask: Document) -> Document:
    cloud.store.get(ask["channelArn"])
    _revoke(cloud, ask)
    return {}


@handlers("BatchStartViewerSessionRevocation")
def revoke_many(cloud: Cloud, ask: Document) -> Document:
    errors = []
    for session in ask["viewerSessions"]:
        try:
            cloud.store.get(session["channelArn"])
            _revoke(cloud, session)
        except Refused as refused:
            named = {"channelArn": session["channelArn"], "viewerId": session["viewerId"]}
            errors.append(named | {"code": refused.code, "message": refused.message})
    return {"errors": errors}


def _revoke(cloud: Cloud, session: Document) -> None:
    revoked = cloud.store.kept.revoked.setdefault(session["channelArn"], {})
    version = session.get("viewerSessionVersionsLessThanOrEqualTo", 0)
    revoked[session["viewerId"]] = max(version, revoked.get(session["viewerId"], 0))


class Denied(Exception):
    """The viewer is not let in; the message says why."""


def watch(cloud: Cloud, request: Request) -> Response:
    """The playlist of a channel, for who may see it; that of its one rendition has no segment yet, and never will."""
    name = request.path.removeprefix(PREFIX)
    if name.endswith(RENDITION):
        return _playlist("#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:2", "#EXT-X-MEDIA-SEQUENCE:0")
    channels = cloud.store.all("channel", lambda channel: channel["playbackUrl"].endswith(PREFIX + name))
    if not channels:
        return _answer(404, "There is no such channel.")
    channel = channels[0]
    try:
        if channel["authorized"]:
            check(cloud, channel["arn"], request.parameters.get("token", [""])[0], request.header("origin"))
        _check_policy(cloud, channel, request.header("origin"))
    except Denied as denied:
        return _answer(403, str(denied))
    session = cloud.store.running(channel["arn"])
    if session is None:
        return _answer(404, "Nothing is live on the channel.")
    stream = f'#EXT-X-SESSION-DATA:DATA-ID="STREAM-ID",VALUE="{session["streamId"]}"'
    rendition = f"{cloud.url}{PREFIX}{name.removesuffix('.m3u8')}{RENDITION}"
    return _playlist("#EXTM3U", stream, "#EXT-X-STREAM-INF:BANDWIDTH=2500000,RESOLUTION=1280x720", rendition)


def check(cloud: Cloud, channel_arn: str, token: str, origin: str) -> Document:
    """The claims of a playback token that lets its bearer see a channel now. Raises Denied."""
    claims = _verified(cloud, token)
    if claims.get("aws:channel-arn") != channel_arn:
        raise Denied("The token is for another channel.")
    if not isinstance(claims.get("exp"), int):
        raise Denied("The token has no exp.")
    origins = claims.get("aws:access-control-allow-origin", "*").split(",")
    if claims.get("aws:strict-origin-enforcement") and not {origin, "*"} & {item.strip() for item in origins}:
        raise Denied("The token is for another origin.")
    viewer = claims.get("aws:viewer-id")
    until = cloud.store.kept.revoked.get(channel_arn, {}).get(viewer) if viewer else None
    if until is not None and claims.get("aws:viewer-session-version", 0) <= until:
        raise Denied("The viewer's session is revoked.")
    _use(cloud, claims)
    return claims


def _verified(cloud: Cloud, token: str) -> Document:
    error: Exception = Denied("No key pair was imported.")
    for pair in cloud.store.all("playback-key"):
        try:
            key: Any = public_key(pair["material"])
            return jwt.decode(token, key, algorithms=["ES384"], options={"verify_aud": False})
        except jwt.PyJWTError as wrong:
            error = wrong
    raise Denied(f"The token is not good: {error}")


def _use(cloud: Cloud, claims: Document) -> None:
    """Remember a token that is good for one time. Raises Denied the second time."""
    once = claims.get("aws:single-use-uuid")
    if once is None:
        return
    used = cloud.store.kept.used
    if once in used:
        raise Denied("The token was used before.")
    used[once] = claims["exp"]
    for name in [name for name, until in used.items() if until < time.time()]:
        del used[name]


def _check_policy(cloud: Cloud, channel: Document, origin: str) -> None:
    policy = cloud.store.kept.resources.get(channel["playbackRestrictionPolicyArn"])
    allowed = policy["allowedOrigins"] if policy is not None else []
    if allowed and "*" not in allowed and origin not in allowed:
        raise Denied("The origin is not allowed.")


def fingerprint(key: EllipticCurvePublicKey) -> str:
    """The key's digest, as AWS shows it."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    digest = hashlib.md5(der, usedforsecurity=False).hexdigest()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def public_key(material: str) -> EllipticCurvePublicKey:
    """A P-384 key in PEM. Raises Refused."""
    try:
        key = serialization.load_pem_public_key(material.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise Refused("ValidationException", "The public key is no PEM-encoded public key.") from None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP384R1):
        raise Refused("ValidationException", "The public key is not of the curve P-384.")
    return key


def _playlist(*lines: str) -> Response:
    headers = (("content-type", "application/x-mpegURL"), ("access-control-allow-origin", "*"))
    return Response(headers=headers, body="\n".join([*lines, ""]).encode())


def _answer(status: int, message: str) -> Response:
    headers = (("content-type", "text/plain"), ("access-control-allow-origin", "*"))
    return Response(status=status, headers=headers, body=message.encode())
