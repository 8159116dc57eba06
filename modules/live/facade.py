"""What other modules may ask about live sessions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database, Kernel
from gateway.principal import Principal, Role
from modules.accounts.facade import students_among
from modules.live.access.repository import AccessRepository
from modules.live.rooms import session_room, staff_room
from modules.programs.facade import Part, parts_of, standing_in

__all__ = [
    "Attended",
    "ClassCurve",
    "ClassFigures",
    "ClassNow",
    "PollNow",
    "SessionFacts",
    "StreamNow",
    "attended",
    "class_figures",
    "curve",
    "readable_session",
    "roles_in",
    "session_facts",
    "session_room",
    "session_titles",
    "staff_room",
]


class SessionFacts(msgspec.Struct, frozen=True):
    """What other modules may know of a session. Its state is `scheduled`, `lobby`, `live`, `ended` or `cancelled`."""

    id: str
    program_id: str
    lesson_id: str | None
    title: str
    mentor_id: str
    co_mentors: tuple[str, ...]
    state: str
    starts_at: datetime
    ends_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


SESSION_FACTS: Final = f"SELECT {', '.join(SessionFacts.__struct_fields__)} FROM live_session WHERE id = $1"  # noqa: S608


async def session_facts(database: Database, session_id: str) -> SessionFacts | None:
    """The session with this id, or None. Raises Unavailable."""
    for row in await database.fetch(SESSION_FACTS, session_id):
        return msgspec.convert(row, SessionFacts)
    return None


SESSION_TITLES: Final = "SELECT id, title FROM live_session WHERE id = ANY($1)"


async def session_titles(database: Database, session_ids: Sequence[str]) -> dict[str, str]:
    """The titles of these sessions, by their ids, in one query. Raises Unavailable."""
    rows = await database.fetch(SESSION_TITLES, list(session_ids))
    return {row["id"]: row["title"] for row in rows}


STANDING: Final = """
    SELECT program_id, visibility, mentor_id || co_mentors AS mentors, ARRAY(
        SELECT user_id FROM live_promotion WHERE session_id = live_session.id AND user_id = ANY($1)
    ) AS promoted, ARRAY(
        SELECT role FROM live_promotion WHERE session_id = live_session.id AND user_id = ANY($1)
    ) AS roles
    FROM live_session WHERE id = $2
"""


async def roles_in(database: Database, session_id: str, user_ids: Sequence[str]) -> dict[str, str]:
    """The role of each of these users in the session's room, by their ids. Users without a part in it are left out.

    Admins are hosts everywhere, but their ids do not show it: they are treated like everybody else here. Raises
    Unavailable.
    """
    asked = list(user_ids)
    for row in await database.fetch(STANDING, asked, session_id):
        parts = await parts_of(database, asked, row["program_id"])
        mentors = {*row["mentors"]}
        mentors -= await students_among(database, mentors & {*asked})
        promoted = dict(zip(row["promoted"], row["roles"], strict=True))
        found: dict[str, str] = {}
        for user in asked:
            if user in mentors or parts.get(user) is Part.MENTOR:
                found[user] = "host"
            elif user in parts or row["visibility"] == "open":
                found[user] = promoted.get(user, "viewer")
        return found
    return {}


class Attended(msgspec.Struct, frozen=True):
    """In how many of a program's sessions a user was present. Only those that are over and have a report count."""

    present: int
    sessions: int


ATTENDED: Final = """
    SELECT asked.id, counted.number AS sessions, count(attendance.session_id) AS present
    FROM unnest($2::text[]) AS asked (id)
    CROSS JOIN (
        SELECT count(*) AS number FROM live_session JOIN live_report ON session_id = id WHERE program_id = $1
    ) AS counted
    LEFT JOIN (
        live_attendance AS attendance
        JOIN live_session AS attended ON attended.id = attendance.session_id AND attended.program_id = $1
    ) ON attendance.user_id = asked.id AND attendance.present
    GROUP BY asked.id, counted.number
"""


async def attended(database: Database, program_id: str, user_ids: Sequence[str]) -> dict[str, Attended]:
    """How often each of these users was present in the program's sessions, for `KSMP_LIVE_ATTENDANCE_SHARE` of each.

    A session counts once its report is stored; the event `SessionEnded` says so. Raises Unavailable.
    """
    rows = await database.fetch(ATTENDED, program_id, list(user_ids))
    return {row["id"]: Attended(row["present"], row["sessions"]) for row in rows}


class PollNow(msgspec.Struct, frozen=True):
    """The latest poll of a class. `viewers` were there at some time while it was open; no fewer than voted."""

    id: str
    open: bool
    voters: int
    viewers: int


class StreamNow(msgspec.Struct, frozen=True):
    """The stream of a class. `video` is a session's (`modules/live/messages.py`).

    `starving`: the picture comes too slowly at this moment. `losses` and `starvations` are how often that began, and
    `lost_seconds` for how long in all the stream was gone, up to now.
    """

    video: str
    starving: bool
    losses: int
    starvations: int
    lost_seconds: int


class ClassNow(msgspec.Struct, frozen=True, kw_only=True):
    """What a class comes to at this moment, as old as the last writing of attendance (a few seconds).

    `viewers` and `hosts` are in the room on any gateway. `hands_raised` are users who raised a hand at some time, and
    `questions_asked` are without dismissed ones. `poll` and `stream` are None where there was none yet.
    """

    session_id: str
    program_id: str
    state: str
    started_at: datetime | None
    ended_at: datetime | None
    viewers: int
    hosts: int
    hands_up: int
    hands_raised: int
    questions_open: int
    questions_asked: int
    poll: PollNow | None
    stream: StreamNow | None


class ClassCurve(msgspec.Struct, frozen=True):
    """The most viewers at once of every `step` seconds, from the start of the class up to now, or to its end."""

    started_at: datetime | None
    step: int
    viewers: tuple[int, ...]


class ClassFigures(ABC):
    """What live contributes to those who show classes while they go on; `class_figures` finds it."""

    @abstractmethod
    async def now(self, sessions: Collection[str]) -> Mapping[str, ClassNow]:
        """Of each of these sessions that there is, by one statement. Raises Unavailable."""

    @abstractmethod
    async def curve(self, session: ClassNow) -> ClassCurve:
        """The same curve as in the report after the class. It reads all presence of the class: ask once a minute.

        Raises Unavailable.
        """


def class_figures(kernel: Kernel) -> ClassFigures:
    """Ask in handlers and in `lifespan`: it is known once all modules are built."""
    return kernel.contributed(ClassFigures)[0]  # type: ignore[type-abstract]


CURVE: Final = "SELECT started_at, step, curve AS viewers FROM live_report WHERE session_id = $1"


async def curve(database: Database, session_id: str) -> ClassCurve | None:
    """The curve of a class that is over; None until its report is stored. Raises Unavailable."""
    for row in await database.fetch(CURVE, session_id):
        return msgspec.convert(row, ClassCurve)
    return None


async def role_as_reader(database: Database, principal: Principal, session_id: str) -> str | None:
    """The role in which the user may read what is said in the session's room, also when the session is over.

    None for a user who takes no part in it, is banned from it, or waits in its lobby, and when there is no such
    session. Raises Unavailable.
    """
    facts = await AccessRepository(database).admission_facts(principal.id, session_id)
    if facts is None:
        return None
    named = principal.role.may_teach and principal.id in (facts.mentor_id, *facts.co_mentors)
    part = facts.part(principal.role)
    if named or principal.role is Role.ADMIN or part is Part.MENTOR:
        return "host"
    if facts.banned or (part is None and facts.visibility != "open"):
        return None
    return facts.promoted or (None if facts.waits else "viewer")


def readable_session(session_id: str, user_id: str, may_teach: str) -> str:
    """A condition for a statement: `role_as_reader` gives the user a role, who is no admin.

    All arguments are expressions of SQL, never values; `may_teach` says whether the user's role does.
    """
    return f"""
        EXISTS (
            SELECT FROM live_session AS session
            LEFT JOIN LATERAL ({standing_in("session.program_id", user_id)}) AS standing ON true
            WHERE session.id = {session_id} AND (
                {may_teach} AND (
                    session.mentor_id = {user_id} OR {user_id} = ANY(session.co_mentors) OR standing.mentor
                )
                OR (coalesce(standing.student, false) OR visibility = 'open') AND NOT EXISTS (
                    SELECT FROM live_ban AS ban WHERE ban.user_id = {user_id} AND (until IS NULL OR until > now()) AND (
                        ban.session_id = session.id OR (scope = 'program' AND ban.program_id = session.program_id)
                    )
                ) AND (
                    EXISTS (SELECT FROM live_promotion WHERE session_id = session.id AND user_id = {user_id})
                    OR NOT EXISTS (SELECT FROM live_option WHERE session_id = session.id AND lobby)
                    OR EXISTS (
                        SELECT FROM live_guest
                        WHERE session_id = session.id AND user_id = {user_id} AND state = 'admitted'
                    )
                )
            )
        )
    """  # noqa: S608
