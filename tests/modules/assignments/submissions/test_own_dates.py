"""Every gate goes by the student's own dates, and lateness is derived anew."""

from __future__ import annotations

from typing import Any

from ksmp_testkit import Caller, MakeToken, Running
from ksmp_testkit.answers import done, refused
from ksmp_testkit.socket_client import connected
from tests.modules.assignments.classroom import ASSIGNMENTS, Classroom, classroom, later
from tests.modules.assignments.submissions.work import PURPOSE, Work
from tests.modules.files.uploads import FILES, PDF, new


async def extend(room: Classroom, id: str, student: str, **grant: Any) -> None:
    """Grant a student until in an hour, and what else is said."""
    wanted = {"due": later(hours=1), **grant}
    answer = await room.teacher.put(f"{ASSIGNMENTS}/{id}/extensions/{student}", json=wanted, headers={"If-Match": "*"})
    assert answer.status_code in (200, 201), answer.text


async def test_an_extension_opens_every_gate(caller: Caller) -> None:
    room = await classroom(caller, students=2)
    id = (await room.assignment(accepts=["files", "text"], due=later(hours=-1), late={"kind": "none"}))["id"]
    extended, other = (Work(caller, student, id) for student in room.students)
    await extend(room, id, extended.user)
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


async def test_an_extension_heals_lateness(caller: Caller, node: Running, token: MakeToken) -> None:
    room = await classroom(caller)
    id = (await room.assignment(due=later(days=-2, hours=1)))["id"]
    work = Work(caller, room.students[0], id)
    receipt = await work.hand_in()
    assert receipt["days_late"] == 2
    before = await work.read()
    async with connected(node.ws_url, token(work.user)) as tab:
        await extend(room, id, work.user)
        await node.events_handled("assignments.push_dates_changed")
        pushed = (await tab.expect_push("assignments.submission"))["data"]
    assert pushed["rev"] > before["rev"]
    assert (pushed["attempts"][0]["days_late"], pushed["dates"]["rule"]) == (0, "extension")
    assert await work.read() == pushed
    again = await work.receipt(1)
    # The stamp and the hash are what they were.
    assert (again["days_late"], again["hash"]) == (0, receipt["hash"])
    (line,) = done(await room.teacher.get(f"{ASSIGNMENTS}/{id}/submissions"))["items"]
    assert line["days_late"] == 0


async def test_more_attempts_are_granted_to_one(caller: Caller) -> None:
    room = await classroom(caller)
    id = (await room.assignment(attempts=1, release="at_once", due=later(minutes=30)))["id"]
    work = Work(caller, room.students[0], id)
    receipt = await work.hand_in("first")
    grade = f"{ASSIGNMENTS}/{id}/submissions/{receipt['submission_id']}/grade"
    body = {"attempt_id": receipt["attempt_id"], "points": "50", "state": "final"}
    done(await room.teacher.put(grade, json=body, headers={"If-Match": "*"}))
    assert (await work.read())["state"] == "returned"
    refused(await work.step("resubmit"), 409, "assignments.attempts_used")
    await extend(room, id, work.user, extra_attempts=1)
    assert done(await work.step("resubmit"))["attempts_left"] == 1
    await work.save(text="second")
    second = await work.turn_in()
    assert second["number"] == 2
    # What was graded stays the student's until the next is graded.
    assert (await work.attempt(1))["grade"]["score"] == "50.00"
