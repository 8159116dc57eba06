"""Finds what was recorded of a session that is over, in the bucket where IVS puts it.

IVS ends a recording some time after its stream, and its event may not arrive. So the gateway looks into the bucket
again and again, until all recordings of the session have ended or `KSMP_LIVE_RECORDING_WAIT` is over.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from gateway import clock
from gateway.contract import Database
from modules.live.aws.s3 import S3
from modules.live.recordings.service import Recordings
from modules.live.sessions.service import Sessions
from modules.live.settings import LiveSettings
from modules.live.video.channels import Channels
from modules.live.video.repository import VideoFacts, VideoRepository

# The clock of IVS may differ from ours by so much.
CLOCK_SKEW: Final = timedelta(seconds=30)


class RecordingFinder:
    def __init__(
        self,
        database: Database,
        settings: LiveSettings,
        sessions: Sessions,
        videos: VideoRepository,
        channels: Channels,
        s3: S3,
        recordings: Recordings,
    ) -> None:
        self._database = database
        self._settings = settings
        self._sessions = sessions
        self._videos = videos
        self._channels = channels
        self._s3 = s3
        self._recordings = recordings

    async def look_for(self, video: VideoFacts) -> None:
        """Add the recordings that have ended, and finish the video when no other is to come. Raises Unavailable."""
        bucket, now = self._settings.recording_bucket, clock.now()
        found = await self._s3.recordings(bucket, video.channel_arn or "")
        async with self._database.transaction():
            session = await self._sessions.lock_unchecked(video.session_id)
            # A channel that is kept has recordings of other sessions too.
            began, over = session.started_at or now, session.ended_at or now
            own = [one for one in found if began - CLOCK_SKEW <= one.started_at <= over + CLOCK_SKEW]
            for one in own:
                if one.duration_ms is not None:
                    await self._recordings.add(session, bucket, one)
            unfinished = not own or any(one.duration_ms is None for one in own)
            if unfinished and now < over + timedelta(seconds=self._settings.recording_wait):
                due_at = now + timedelta(seconds=self._settings.video_reconcile)
                await self._videos.postpone(video.session_id, due_at)
            else:
                await self._channels.finish(video)
