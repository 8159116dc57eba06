"""The identifiers that AWS makes up: ARNs, ids of streams and participants, stream keys."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass

_LETTERS = string.ascii_letters + string.digits


def token(length: int) -> str:
    """Letters and digits that nobody guesses."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


@dataclass(frozen=True)
class Place:
    """The account and the region that everything is in."""

    region: str
    account: str

    def arn(self, kind: str, service: str = "ivs") -> str:
        """A new ARN of a kind, such as `channel`."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{kind}/{token(12)}"

    def stream_key(self) -> str:
        """A stream key: the secret with which an encoder streams."""
        return f"sk_{self.region}_{token(12)}_{token(30)}"


def kind(arn: str) -> str:
    """The kind of what an ARN names."""
    return arn.rpartition(":")[2].partition("/")[0]


def resource(arn: str) -> str:
    """The last part of an ARN."""
    return arn.rpartition("/")[2]


def stream_id() -> str:
    return f"st-{token(23)}"


def stage_session_id() -> str:
    return f"st-{token(13)}"
