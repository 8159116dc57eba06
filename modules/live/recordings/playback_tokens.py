"""What lets a player in which sends no token of the platform: it is in the URL, and good for one user and recording."""

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
    """Whose it is, for which recording, and until when, in seconds since the Unix epoch."""

    user_id: str
    recording: str
    expires: int

    @property
    def expires_at(self) -> datetime:
        return datetime.fromtimestamp(self.expires, UTC)

    @property
    def left(self) -> int:
        return self.expires - int(clock.now_seconds())


class RecordingTokens:
    """Signs and reads them; every gateway has the same secret."""

    def __init__(self, secret: bytes, life: float) -> None:
        self._secret = secret
        self._life = life

    def issue(self, user_id: str, recording: str) -> tuple[RecordingGrant, str]:
        """A pass from now on, and the token that it is."""
        made = RecordingGrant(user_id, recording, int(clock.now_seconds() + self._life))
        claims = {"aud": AUDIENCE, "sub": made.user_id, "rec": made.recording, "exp": made.expires}
        return made, jwt.encode(claims, self._secret, algorithm=ALGORITHM)

    def read(self, token: str) -> RecordingGrant | None:
        """None for one that has expired, or is not ours."""
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
