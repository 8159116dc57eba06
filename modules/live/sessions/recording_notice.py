"""What is told and done before a class is recorded; in the transaction that starts it, so ahead of its channel."""

from __future__ import annotations

from typing import Final

import msgspec

from gateway.contract import Kernel
from modules.live.messages import SessionView
from modules.live.tables import Promotion

PUSH: Final = "live.recording_notice"
# Who became a speaker or a co-host before recording was turned on, and has not agreed to it.
SILENCE: Final = """
    DELETE FROM live_promotion WHERE session_id = {} AND NOT EXISTS (
        SELECT FROM live_consent WHERE session_id = live_promotion.session_id
        AND user_id = live_promotion.user_id AND agreed
    ) RETURNING user_id
"""


class RecordingAhead(msgspec.Struct, frozen=True):
    """The push `live.recording_notice`: the class is recorded from now on. Answer with `live.consent`."""

    session_id: str
    rev: int


async def give(kernel: Kernel, session: SessionView) -> list[str]:
    """Tell the room; gives those who are no more than viewers now and have to come back as such."""
    await kernel.rooms.publish_row(f"session:{session.id}", PUSH, RecordingAhead(session.id, session.rev))
    return [row["user_id"] for row in await Promotion.raw(SILENCE, session.id)]
