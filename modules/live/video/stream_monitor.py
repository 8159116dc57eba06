"""Watches the stream of a session whose channel is up, and who is on its stage.

Events of IVS only say that there is something to look at. What is written is what `GetStream` says. So events may come
late, twice, in another order, or not at all.

Those who only watch see the stage's mix on the channel. It is started whenever somebody publishes on the stage and the
channel broadcasts nothing. It ends by itself when nobody publishes any more.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import Unavailable
from modules.live.access.participant_repository import ParticipantRepository
from modules.live.aws.ivs import Ivs, Stream
from modules.live.messages import SessionView, Video
from modules.live.rooms import staff_room
from modules.live.sessions.service import Sessions
from modules.live.settings import LiveSettings
from modules.live.states import SessionState, Step
from modules.live.video.messages import STREAM, StreamNotice, StreamTrouble
from modules.live.video.repository import StreamState, VideoFacts, VideoRepository
from modules.live.video.states import VideoPhase

log = structlog.get_logger(__name__)


class StreamMonitor:
    """Every look may come again, on another gateway too."""

    def __init__(
        self,
        kernel: Kernel,
        settings: LiveSettings,
        sessions: Sessions,
        videos: VideoRepository,
        participants: ParticipantRepository,
        ivs: Ivs,
    ) -> None:
        self._kernel = kernel
        self._settings = settings
        self._sessions = sessions
        self._videos = videos
        self._participants = participants
        self._ivs = ivs

    async def look_at(self, video: VideoFacts) -> None:
        """Write what the channel broadcasts now, and tell who needs to know. Raises Unavailable."""
        if video.channel_arn is None:
            raise Unavailable("the channel has no name yet")
        stream = await self._ivs.read_stream(video.channel_arn)
        async with self._kernel.database.transaction():
            session = await self._sessions.lock_unchecked(video.session_id)
            locked = await self._videos.lock(video.session_id)
            if session.state is not SessionState.LIVE or locked is None or locked.phase is not VideoPhase.UP:
                return
            video = locked
            await (self._seen(session, video, stream) if stream is not None else self._missed(session, video))
        if video.stage_arn is not None:
            await self._look_at_stage(video, video.stage_arn, mixed=stream is not None)
            await self._videos.release(video.session_id)

    async def _look_at_stage(self, video: VideoFacts, stage_arn: str, *, mixed: bool) -> None:
        """Disconnect who may not be on the stage, and start its mix when somebody publishes and there is none."""
        there = await self._ivs.stages.participants(stage_arn)
        # Read after them: every token is a row before anybody can come by it.
        staying = await self._participants.staying(video.session_id)
        strangers = [one for one in there if one.user_id and one.id not in staying]
        for one in strangers:
            log.warning("stage.stranger", session=video.session_id, participant=one.id)
            await self._ivs.stages.disconnect(stage_arn, one.id, "removed")
        published = any(one.published for one in there if one not in strangers)
        if video.channel_arn is not None and not mixed and published:
            await self._ivs.stages.compose(stage_arn, video.channel_arn)

    async def _seen(self, session: SessionView, video: VideoFacts, stream: Stream) -> None:
        await self._write(video, stream.id, None, warned=False, starving=stream.starving)
        if session.video is not Video.STREAMING:
            await self._sessions.update(session, {"video": Video.STREAMING})
        if stream.starving != video.starving:
            trouble = StreamTrouble.STARVING if stream.starving else StreamTrouble.RECOVERED
            await self._notify(session, trouble, video.rev + 1)

    async def _missed(self, session: SessionView, video: VideoFacts) -> None:
        if session.video is Video.READY:
            await self._write(video, None, None, warned=False, starving=False)
            return
        now = clock.now()
        lost_at = video.lost_at or now
        gone = (now - lost_at).total_seconds()
        if gone >= self._settings.lost_end:
            await self._sessions.take_step(session, Step.END)
            return
        warned = video.warned or gone >= self._settings.lost_warning
        await self._write(video, video.stream_id, lost_at, warned=warned, starving=False)
        if session.video is not Video.LOST:
            await self._sessions.update(session, {"video": Video.LOST})
        if warned and not video.warned:
            await self._notify(session, StreamTrouble.GONE, video.rev + 1)

    async def _write(
        self, video: VideoFacts, stream_id: str | None, lost_at: datetime | None, *, warned: bool, starving: bool
    ) -> None:
        now = clock.now()
        wait = self._settings.video_reconcile
        if lost_at is not None:
            deadline = self._settings.lost_end if warned else min(self._settings.lost_warning, self._settings.lost_end)
            wait = min(wait, max(0.0, (lost_at - now).total_seconds() + deadline))
        found_again = video.lost_at is not None and lost_at is None
        state = StreamState(
            stream_id=stream_id,
            lost_at=lost_at,
            warned=warned,
            starving=starving,
            rev=video.rev + 1,
            due_at=now + timedelta(seconds=wait),
            losses=int(lost_at is not None and video.lost_at is None),
            starvations=int(starving and not video.starving),
            lost_seconds=(now - video.lost_at).total_seconds() if video.lost_at is not None and found_again else 0.0,
            # Until the stage is seen to as well: two looks at once would both find no mix, and start one each.
            claimed=video.stage_arn is not None,
        )
        await self._videos.write_stream(video.session_id, state)

    async def _notify(self, session: SessionView, trouble: StreamTrouble, rev: int) -> None:
        notice = StreamNotice(session.id, trouble, clock.now(), rev)
        await self._kernel.rooms.publish_row(staff_room(session.id), STREAM, notice)
