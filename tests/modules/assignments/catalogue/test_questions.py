"""Questions by way of the gateway: their keys are for mentors."""

from __future__ import annotations

from typing import Any

import pytest

from ksmp_testkit import Caller
from ksmp_testkit.answers import done, refused
from modules.assignments.catalogue.question import folded
from tests.modules.assignments.classroom import ASSIGNMENTS, Classroom, classroom, later

ALL: list[dict[str, Any]] = [
    {
        "kind": "single",
        "text": "1 + 1",
        "points": 2,
        "options": [{"text": "SECRET two", "right": True}, {"text": "three"}],
    },
    {
        "kind": "multiple",
        "text": "Primes",
        "points": "1.5",
        "options": [{"text": "2", "right": True}, {"text": "4"}, {"text": "5", "right": True}],
    },
    {"kind": "numeric", "text": "Gravity", "points": 1, "value": "-9.8100", "tolerance": "0.05"},
    {"kind": "short_text", "text": "A capital", "points": 1, "accepted": ["New Delhi", "SECRET Delhi"]},
]


async def asked(room: Classroom, questions: list[dict[str, Any]], **values: Any) -> dict[str, Any]:
    """A draft that accepts answers to these questions."""
    draft = await room.draft(accepts=["questions"], **values)
    path = f"{ASSIGNMENTS}/{draft['id']}"
    body = {"questions": questions}
    done(await room.teacher.put(f"{path}/questions", json=body, headers={"If-Match": '"1"'}))
    return draft


async def test_students_are_asked_without_keys(caller: Caller) -> None:
    room = await classroom(caller)
    (sam,) = room.students
    path = f"{ASSIGNMENTS}/{(await asked(room, ALL))['id']}"
    done(await room.teacher.post(f"{path}/publish", headers={"If-Match": '"2"'}))
    written = done(await room.teacher.get(f"{path}/questions"))
    first, _, numeric, short = (one["id"] for one in written["questions"])
    assert written["keys"][first] == {"type": "single", "option": "a"}
    assert written["keys"][numeric] == {"type": "numeric", "value": "-9.8100", "tolerance": "0.05"}
    assert written["keys"][short]["accepted"] == ["New Delhi", "SECRET Delhi"]
    seen = await caller(sam).get(f"{path}/questions")
    assert done(seen) == {**written, "keys": None}
    assert [one["points"] for one in seen.json()["questions"]] == ["2.00", "1.50", "1.00", "1.00"]
    # No option says that it is right, and no text is a key.
    for secret in ("right", "SECRET Delhi", "9.81"):
        assert secret not in seen.text


async def test_before_it_opens_nobody_is_asked(caller: Caller) -> None:
    room = await classroom(caller)
    path = f"{ASSIGNMENTS}/{(await asked(room, ALL, opens=later(hours=1)))['id']}"
    done(await room.teacher.post(f"{path}/publish", headers={"If-Match": '"2"'}))
    assert done(await caller(room.students[0]).get(f"{path}/questions"))["questions"] == []


async def test_a_question_that_is_changed_keeps_its_ids(caller: Caller) -> None:
    room = await classroom(caller, students=0)
    path = f"{ASSIGNMENTS}/{(await asked(room, ALL[:1]))['id']}/questions"
    (before,) = done(await room.teacher.get(path))["questions"]
    options = [{"text": "four"}, {"id": "b", "text": "three"}, {"text": "two", "right": True}]
    body = {"questions": [{**ALL[0], "id": before["id"], "options": options}]}
    refused(await room.teacher.put(path, json=body, headers={"If-Match": '"1"'}), 412, "precondition_failed")
    after = done(await room.teacher.put(path, json=body, headers={"If-Match": '"2"'}))
    assert after["questions"][0]["id"] == before["id"]
    assert [one["id"] for one in after["questions"][0]["options"]] == ["a", "b", "c"]
    assert after["keys"] == {before["id"]: {"type": "single", "option": "c"}}


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"kind": "single", "options": [{"text": "a"}, {"text": "b"}]}, "options"),
        ({"kind": "single", "options": [{"text": "a", "right": True}, {"text": "A", "right": False}]}, "options"),
        ({"kind": "single", "options": [{"text": "a", "right": True}]}, "options"),
        ({"kind": "multiple", "options": [{"text": "a"}, {"text": "b"}]}, "options"),
        ({"kind": "numeric"}, "value"),
        ({"kind": "short_text"}, "accepted"),
        ({"kind": "short_text", "accepted": ["a"], "options": [{"text": "a"}, {"text": "b"}]}, "options"),
        ({"kind": "numeric", "value": "1", "id": "of-another"}, "id"),
    ],
)
async def test_a_key_fits_its_question(caller: Caller, bad: dict[str, Any], field: str) -> None:
    room = await classroom(caller, students=0)
    path = f"{ASSIGNMENTS}/{(await room.draft())['id']}/questions"
    body = {"questions": [ALL[2], {"text": "?", "points": 1} | bad]}
    answer = await room.teacher.put(path, json=body, headers={"If-Match": "*"})
    refused(answer, 400, "invalid")
    assert answer.json()["errors"][0]["field"] == f"questions[1].{field}"


async def test_what_asks_nothing_is_not_published(caller: Caller) -> None:
    room = await classroom(caller, students=0)
    draft = await room.draft(accepts=["questions"])
    answer = await room.teacher.post(f"{ASSIGNMENTS}/{draft['id']}/publish", headers={"If-Match": "*"})
    refused(answer, 400, "invalid")
    draft = await asked(room, ALL, points=5)
    answer = await room.teacher.post(f"{ASSIGNMENTS}/{draft['id']}/publish", headers={"If-Match": "*"})
    refused(answer, 400, "invalid")
    assert "5.50" in answer.json()["detail"]


FULL_WIDTH = "\uff46\uff55\uff4c\uff4c"


@pytest.mark.parametrize(
    ("one", "other"),
    [("  New   delhi ", "NEW DELHI"), ("x²", "X2"), (FULL_WIDTH, "full"), ("Straße", "STRASSE")],
)
def test_short_answers_are_compared_without_case_spaces_and_forms(one: str, other: str) -> None:
    assert folded(one) == folded(other)
