"""A session's stream, for those who send it: the stream key, the stream's health, and what to check before a class."""

from __future__ import annotations

from typing import Any, Final

from gateway.contract import Kernel
from gateway.errors import forbidden
from gateway.principal import Principal, Role
from modules.live.aws.ivs import Ivs
from modules.live.errors import no_channel
from modules.live.messages import Video
from modules.live.rooms import session_room
from modules.live.sessions.service import Sessions
from modules.live.sessions.video import SessionVideo
from modules.live.states import SessionState
from modules.live.video.messages import CheckList, Ingest, ReadinessCheck, StreamView
from modules.live.video.repository import VideoFacts, VideoRepository
from modules.live.video.states import VideoPhase

REFUSAL: Final = "only its mentors may know this of a session"


class Streams:
    """Calls IVS outside of any transaction, while the caller waits.

    Each method raises BadInput `not_found`, Refused `forbidden` and Unavailable. Without `ivs` there are no channels.
    """

    def __init__(
        self, kernel: Kernel, sessions: Sessions, videos: VideoRepository, ivs: Ivs | None, session_video: SessionVideo
    ) -> None:
        self._kernel = kernel
        self._sessions = sessions
        self._videos = videos
        self._ivs = ivs
        self._session_video = session_video

    async def ingest(self, principal: Principal, id: str) -> Ingest:
        """Where the mentor streams to, with the key. Raises Refused for others than the session's own mentors, and
        Conflict `live.no_channel`."""
        ivs, video = await self._channel_of_mentor(principal, id)
        return await self._ingest(ivs, video, video.stream_key_arn or "")

    async def rotate(self, principal: Principal, id: str) -> Ingest:
        """A new key, as `ingest` gives it. The earlier key lets nobody in any more; an encoder that is in stays."""
        ivs, video = await self._channel_of_mentor(principal, id)
        arn = video.channel_arn or ""
        await ivs.delete_stream_keys(arn)
        key_arn = await ivs.stream_key_of(arn)
        await self._videos.name_stream_key(id, key_arn)
        return await self._ingest(ivs, video, key_arn)

    async def stop(self, principal: Principal, id: str) -> None:
        """Disconnect the encoder. The session goes on, and an encoder that streams again is let in."""
        await self._sessions.read_as_host(principal, id, REFUSAL)
        ivs, video = await self._channel(id)
        await ivs.stop_stream(video.channel_arn or "")

    async def health(self, principal: Principal, id: str) -> StreamView:
        """How the stream does, as IVS says it."""
        session = await self._sessions.read_as_host(principal, id, REFUSAL)
        if session.video in (Video.OFF, Video.UNAVAILABLE, Video.STARTING):
            return StreamView(video=session.video)
        ivs, video = await self._channel(id)
        stream = await ivs.read_stream(video.channel_arn or "")
        described = await ivs.read_session(video.channel_arn or "") or {}
        sent: dict[str, Any] = (described.get("ingestConfiguration") or {}).get("video") or {}
        events = described.get("truncatedEvents") or []
        return StreamView(
            video=session.video,
            stream_id=stream.id if stream else None,
            health=("STARVING" if stream.starving else "HEALTHY") if stream else None,
            viewers=stream.viewers if stream else None,
            width=sent.get("videoWidth"),
            height=sent.get("videoHeight"),
            frame_rate=sent.get("targetFramerate"),
            bitrate=sent.get("targetBitrate"),
            starvations=sum(event.get("name") == "Starvation Start" for event in events),
        )

    async def checks(self, principal: Principal, id: str) -> CheckList:
        """What should be ready before the class begins."""
        session = await self._sessions.read_as_host(principal, id, REFUSAL)
        present = {person.id for person in await self._kernel.rooms.members(session_room(id))}
        checks = [
            ReadinessCheck("lobby_open", session.state in (SessionState.LOBBY, SessionState.LIVE)),
            ReadinessCheck("mentor_in_room", session.mentor_id in present),
            ReadinessCheck("video_available", self._session_video.available),
            ReadinessCheck("recording_available", self._session_video.recording or not session.recording),
            ReadinessCheck("channel_ready", session.video in (Video.READY, Video.STREAMING, Video.LOST)),
            ReadinessCheck("stream_received", session.video is Video.STREAMING),
        ]
        return CheckList(checks)

    async def _channel_of_mentor(self, principal: Principal, id: str) -> tuple[Ivs, VideoFacts]:
        session = await self._sessions.read(principal, id)
        if principal.role is Role.STUDENT or principal.id not in (session.mentor_id, *session.co_mentors):
            raise forbidden("only the session's own mentor may know its stream key")
        return await self._channel(id)

    async def _channel(self, id: str) -> tuple[Ivs, VideoFacts]:
        """Raises Conflict `live.no_channel`."""
        video = await self._videos.find(id)
        if self._ivs is None or video is None or video.phase is not VideoPhase.UP:
            raise no_channel(coming=video is not None and video.phase is VideoPhase.MAKING)
        return self._ivs, video

    async def _ingest(self, ivs: Ivs, video: VideoFacts, key_arn: str) -> Ingest:
        key = await ivs.read_stream_key(key_arn)
        if key is None:
            # Somebody rotates it at this moment.
            raise no_channel(coming=True)
        return Ingest(f"rtmps://{video.ingest_endpoint}:443/app/", key)
