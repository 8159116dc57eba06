"""What the room is told before a class is recorded: in the transaction that starts it, so before its channel exists."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.contract import PushType


class RecordingAhead(msgspec.Struct, frozen=True):
    """The push `live.recording_notice`: the class is recorded from now on. Answer with `live.consent`."""

    session_id: str
    rev: int


RECORDING_NOTICE: Final = PushType("live.recording_notice", RecordingAhead)
