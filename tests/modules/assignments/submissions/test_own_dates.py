"""Every gate goes by the student's own dates, and lateness is derived anew."""

from __future__ import annotations

from datetime import timedelta

import asyncpg

from gateway import clock
from ksmp_testkit import Caller, MakeToken, Running
from ksmp_testkit.answers import done, refused
from ksmp_testkit.socket_client import connected
from modules.assignments.events import ExtensionGranted
from tests.modules.assignments.classroom import ASSIGNMENTS, classroom, later
from tests.modules.assignments.submissions.work import PURPOSE, Work, set_dates
from tests.modules.files.uploads import FILES, PDF, new

EXTEND = """
    INSERT INTO assignments_extension (assignment_id, user_id, due_wall, due_zone, due_at, granted_by, granted_at)
    VALUES ($1, $2, $3 AT TIME ZONE 'UTC', 'UTC', $3, 'mentor', now())
"""


async def test_an_extension_opens_every_gate(caller: Caller, database: asyncpg.Pool) -> None:
    room = await classroom(caller, students=2)
    id = (await room.assignment(accepts=["files", "text"], due=later(hours=-1), late={"kind": "none"}))["id"]
    extended, other = (Work(caller, student, id) for student in room.students)
    await database.execute(EXTEND, id, extended.user, clock.now() + timedelta(days=1))
    wanted = new(PDF, purpose=PURPOSE, target=id)
    refused(await other.rest.post(FILES, json=wanted), 409, "assignments.closed")
    refused(await other.try_save(text="x"), 409, "assignments.closed")
    file = await extended.upload(PDF)
    await extended.save(text="x", files=[file])
    receipt = await extended.turn_in()
    assert (receipt["days_late"], receipt["rule"]) == (0, "extension")
    done(await extended.step("reclaim"))
    await extended.turn_in()
    assert (await extended.read())["dates"]["rule"] == "extension"


async def test_an_extension_heals_lateness(
    caller: Caller, database: asyncpg.Pool, node: Running, token: MakeToken
) -> None:
    room = await classroom(caller)
    id = (await room.assignment(due=later(days=-2, hours=1)))["id"]
    work = Work(caller, room.students[0], id)
    receipt = await work.hand_in()
    assert receipt["days_late"] == 2
    before = await work.read()
    async with connected(node.ws_url, token(work.user)) as tab:
        due = clock.now() + timedelta(hours=1)
        await database.execute(EXTEND, id, work.user, due)
        await node.publish_event(ExtensionGranted(id, room.program, work.user, due.isoformat()))
        pushed = (await tab.expect_push("assignments.submission"))["data"]
    assert pushed["rev"] > before["rev"]
    assert (pushed["attempts"][0]["days_late"], pushed["dates"]["rule"]) == (0, "extension")
    assert await work.read() == pushed
    again = await work.receipt(1)
    # The stamp and the hash are what they were.
    assert (again["days_late"], again["hash"]) == (0, receipt["hash"])
    (line,) = done(await room.teacher.get(f"{ASSIGNMENTS}/{id}/submissions"))["items"]
    assert line["days_late"] == 0


async def test_more_attempts_are_granted_to_one(caller: Caller, database: asyncpg.Pool) -> None:
    room = await classroom(caller)
    id = (await room.assignment(attempts=1, release="at_once"))["id"]
    work = Work(caller, room.students[0], id)
    receipt = await work.hand_in("first")
    grade = f"{ASSIGNMENTS}/{id}/submissions/{receipt['submission_id']}/grade"
    body = {"attempt_id": receipt["attempt_id"], "points": "50", "state": "final"}
    done(await room.teacher.put(grade, json=body, headers={"If-Match": "*"}))
    assert (await work.read())["state"] == "returned"
    refused(await work.step("resubmit"), 409, "assignments.attempts_used")
    await database.execute(EXTEND, id, work.user, clock.now() + timedelta(days=1))
    await database.execute("UPDATE assignments_extension SET extra_attempts = 1 WHERE assignment_id = $1", id)
    assert done(await work.step("resubmit"))["attempts_left"] == 1
    await work.save(text="second")
    second = await work.turn_in()
    assert second["number"] == 2
    # What was graded stays the student's until the next is graded.
    assert (await work.attempt(1))["grade"]["score"] == "50.00"
    await set_dates(database, id, due=None, closes=None)
