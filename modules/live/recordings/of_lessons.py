"""The sessions of lessons and their recordings, for programs, which shows them where the lesson is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway.contract import Database
from modules.programs.facade import LessonSession, LessonSessions, SessionRecording

SESSIONS: Final = """
    SELECT session.id, title, state, starts_at, ends_at, recording.id AS recording_id, duration_ms,
        recording.started_at AS recorded_at
    FROM live_session AS session
    LEFT JOIN live_recording AS recording ON session_id = session.id AND deleted_at IS NULL
"""
ORDER: Final = "ORDER BY starts_at, session.id, recorded_at, recording_id"
OF_LESSON: Final = f"{SESSIONS} WHERE program_id = $1 AND lesson_id = $2 AND state <> 'cancelled' {ORDER}"
FIND: Final = f"{SESSIONS} WHERE program_id = $1 AND session.id = ANY($2) {ORDER}"


class SessionsOfLessons(LessonSessions):
    """Each call raises Unavailable. Whoever plays a recording is asked for by the session, each time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_lesson(self, program_id: str, lesson_id: str) -> list[LessonSession]:
        return _sessions(await self._database.fetch(OF_LESSON, program_id, lesson_id))

    async def find(self, program_id: str, session_ids: Sequence[str]) -> dict[str, LessonSession]:
        rows = await self._database.fetch(FIND, program_id, list(session_ids))
        return {session.id: session for session in _sessions(rows)}


def _sessions(rows: Sequence[Mapping[str, Any]]) -> list[LessonSession]:
    """One session for all rows that have its id, in their order."""
    recordings: dict[str, list[SessionRecording]] = {}
    for row in rows:
        made = recordings.setdefault(row["id"], [])
        if row["recording_id"] is not None:
            made.append(SessionRecording(row["recording_id"], row["duration_ms"], row["recorded_at"]))
    by_id = {row["id"]: row for row in rows}
    return [
        LessonSession(id, row["title"], row["state"], row["starts_at"], row["ends_at"], tuple(recordings[id]))
        for id, row in by_id.items()
    ]
