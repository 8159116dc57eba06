"""Answers to questions are graded by their key when they are turned in, and released as any grade."""

from __future__ import annotations

from typing import Any

from ksmp_testkit import Caller
from ksmp_testkit.answers import done
from tests.modules.assignments.classroom import ASSIGNMENTS, Classroom, classroom
from tests.modules.assignments.grading.marking import Marker
from tests.modules.assignments.submissions.work import Work
from tests.modules.programs.programs import ANY

OPTIONS = [{"text": "2", "right": True}, {"text": "3"}]
QUESTION = {"kind": "single", "text": "1 + 1", "points": "4", "options": OPTIONS}


async def quiz(room: Classroom, **values: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A published assignment with one question, and the question as those who teach see it."""
    draft = await room.draft(**({"accepts": ["questions"], "points": "4"} | values))
    path = f"{ASSIGNMENTS}/{draft['id']}"
    asked = done(await room.teacher.put(f"{path}/questions", json={"questions": [QUESTION]}, headers=ANY))
    return done(await room.teacher.post(f"{path}/publish", headers=ANY)), asked["questions"][0]


async def answer(caller: Caller, user: str, assignment: dict[str, Any], question: dict[str, Any]) -> Work:
    work = Work(caller, user, assignment["id"])
    chosen = next(option["id"] for option in question["options"] if option["text"] == "2")
    await work.save(answers=[{"question_id": question["id"], "options": [chosen]}])
    return work


async def test_with_release_at_once_the_result_is_seen_at_once_and_a_mentor_may_override(caller: Caller) -> None:
    room = await classroom(caller)
    assignment, question = await quiz(room)
    work = await answer(caller, room.students[0], assignment, question)
    receipt = await work.turn_in()
    found = await work.read()
    assert (found["state"], found["grades"][0]["score"]) == ("returned", "4.00")
    assert (await work.attempt(1))["results"][0]["points"] == "4.00"
    marker = Marker(room.teacher, assignment["id"])
    (version,) = await marker.versions(receipt)
    assert (version["state"], version["marked_by"]) == ("final", None)
    await marker.final(receipt, "3")
    assert (await work.read())["grades"][0]["score"] == "3.00"


async def test_before_the_release_neither_result_nor_key_is_seen(caller: Caller) -> None:
    room = await classroom(caller)
    assignment, question = await quiz(room, release="together")
    work = await answer(caller, room.students[0], assignment, question)
    receipt = await work.turn_in()
    attempt = await work.attempt(1)
    assert (await work.read())["state"] == "turned_in"
    assert (attempt["grade"], attempt["results"]) == (None, None)
    told = (await work.rest.get(f"{ASSIGNMENTS}/{assignment['id']}/questions")).text
    assert "right" not in told
    # The key is nobody who has begun: it may be reclaimed, and what was reclaimed is not released.
    assert (await work.step("reclaim")).status_code == 200
    marker = Marker(room.teacher, assignment["id"])
    assert await marker.release() == 0
    again = await work.turn_in()
    assert again["attempt_id"] != receipt["attempt_id"]
    assert await marker.release() == 1
    assert (await work.attempt(2))["results"][0]["points"] == "4.00"
    assert (await work.attempt(1))["results"] is None


async def test_with_more_to_mark_the_key_makes_a_draft(caller: Caller) -> None:
    room = await classroom(caller)
    assignment, question = await quiz(room, accepts=["questions", "text"])
    work = await answer(caller, room.students[0], assignment, question)
    receipt = await work.turn_in()
    assert (await work.read())["grades"] == []
    marker = Marker(room.teacher, assignment["id"])
    grade = await marker.read(receipt)
    assert (grade["latest"]["state"], grade["latest"]["points"]) == ("draft", "4.00")
    assert (await marker.next())["grade"]["submission_id"] == receipt["submission_id"]
