"""Makes the channels and stages of sessions, and takes them away.

Both are named for their session. An attempt whose answer was lost may have made one all the same: the next attempt
finds it by its name. An interactive session has a stage as well, which is made and taken away with its channel.
"""

from __future__ import annotations

from datetime import timedelta

from gateway import clock
from gateway.contract import Database
from modules.live.access.participant_repository import ParticipantRepository
from modules.live.access.playback_tokens import PlaybackKey
from modules.live.aws.ivs import Channel, Ivs
from modules.live.aws.ivs_stages import Stage
from modules.live.messages import Video
from modules.live.sessions.service import Sessions
from modules.live.settings import LiveSettings
from modules.live.states import SessionState
from modules.live.video.repository import VideoFacts, VideoRepository


class Channels:
    """Every call may come again, after an error or on another gateway. Each raises Unavailable."""

    def __init__(
        self,
        database: Database,
        settings: LiveSettings,
        sessions: Sessions,
        videos: VideoRepository,
        participants: ParticipantRepository,
        ivs: Ivs,
        key: PlaybackKey,
    ) -> None:
        self._database = database
        self._settings = settings
        self._sessions = sessions
        self._videos = videos
        self._participants = participants
        self._ivs = ivs
        self._key = key

    async def make(self, video: VideoFacts) -> None:
        """Make what the session has not got yet, and tell its room that the channel is ready.

        What is made for a session that has ended meanwhile is written down, so that it is taken away.
        """
        await self._ivs.import_key(self._key.name, self._key.public_key)
        recording_arn = await self._recording_arn() if video.recording else ""
        channel = await self._kept(video, recording_arn)
        name = _name(video)
        if channel is None:
            channel = await self._ivs.find_channel(name)
        if channel is None:
            channel = await self._ivs.create_channel(name, _tags(video), recording_arn)
        stage = key_arn = None
        if video.interactive:
            key_arn = await self._ivs.stages.import_key(self._key.name, self._key.public_key)
            stage = await self._stage(video)
        async with self._database.transaction():
            session = await self._sessions.lock_unchecked(video.session_id)
            now = clock.now()
            if session.state is not SessionState.LIVE:
                await self._videos.abandon(session.id, channel, stage, now)
                return
            due_at = now + timedelta(seconds=self._settings.video_reconcile)
            await self._videos.bring_up(session.id, channel, stage, key_arn, due_at)
            await self._sessions.update(session, {"video": Video.READY})

    async def take_away(self, video: VideoFacts) -> None:
        """End the stream, and delete the stage and the channel. A mentor's channel stays, without its stream key."""
        name = _name(video)
        kept = video.channel_arn if self._keeps(video) else None
        # By their name too: the session may have been over before they were written down.
        for arn in {*await self._ivs.channels_named(name), *filter(None, [video.channel_arn])}:
            # An encoder connects again by itself for as long as its key is good.
            await self._ivs.delete_stream_keys(arn)
            await self._ivs.stop_stream(arn)
            if arn != kept:
                await self._ivs.delete_channel(arn)
        if video.interactive:
            for arn in {*await self._ivs.stages.named(name), *filter(None, [video.stage_arn])}:
                await self._ivs.stages.delete(arn)
        await self._participants.delete_all(video.session_id)
        if video.recording and video.stream_id is not None and self._settings.recording_bucket:
            await self._videos.await_recording(video, clock.now())
        else:
            await self.finish(video)

    async def finish(self, video: VideoFacts) -> None:
        """Write that nothing is left to do, in a transaction or not."""
        await self._videos.finish(video, keep=self._keeps(video))

    def _keeps(self, video: VideoFacts) -> bool:
        """Whether the channel stays for its mentor's next session."""
        return self._settings.channels == "mentor" and video.channel_arn is not None

    async def _kept(self, video: VideoFacts, recording_arn: str) -> Channel | None:
        """The mentor's channel of an earlier session, if there is one that no session has."""
        arn = video.channel_arn
        if arn is None and self._settings.channels == "mentor":
            async with self._database.transaction():
                arn = await self._videos.take_over(video.mentor_id, video.session_id)
        if arn is None:
            return None
        channel = await self._ivs.read_channel(arn)
        if channel is not None:
            await self._ivs.record(arn, recording_arn)
        return channel

    async def _stage(self, video: VideoFacts) -> Stage:
        found = await self._ivs.stages.find(_name(video))
        return found or await self._ivs.stages.create(_name(video), _tags(video))

    async def _recording_arn(self) -> str:
        if not self._settings.recording_bucket:
            return ""
        return await self._ivs.recording_configuration(
            self._settings.recording_bucket,
            int(self._settings.recording_thumbnails),
            int(self._settings.recording_window),
        )


def _name(video: VideoFacts) -> str:
    return f"ksmp-{video.session_id}"


def _tags(video: VideoFacts) -> dict[str, str]:
    return {"ksmp:session": video.session_id, "ksmp:mentor": video.mentor_id}
