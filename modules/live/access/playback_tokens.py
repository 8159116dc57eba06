"""The key that signs tokens, and tokens for the playback of private channels (ES384). No call to IVS is needed."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import jwt
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway import clock
from gateway.settings import Settings, SettingsError
from modules.live.settings import LiveSettings

ALGORITHM: Final = "ES384"
# The longest viewer id that IVS takes.
VIEWER_ID: Final = 40


class Playback(msgspec.Struct, frozen=True):
    """Where to watch: append `?token=` to the URL. A new token comes by `live.playback` before this one expires."""

    url: str
    token: str
    expires_at: datetime

    @classmethod
    def example(cls) -> Playback:
        at = datetime(2026, 2, 2, 12, 40, tzinfo=UTC)
        return cls("https://example.us-east-1.playback.live-video.net/api/video/v1/channel.m3u8", "eyJ…", at)


class PlaybackKey:
    """Signs the tokens of channels and of stages. The private key is never shown."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, *, life: float, origins: tuple[str, ...]) -> None:
        self._key = key
        self._life = life
        self._origins = ",".join(origins) or "*"
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.public_key = public.decode()
        self.name = f"ksmp-{hashlib.sha256(public).hexdigest()[:16]}"

    def secret(self, purpose: str) -> bytes:
        """A secret derived from the private key, a different one for each purpose."""
        own = self._key.private_numbers().private_value.to_bytes(48)
        return hmac.digest(own, purpose.encode(), "sha256")

    def grant(self, user_id: str, channel_arn: str, playback_url: str) -> Playback:
        """A token of this user for this channel."""
        now = clock.now_seconds()
        expires = int(now + self._life)
        claims = {
            "aws:channel-arn": channel_arn,
            "aws:access-control-allow-origin": self._origins,
            "aws:viewer-id": viewer_id(user_id),
            # IVS can revoke all tokens up to a version.
            "aws:viewer-session-version": int(now * 1000),
            "exp": expires,
        }
        return Playback(playback_url, self.sign(claims), datetime.fromtimestamp(expires, UTC))

    def sign(self, claims: Mapping[str, Any], key_arn: str | None = None) -> str:
        """A token of these claims. It names the key by `key_arn` where IVS does not find the key by itself."""
        headers = None if key_arn is None else {"kid": key_arn}
        return jwt.encode(dict(claims), self._key, algorithm=ALGORITHM, headers=headers)


def viewer_id(user_id: str) -> str:
    """The user's id as IVS knows it: a hash when the id is too long for IVS."""
    return user_id if len(user_id) <= VIEWER_ID else hashlib.sha256(user_id.encode()).hexdigest()[:VIEWER_ID]


def private_key(pem: str) -> ec.EllipticCurvePrivateKey:
    """A P-384 key from PEM, whose line breaks may be written as `\\n`. Raises SettingsError, which hides the key."""
    try:
        key = serialization.load_pem_private_key(pem.replace("\\n", "\n").encode(), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP384R1):
        raise SettingsError("KSMP_LIVE_PLAYBACK_KEY has a bad value (hidden): it must be a P-384 private key in PEM.")
    return key


def development_key() -> ec.EllipticCurvePrivateKey:
    """The key of `ksmp dev` and of the tests. It is no secret, and the same on every gateway."""
    return ec.derive_private_key(int.from_bytes(hashlib.sha256(b"ksmp dev").digest()), ec.SECP384R1())


def playback_key(settings: LiveSettings, core: Settings) -> PlaybackKey | None:
    """The key that signs playback tokens; None where sessions have no video. Raises SettingsError."""
    if settings.video == "off" or (settings.video == "auto" and not core.aws_endpoint):
        return None
    if settings.playback_key:
        key = private_key(settings.playback_key)
    elif core.environment == "production":
        raise SettingsError("KSMP_LIVE_PLAYBACK_KEY is not set: KSMP_LIVE_VIDEO=ivs signs playback tokens with it.")
    else:
        key = development_key()
    return PlaybackKey(key, life=settings.playback_life, origins=settings.playback_origins)
