"""What was recorded of sessions: found in the bucket where IVS puts it, and shown to who may be in its room.

One that is deleted is marked so, and with that gone for everybody; `recordings/retention.py` sees to its objects.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import not_found
from gateway.principal import Principal
from modules.live.access.authorization import SessionAuthorizer
from modules.live.aws.s3 import S3, THUMBNAIL, Recorded
from modules.live.events import RecordingGone, RecordingReady
from modules.live.messages import SessionView
from modules.live.recordings.messages import RecordingNotice, RecordingRemoval, RecordingView
from modules.live.sessions.service import Sessions
from modules.live.settings import LiveSettings
from modules.live.tables import Recording

# The pushes of a recording, in its session's room and its program's.
PUSH: Final = "live.recording"
GONE: Final = "live.recording_gone"
ADD: Final = """
    INSERT INTO live_recording (id, session_id, bucket, prefix, playlist, duration_ms, started_at)
    VALUES ({}, {}, {}, {}, {}, {}, {}) ON CONFLICT (id) DO NOTHING RETURNING rev
"""
COLUMNS: Final = "id, bucket, prefix, playlist, duration_ms, started_at"
LISTED: Final = f"""
    SELECT {COLUMNS} FROM live_recording WHERE session_id = {{}} AND deleted_at IS NULL ORDER BY started_at, id
"""  # noqa: S608
READ: Final = f"SELECT {COLUMNS} FROM live_recording WHERE id = {{}} AND session_id = {{}} AND deleted_at IS NULL"  # noqa: S608
# What `tell` needs.
MARKED: Final = """
    id, session_id, rev, (SELECT program_id FROM live_session WHERE live_session.id = session_id) AS program_id
"""
MARK: Final = f"""
    UPDATE live_recording SET deleted_at = {{}}, rev = rev + 1
    WHERE id = {{}} AND session_id = {{}} AND deleted_at IS NULL RETURNING {MARKED}
"""  # noqa: S608


class RecordingFacts(msgspec.Struct, frozen=True):
    """Where a recording is, and what is known of it."""

    id: str
    bucket: str
    prefix: str
    playlist: str
    duration_ms: int
    started_at: datetime


class Recordings:
    """The recordings of sessions. Without IVS they can be seen by nobody."""

    def __init__(
        self, kernel: Kernel, settings: LiveSettings, sessions: Sessions, authorizer: SessionAuthorizer, s3: S3 | None
    ) -> None:
        self._kernel = kernel
        self._settings = settings
        self._sessions = sessions
        self._authorizer = authorizer
        self._s3 = s3
        # One was marked, whose objects are there still.
        self.deleted = asyncio.Event()

    async def add(self, session: SessionView, bucket: str, recorded: Recorded) -> None:
        """Write a recording that has ended, once, and tell of it; inside a transaction."""
        id, length = recorded.prefix.rpartition("/")[2], recorded.duration_ms or 0
        values = (id, session.id, bucket, recorded.prefix, recorded.playlist, length, recorded.started_at)
        for row in await Recording.raw(ADD, *values):
            notice = RecordingNotice(id, session.id, length, recorded.started_at, row["rev"])
            for room in (f"session:{session.id}", f"program:{session.program_id}"):
                await self._kernel.rooms.publish_row(room, PUSH, notice)
            await self._kernel.events.publish(RecordingReady(session.id, session.program_id, id, length))

    async def listing(self, principal: Principal, session_id: str) -> list[RecordingView]:
        """What was recorded of a session, for who may see it. Raises what `SessionAuthorizer.check` raises."""
        await self._authorizer.check(principal, session_id)
        with self._kernel.database.guard():
            rows: list[dict[str, Any]] = await Recording.raw(LISTED, session_id)
        found = [msgspec.convert(row, RecordingFacts) for row in rows]
        return [RecordingView(one.id, one.duration_ms, one.started_at, await self._thumbnail(one)) for one in found]

    async def read(self, session_id: str, id: str) -> RecordingFacts:
        """Whoever asks; raises BadInput `not_found`."""
        with self._kernel.database.guard():
            for row in await Recording.raw(READ, id, session_id):
                return msgspec.convert(row, RecordingFacts)
        raise not_found("there is no such recording")

    async def delete(self, principal: Principal, session_id: str, id: str) -> None:
        """Delete a recording for good; raises BadInput `not_found` and what hosts' routes raise."""
        async with self._kernel.database.transaction():
            await self._sessions.locked(principal, session_id)
            rows = await Recording.raw(MARK, clock.now(), id, session_id)
            if not rows:
                raise not_found("there is no such recording")
            await tell(self._kernel, rows)
        self.deleted.set()

    async def _thumbnail(self, found: RecordingFacts) -> str | None:
        if self._s3 is None:
            return None
        presigner = await self._s3.presigner(found.bucket, int(self._settings.playback_life))
        return presigner.url(f"{found.prefix}/{THUMBNAIL}")


async def tell(kernel: Kernel, marked: Sequence[Mapping[str, Any]]) -> None:
    """Tell that these recordings are gone, in the transaction that marks them so."""
    for row in marked:
        id, session_id, program_id = row["id"], row["session_id"], row["program_id"]
        for room in (f"session:{session_id}", f"program:{program_id}"):
            await kernel.rooms.publish_row(room, GONE, RecordingRemoval(id, session_id, row["rev"]))
        await kernel.events.publish(RecordingGone(session_id, program_id, id))
