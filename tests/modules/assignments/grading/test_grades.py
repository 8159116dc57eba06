"""Grades are saved in versions, by several markers: fault 11. Students see what is released: fault 9."""

from __future__ import annotations

import asyncio
from typing import Any

from ksmp_testkit import Caller, Clients, Running
from ksmp_testkit.answers import refused
from tests.modules.assignments.grading.marking import Class, class_of
from tests.modules.assignments.submissions.work import Work
from tests.modules.programs.programs import ANY, user

SECRET = "Look at the second step again"


async def seen(work: Work) -> tuple[Any, ...]:
    """All that a student may read of their grade."""
    submission = await work.read()
    attempt = await work.attempt(1)
    return submission["state"], submission["grades"], attempt["grade"], submission["rev"]


async def test_drafts_and_final_grades_are_for_markers_until_they_are_released(
    node: Running, caller: Caller, clients: Clients
) -> None:
    lesson = await class_of(caller)
    (work,), (receipt,) = lesson.works, lesson.receipts
    socket = await clients.socket(work.user)
    before = await seen(work)
    draft = await lesson.marker.save(receipt, "6", comment="A first look")
    final = await lesson.marker.final(receipt, "7.5", comment=SECRET)
    assert (draft["latest"]["state"], draft["latest"]["points"], draft["rev"]) == ("draft", "6.00", 1)
    assert (final["latest"]["version"], final["score"], final["released_version"]) == (2, "7.50", None)
    assert await seen(work) == before
    assert before[1:3] == ([], None)
    assert await lesson.marker.release() == 1
    state, grades, grade, rev = await seen(work)
    assert (state, rev) == ("returned", before[3] + 1)
    assert [(one["attempt_id"], one["score"]) for one in grades] == [(receipt["attempt_id"], "7.50")]
    assert (grade["points"], grade["comment"], grade["deduction"]) == ("7.50", SECRET, "0.00")
    push = await socket.expect_push("assignments.submission", f"user:{work.user}")
    assert (push["data"]["rev"], push["data"]["grades"]) == (rev, grades)
    # What is seen already is not released again.
    assert await lesson.marker.release() == 0
    assert (await seen(work))[3] == rev


async def test_a_version_after_the_release_is_not_seen_before_it_is_released(caller: Caller) -> None:
    lesson = await class_of(caller)
    (work,), (receipt,) = lesson.works, lesson.receipts
    await lesson.marker.final(receipt, "7.5")
    await lesson.marker.release()
    released = await seen(work)
    await lesson.marker.save(receipt, "2", comment=SECRET)
    assert await seen(work) == released
    await lesson.marker.final(receipt, "9", comment=SECRET)
    assert await seen(work) == released
    found = await lesson.marker.read(receipt)
    assert (found["latest"]["version"], found["released_version"]) == (3, 1)
    assert await lesson.marker.release(receipt) == 1
    state, grades, grade, rev = await seen(work)
    assert (state, grades[0]["score"], grade["comment"], rev) == ("returned", "9.00", SECRET, released[3] + 1)
    assert [one["points"] for one in await lesson.marker.versions(receipt)] == ["9.00", "2.00", "7.50"]


async def test_with_release_at_once_a_final_grade_is_seen_as_it_is_saved(caller: Caller) -> None:
    lesson = await class_of(caller, release="at_once")
    (work,), (receipt,) = lesson.works, lesson.receipts
    await lesson.marker.save(receipt, "6")
    assert (await seen(work))[1] == []
    assert (await lesson.marker.final(receipt, "7"))["released_version"] == 2
    assert (await seen(work))[1][0]["score"] == "7.00"


async def test_two_markers_do_not_overwrite_each_other(caller: Caller) -> None:
    lesson = await class_of(caller)
    (receipt,) = lesson.receipts
    other = await lesson.co_mentor(caller)
    await lesson.marker.save(receipt, "6", rev=0, comment="Ann's")
    answer = await other.try_save(receipt, "3", rev=0)
    refused(answer, 412, "assignments.grade_changed")
    current = answer.json()["current"]
    assert (current["rev"], current["latest"]["points"], current["latest"]["comment"]) == (1, "6.00", "Ann's")
    assert current == await lesson.marker.read(receipt)
    await other.save(receipt, "3", rev=current["rev"])
    versions = await lesson.marker.versions(receipt)
    assert [(one["points"], one["marked_by"] == lesson.room.mentor) for one in versions] == [
        ("3.00", False),
        ("6.00", True),
    ]


async def test_of_markers_who_save_at_once_one_is_first(caller: Caller) -> None:
    lesson = await class_of(caller)
    (receipt,) = lesson.receipts
    other = await lesson.co_mentor(caller)
    await lesson.marker.save(receipt, "0")
    for rev in range(1, 6):
        saves = [one.try_save(receipt, str(rev), rev=rev) for one in (lesson.marker, other, lesson.marker, other)]
        answers = await asyncio.gather(*saves)
        assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    assert len(await lesson.marker.versions(receipt)) == 6


async def test_what_is_released_while_markers_go_on_is_final(caller: Caller) -> None:
    lesson = await class_of(caller, students=4)
    for receipt in lesson.receipts:
        await lesson.marker.final(receipt, "5")

    async def mark(receipt: dict[str, Any]) -> None:
        for points in range(6, 10):
            await lesson.marker.save(receipt, "1", rev="*", comment=SECRET)
            await lesson.marker.final(receipt, str(points), rev="*")

    async def release() -> None:
        for _ in range(6):
            await lesson.marker.release()

    async def look(work: Work) -> None:
        last = 0
        for _ in range(12):
            _, grades, grade, rev = await seen(work)
            assert SECRET not in str(grade)
            assert all(one["score"] != "1.00" for one in grades)
            assert rev >= last
            last = rev

    await asyncio.gather(release(), *map(mark, lesson.receipts), *map(look, lesson.works))
    await lesson.marker.release()
    assert [(await seen(work))[1][0]["score"] for work in lesson.works] == ["9.00"] * 4


async def test_a_grade_is_of_the_attempt_that_counts(caller: Caller) -> None:
    lesson = await class_of(caller, release="at_once")
    (work,), (receipt,) = lesson.works, lesson.receipts
    await lesson.marker.final(receipt, "4")
    assert (await work.step("resubmit")).status_code == 200
    # While the student writes the next attempt, the one that was returned counts.
    await lesson.marker.final(receipt, "5")
    second = await work.hand_in("Another answer")
    refused(await lesson.marker.try_save(receipt, "6", rev="*"), 409, "assignments.attempt_changed")
    assert (await lesson.marker.read(second))["rev"] == 0
    await lesson.marker.final(second, "9")
    assert [one["score"] for one in (await work.read())["grades"]] == ["5.00", "9.00"]


async def test_what_is_being_graded_is_not_reclaimed(caller: Caller) -> None:
    lesson = await class_of(caller, students=2)
    ann, bob = lesson.works
    assert (await ann.step("reclaim")).status_code == 200
    refused(await lesson.marker.rest.get(lesson.marker.grade_of(lesson.receipts[0])), 404, "not_found")
    await lesson.marker.save(lesson.receipts[1], "5")
    refused(await bob.step("reclaim"), 409, "assignments.grading_begun")


async def test_of_a_marker_and_a_student_who_reclaims_one_is_first(caller: Caller) -> None:
    lesson = await class_of(caller, students=6)

    async def race(work: Work, receipt: dict[str, Any]) -> None:
        reclaimed, saved = await asyncio.gather(work.step("reclaim"), lesson.marker.try_save(receipt, "5", rev=0))
        assert (reclaimed.status_code == 200) != (saved.status_code == 200)

    await asyncio.gather(*map(race, lesson.works, lesson.receipts))


async def test_a_final_grade_has_points(caller: Caller) -> None:
    lesson = await class_of(caller)
    (receipt,) = lesson.receipts
    refused(await lesson.marker.try_save(receipt, state="final"), 400, "invalid")
    refused(await lesson.marker.try_save(receipt, "1.234"), 400, "invalid")
    refused(await lesson.marker.try_save(receipt, "-1"), 400, "invalid")
    await lesson.marker.save(receipt)
    assert (await lesson.marker.read(receipt))["score"] is None


async def test_levels_of_the_rubric_make_the_points(caller: Caller) -> None:
    lesson = await class_of(caller, release="at_once")
    (work,), (receipt,) = lesson.works, lesson.receipts
    levels = [{"title": "Complete", "points": "4"}, {"title": "With a gap", "points": "2.5"}]
    criteria = [{"title": "Proof", "levels": levels}, {"title": "Style", "levels": levels}]
    path = f"{lesson.marker.path}/rubric"
    rubric = (await lesson.marker.rest.put(path, json={"criteria": criteria}, headers={"If-Match": '"0"'})).json()
    proof, style = rubric["criteria"]
    marks = [
        {"criterion_id": proof["id"], "level_id": proof["levels"][1]["id"], "comment": SECRET},
        {"criterion_id": style["id"], "level_id": style["levels"][0]["id"]},
    ]
    refused(await lesson.marker.try_save(receipt, state="final", criteria=marks[:1]), 400, "invalid")
    assert (await lesson.marker.final(receipt, criteria=marks))["latest"]["points"] == "6.50"
    grade = (await work.attempt(1))["grade"]
    assert [(one["title"], one["level"], one["points"], one["comment"]) for one in grade["criteria"]] == [
        ("Proof", "With a gap", "2.50", SECRET),
        ("Style", "Complete", "4.00", ""),
    ]
    # Texts change, and nothing else.
    rubric["criteria"][0]["title"] = "Proofs"
    changed = await lesson.marker.rest.put(path, json={"criteria": rubric["criteria"]}, headers=ANY)
    assert changed.json()["criteria"][0]["title"] == "Proofs"
    fewer = {"criteria": rubric["criteria"][:1]}
    refused(await lesson.marker.rest.put(path, json=fewer, headers=ANY), 409, "assignments.graded")


async def test_students_and_strangers_mark_nothing(caller: Caller) -> None:
    lesson: Class = await class_of(caller)
    (work,), (receipt,) = lesson.works, lesson.receipts
    grade = lesson.marker.grade_of(receipt)
    body = {"attempt_id": receipt["attempt_id"], "state": "final", "points": "10"}
    for rest, status, code in ((work.rest, 403, "forbidden"), (caller(user(), "mentor"), 404, "not_found")):
        for answer in (
            await rest.get(grade),
            await rest.get(f"{grade}/versions"),
            await rest.put(grade, json=body, headers=ANY),
            await rest.get(f"{lesson.marker.path}/markings"),
            await rest.post(f"{lesson.marker.path}/next-ungraded"),
            await rest.put(f"{lesson.marker.path}/markers", json={"items": []}),
            await rest.post(f"{lesson.marker.path}/markers/split", json={}),
            await rest.post(f"{lesson.marker.path}/release", json={}),
        ):
            refused(answer, status, code)
    # A submission of another assignment is not there.
    other = await lesson.room.assignment(accepts=["text"])
    path = grade.replace(lesson.id, other["id"])
    refused(await lesson.marker.rest.get(path), 404, "not_found")
    refused(await lesson.marker.rest.put(path, json=body, headers=ANY), 404, "not_found")
