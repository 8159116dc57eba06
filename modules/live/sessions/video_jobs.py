"""What is to become of a session's video, as its own steps say; `video/provisioner.py` sees to it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Final

import msgspec

from modules.live.messages import Mode, SessionView
from modules.live.tables import VideoRow

COLUMNS: Final = """
    session_id, phase, mentor_id, recording, channel_arn, playback_url, ingest_endpoint, stream_key_arn, stream_id,
    lost_at, warned, starving, attempts, rev, interactive, stage_arn
"""
READ: Final = f"SELECT {COLUMNS} FROM live_video WHERE session_id = {{}}"  # noqa: S608
BEGIN: Final = """
    INSERT INTO live_video (session_id, phase, mentor_id, recording, interactive, due_at)
    VALUES ({}, 'making', {}, {}, {}, now())
"""
# A gateway that is making the channel right now keeps its claim: what it makes must not be missed.
END: Final = """
    UPDATE live_video SET phase = 'closing', due_at = now(), attempts = 0,
        claimed_until = CASE WHEN phase = 'making' THEN claimed_until END
    WHERE session_id = {}
"""


class VideoFacts(msgspec.Struct, frozen=True):
    """A row of `live_video`."""

    session_id: str
    phase: str
    mentor_id: str
    recording: bool
    channel_arn: str | None
    playback_url: str | None
    ingest_endpoint: str | None
    stream_key_arn: str | None
    stream_id: str | None
    lost_at: datetime | None
    warned: bool
    starving: bool
    attempts: int
    rev: int
    interactive: bool
    stage_arn: str | None


class VideoJobs:
    """Whether sessions have video here, and what they want of it. `woken` is set when there may be something to do."""

    def __init__(self, *, on: bool, recording: bool) -> None:
        self.on = on
        # Whether what is streamed can be recorded.
        self.recording = on and recording
        self.woken = asyncio.Event()

    async def begin(self, session: SessionView) -> None:
        """A session starts, in this transaction."""
        if self.on:
            interactive = session.mode is Mode.INTERACTIVE
            await VideoRow.raw(BEGIN, session.id, session.mentor_id, self.records(session), interactive)

    def records(self, session: SessionView) -> bool:
        """Whether the session is recorded when it runs: who planned it may have done so where that was possible."""
        return self.recording and session.recording

    async def end(self, session: SessionView) -> None:
        """It ends, in this transaction."""
        await VideoRow.raw(END, session.id)


async def video_of(session_id: str) -> VideoFacts | None:
    """What is known of a session's video; None for one that was never started."""
    for row in await VideoRow.raw(READ, session_id):
        return msgspec.convert(row, VideoFacts)
    return None
