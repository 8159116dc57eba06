"""From the events of other modules to the list, by the streams and the store."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import asyncpg

from gateway import clock
from ksmp_testkit import Clients, Running, eventually
from ksmp_testkit.answers import done
from modules.assignments.events import AssignmentClosed, SubmissionTurnedIn
from modules.live.events import AttendanceRecorded, Attendee
from modules.programs.events import Enrolled, LessonAdded, LessonCompleted
from tests.modules.analytics.at_risk.conftest import Course

ENROL = "INSERT INTO account_user (id, name, role) VALUES ($1, $2, 'student')"


async def test_what_modules_publish_is_what_the_list_counts(
    node: Running, clients: Clients, course: Course, database: asyncpg.Pool[Any]
) -> None:
    """The bookkeeping of the test: who was where, who turned in what, who completed what."""
    now, program = clock.now(), course.program
    sam, tom = course.user("sam"), course.user("tom")
    for user, name in ((sam, "Sam"), (tom, "Tom")):
        await database.execute(ENROL, user, name)
        await node.publish_event(Enrolled(program, user, now - timedelta(days=30)))
    for days, absent in ((9, sam), (6, sam), (3, tom)):
        ended = now - timedelta(days=days)
        attendees = tuple(
            Attendee(
                user_id=user, state="absent" if user == absent else "present", seconds=0 if user == absent else 3000
            )
            for user in (sam, tom)
        )
        await node.publish_event(
            AttendanceRecorded(
                session_id=uuid.uuid4().hex,
                program_id=program,
                started_at=ended - timedelta(hours=1),
                at=ended,
                part=0,
                attendees=attendees,
            )
        )
    lessons = [uuid.uuid4().hex for _ in range(4)]
    for lesson in lessons:
        await node.publish_event(LessonAdded(program, lesson))
        await node.publish_event(LessonCompleted(program, lesson, tom, now - timedelta(days=1)))
    for number in range(2):
        assignment = uuid.uuid4().hex
        turned_in = SubmissionTurnedIn(
            assignment,
            program,
            uuid.uuid4().hex,
            uuid.uuid4().hex,
            1,
            (tom,),
            (now - timedelta(days=1)).isoformat(),
            number,
        )
        await node.publish_event(turned_in)
        await node.publish_event(AssignmentClosed(assignment, program))
    mentor = clients.rest(course.mentor, "mentor")
    wanted = [
        {"reason": "attendance", "numerator": 1, "denominator": 3, "value": 0.3333, "least": 0.6},
        {"reason": "submissions", "numerator": 0, "denominator": 2, "value": 0.0, "least": 0.6},
        # The median of 0 and 4 lessons is 2; half of that is 1 of 4.
        {"reason": "lessons", "numerator": 0, "denominator": 4, "value": 0.0, "least": 0.25},
    ]

    async def counted() -> bool:
        page = done(await mentor.get(course.path))
        return [(one["user_id"], one["reasons"]) for one in page["items"]] == [(sam, wanted)]

    await eventually(counted, "the list has Sam, with the figures of all three reasons")
    assert done(await mentor.get(course.path))["students"] == 2
