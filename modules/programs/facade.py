"""What other modules may ask of programs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from gateway.contract import Database, Kernel
from gateway.principal import Principal, Role
from modules.accounts.facade import students_among


def program_room(program_id: str) -> str:
    """The room of those who take part in the program."""
    return f"program:{program_id}"


class Part(StrEnum):
    """How a user takes part in a program."""

    MENTOR = "mentor"
    STUDENT = "student"


def banned_from(program_id: str, user_id: str) -> str:
    """A condition for a statement: the user is kept out of the program now.

    Both arguments are expressions of SQL, never values.
    """
    return f"""
        EXISTS (
            SELECT FROM program_ban AS ban WHERE ban.program_id = {program_id} AND ban.user_id = {user_id}
            AND (ban.until IS NULL OR ban.until > now())
        )
    """


class Standing(msgspec.Struct, frozen=True):
    """How a program's rows name a user. The role decides whether who is named as a mentor is one."""

    mentor: bool
    student: bool

    def part(self, role: Role) -> Part | None:
        mentor = self.mentor and role.may_teach
        return Part.MENTOR if mentor else Part.STUDENT if self.student else None


def standing_in(program_id: str, user_id: str) -> str:
    """A subquery without a row or with one, of the columns of `Standing`: for a statement on a module's own rows.

    Both arguments are expressions of SQL, never values.
    """
    return f"""
        SELECT program.mentor_id = {user_id} OR {user_id} = ANY(program.co_mentors) AS mentor,
            (program.open_to_all OR EXISTS (
                SELECT FROM program_enrolment AS enrolment
                WHERE enrolment.program_id = program.id AND enrolment.user_id = {user_id} AND state = 'enrolled'
            )) AND NOT {banned_from("program.id", user_id)} AS student
        FROM program WHERE program.id = {program_id}
    """  # noqa: S608


PART = standing_in("$2", "$1")


async def part_of(database: Database, principal: Principal, program_id: str) -> Part | None:
    """How the user takes part in the program; None when they do not.

    A co-mentor is a mentor. A user whose role is student teaches nothing, also where they are named as a mentor.
    """
    for row in await database.fetch(PART, principal.id, program_id):
        return msgspec.convert(row, Standing).part(principal.role)
    return None


PARTS = f"""
    SELECT asked.id, mentor, student
    FROM unnest($1::text[]) AS asked (id), LATERAL ({standing_in("$2", "asked.id")}) AS standing
"""  # noqa: S608


async def parts_of(database: Database, user_ids: Sequence[str], program_id: str) -> dict[str, Part]:
    """How each of these users takes part, with the role that the platform knows; those who do not are left out."""
    rows = await database.fetch(PARTS, list(user_ids), program_id)
    students = await students_among(database, [row["id"] for row in rows if row["mentor"]])
    parts: dict[str, Part] = {}
    for row in rows:
        if row["mentor"] and row["id"] not in students:
            parts[row["id"]] = Part.MENTOR
        elif row["student"]:
            parts[row["id"]] = Part.STUDENT
    return parts


MENTORS = "SELECT mentor_id || co_mentors AS ids FROM program WHERE id = $1"


async def mentors_of(database: Database, program_id: str) -> list[str]:
    """The ids of the program's mentor and co-mentors."""
    return [id for row in await database.fetch(MENTORS, program_id) for id in row["ids"]]


ENROLLED = "SELECT FROM program_enrolment WHERE program_id = $1 AND user_id = $2 AND state = 'enrolled'"


async def enrolled(database: Database, user_id: str, program_id: str) -> bool:
    """Whether the user has a place in the program. A program that is open to all gives none by that."""
    return bool(await database.fetch(ENROLLED, program_id, user_id))


TAKEN_PART_IN = f"""
    SELECT asked.id FROM unnest($1::text[]) AS asked (id), LATERAL ({standing_in("asked.id", "$2")}) AS standing
    WHERE mentor AND $3 OR student
"""  # noqa: S608


async def taken_part_in(database: Database, principal: Principal, program_ids: Sequence[str]) -> list[str]:
    """Those of these programs in which the user takes part, in one query."""
    rows = await database.fetch(TAKEN_PART_IN, list(program_ids), principal.id, principal.role.may_teach)
    return [row["id"] for row in rows]


class Shared(msgspec.Struct, frozen=True):
    """How a user and another meet in programs. Only places count, and no place from which its user is kept out.

    Whether who is named as a mentor is one, the role says, which the caller knows.
    """

    # The user is named as a mentor of a program in which the other has a place.
    teaches: bool
    # The same the other way round.
    taught: bool
    # Both have a place in one program.
    classmates: bool


def has_place(user_id: str) -> str:
    """The programs in which a user has a place and takes part: a subquery of their ids. The argument is SQL."""
    return f"""
        SELECT program_id FROM program_enrolment AS place
        WHERE place.user_id = {user_id} AND state = 'enrolled'
            AND NOT {banned_from("place.program_id", "place.user_id")}
    """  # noqa: S608


def teaches_in(user_id: str, places: str) -> str:
    """Whether a user is named as a mentor of one of the programs that a subquery gives. Both arguments are SQL."""
    return f"""
        EXISTS (
            SELECT FROM program
            WHERE (mentor_id = {user_id} OR {user_id} = ANY(co_mentors)) AND program.id IN ({places})
        )
    """


SHARED = f"""
    SELECT asked.id,
        {teaches_in("$1", has_place("asked.id"))} AS teaches,
        {teaches_in("asked.id", has_place("$1"))} AS taught,
        EXISTS ({has_place("$1")} INTERSECT {has_place("asked.id")}) AS classmates
    FROM unnest($2::text[]) AS asked (id)
"""  # noqa: S608


async def shared_with(database: Database, user_id: str, others: Sequence[str]) -> dict[str, Shared]:
    """How the user meets each of these others in programs, in one query. All of them are in the answer."""
    rows = await database.fetch(SHARED, user_id, list(others))
    return {row["id"]: Shared(row["teaches"], row["taught"], row["classmates"]) for row in rows}


# Each part uses an index; one condition on all programs would use none.
PROGRAMS_OF = f"""
    SELECT id FROM program WHERE mentor_id = $1 AND $2
    UNION SELECT id FROM program WHERE co_mentors @> ARRAY[$1]::text[] AND $2
    UNION SELECT id FROM program WHERE open_to_all AND NOT {banned_from("program.id", "$1")}
    UNION SELECT program_id FROM program_enrolment AS enrolment
    WHERE user_id = $1 AND state = 'enrolled' AND NOT {banned_from("enrolment.program_id", "$1")}
"""  # noqa: S608


async def programs_of(database: Database, user_id: str, role: Role) -> list[str]:
    """All programs in which a user of this role takes part, in no order."""
    return [row["id"] for row in await database.fetch(PROGRAMS_OF, user_id, role.may_teach)]


# Of these each row is one way to read the program's room. Without a time all of it is read, by whoever teaches, and in
# a program that is open to all by whoever has begun.
READ_SINCE = f"""
    SELECT id, CASE WHEN bool_and(since IS NOT NULL) THEN min(since) END AS since FROM (
        SELECT id, NULL::timestamptz AS since FROM program WHERE mentor_id = $1 AND $2
        UNION ALL SELECT id, NULL FROM program WHERE co_mentors @> ARRAY[$1]::text[] AND $2
        UNION ALL SELECT begun.program_id, NULL FROM program_student AS begun
        JOIN program ON program.id = begun.program_id AND program.open_to_all
        WHERE begun.user_id = $1 AND NOT {banned_from("begun.program_id", "$1")}
        UNION ALL SELECT program_id, created_at FROM program_enrolment AS enrolment
        WHERE user_id = $1 AND state = 'enrolled' AND NOT {banned_from("enrolment.program_id", "$1")}
    ) AS ways GROUP BY id
"""  # noqa: S608


async def read_since(database: Database, user_id: str, role: Role) -> dict[str, datetime | None]:
    """The programs whose rooms a user of this role follows, each with since when; None: from the beginning.

    Those in which they have a place, which they teach, or which are open to all and which they have begun.
    """
    rows = await database.fetch(READ_SINCE, user_id, role.may_teach)
    return {row["id"]: row["since"] for row in rows}


READERS = f"""
    SELECT user_id, CASE WHEN bool_and(since IS NOT NULL) THEN min(since) END AS since FROM (
        SELECT unnest(mentor_id || co_mentors) AS user_id, NULL::timestamptz AS since FROM program WHERE id = $1
        UNION ALL SELECT begun.user_id, NULL FROM program_student AS begun
        JOIN program ON program.id = begun.program_id AND program.open_to_all
        WHERE begun.program_id = $1 AND NOT {banned_from("$1", "begun.user_id")}
        UNION ALL SELECT enrolment.user_id, created_at FROM program_enrolment AS enrolment
        WHERE program_id = $1 AND state = 'enrolled' AND NOT {banned_from("$1", "enrolment.user_id")}
    ) AS ways GROUP BY user_id
"""  # noqa: S608


async def readers_of(database: Database, program_id: str) -> dict[str, datetime | None]:
    """The same, of one program: who follows its room, each with since when. Students who are named as mentors too."""
    return {row["user_id"]: row["since"] for row in await database.fetch(READERS, program_id)}


TAUGHT = """
    SELECT id FROM program WHERE mentor_id = $1 UNION SELECT id FROM program WHERE co_mentors @> ARRAY[$1]::text[]
"""


async def programs_taught(database: Database, principal: Principal) -> list[str]:
    """The programs whose mentor or co-mentor the user is, in no order."""
    return [row["id"] for row in await database.fetch(TAUGHT, principal.id)] if principal.role.may_teach else []


# The code of the push `left`, and of a refused enrolment.
BANNED = "programs.banned"
SET_BAN = """
    INSERT INTO program_ban (program_id, user_id, until) VALUES ($1, $2, $3)
    ON CONFLICT (program_id, user_id) DO UPDATE SET until = $3
"""
LIFT_BAN = "DELETE FROM program_ban WHERE program_id = $1 AND user_id = $2 RETURNING user_id"


async def keep_out(kernel: Kernel, user_id: str, program_id: str, until: datetime | None) -> None:
    """Keep a user out of the program until a time, or for good, in place of an earlier ban; inside a transaction.

    They keep their place, and take no part. The caller checks that they are no mentor of it: a mentor stays one.
    """
    await kernel.database.fetch(SET_BAN, program_id, user_id, until)
    await kernel.rooms.evict(program_room(program_id), user_id, BANNED, until=until)


async def let_in(kernel: Kernel, user_id: str, program_id: str) -> None:
    """End the user's ban from the program, if there is one; inside a transaction."""
    if await kernel.database.fetch(LIFT_BAN, program_id, user_id):
        await kernel.rooms.readmit(program_room(program_id), user_id)


IS_BANNED = f"SELECT WHERE {banned_from('$1', '$2')}"


async def banned(database: Database, user_id: str, program_id: str) -> bool:
    """Whether the user is kept out of the program now."""
    return bool(await database.fetch(IS_BANNED, program_id, user_id))


EXISTS = "SELECT FROM program WHERE id = $1"


async def exists(database: Database, program_id: str) -> bool:
    """Whether there is such a program."""
    return bool(await database.fetch(EXISTS, program_id))


TITLES = "SELECT id, title FROM program WHERE id = ANY($1)"


async def program_titles(database: Database, program_ids: Sequence[str]) -> dict[str, str]:
    """The titles of these programs, by their ids, in one query."""
    rows = await database.fetch(TITLES, list(program_ids))
    return {row["id"]: row["title"] for row in rows}


class LessonFound(msgspec.Struct, frozen=True):
    """Where a lesson is, and what it is called."""

    id: str
    program_id: str
    unit_id: str
    title: str


async def lesson(database: Database, lesson_id: str) -> LessonFound | None:
    """The lesson, or None when there is none (any more)."""
    rows = await database.fetch("SELECT id, program_id, unit_id, title FROM program_lesson WHERE id = $1", lesson_id)
    return msgspec.convert(rows[0], LessonFound) if rows else None


class Offer(msgspec.Struct, frozen=True):
    """What a place in a program costs, in minor units of `currency`, and whether there is one now."""

    program_id: str
    title: str
    price: int
    currency: str
    open: bool
    # Null: as many as want one.
    free_places: int | None

    @property
    def full(self) -> bool:
        return self.free_places == 0


OFFER = """
    SELECT id AS program_id, title, price, currency, state = 'published' AS open, greatest(capacity - (
        SELECT count(*) FROM program_enrolment WHERE program_id = program.id AND state = 'enrolled'
    ), CASE WHEN capacity IS NOT NULL THEN 0 END) AS free_places
    FROM program WHERE id = $1
"""


async def offer(database: Database, program_id: str) -> Offer | None:
    """What a place costs; None when there is no such program. The place may be taken when it is paid."""
    rows = await database.fetch(OFFER, program_id)
    return msgspec.convert(rows[0], Offer) if rows else None


STUDENTS = "SELECT user_id FROM program_enrolment WHERE program_id = $1 AND state = 'enrolled'"


async def students_of(database: Database, program_id: str) -> list[str]:
    """The ids of those who have a place in the program, in no order; an open program has other participants too."""
    return [row["user_id"] for row in await database.fetch(STUDENTS, program_id)]


class LessonsDone(msgspec.Struct, frozen=True):
    """How many of a program's lessons a user has completed. Only lessons that there are now count."""

    completed: int
    lessons: int


LESSONS_DONE = """
    SELECT asked.id, lessons.number AS lessons, count(mark.lesson_id) AS completed
    FROM unnest($2::text[]) AS asked (id)
    CROSS JOIN (SELECT count(*) AS number FROM program_lesson WHERE program_id = $1) AS lessons
    LEFT JOIN (
        program_progress AS mark JOIN program_lesson AS lesson ON lesson.id = mark.lesson_id AND lesson.program_id = $1
    ) ON mark.user_id = asked.id AND mark.completed_at IS NOT NULL
    GROUP BY asked.id, lessons.number
"""


async def lessons_done(database: Database, program_id: str, user_ids: Sequence[str]) -> dict[str, LessonsDone]:
    """How far each of these users is in the program's lessons, whether or not they have a place in it."""
    rows = await database.fetch(LESSONS_DONE, program_id, list(user_ids))
    return {row["id"]: LessonsDone(row["completed"], row["lessons"]) for row in rows}


LEARNERS = """
    SELECT user_id FROM program_enrolment WHERE program_id = $1 AND state = 'enrolled'
    UNION
    SELECT begun.user_id FROM program_student AS begun JOIN program ON program.id = begun.program_id
    WHERE begun.program_id = $1 AND program.open_to_all
"""


async def learners_of(database: Database, program_id: str) -> list[str]:
    """The ids of those who have a place, and in a program that is open to all of those who have begun; in no order."""
    return [row["user_id"] for row in await database.fetch(LEARNERS, program_id)]


PARTICIPANTS = f"""
    SELECT DISTINCT found.user_id FROM (
        SELECT user_id FROM program_enrolment WHERE program_id = $1 AND state = 'enrolled'
        UNION ALL
        SELECT begun.user_id FROM program_student AS begun JOIN program ON program.id = begun.program_id
        WHERE begun.program_id = $1 AND program.open_to_all
        UNION ALL
        SELECT unnest(mentor_id || co_mentors) FROM program WHERE id = $1
    ) AS found
    WHERE found.user_id > $2 AND NOT {banned_from("$1", "found.user_id")}
    ORDER BY found.user_id LIMIT $3
"""  # noqa: S608


async def participants(database: Database, program_id: str, after: str, limit: int) -> list[str]:
    """A page of those who learn or teach in the program: the ids after `after`, ascending, at most `limit`.

    In a program that is open to all, those who have begun it learn in it. Who is kept out of it now is left out.
    """
    return [row["user_id"] for row in await database.fetch(PARTICIPANTS, program_id, after, limit)]


class SessionRecording(msgspec.Struct, frozen=True):
    """A recording of a session; it is played where sessions are (`…/sessions/{id}/recordings/{recording}`)."""

    id: str
    duration_ms: int
    started_at: datetime


class LessonSession(msgspec.Struct, frozen=True):
    """A live session as a lesson shows it, with its recordings in the order in which they were made."""

    id: str
    title: str
    state: str
    starts_at: datetime
    ends_at: datetime
    recordings: tuple[SessionRecording, ...] = ()


class LessonSessions(ABC):
    """The live sessions of lessons. The module that holds sessions contributes one object of this kind."""

    @abstractmethod
    async def of_lesson(self, program_id: str, lesson_id: str) -> list[LessonSession]:
        """The sessions of the program that are about this lesson and were not cancelled, by their time. One query."""

    @abstractmethod
    async def find(self, program_id: str, session_ids: Sequence[str]) -> dict[str, LessonSession]:
        """Those of these sessions that belong to the program, by id. One query."""
