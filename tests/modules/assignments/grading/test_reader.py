"""What a grade book is given, and what an export of a student has: nothing that is not released. Faults 9 and 10."""

from __future__ import annotations

from gateway import clock
from ksmp_testkit import Caller, Running
from ksmp_testkit.answers import done
from modules.assignments.catalogue.repository import AssignmentRepository
from modules.assignments.grading.reader import GradeReader
from modules.assignments.grading.repository import GradeRepository
from modules.assignments.module import AssignmentsModule
from tests.modules.assignments.classroom import ASSIGNMENTS, later
from tests.modules.assignments.grading.marking import class_of

SECRET = "Look at the second step again"


def reader_of(node: Running) -> GradeReader:
    return node.module(AssignmentsModule).grading.reader


async def test_a_grade_book_of_students_has_what_is_released(node: Running, caller: Caller) -> None:
    lesson = await class_of(caller, students=3)
    ann, bob, _ = lesson.room.students
    await lesson.marker.final(lesson.receipts[0], "7")
    await lesson.marker.final(lesson.receipts[1], "8")
    await lesson.marker.save(lesson.receipts[2])
    await lesson.marker.release(lesson.receipts[0])
    await lesson.marker.save(lesson.receipts[0], "1")

    assignments = await AssignmentRepository(node.gateway.database).of_program(lesson.room.program)

    async def facts(*, released_only: bool) -> set[tuple[str, str, bool]]:
        found = await reader_of(node).of(assignments, clock.now(), released_only=released_only)
        return {(one.user_id, str(one.score), one.released) for one in found}

    assert await facts(released_only=True) == {(ann, "7.00", True)}
    assert await facts(released_only=False) == {(ann, "1.00", True), (bob, "8.00", False)}


async def test_staff_s_grade_book_has_nobody_whom_they_may_not_know(node: Running, caller: Caller) -> None:
    lesson = await class_of(caller, anonymous=True, due=later(hours=1), release="at_once")
    await lesson.marker.final(lesson.receipts[0], "7")
    for released in ("true", "false"):
        params = {"program": lesson.room.program, "released": released}
        (row,) = done(await lesson.room.teacher.get(f"{ASSIGNMENTS}/gradebook", params=params))["items"]
        assert row["marks"] == {}
    own = await caller(lesson.room.students[0]).get(f"{ASSIGNMENTS}/grades", params={"program": lesson.room.program})
    assert done(own)["marks"][lesson.id]["score"] == "7.00"


async def test_an_export_has_what_the_student_sees_and_a_deletion_takes_the_comments(
    node: Running, caller: Caller
) -> None:
    lesson = await class_of(caller)
    (work,), (receipt,) = lesson.works, lesson.receipts
    module = node.module(AssignmentsModule)
    await lesson.marker.final(receipt, "7", comment=SECRET)
    assert "grades" not in await module.export(work.user)
    await lesson.marker.release()
    regrade = {"reason": "Look again, says Ann"}
    assert (await work.rest.post(f"{lesson.marker.path}/regrades", json=regrade)).status_code == 201
    await lesson.marker.save(receipt, "2", comment="Not to be seen")
    held = await module.export(work.user)
    (grade,) = held["grades"]
    assert (grade["attempt_id"], grade["score"], grade["comment"]) == (receipt["attempt_id"], "7.00", SECRET)
    assert [one["reason"] for one in held["regrades"]] == [regrade["reason"]]
    assert "Not to be seen" not in str(held)
    async with node.gateway.database.transaction():
        await module.forget(work.user)
    versions = await lesson.marker.versions(receipt)
    assert [(one["points"], one["comment"]) for one in versions] == [("2.00", ""), ("7.00", "")]
    assert "Ann" not in str(await module.export(work.user))


async def test_of_some_students_no_other_rows_are_read(node: Running, caller: Caller) -> None:
    """A class of a thousand would read a million rows when each looks at their own grades."""
    lesson = await class_of(caller, students=3)
    for receipt in lesson.receipts:
        await lesson.marker.final(receipt, "7")
    rows = GradeRepository(node.gateway.database)
    assert len(await rows.of_assignments([lesson.id])) == 3
    found = await rows.of_assignments([lesson.id], lesson.room.students[:1])
    assert [work.attempt_id for work in found] == [lesson.receipts[0]["attempt_id"]]
