"""Who has the grade of a group's work: those who were in it then, and those who are in it now. Fault 12."""

from __future__ import annotations

from datetime import timedelta

import asyncpg

from gateway import clock
from ksmp_testkit import Caller, Running
from modules.assignments.catalogue.repository import AssignmentRepository
from modules.assignments.module import AssignmentsModule
from tests.modules.assignments.classroom import classroom, later
from tests.modules.assignments.grading.marking import TOGETHER, Marker, by_the_clock
from tests.modules.assignments.submissions.work import Work
from tests.modules.programs.programs import user

LATE = {"kind": "percent", "percent": "10", "floor": "0"}
MEMBER = """
    INSERT INTO assignments_group_member (set_id, group_id, user_id, joined_at) VALUES ($1, $2, $3, now())
"""
LEAVE = "UPDATE assignments_group_member SET left_at = now() WHERE set_id = $1 AND user_id = $2"


async def test_who_joins_later_has_the_grade_and_who_left_keeps_it(
    node: Running, caller: Caller, database: asyncpg.Pool
) -> None:
    room = await classroom(caller, students=4)
    ann, bob, late, other = room.students
    set_id, group_id = user(), user()
    insert = "INSERT INTO assignments_group_set (id, program_id, name) VALUES ($1, $2, 'Teams')"
    await database.execute(insert, set_id, room.program)
    await database.execute("INSERT INTO assignments_group (id, set_id, name) VALUES ($1, $2, 'A')", group_id, set_id)
    for one in (ann, bob):
        await database.execute(MEMBER, set_id, group_id, one)
    terms = TOGETHER | {"release": "at_once", "due": later(days=-2, hours=1), "late": LATE, "group_set_id": set_id}
    assignment = await room.assignment(**terms)
    receipt = await Work(caller, ann, assignment["id"]).hand_in()
    await database.execute(LEAVE, set_id, bob)
    await database.execute(MEMBER, set_id, group_id, late)
    marker = Marker(room.teacher, assignment["id"])
    assert (await marker.final(receipt, "10"))["score"] == "8.00"
    reader = node.module(AssignmentsModule).grading.reader
    assignments = await AssignmentRepository(node.gateway.database).of_program(room.program)

    async def facts() -> dict[str, str]:
        found = await reader.of(assignments, clock.now(), released_only=True)
        return {one.user_id: str(one.score) for one in found}

    assert await facts() == {ann: "8.00", bob: "8.00", late: "8.00"}
    assert (await Work(caller, late, assignment["id"]).read())["grades"][0]["score"] == "8.00"
    # What one of them is granted holds for the work of all, also when they leave.
    due = clock.now() + timedelta(hours=1)
    grant = (
        "INSERT INTO assignments_extension (assignment_id, user_id, due_wall, due_zone, due_at, granted_by, granted_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, now())"
    )
    await database.execute(grant, assignment["id"], bob, *by_the_clock(due), due, room.mentor)
    assert await facts() == {ann: "10.00", bob: "10.00", late: "10.00"}
    only = await reader.of(assignments, clock.now(), released_only=True, user_ids=[other, late])
    assert [one.user_id for one in only] == [late]


async def test_who_worked_alone_and_in_a_group_has_one_grade(
    node: Running, caller: Caller, database: asyncpg.Pool
) -> None:
    room = await classroom(caller, students=3)
    ann, bob, eve = room.students
    set_id, group_id = user(), user()
    insert = "INSERT INTO assignments_group_set (id, program_id, name) VALUES ($1, $2, 'Teams')"
    await database.execute(insert, set_id, room.program)
    await database.execute("INSERT INTO assignments_group (id, set_id, name) VALUES ($1, $2, 'A')", group_id, set_id)
    assignment = await room.assignment(**(TOGETHER | {"release": "at_once", "group_set_id": set_id}))
    await database.execute(MEMBER, set_id, group_id, bob)
    together = await Work(caller, bob, assignment["id"]).hand_in()
    alone = [await Work(caller, one, assignment["id"]).hand_in() for one in (ann, eve)]
    marker = Marker(room.teacher, assignment["id"])
    await marker.final(together, "9")
    for receipt in alone:
        await marker.final(receipt, "3")
    await database.execute(MEMBER, set_id, group_id, ann)
    reader = node.module(AssignmentsModule).grading.reader
    assignments = await AssignmentRepository(node.gateway.database).of_program(room.program)

    async def facts(*user_ids: str) -> list[tuple[str, str]]:
        found = await reader.of(assignments, clock.now(), released_only=True, user_ids=user_ids or None)
        return sorted((one.user_id, str(one.score)) for one in found)

    # She turned in alone after the group did, and has what the group has.
    assert await facts() == sorted([(ann, "9.00"), (bob, "9.00"), (eve, "3.00")])
    assert await facts(ann) == [(ann, "9.00")]
    await database.execute(LEAVE, set_id, ann)
    assert await facts(ann) == [(ann, "3.00")]
