"""The rows that decide who may enter a session: every statement, and what it gives."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database
from modules.live.messages import Video
from modules.live.states import SessionState

ADMISSION_FACTS: Final = """
    SELECT mentor_id, co_mentors, program_id, state, visibility, capacity, ended_at, (
        SELECT role FROM live_promotion WHERE session_id = live_session.id AND user_id = $1
    ) AS promoted, EXISTS (
        SELECT FROM live_ban WHERE user_id = $1 AND (until IS NULL OR until > now()) AND (
            session_id = live_session.id OR (scope = 'program' AND program_id = live_session.program_id)
        )
    ) AS banned, EXISTS (
        SELECT FROM live_option WHERE session_id = live_session.id AND lobby
    ) AND NOT EXISTS (
        SELECT FROM live_guest WHERE session_id = live_session.id AND user_id = $1 AND state = 'admitted'
    ) AS waits, EXISTS (
        SELECT FROM live_seat WHERE session_id = live_session.id AND user_id = $1
    ) OR EXISTS (
        SELECT FROM live_stay WHERE session_id = live_session.id AND user_id = $1
    ) AS known
    FROM live_session WHERE id = $2
"""
SHOWN: Final = """
    SELECT state, video, live_session.recording, channel_arn, playback_url, (
        SELECT agreed FROM live_consent WHERE live_consent.session_id = id AND user_id = $1
    ) AS consent FROM live_session
    LEFT JOIN live_video ON live_video.session_id = id AND phase = 'up' WHERE id = $2
"""
# Sessions that may have somebody in their rooms. Mentors may be there before the lobby opens. A program may have
# thousands of old sessions, which are left out.
OPEN_SESSIONS: Final = """
    SELECT id FROM live_session WHERE program_id = $1 AND (
        state IN ('lobby', 'live') OR (state = 'ended' AND ended_at > $2) OR (state = 'scheduled' AND $3::boolean)
    )
"""
DEMOTE_IN_PROGRAM: Final = """
    DELETE FROM live_promotion USING live_session WHERE session_id = id AND program_id = $1 AND user_id = $2
    RETURNING session_id AS id
"""


class AdmissionFacts(msgspec.Struct, frozen=True):
    """What decides whether a user may enter a session."""

    mentor_id: str
    co_mentors: tuple[str, ...]
    program_id: str
    state: SessionState
    visibility: str
    capacity: int | None
    ended_at: datetime | None
    # The role that a host gave the user.
    promoted: str | None
    banned: bool
    # Whether the user has to wait in the lobby until a host admits them.
    waits: bool
    # Whether the user may have a seat already.
    known: bool


class Shown(msgspec.Struct, frozen=True):
    """What a session shows now."""

    state: SessionState
    video: Video
    recording: bool
    channel_arn: str | None
    playback_url: str | None
    # Null is no answer yet.
    consent: bool | None


class AccessRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def admission_facts(self, user: str, session: str) -> AdmissionFacts | None:
        """One statement, because it runs at every join. None when there is no such session."""
        for row in await self._database.fetch(ADMISSION_FACTS, user, session):
            return msgspec.convert(row, AdmissionFacts)
        return None

    async def shown(self, user: str, session: str) -> Shown | None:
        """What the session shows this user; None when there is no such session."""
        for row in await self._database.fetch(SHOWN, user, session):
            return msgspec.convert(row, Shown)
        return None

    async def demote_in_program(self, program: str, user: str) -> list[str]:
        """Delete the roles that hosts gave the user in the program's sessions; returns the ids of those sessions."""
        return [row["id"] for row in await self._database.fetch(DEMOTE_IN_PROGRAM, program, user)]

    async def open_sessions(self, program: str, *, ended_after: datetime, scheduled: bool) -> list[str]:
        """The ids of the program's sessions whose rooms may hold somebody."""
        rows = await self._database.fetch(OPEN_SESSIONS, program, ended_after, scheduled)
        return [row["id"] for row in rows]
