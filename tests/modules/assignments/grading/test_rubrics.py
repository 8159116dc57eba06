"""Rubrics and the bank of comments by way of the gateway."""

from __future__ import annotations

from typing import Any

import pytest

from ksmp_testkit import Caller
from ksmp_testkit.answers import done, refused
from tests.modules.assignments.classroom import ASSIGNMENTS, classroom, later
from tests.modules.programs.programs import ANY, user

LEVELS = [{"title": "Complete", "points": "4"}, {"title": "With a gap", "points": 2.5}]
PROOF = {"title": "Proof", "levels": LEVELS}
NEW = {"If-Match": '"0"'}


async def test_a_rubric_is_written_and_every_participant_reads_it(caller: Caller) -> None:
    room = await classroom(caller)
    path = f"{ASSIGNMENTS}/{(await room.assignment())['id']}/rubric"
    assert done(await room.teacher.get(path))["rev"] == 0
    rubric = done(await room.teacher.put(path, json={"criteria": [PROOF, PROOF]}, headers=NEW))
    assert (rubric["points"], rubric["rev"]) == ("8.00", 1)
    assert [level["points"] for level in rubric["criteria"][0]["levels"]] == ["4.00", "2.50"]
    student = caller(room.students[0])
    assert done(await student.get(path)) == rubric
    refused(await student.put(path, json={"criteria": []}, headers=ANY), 403, "forbidden")
    refused(await room.teacher.put(path, json={"criteria": []}, headers=NEW), 412, "precondition_failed")
    refused(await caller(user(), "mentor").get(path), 404, "not_found")
    # Ids that are sent again stay.
    again = done(await room.teacher.put(path, json={"criteria": rubric["criteria"][:1]}, headers={"If-Match": '"1"'}))
    assert again["criteria"] == rubric["criteria"][:1]


@pytest.mark.parametrize(
    ("criteria", "code"),
    [
        ([{"title": "\u200b", "levels": LEVELS}], "invalid"),
        ([{"title": "Proof", "levels": []}], "invalid"),
        ([{"title": "Proof", "levels": [{"title": "Best", "points": "1.234"}]}], "invalid"),
        ([{"title": "Proof", "levels": [{"title": "Best", "points": -1}]}], "invalid"),
        ([PROOF | {"id": "a"}, PROOF | {"id": "a"}], "invalid"),
        ([PROOF] * 51, "too_large"),
    ],
)
async def test_a_rubric_that_is_none_is_refused(caller: Caller, criteria: Any, code: str) -> None:
    room = await classroom(caller, students=0)
    path = f"{ASSIGNMENTS}/{(await room.draft())['id']}/rubric"
    answer = await room.teacher.put(path, json={"criteria": criteria}, headers=NEW)
    refused(answer, 413 if code == "too_large" else 400, code)


async def test_the_bank_of_comments_is_for_those_who_teach(caller: Caller) -> None:
    room = await classroom(caller)
    path = f"{ASSIGNMENTS}/comments"
    listed = f"{path}?program={room.program}"
    body = {"program_id": room.program, "text": "Name the theorem"}
    comment = done(await room.teacher.post(path, json=body), 201)
    assert done(await room.teacher.get(listed))["items"] == [comment]
    one = f"{path}/{comment['id']}"
    changed = done(await room.teacher.put(one, json={"text": "Name each theorem"}, headers={"If-Match": '"1"'}))
    assert (changed["text"], changed["rev"]) == ("Name each theorem", 2)
    for stranger, status in ((caller(room.students[0]), 403), (caller(user(), "mentor"), 404)):
        for answer in (
            await stranger.get(listed),
            await stranger.post(path, json=body),
            await stranger.put(one, json={"text": "x"}, headers=ANY),
            await stranger.delete(one),
        ):
            assert answer.status_code == status
    assert done(await room.teacher.get(listed))["items"] == [changed]
    assert (await room.teacher.delete(one)).status_code == 204
    assert done(await room.teacher.get(listed))["items"] == []


async def test_before_it_opens_no_student_reads_a_rubric(caller: Caller) -> None:
    room = await classroom(caller)
    made = await room.assignment(opens=later(hours=1))
    path = f"{ASSIGNMENTS}/{made['id']}/rubric"
    written = done(await room.teacher.put(path, json={"criteria": [PROOF]}, headers=NEW))
    hidden = done(await caller(room.students[0]).get(path))
    assert (hidden["criteria"], hidden["points"], hidden["rev"]) == ([], "0.00", 0)
    assert done(await room.teacher.get(path)) == written
    done(await room.teacher.patch(f"{ASSIGNMENTS}/{made['id']}", json={"opens": later(hours=-1)}, headers=ANY))
    assert done(await caller(room.students[0]).get(path)) == written
