"""Playback tokens of recordings: each is good for one user and one recording, and stands in the URL that players open.

Those of live channels are another kind, which IVS verifies: see `access/playback_tokens.py`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import jwt
import msgspec

from gateway import clock

ALGORITHM: Final = "HS256"
AUDIENCE: Final = "ksmp:recording"
PURPOSE: Final = "recording playback"


class RecordingGrant(msgspec.Struct, frozen=True):
    """What a token says: whose it is, for which recording, and until when, in seconds since the Unix epoch."""

    user_id: str
    recording: str
    expires: int

    @property
    def expires_at(self) -> datetime:
        return datetime.fromtimestamp(self.expires, UTC)

    @property
    def left(self) -> int:
        """Seconds until it expires."""
        return self.expires - int(clock.now_seconds())


class RecordingTokens:
    """Issues and verifies the tokens. Every gateway has the same secret."""

    def __init__(self, secret: bytes, life: float) -> None:
        self._secret = secret
        self._life = life

    def issue(self, user_id: str, recording: str) -> tuple[RecordingGrant, str]:
        """A grant from now on, and the token that says it."""
        grant = RecordingGrant(user_id, recording, int(clock.now_seconds() + self._life))
        claims = {"aud": AUDIENCE, "sub": grant.user_id, "rec": grant.recording, "exp": grant.expires}
        return grant, jwt.encode(claims, self._secret, algorithm=ALGORITHM)

    def verify(self, token: str) -> RecordingGrant | None:
        """What the token says; None for one that has expired, or is not ours."""
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                options={"require": ["exp", "sub", "rec"]},
            )
        except jwt.InvalidTokenError:
            return None
        return RecordingGrant(claims["sub"], claims["rec"], claims["exp"])
