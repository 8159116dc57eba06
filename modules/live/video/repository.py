"""The rows of sessions' videos: every statement, and what it gives."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database
from modules.live.aws.ivs import Channel
from modules.live.aws.ivs_stages import Stage
from modules.live.video.states import WATCHED, VideoPhase, VideoStep, next_phase, phases_before


class VideoFacts(msgspec.Struct, frozen=True):
    """A row of `live_video`."""

    session_id: str
    phase: VideoPhase
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


class StreamState(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at a stream writes. `losses`, `starvations` and `lost_seconds` are added to the row's.

    `claimed` keeps the claim: the look goes on.
    """

    stream_id: str | None
    lost_at: datetime | None
    warned: bool
    starving: bool
    rev: int
    due_at: datetime
    losses: int
    starvations: int
    lost_seconds: float
    claimed: bool


COLUMNS: Final = ", ".join(VideoFacts.__struct_fields__)
ONE: Final = f"SELECT {COLUMNS} FROM live_video WHERE session_id = $1"  # noqa: S608
INSERT: Final = """
    INSERT INTO live_video (session_id, phase, mentor_id, recording, interactive, due_at)
    VALUES ($1, $2, $3, $4, $5, now())
"""
# A gateway that is making the channel right now keeps its claim: what it makes must not be missed.
END: Final = """
    UPDATE live_video SET phase = $2, due_at = now(), attempts = 0,
        claimed_until = CASE WHEN phase = 'making' THEN claimed_until END
    WHERE session_id = $1 AND phase = ANY($3)
"""
CLAIM: Final = f"""
    UPDATE live_video SET claimed_until = $1 WHERE session_id = (
        SELECT session_id FROM live_video WHERE due_at <= $2 AND (claimed_until IS NULL OR claimed_until < $2)
        ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
    ) RETURNING {COLUMNS}
"""  # noqa: S608
TRY_AGAIN: Final = """
    UPDATE live_video SET claimed_until = NULL, attempts = attempts + 1, due_at = $2 WHERE session_id = $1
"""
BRING_UP: Final = """
    UPDATE live_video SET phase = $2, channel_arn = $3, playback_url = $4, ingest_endpoint = $5, stream_key_arn = $6,
        stage_arn = $7, stage_key_arn = $8, stage_events_url = $9, stage_whip_url = $10,
        claimed_until = NULL, attempts = 0, due_at = $11 WHERE session_id = $1
"""
ABANDON: Final = """
    UPDATE live_video SET phase = $2, channel_arn = $3, stage_arn = $4, claimed_until = NULL, attempts = 0,
        due_at = $5 WHERE session_id = $1
"""
# The row that kept the channel lets it go before another row may name it.
TAKE_OVER: Final = """
    UPDATE live_video SET phase = $2, channel_arn = NULL WHERE session_id = (
        SELECT session_id FROM live_video WHERE mentor_id = $1 AND phase = 'kept' LIMIT 1 FOR UPDATE SKIP LOCKED
    ) RETURNING (SELECT kept.channel_arn FROM live_video AS kept WHERE kept.session_id = live_video.session_id) AS arn
"""
NAME_CHANNEL: Final = "UPDATE live_video SET channel_arn = $2 WHERE session_id = $1"
NAME_STREAM_KEY: Final = "UPDATE live_video SET stream_key_arn = $2 WHERE session_id = $1"
WRITE_STREAM: Final = """
    UPDATE live_video SET stream_id = $2, lost_at = $3, warned = $4, starving = $5, rev = $6, due_at = $7,
        losses = losses + $8, starvations = starvations + $9, lost_seconds = lost_seconds + $10,
        claimed_until = CASE WHEN $11::boolean THEN claimed_until END, attempts = 0 WHERE session_id = $1
"""
# A session that has ended meanwhile gave the claim back; what there is now is that of another gateway.
RELEASE: Final = "UPDATE live_video SET claimed_until = NULL WHERE session_id = $1 AND phase = $2"
AWAIT_RECORDING: Final = """
    UPDATE live_video SET phase = $2, due_at = $3, claimed_until = NULL, attempts = 0 WHERE session_id = $1
"""
POSTPONE: Final = "UPDATE live_video SET due_at = $2, claimed_until = NULL, attempts = 0 WHERE session_id = $1"
FINISH: Final = """
    UPDATE live_video SET phase = $2, due_at = NULL, claimed_until = NULL, attempts = 0 WHERE session_id = $1
"""
MAKE_DUE: Final = "UPDATE live_video SET due_at = $2 WHERE (channel_arn = $1 OR stage_arn = $1) AND phase = ANY($3)"

REMEMBER_EVENT: Final = "INSERT INTO live_video_event (id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING id"
FORGET_EVENTS: Final = "DELETE FROM live_video_event WHERE at < now() - interval '14 days'"


class VideoRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, session_id: str) -> VideoFacts | None:
        """The video of a session; None for one that was never started with video."""
        for row in await self._database.fetch(ONE, session_id):
            return msgspec.convert(row, VideoFacts)
        return None

    async def find_up(self, session_id: str) -> VideoFacts | None:
        """The video of a session that has a channel now; else None."""
        video = await self.find(session_id)
        return video if video is not None and video.phase is VideoPhase.UP else None

    async def insert(self, session_id: str, mentor_id: str, *, recording: bool, interactive: bool) -> None:
        await self._database.fetch(INSERT, session_id, VideoPhase.MAKING, mentor_id, recording, interactive)

    async def end(self, session_id: str) -> None:
        """The session has ended. One without video changes nothing."""
        before = phases_before(VideoStep.SESSION_ENDED)
        await self._database.fetch(END, session_id, VideoPhase.CLOSING, before)

    async def claim(self, until: datetime, now: datetime) -> VideoFacts | None:
        """A video that is due and that no other gateway has claimed, claimed until then; None when there is none."""
        for row in await self._database.fetch(CLAIM, until, now):
            return msgspec.convert(row, VideoFacts)
        return None

    async def try_again(self, session_id: str, due_at: datetime) -> None:
        """Give a claim back after a failed attempt."""
        await self._database.fetch(TRY_AGAIN, session_id, due_at)

    async def lock(self, session_id: str) -> VideoFacts | None:
        """The same. Nobody else changes it until the transaction ends; lock the session first."""
        for row in await self._database.fetch(f"{ONE} FOR UPDATE", session_id):
            return msgspec.convert(row, VideoFacts)
        return None

    async def bring_up(
        self, session_id: str, channel: Channel, stage: Stage | None, stage_key_arn: str | None, due_at: datetime
    ) -> None:
        """The channel, and the stage of an interactive session, are made."""
        await self._database.fetch(
            BRING_UP,
            session_id,
            next_phase(VideoPhase.MAKING, VideoStep.MADE),
            channel.arn,
            channel.playback_url,
            channel.ingest_endpoint,
            channel.stream_key_arn,
            stage.arn if stage else None,
            stage_key_arn,
            stage.events_url if stage else None,
            stage.whip_url if stage else None,
            due_at,
        )

    async def abandon(self, session_id: str, channel: Channel, stage: Stage | None, due_at: datetime) -> None:
        """They are made, and the session has ended meanwhile."""
        phase = next_phase(VideoPhase.CLOSING, VideoStep.MADE)
        await self._database.fetch(ABANDON, session_id, phase, channel.arn, stage.arn if stage else None, due_at)

    async def take_over(self, mentor_id: str, session_id: str) -> str | None:
        """Move a channel that the mentor keeps to this session's row, in a transaction; its ARN, or None."""
        gone = next_phase(VideoPhase.KEPT, VideoStep.TAKE_OVER)
        for row in await self._database.fetch(TAKE_OVER, mentor_id, gone):
            arn: str = row["arn"]
            await self._database.fetch(NAME_CHANNEL, session_id, arn)
            return arn
        return None

    async def name_stream_key(self, session_id: str, arn: str) -> None:
        await self._database.fetch(NAME_STREAM_KEY, session_id, arn)

    async def write_stream(self, session_id: str, state: StreamState) -> None:
        """What a look at the stream has found; gives the claim back, unless the state keeps it."""
        await self._database.fetch(WRITE_STREAM, session_id, *msgspec.structs.astuple(state))

    async def release(self, session_id: str) -> None:
        """Give the claim on a video that is up back."""
        await self._database.fetch(RELEASE, session_id, VideoPhase.UP)

    async def await_recording(self, video: VideoFacts, due_at: datetime) -> None:
        phase = next_phase(video.phase, VideoStep.AWAIT_RECORDING)
        await self._database.fetch(AWAIT_RECORDING, video.session_id, phase, due_at)

    async def postpone(self, session_id: str, due_at: datetime) -> None:
        """Give a claim back; the phase stays."""
        await self._database.fetch(POSTPONE, session_id, due_at)

    async def finish(self, video: VideoFacts, *, keep: bool) -> None:
        """Nothing is left to do. `keep` says that the mentor's next session may have the channel."""
        phase = next_phase(video.phase, VideoStep.KEEP if keep else VideoStep.RELEASE)
        await self._database.fetch(FINISH, video.session_id, phase)

    async def make_due(self, arn: str, due_at: datetime) -> None:
        """Something happened to this channel or stage: have its video looked at."""
        await self._database.fetch(MAKE_DUE, arn, due_at, WATCHED)

    async def remember_event(self, id: str) -> bool:
        """Whether the event is new; from then on it is not, for two weeks."""
        return bool(await self._database.fetch(REMEMBER_EVENT, id))

    async def forget_events(self) -> None:
        """Delete events of more than two weeks ago. SQS keeps no message for longer."""
        await self._database.fetch(FORGET_EVENTS)
