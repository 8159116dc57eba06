"""Makes channels for sessions that were started, looks after their streams, and takes them away in the end.

A row of `live_video` says what is to be done and when. A gateway claims it for a while, calls IVS outside of any
transaction, and writes the outcome in one: a session is started, and its room open, whatever IVS does. A gateway that
dies with a claim leaves it to another when its time is over; of what an attempt has made whose answer was lost, the
next one finds the channel by its name.

An interactive session has a stage as well, made and taken away with its channel. Whenever somebody publishes on it and
nothing is broadcast, its mix is started into the channel, for those who only watch; it ends by itself when nobody does.

Events of IVS only say that there is something to look at: what is written is what `GetStream` says, so it does not
matter whether they come late, twice, in another order or not at all.
"""

from __future__ import annotations

import asyncio
import random
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog

from gateway import clock
from gateway.backoff import doubled
from gateway.contract import Kernel
from gateway.errors import Unavailable
from modules.live.access.playback_tokens import PlaybackKey
from modules.live.aws.ivs import Channel, Ivs, Stream
from modules.live.aws.ivs_stages import Stage
from modules.live.aws.s3 import S3
from modules.live.messages import SessionView, Video
from modules.live.recordings.service import Recordings
from modules.live.sessions.repository import SessionRepository
from modules.live.sessions.service import Sessions
from modules.live.sessions.video_jobs import COLUMNS, VideoFacts, VideoJobs
from modules.live.settings import LiveSettings
from modules.live.states import SessionState, Step
from modules.live.tables import VideoRow
from modules.live.video.messages import StreamNotice, StreamTrouble

log = structlog.get_logger(__name__)

# Clocks of IVS and of ours differ.
SLACK: Final = timedelta(seconds=30)
# The push to a session's mentors about their stream.
NOTICE: Final = "live.stream"

CLAIM: Final = f"""
    UPDATE live_video SET claimed_until = {{}} WHERE session_id = (
        SELECT session_id FROM live_video WHERE due_at <= {{}} AND (claimed_until IS NULL OR claimed_until < {{}})
        ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
    ) RETURNING {COLUMNS}
"""  # noqa: S608
FREE: Final = "UPDATE live_video SET claimed_until = NULL, attempts = attempts + 1, due_at = {} WHERE session_id = {}"
REVISED: Final = f"SELECT {COLUMNS} FROM live_video WHERE session_id = {{}} FOR UPDATE"  # noqa: S608
UP: Final = """
    UPDATE live_video SET phase = 'up', channel_arn = {}, playback_url = {}, ingest_endpoint = {}, stream_key_arn = {},
        stage_arn = {}, stage_key_arn = {}, stage_events_url = {}, stage_whip_url = {},
        claimed_until = NULL, attempts = 0, due_at = {} WHERE session_id = {}
"""
ABANDONED: Final = """
    UPDATE live_video SET phase = 'closing', channel_arn = {}, stage_arn = {}, claimed_until = NULL, attempts = 0,
        due_at = {} WHERE session_id = {}
"""
LOOKED: Final = """
    UPDATE live_video SET stream_id = {}, lost_at = {}, warned = {}, starving = {}, rev = {}, due_at = {},
        losses = losses + {}, starvations = starvations + {}, lost_seconds = lost_seconds + {},
        claimed_until = NULL, attempts = 0 WHERE session_id = {}
"""
GONE: Final = """
    UPDATE live_video SET phase = {}, due_at = NULL, claimed_until = NULL, attempts = 0 WHERE session_id = {}
"""
# A channel that was kept changes hands: the row it was in lets it go first.
TAKE_OVER: Final = """
    UPDATE live_video SET phase = 'gone', channel_arn = NULL WHERE session_id = (
        SELECT session_id FROM live_video WHERE mentor_id = {} AND phase = 'kept' LIMIT 1 FOR UPDATE SKIP LOCKED
    ) RETURNING (SELECT kept.channel_arn FROM live_video AS kept WHERE kept.session_id = live_video.session_id) AS arn
"""
TAKEN: Final = "UPDATE live_video SET channel_arn = {} WHERE session_id = {}"
LOOK: Final = """
    UPDATE live_video SET due_at = {} WHERE (channel_arn = {} OR stage_arn = {}) AND phase IN ('up', 'developing')
"""
STAYING: Final = "SELECT id FROM live_participant WHERE session_id = {} AND leaving_at IS NULL"
EMPTIED: Final = "DELETE FROM live_participant WHERE session_id = {}"
DEVELOP: Final = """
    UPDATE live_video SET phase = 'developing', due_at = {}, claimed_until = NULL, attempts = 0 WHERE session_id = {}
"""
DEVELOPING: Final = "UPDATE live_video SET due_at = {}, claimed_until = NULL, attempts = 0 WHERE session_id = {}"


class ChannelProvisioner:
    """The worker of one gateway. Any number of them may run."""

    def __init__(
        self,
        kernel: Kernel,
        settings: LiveSettings,
        sessions: Sessions,
        video_jobs: VideoJobs,
        ivs: Ivs,
        playback: PlaybackKey,
        s3: S3,
        recordings: Recordings,
    ) -> None:
        self._kernel = kernel
        self._settings = settings
        self._sessions = sessions
        self._ivs = ivs
        self._playback = playback
        self._wake = video_jobs.woken
        self._s3 = s3
        self._recordings = recordings

    async def run(self) -> None:
        """Do what is due, until cancelled."""
        while True:
            self._wake.clear()
            try:
                while await self._next():
                    pass
            except Unavailable as error:
                log.info("video.provisioner_waits", reason=error.message)
            except Exception:
                log.exception("video.provisioner_failed")
            try:
                async with asyncio.timeout(self._settings.video_interval):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def look(self, arn: str) -> None:
        """Somebody has heard that something happened to this channel or stage; in a transaction or not."""
        await VideoRow.raw(LOOK, clock.now(), arn, arn)

    async def _next(self) -> bool:
        """Do one thing that is due; False when there is none."""
        now = clock.now()
        with self._kernel.database.guard():
            rows = await VideoRow.raw(CLAIM, now + timedelta(seconds=self._settings.video_claim), now, now)
        if not rows:
            return False
        video = msgspec.convert(rows[0], VideoFacts)
        try:
            async with asyncio.timeout(self._settings.video_claim * 0.8):
                match video.phase:
                    case "making":
                        await self._make(video)
                    case "up":
                        await self._look_at(video)
                    case "closing":
                        await self._take_away(video)
                    case "developing":
                        await self._develop(video)
        except (Unavailable, TimeoutError) as error:
            wait = doubled(video.attempts + 1, self._settings.video_backoff, self._settings.video_backoff_most)
            log.warning("video.waits", session=video.session_id, phase=video.phase, reason=str(error))
            with self._kernel.database.guard():
                # Jitter: what fails together does not come back together.
                due_at = clock.now() + timedelta(seconds=wait * random.uniform(0.5, 1.0))  # noqa: S311
                await VideoRow.raw(FREE, due_at, video.session_id)
        return True

    async def _make(self, video: VideoFacts) -> None:
        await self._ivs.import_key(self._playback.name, self._playback.public_key)
        recording = await self._recording_arn() if video.recording else ""
        channel = await self._reused(video, recording)
        name = f"ksmp-{video.session_id}"
        if channel is None:
            channel = await self._ivs.find_channel(name)
        if channel is None:
            tags = {"ksmp:session": video.session_id, "ksmp:mentor": video.mentor_id}
            channel = await self._ivs.create_channel(name, tags, recording)
        stage = key_arn = None
        if video.interactive:
            key_arn = await self._ivs.stages.import_key(self._playback.name, self._playback.public_key)
            stage = await self._stage(video)
        async with self._kernel.database.transaction():
            session = await self._locked(video.session_id)
            now = clock.now()
            if session.state is not SessionState.LIVE:
                await VideoRow.raw(ABANDONED, channel.arn, stage.arn if stage else None, now, session.id)
                return
            due_at = now + timedelta(seconds=self._settings.video_reconcile)
            await VideoRow.raw(
                UP,
                channel.arn,
                channel.playback_url,
                channel.ingest_endpoint,
                channel.stream_key_arn,
                stage.arn if stage else None,
                key_arn,
                stage.events_url if stage else None,
                stage.whip_url if stage else None,
                due_at,
                session.id,
            )
            await self._sessions.write(session, {"video": Video.READY})

    async def _reused(self, video: VideoFacts, recording: str) -> Channel | None:
        """The mentor's channel of before, if there is one that no session has."""
        arn = video.channel_arn
        if arn is None and self._settings.channels == "mentor":
            async with self._kernel.database.transaction():
                for row in await VideoRow.raw(TAKE_OVER, video.mentor_id):
                    arn = row["arn"]
                    await VideoRow.raw(TAKEN, arn, video.session_id)
        if arn is None:
            return None
        channel = await self._ivs.read_channel(arn)
        if channel is not None:
            await self._ivs.record(arn, recording)
        return channel

    async def _stage(self, video: VideoFacts) -> Stage:
        name = f"ksmp-{video.session_id}"
        found = await self._ivs.stages.find(name)
        if found is not None:
            return found
        return await self._ivs.stages.create(name, {"ksmp:session": video.session_id, "ksmp:mentor": video.mentor_id})

    async def _recording_arn(self) -> str:
        if not self._settings.recording_bucket:
            return ""
        return await self._ivs.recording_configuration(
            self._settings.recording_bucket,
            int(self._settings.recording_thumbnails),
            int(self._settings.recording_window),
        )

    async def _look_at(self, video: VideoFacts) -> None:
        """Write what the channel broadcasts now, and tell who needs to know."""
        if video.channel_arn is None:
            raise Unavailable("the channel has no name yet")
        stream = await self._ivs.read_stream(video.channel_arn)
        async with self._kernel.database.transaction():
            session = await self._locked(video.session_id)
            found = await VideoRow.raw(REVISED, video.session_id)
            video = msgspec.convert(found[0], VideoFacts)
            if session.state is not SessionState.LIVE or video.phase != "up":
                return
            await (self._seen(session, video, stream) if stream is not None else self._missed(session, video))
        if video.stage_arn is not None:
            await self._look_at_stage(video.session_id, video.stage_arn, video.channel_arn, mixed=stream is not None)

    async def _look_at_stage(self, session_id: str, stage_arn: str, channel_arn: str | None, *, mixed: bool) -> None:
        """Send away who is on the stage and may not be, and show the crowd what is on it, when there is something."""
        there = await self._ivs.stages.participants(stage_arn)
        with self._kernel.database.guard():
            # Read after them: every token is a row before anybody can come by it.
            staying = {row["id"] for row in await VideoRow.raw(STAYING, session_id)}
        strangers = [one for one in there if one.user_id and one.id not in staying]
        for one in strangers:
            log.warning("stage.stranger", session=session_id, participant=one.id)
            await self._ivs.stages.disconnect(stage_arn, one.id, "removed")
        if channel_arn is not None and not mixed and any(one.published for one in there if one not in strangers):
            await self._ivs.stages.compose(stage_arn, channel_arn)

    async def _seen(self, session: SessionView, video: VideoFacts, stream: Stream) -> None:
        await self._note(video, stream.id, None, warned=False, starving=stream.starving)
        if session.video is not Video.STREAMING:
            await self._sessions.write(session, {"video": Video.STREAMING})
        if stream.starving != video.starving:
            trouble = StreamTrouble.STARVING if stream.starving else StreamTrouble.RECOVERED
            await self._notify(session, trouble, video.rev + 1)

    async def _missed(self, session: SessionView, video: VideoFacts) -> None:
        if session.video is Video.READY:
            await self._note(video, None, None, warned=False, starving=False)
            return
        now = clock.now()
        lost_at = video.lost_at or now
        gone = (now - lost_at).total_seconds()
        if gone >= self._settings.lost_end:
            await self._sessions.take(session, Step.END)
            return
        warned = video.warned or gone >= self._settings.lost_warning
        await self._note(video, video.stream_id, lost_at, warned=warned, starving=False)
        if session.video is not Video.LOST:
            await self._sessions.write(session, {"video": Video.LOST})
        if warned and not video.warned:
            await self._notify(session, StreamTrouble.GONE, video.rev + 1)

    async def _note(
        self, video: VideoFacts, stream_id: str | None, lost_at: datetime | None, *, warned: bool, starving: bool
    ) -> None:
        now = clock.now()
        wait = self._settings.video_reconcile
        if lost_at is not None:
            deadline = self._settings.lost_end if warned else min(self._settings.lost_warning, self._settings.lost_end)
            wait = min(wait, max(0.0, (lost_at - now).total_seconds() + deadline))
        due_at = now + timedelta(seconds=wait)
        await VideoRow.raw(
            LOOKED,
            stream_id,
            lost_at,
            warned,
            starving,
            video.rev + 1,
            due_at,
            int(lost_at is not None and video.lost_at is None),
            int(starving and not video.starving),
            (now - video.lost_at).total_seconds() if video.lost_at is not None and lost_at is None else 0.0,
            video.session_id,
        )

    async def _notify(self, session: SessionView, trouble: StreamTrouble, rev: int) -> None:
        notice = StreamNotice(session.id, trouble, clock.now(), rev)
        await self._kernel.rooms.publish_row(f"staff:{session.id}", NOTICE, notice)

    async def _take_away(self, video: VideoFacts) -> None:
        name = f"ksmp-{video.session_id}"
        kept = video.channel_arn if self._settings.channels == "mentor" else None
        # By their name too: the session may have been over before they were written down.
        for arn in {*await self._ivs.channels_named(name), *filter(None, [video.channel_arn])}:
            # An encoder comes back by itself for as long as its key is good.
            await self._ivs.delete_stream_keys(arn)
            await self._ivs.stop_stream(arn)
            if arn != kept:
                await self._ivs.delete_channel(arn)
        if video.interactive:
            for arn in {*await self._ivs.stages.named(name), *filter(None, [video.stage_arn])}:
                await self._ivs.stages.delete(arn)
        with self._kernel.database.guard():
            # Tokens of a stage that is gone let nobody in.
            await VideoRow.raw(EMPTIED, video.session_id)
            if video.recording and video.stream_id is not None and self._settings.recording_bucket:
                await VideoRow.raw(DEVELOP, clock.now(), video.session_id)
            else:
                await self._leave(video)

    async def _develop(self, video: VideoFacts) -> None:
        """Find what was recorded. IVS ends a recording some time after its stream, and may not tell."""
        bucket, now = self._settings.recording_bucket, clock.now()
        found = await self._s3.recordings(bucket, video.channel_arn or "")
        async with self._kernel.database.transaction():
            session = await self._locked(video.session_id)
            # A channel that is kept has recordings of other sessions too.
            began, over = session.started_at or now, session.ended_at or now
            own = [one for one in found if began - SLACK <= one.started_at <= over + SLACK]
            for one in own:
                if one.duration_ms is not None:
                    await self._recordings.add(session, bucket, one)
            waits = not own or any(one.duration_ms is None for one in own)
            if waits and now < over + timedelta(seconds=self._settings.recording_wait):
                due_at = now + timedelta(seconds=self._settings.video_reconcile)
                await VideoRow.raw(DEVELOPING, due_at, video.session_id)
            else:
                await self._leave(video)

    async def _leave(self, video: VideoFacts) -> None:
        """There is nothing more to do."""
        kept = self._settings.channels == "mentor" and video.channel_arn is not None
        await VideoRow.raw(GONE, "kept" if kept else "gone", video.session_id)

    async def _locked(self, session_id: str) -> SessionView:
        session = await SessionRepository(self._kernel.database).lock(session_id)
        assert session is not None
        return session
