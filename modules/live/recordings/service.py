"""The recordings of sessions: added when the bucket has them, listed for who may be in the room, and deleted.

A recording that is deleted is marked in its row, and with that gone for everybody. `recordings/retention.py` then
deletes its objects.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import not_found
from gateway.principal import Principal
from modules.live.access.authorization import SessionAuthorizer
from modules.live.aws.s3 import S3, THUMBNAIL, Recorded
from modules.live.events import RecordingGone, RecordingReady
from modules.live.messages import SessionView
from modules.live.notices import SessionNotices
from modules.live.recordings.messages import (
    RECORDING,
    RECORDING_GONE,
    RecordingNotice,
    RecordingRemoval,
    RecordingView,
)
from modules.live.recordings.repository import DeletedRecording, RecordingFacts, RecordingRepository
from modules.live.rooms import session_room
from modules.live.sessions.service import Sessions
from modules.live.settings import LiveSettings
from modules.programs.facade import program_room


class Recordings:
    """Without `s3` there is no video here, and recordings have no thumbnails."""

    pushes = (RECORDING, RECORDING_GONE)

    def __init__(
        self,
        kernel: Kernel,
        settings: LiveSettings,
        sessions: Sessions,
        authorizer: SessionAuthorizer,
        notices: SessionNotices,
        s3: S3 | None,
    ) -> None:
        self._kernel = kernel
        self._rows = RecordingRepository(kernel.database)
        self._settings = settings
        self._sessions = sessions
        self._authorizer = authorizer
        self._notices = notices
        self._s3 = s3
        # Set when a recording was deleted whose objects are in their bucket still.
        self.deleted = asyncio.Event()

    async def add(self, session: SessionView, bucket: str, recorded: Recorded) -> None:
        """Write a recording that has ended, once, and publish it; inside a transaction."""
        id, duration = recorded.prefix.rpartition("/")[2], recorded.duration_ms or 0
        facts = RecordingFacts(id, bucket, recorded.prefix, recorded.playlist, duration, recorded.started_at)
        rev = await self._rows.insert(session.id, facts)
        if rev is None:
            return
        notice = RecordingNotice(id, session.id, duration, recorded.started_at, rev)
        for room in (session_room(session.id), program_room(session.program_id)):
            await self._kernel.rooms.publish_row(room, RECORDING, notice)
        await self._kernel.events.publish(RecordingReady(session.id, session.program_id, id, duration))
        await self._notices.recorded(session)

    async def listing(self, principal: Principal, session_id: str) -> list[RecordingView]:
        """What was recorded of a session, for who may see it. Raises what `SessionAuthorizer.check_may_see` raises."""
        await self._authorizer.check_may_see(principal, session_id)
        found = await self._rows.of_session(session_id)
        return [RecordingView(one.id, one.duration_ms, one.started_at, await self._thumbnail(one)) for one in found]

    async def find(self, session_id: str, id: str) -> RecordingFacts:
        """One recording, whoever asks; raises BadInput `not_found` or Unavailable."""
        found = await self._rows.find(session_id, id)
        if found is None:
            raise not_found("there is no such recording")
        return found

    async def delete(self, principal: Principal, session_id: str, id: str) -> None:
        """Delete a recording for good, for one of the session's hosts.

        Raises BadInput `not_found`, Refused `forbidden` or Unavailable.
        """
        async with self._kernel.database.transaction():
            await self._sessions.locked(principal, session_id)
            deleted = await self._rows.mark_deleted(session_id, id, clock.now())
            if deleted is None:
                raise not_found("there is no such recording")
            await publish_gone(self._kernel, [deleted])
        self.deleted.set()

    async def _thumbnail(self, found: RecordingFacts) -> str | None:
        if self._s3 is None:
            return None
        presigner = await self._s3.presigner(found.bucket, int(self._settings.playback_life))
        return presigner.url(f"{found.prefix}/{THUMBNAIL}")


async def publish_gone(kernel: Kernel, deleted: Iterable[DeletedRecording]) -> None:
    """Publish that these recordings are gone, in the transaction that marks them as deleted."""
    for one in deleted:
        for room in (session_room(one.session_id), program_room(one.program_id)):
            await kernel.rooms.publish_row(room, RECORDING_GONE, RecordingRemoval(one.id, one.session_id, one.rev))
        await kernel.events.publish(RecordingGone(one.session_id, one.program_id, one.id))
