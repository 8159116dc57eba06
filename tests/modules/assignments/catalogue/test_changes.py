"""Changes of an assignment by way of the gateway: revisions, pushes, and what may not change any more."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from ksmp_testkit import Caller, Clients
from ksmp_testkit.answers import done, refused
from tests.modules.assignments.classroom import ASSIGNMENTS, classroom, later, wall
from tests.modules.assignments.submissions.work import Work
from tests.modules.programs.programs import ANY, user


async def test_a_change_is_pushed_with_its_revision(caller: Caller, clients: Clients) -> None:
    room = await classroom(caller)
    made = await room.assignment(instructions="One")
    path = f"{ASSIGNMENTS}/{made['id']}"
    student = await clients.member(f"program:{room.program}", room.students[0])
    body = {"title": "Another", "due": later(days=1), "late": {"kind": "percent", "percent": 10, "floor": "50.5"}}
    changed = done(await room.teacher.patch(path, json=body, headers={"If-Match": '"2"'}))
    assert (changed["title"], changed["instructions"], changed["late_floor"]) == ("Another", "One", "50.50")
    push = (await student.expect_push("assignments.assignment"))["data"]
    assert push == {name: changed[name] for name in push}
    refused(await room.teacher.patch(path, json=body, headers={"If-Match": '"2"'}), 412, "precondition_failed")
    refused(await room.teacher.patch(path, json=body), 428, "precondition_required")
    refused(await caller(room.students[0]).patch(path, json=body, headers=ANY), 403, "forbidden")


async def test_a_date_that_was_given_comes_back_as_it_was(caller: Caller) -> None:
    room = await classroom(caller, students=0)
    made = await room.draft(due=wall("2026-10-25T02:30:00", "Europe/Berlin"))
    assert made["due"] == {"at": "2026-10-25T02:30:00", "zone": "Europe/Berlin", "moment": "2026-10-25T01:30:00Z"}
    path = f"{ASSIGNMENTS}/{made['id']}"
    assert done(await room.teacher.patch(path, json={"title": "B"}, headers=ANY))["due"] == made["due"]
    assert done(await room.teacher.get(path))["due"] == made["due"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"anonymous": True}, "assignments.turned_in"),
        ({"accepts": ["link"]}, "assignments.turned_in"),
        ({"due": later(hours=1)}, "assignments.turned_in"),
        ({"points": 50}, "assignments.graded"),
        ({"late": {"kind": "percent", "percent": 20}}, "assignments.graded"),
        ({"due": later(days=5)}, None),
        ({"due": None}, None),
        ({"accepts": ["text", "link"]}, None),
        ({"title": "B", "points": "100.00"}, None),
    ],
)
async def test_what_was_graded_is_not_altered(
    caller: Caller, database: asyncpg.Pool, change: dict[str, Any], code: str | None
) -> None:
    room = await classroom(caller)
    made = await room.assignment(due=later(days=2))
    receipt = await Work(caller, room.students[0], made["id"]).hand_in()
    await database.execute(
        "INSERT INTO assignments_grade (attempt_id, submission_id, assignment_id, state, version)"
        " VALUES ($1, $2, $3, 'draft', 1)",
        receipt["attempt_id"],
        receipt["submission_id"],
        made["id"],
    )
    answer = await room.teacher.patch(f"{ASSIGNMENTS}/{made['id']}", json=change, headers=ANY)
    if code is None:
        done(answer)
    else:
        refused(answer, 409, code)


async def test_what_is_turned_in_is_not_taken_back(caller: Caller, clients: Clients) -> None:
    room = await classroom(caller)
    (sam,) = room.students
    made = await room.assignment()
    path = f"{ASSIGNMENTS}/{made['id']}"
    work = Work(caller, sam, made["id"])
    await work.hand_in()
    refused(await room.teacher.post(f"{path}/unpublish", headers=ANY), 409, "assignments.turned_in")
    refused(
        await room.teacher.put(f"{path}/questions", json={"questions": []}, headers=ANY), 409, "assignments.turned_in"
    )
    done(await work.step("reclaim"))
    student = await clients.member(f"program:{room.program}", sam)
    done(await room.teacher.post(f"{path}/unpublish", headers=ANY))
    assert (await student.expect_push("assignments.assignment"))["data"]["state"] == "draft"
    refused(await caller(sam).get(path), 404, "not_found")
    # What the student has written is not lost with it.
    refused(await room.teacher.delete(path, headers=ANY), 409, "assignments.work_begun")
    done(await room.teacher.post(f"{path}/publish", headers=ANY))
    assert (await work.draft())["text"] == "The answer is 42."


async def test_a_student_sees_how_far_they_are(caller: Caller) -> None:
    room = await classroom(caller, students=2)
    sam, tara = room.students
    id = (await room.assignment(attempts=2))["id"]
    assert (await room.read(sam, id))["yours"]["state"] is None
    work = Work(caller, sam, id)
    await work.save(text="Half")
    assert (await room.read(sam, id))["yours"]["state"] == "draft"
    receipt = await work.turn_in()
    yours = (await room.read(sam, id))["yours"]
    assert (yours["state"], yours["attempts_used"], yours["attempts"]) == ("turned_in", 1, 2)
    assert yours["turned_in_at"] == receipt["turned_in_at"]
    assert (await room.read(tara, id))["yours"]["state"] is None


async def test_drafts_are_deleted_and_published_ones_not(caller: Caller) -> None:
    room = await classroom(caller)
    draft, made = await room.draft(), await room.assignment()
    refused(await room.teacher.delete(f"{ASSIGNMENTS}/{made['id']}", headers=ANY), 409, "conflict")
    stranger = caller(user(), "mentor")
    refused(await stranger.delete(f"{ASSIGNMENTS}/{draft['id']}", headers=ANY), 404, "not_found")
    done(await room.teacher.delete(f"{ASSIGNMENTS}/{draft['id']}", headers={"If-Match": '"1"'}), 204)
    refused(await room.teacher.get(f"{ASSIGNMENTS}/{draft['id']}"), 404, "not_found")
    refused(await room.teacher.post(f"{ASSIGNMENTS}/{made['id']}/publish", headers=ANY), 409, "conflict")
    refused(await room.teacher.post(f"{ASSIGNMENTS}/{draft['id']}/unpublish", headers=ANY), 404, "not_found")


async def test_a_lesson_and_a_category_are_of_the_program(caller: Caller) -> None:
    room, other = await classroom(caller, students=0), await classroom(caller)
    unit = done(await room.teacher.post(f"{room.path}/units", json={"title": "U"}), 201)["id"]
    lesson = done(await room.teacher.post(f"{room.path}/units/{unit}/lessons", json={"title": "L"}), 201)["id"]
    made = await room.draft(lesson_id=lesson)
    await room.draft()
    found = done(await room.teacher.get(f"{ASSIGNMENTS}/?program={room.program}&lesson={lesson}"))["items"]
    assert [one["id"] for one in found] == [made["id"]]
    for field in ("lesson_id", "category_id"):
        body = {"program_id": other.program, "title": "A", field: lesson}
        answer = await other.teacher.post(f"{ASSIGNMENTS}/", json=body)
        refused(answer, 400, "invalid")
        assert answer.json()["errors"][0]["field"] == field


async def test_a_save_that_was_refused_keeps_no_draft_from_being_deleted(caller: Caller) -> None:
    room = await classroom(caller)
    made = await room.assignment()
    work = Work(caller, room.students[0], made["id"])
    work.rev = 7
    refused(await work.try_save(text="Of another tab"), 409, "assignments.draft_changed")
    done(await room.teacher.post(f"{ASSIGNMENTS}/{made['id']}/unpublish", headers=ANY))
    done(await room.teacher.delete(f"{ASSIGNMENTS}/{made['id']}", headers=ANY), 204)
