"""The rows that decide who may enter a session: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from gateway.batching import Batched
from gateway.contract import Database
from gateway.principal import Role
from modules.live.access.seat_repository import Outcome
from modules.live.messages import Video
from modules.live.states import SessionState
from modules.programs.facade import Part, Standing, standing_in

# What decides about each of these pairs of a user and a session, and what the user is shown. `number` is the place of
# the pair. PostgreSQL keeps one plan, because it knows as little of a subquery's array as of any other: with the arrays
# themselves it plans anew for each call, which takes it six times as long as the answer.
ADMISSION_FACTS: Final = f"""
    SELECT number, asked.user_id, asked.session_id, session.mentor_id, session.co_mentors, session.program_id,
        session.state, visibility, capacity, ended_at, (
        SELECT role FROM live_promotion WHERE session_id = session.id AND user_id = asked.user_id
    ) AS promoted, EXISTS (
        SELECT FROM live_ban AS ban WHERE ban.user_id = asked.user_id AND (until IS NULL OR until > now()) AND (
            ban.session_id = session.id OR (scope = 'program' AND ban.program_id = session.program_id)
        )
    ) AS banned, EXISTS (
        SELECT FROM live_option WHERE session_id = session.id AND lobby
    ) AND NOT EXISTS (
        SELECT FROM live_guest WHERE session_id = session.id AND user_id = asked.user_id AND state = 'admitted'
    ) AS waits, (
        SELECT taken_at FROM live_seat WHERE session_id = session.id AND user_id = asked.user_id
    ) AS seated_at, EXISTS (
        SELECT FROM live_stay WHERE session_id = session.id AND user_id = asked.user_id
    ) AS stayed, coalesce(standing.mentor, false) AS mentor, coalesce(standing.student, false) AS student,
    session.video, session.recording, channel_arn, playback_url, (
        SELECT agreed FROM live_consent WHERE session_id = session.id AND user_id = asked.user_id
    ) AS consent
    FROM unnest((SELECT $1::text[]), (SELECT $2::text[])) WITH ORDINALITY AS asked (user_id, session_id, number)
    JOIN live_session AS session ON session.id = asked.session_id
    LEFT JOIN live_video ON live_video.session_id = session.id AND phase = 'up'
    LEFT JOIN LATERAL ({standing_in("session.program_id", "asked.user_id")}) AS standing ON true
"""  # noqa: S608
# The same, and a seat for each of these students whom nothing keeps out, unless theirs is newer than $5. It must give
# none to a student whom `SessionAuthorizer` refuses. A student who was given none asks for one afterwards.
ADMIT_STUDENTS: Final = f"""
    WITH facts AS MATERIALIZED ({ADMISSION_FACTS}), entering AS MATERIALIZED (
        SELECT session_id, array_agg(user_id ORDER BY number) AS askers FROM facts
        WHERE capacity IS NOT NULL AND state IN ('lobby', 'live') AND (student OR visibility = 'open') AND NOT banned
            AND (promoted IS NOT NULL OR NOT waits) AND (seated_at IS NULL OR seated_at <= $5)
        GROUP BY session_id
    )
    SELECT facts.*, taken.outcome AS seat FROM facts LEFT JOIN (
        SELECT asker, outcome FROM entering, live_take_seats(session_id, askers, $3, $4, NULL)
    ) AS taken ON asker = user_id
"""  # noqa: S608
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


class SessionHosts(NamedTuple):
    """Who teaches a session: its own mentors, and those of its program."""

    mentors: tuple[str, ...]
    program_id: str


class AdmissionFacts(msgspec.Struct, frozen=True):
    """What decides whether a user may enter a session, and what it shows them now."""

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
    # When the user took their seat, if they have one, and whether attendance has seen them in the session.
    seated_at: datetime | None
    stayed: bool
    # How the session's program names the user.
    mentor: bool
    student: bool
    video: Video
    recording: bool
    channel_arn: str | None
    playback_url: str | None
    # Whether the user agreed to be recorded; null is no answer yet.
    consent: bool | None
    # What became of the seat that was asked for together with these facts.
    seat: Outcome | None = None

    @property
    def hosts(self) -> SessionHosts:
        return SessionHosts((self.mentor_id, *self.co_mentors), self.program_id)

    def part(self, role: Role) -> Part | None:
        """The user's part in the session's program."""
        return Standing(self.mentor, self.student).part(role)


class AccessRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._admissions = Batched(self._admission_facts)

    async def admission_facts(self, user: str, session: str) -> AdmissionFacts | None:
        """None when there is no such session.

        It runs at every join. So it is one statement, the same one for all who come at the same moment.
        """
        asked = user, session
        if self._database.in_transaction:
            return (await self._admission_facts([asked]))[0]
        return await self._admissions(asked)

    async def admit_students(
        self, session: str, users: Sequence[str], *, at: datetime, since: datetime, new: datetime
    ) -> list[AdmissionFacts | None]:
        """The facts on these students, who take their seats at once where nothing keeps them out.

        A seat from after `new` is not taken again. `at` and `since` are those of `SeatRepository.take`.
        """
        found: list[AdmissionFacts | None] = [None] * len(users)
        for row in await self._database.fetch(ADMIT_STUDENTS, users, [session] * len(users), at, since, new):
            found[row["number"] - 1] = msgspec.convert(row, AdmissionFacts)
        return found

    async def _admission_facts(self, asked: Sequence[tuple[str, str]]) -> list[AdmissionFacts | None]:
        users, sessions = zip(*asked, strict=True)
        found: list[AdmissionFacts | None] = [None] * len(asked)
        for row in await self._database.fetch(ADMISSION_FACTS, users, sessions):
            found[row["number"] - 1] = msgspec.convert(row, AdmissionFacts)
        return found

    async def demote_in_program(self, program: str, user: str) -> list[str]:
        """Delete the roles that hosts gave the user in the program's sessions; returns the ids of those sessions."""
        return [row["id"] for row in await self._database.fetch(DEMOTE_IN_PROGRAM, program, user)]

    async def open_sessions(self, program: str, *, ended_after: datetime, scheduled: bool) -> list[str]:
        """The ids of the program's sessions whose rooms may hold somebody."""
        rows = await self._database.fetch(OPEN_SESSIONS, program, ended_after, scheduled)
        return [row["id"] for row in rows]
