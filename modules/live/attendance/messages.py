"""What is pushed about attendance."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.contract import PushType


class LiveCount(msgspec.Struct, frozen=True):
    """How many users are in the session's room, on all nodes."""

    session_id: str
    viewers: int
    hosts: int


# The snapshot of a staff room has it under the same name.
ATTENDANCE: Final = PushType("live.attendance", LiveCount)
