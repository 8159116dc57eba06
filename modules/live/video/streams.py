"""A session's stream, for those who send it: their key, how it does, and what to look at before a class."""

from __future__ import annotations

from typing import Any, Final

from gateway.contract import Kernel
from gateway.errors import forbidden
from gateway.principal import Principal, Role
from modules.live.aws.ivs import Ivs
from modules.live.errors import no_channel
from modules.live.messages import SessionView, Video
from modules.live.sessions.service import Sessions, teaches
from modules.live.sessions.video_jobs import VideoFacts, VideoJobs, video_of
from modules.live.states import SessionState
from modules.live.tables import VideoRow
from modules.live.video.messages import Check, CheckList, Ingest, StreamView

KEY: Final = "UPDATE live_video SET stream_key_arn = {} WHERE session_id = {}"


class Streams:
    """Calls IVS for who asks, outside of any transaction. Without IVS there is no channel to ask about."""

    def __init__(self, kernel: Kernel, sessions: Sessions, ivs: Ivs | None, video_jobs: VideoJobs) -> None:
        self._kernel = kernel
        self._sessions = sessions
        self._ivs = ivs
        self._video_jobs = video_jobs

    async def ingest(self, principal: Principal, id: str) -> Ingest:
        """Where the mentor streams to, with the key. Raises Refused for who is not the session's own mentor."""
        ivs, video = await self._channel_of_mentor(principal, id)
        key = await ivs.read_stream_key(video.stream_key_arn or "")
        if key is None:
            raise no_channel()
        return _ingest(video, key)

    async def rotate(self, principal: Principal, id: str) -> Ingest:
        """A new key; the one before lets nobody in any more. Who streams with it already goes on."""
        ivs, video = await self._channel_of_mentor(principal, id)
        arn = video.channel_arn or ""
        await ivs.delete_stream_keys(arn)
        key_arn = await ivs.stream_key_of(arn)
        with self._kernel.database.guard():
            await VideoRow.raw(KEY, key_arn, id)
        key = await ivs.read_stream_key(key_arn)
        if key is None:
            raise no_channel()
        return _ingest(video, key)

    async def stop(self, principal: Principal, id: str) -> None:
        """Hang up on the encoder; the session goes on, and one that streams again is let in."""
        await self._host(principal, id)
        ivs, video = await self._channel(id)
        await ivs.stop_stream(video.channel_arn or "")

    async def read(self, principal: Principal, id: str) -> StreamView:
        """How the stream does, as IVS says it."""
        session = await self._host(principal, id)
        if session.video in (Video.OFF, Video.UNAVAILABLE, Video.STARTING):
            return StreamView(video=session.video)
        ivs, video = await self._channel(id)
        stream = await ivs.read_stream(video.channel_arn or "")
        told = await ivs.read_session(video.channel_arn or "")
        sent: dict[str, Any] = ((told or {}).get("ingestConfiguration") or {}).get("video") or {}
        events = (told or {}).get("truncatedEvents") or []
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
        """What should be so before the class begins."""
        session = await self._host(principal, id)
        present = {person.id for person in await self._kernel.rooms.members(f"session:{id}")}
        checks = [
            Check("lobby_open", session.state in (SessionState.LOBBY, SessionState.LIVE)),
            Check("mentor_in_room", session.mentor_id in present),
            Check("video_available", self._ivs is not None),
            Check("recording_available", self._video_jobs.recording or not session.recording),
            Check("channel_ready", session.video in (Video.READY, Video.STREAMING, Video.LOST)),
            Check("stream_received", session.video is Video.STREAMING),
        ]
        return CheckList(checks)

    async def _host(self, principal: Principal, id: str) -> SessionView:
        session = await self._sessions.read(principal, id)
        with self._kernel.database.guard():
            if not await teaches(self._kernel.database, principal, session):
                raise forbidden("only its mentors may know this of a session")
        return session

    async def _channel_of_mentor(self, principal: Principal, id: str) -> tuple[Ivs, VideoFacts]:
        session = await self._sessions.read(principal, id)
        if principal.role is Role.STUDENT or principal.id not in (session.mentor_id, *session.co_mentors):
            raise forbidden("only the session's own mentor may know its stream key")
        return await self._channel(id)

    async def _channel(self, id: str) -> tuple[Ivs, VideoFacts]:
        """Raises Conflict `live.no_channel`."""
        with self._kernel.database.guard():
            video = await video_of(id)
        if self._ivs is None or video is None or video.phase != "up":
            raise no_channel()
        return self._ivs, video


def _ingest(video: VideoFacts, key: str) -> Ingest:
    return Ingest(f"rtmps://{video.ingest_endpoint}:443/app/", key)
