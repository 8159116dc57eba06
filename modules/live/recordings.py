"""What was recorded of sessions: found in the bucket where IVS puts it, shown to who took part, deleted by hosts."""

from __future__ import annotations

from typing import Any, Final

from gateway.errors import not_found
from gateway.module import Kernel
from gateway.principal import Principal
from modules.live.errors import no_channel
from modules.live.events import RecordingReady
from modules.live.ivs import Ivs, Recorded
from modules.live.messages import RecordingNotice, RecordingView, SessionView
from modules.live.sessions import Sessions
from modules.live.settings import LiveSettings
from modules.live.tables import Recording

# The push of a recording, in its session's room and its program's.
PUSH: Final = "live.recording"
ADD: Final = """
    INSERT INTO live_recording (id, session_id, bucket, prefix, duration_ms, started_at) VALUES ({}, {}, {}, {}, {}, {})
    ON CONFLICT (id) DO NOTHING RETURNING rev
"""
LISTED: Final = """
    SELECT id, bucket, prefix, duration_ms, started_at FROM live_recording WHERE session_id = {} ORDER BY started_at
"""
READ: Final = "SELECT bucket, prefix FROM live_recording WHERE id = {} AND session_id = {}"
REMOVE: Final = "DELETE FROM live_recording WHERE id = {}"


class Recordings:
    """The recordings of sessions. Without IVS there are none."""

    def __init__(self, kernel: Kernel, settings: LiveSettings, sessions: Sessions, ivs: Ivs | None) -> None:
        self._kernel = kernel
        self._settings = settings
        self._sessions = sessions
        self._ivs = ivs

    async def add(self, session: SessionView, bucket: str, recorded: Recorded) -> None:
        """Write a recording that has ended, once, and tell of it; inside a transaction."""
        id = recorded.prefix.rpartition("/")[2]
        length = recorded.duration_ms or 0
        for row in await Recording.raw(ADD, id, session.id, bucket, recorded.prefix, length, recorded.started_at):
            notice = RecordingNotice(id, session.id, length, recorded.started_at, row["rev"])
            for room in (f"session:{session.id}", f"program:{session.program_id}"):
                await self._kernel.rooms.publish_row(room, PUSH, notice)
            await self._kernel.events.publish(RecordingReady(session.id, session.program_id, id, length))

    async def listing(self, principal: Principal, session_id: str) -> list[RecordingView]:
        """What was recorded of a session, for who may see it; raises what reading the session raises."""
        await self._sessions.read(principal, session_id)
        with self._kernel.database.guard():
            rows: list[dict[str, Any]] = await Recording.raw(LISTED, session_id)
        return [
            RecordingView(row["id"], row["duration_ms"], row["started_at"], await self._thumbnail(row)) for row in rows
        ]

    async def delete(self, principal: Principal, session_id: str, id: str) -> None:
        """Delete a recording for good; raises BadInput `not_found` and what hosts' routes raise."""
        async with self._kernel.database.transaction():
            await self._sessions.locked(principal, session_id)
        with self._kernel.database.guard():
            rows = await Recording.raw(READ, id, session_id)
        if not rows:
            raise not_found("there is no such recording")
        if self._ivs is None:
            raise no_channel()
        # The row goes last: a deletion that fails in between is tried again.
        await self._ivs.delete_recording(rows[0]["bucket"], rows[0]["prefix"])
        with self._kernel.database.guard():
            await Recording.raw(REMOVE, id)

    async def _thumbnail(self, row: dict[str, Any]) -> str | None:
        if self._ivs is None:
            return None
        return await self._ivs.thumbnail_url(row["bucket"], row["prefix"], int(self._settings.playback_life))
