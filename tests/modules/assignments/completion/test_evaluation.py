"""What is followed by a look at a student, or at all of a program; and what is earned by a grade."""

from __future__ import annotations

from typing import Any

import asyncpg

from ksmp_testkit import Caller, Running, eventually
from ksmp_testkit.answers import done
from modules.assignments.completion.evaluation import PART
from modules.assignments.events import AssignmentClosed
from tests.modules.assignments.classroom import ASSIGNMENTS, Classroom, classroom
from tests.modules.assignments.gradebook.graded import graded
from tests.modules.programs.programs import ANY, user

EVALUATE = "assignments.evaluate"


async def needs_grade(room: Classroom, grade: int) -> None:
    rule = f"{ASSIGNMENTS}/completion-rule?program={room.program}"
    done(await room.teacher.put(rule, json={"grade": grade}, headers=ANY))


async def certificates(room: Classroom) -> list[dict[str, Any]]:
    return list(done(await room.teacher.get(f"{ASSIGNMENTS}/certificates?program={room.program}"))["items"])


async def look_is_set(node: Running, room: Classroom) -> bool:
    return any(timer.key == room.program for timer in await node.timers(EVALUATE))


async def no_look(node: Running, room: Classroom) -> None:
    """Take the timer that a new rule has set."""
    await node.fire_timer(EVALUATE, room.program)
    assert not await look_is_set(node, room)


async def test_a_grade_that_is_released_completes_the_program(caller: Caller, node: Running) -> None:
    room = await classroom(caller, students=2)
    ann, ben = room.students
    await needs_grade(room, 60)
    work = await graded(room, release="together")
    await work.grade(ann, "6")
    await work.grade(ben, "5.99")
    standing = f"{ASSIGNMENTS}/completion/own?program={room.program}"
    # Its grade is not released, so nothing is reached, also for those who teach.
    assert done(await caller(ann).get(standing))["requirements"][0]["reached"] is None
    listed = done(await room.teacher.get(f"{ASSIGNMENTS}/completion?program={room.program}"))["items"]
    assert [one["complete"] for one in listed] == [False, False]
    await work.marker.release()
    await node.events_handled("assignments.evaluate_grade")

    async def issued() -> bool:
        return bool(done(await caller(ann).get(f"{ASSIGNMENTS}/certificates"))["items"])

    await eventually(issued, "the certificate is issued")
    assert done(await caller(ben).get(standing))["requirements"] == [
        {"kind": "grade", "needed": "60.00", "reached": "59.90", "met": False}
    ]
    assert done(await caller(ben).get(f"{ASSIGNMENTS}/certificates"))["items"] == []


async def test_the_first_grade_of_a_program_does_not_complete_it(caller: Caller, node: Running) -> None:
    room = await classroom(caller)
    (ann,) = room.students
    await needs_grade(room, 60)
    first, second = await graded(room), await graded(room)
    await first.grade(ann, "10")
    await node.events_handled("assignments.evaluate_grade")
    standing = f"{ASSIGNMENTS}/completion/own?program={room.program}"
    # All of the first, and nothing of the second yet, of as many points.
    assert done(await caller(ann).get(standing))["requirements"][0]["reached"] == "50.00"
    assert await certificates(room) == []
    await second.grade(ann, "2")

    async def issued() -> bool:
        return bool(await certificates(room))

    await eventually(issued, "the certificate is issued")


async def test_another_way_to_add_up_completes_the_program(caller: Caller, node: Running) -> None:
    room = await classroom(caller)
    (ann,) = room.students
    body = {"program_id": room.program, "name": "Essays", "weight": 1}
    essays = done(await room.teacher.post(f"{ASSIGNMENTS}/categories/", json=body), 201)
    await needs_grade(room, 60)
    for points in ("0", "10"):
        await (await graded(room, category_id=essays["id"])).grade(ann, points)
    await node.events_handled()
    await no_look(node, room)
    assert await certificates(room) == []
    path = f"{ASSIGNMENTS}/categories/{essays['id']}"
    done(await room.teacher.patch(path, json={"drop_lowest": 1}, headers=ANY))
    await node.events_handled("assignments.evaluate_totals")
    await node.fire_timer(EVALUATE, room.program)
    assert [one["user_id"] for one in await certificates(room)] == [ann]


async def test_anonymous_work_counts_for_all_once_names_are_shown(caller: Caller, node: Running) -> None:
    room = await classroom(caller, students=2)
    ann, ben = room.students
    await needs_grade(room, 60)
    work = await graded(room, anonymous=True)
    await work.hand_in(ben)
    await work.grade(ann, "10")
    await node.events_handled("assignments.evaluate_grade")
    await node.fire_timer(EVALUATE, room.program)
    # A certificate now would say whose grade that was.
    assert await certificates(room) == []
    await work.grade(ben, "1")
    await node.events_handled("assignments.evaluate_grade")
    await node.fire_timer(EVALUATE, room.program)
    assert [one["user_id"] for one in await certificates(room)] == [ann]
    # Names may also be shown because nothing is taken any more.
    await node.publish_event(AssignmentClosed(work.id, room.program))
    await node.events_handled("assignments.evaluate_closed")
    assert await look_is_set(node, room)


async def test_all_of_a_large_program_are_looked_at_part_by_part(
    caller: Caller, node: Running, database: asyncpg.Pool
) -> None:
    room = await classroom(caller)
    unit = done(await room.teacher.post(f"{room.path}/units", json={"title": "A"}), 201)["id"]
    lesson = done(await room.teacher.post(f"{room.path}/units/{unit}/lessons", json={"title": "One"}), 201)["id"]
    users = sorted(user() for _ in range(PART + 5))
    for statement in (
        "INSERT INTO account_user (id, name, role) SELECT unnest($2::text[]), $1, 'student'",
        "INSERT INTO program_enrolment (program_id, user_id) SELECT $1, unnest($2::text[])",
    ):
        await database.execute(statement, room.program, users)
    await database.execute(
        "INSERT INTO program_progress (lesson_id, user_id, started_at, completed_at) "
        "SELECT $1, unnest($2::text[]), now(), now()",
        lesson,
        users,
    )
    rule = f"{ASSIGNMENTS}/completion-rule?program={room.program}"
    done(await room.teacher.put(rule, json={"lessons": 100}, headers=ANY))
    await node.fire_timer(EVALUATE, room.program)
    (rest,) = [timer for timer in await node.timers(EVALUATE) if timer.key == room.program]
    assert rest.payload["after"] in {*users, *room.students}

    async def all_issued() -> bool:
        found = await database.fetch("SELECT user_id FROM assignments_certificate WHERE program_id = $1", room.program)
        return {row["user_id"] for row in found} == set(users)

    # The rest is due at once.
    await eventually(all_issued, "everybody has a certificate")
