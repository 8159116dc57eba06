"""Drafts are saved on the server, and nobody overwrites what somebody else has saved in between."""

from __future__ import annotations

import asyncio

import pytest

from ksmp_testkit import Caller, MakeToken, Running
from ksmp_testkit.answers import done, refused
from ksmp_testkit.socket_client import connected
from tests.modules.assignments.classroom import ASSIGNMENTS, classroom, later
from tests.modules.assignments.submissions.work import Work
from tests.modules.programs.programs import user


async def test_a_draft_is_there_again_in_another_tab(caller: Caller) -> None:
    room = await classroom(caller)
    assignment = await room.assignment(accepts=["text", "link"])
    work = Work(caller, room.students[0], assignment["id"])
    assert await work.draft() == {
        "assignment_id": assignment["id"],
        "rev": 0,
        "text": "",
        "link": "",
        "answers": [],
        "files": [],
        "saved_by": None,
        "saved_at": None,
    }
    saved = await work.save(text="Once", link="https://example.org/a")
    assert (saved["rev"], saved["text"], saved["saved_by"]) == (1, "Once", work.user)
    assert await Work(caller, work.user, assignment["id"]).draft() == saved
    # The same again changes nothing.
    assert await work.save(text="Once", link="https://example.org/a") == saved


async def test_two_tabs_do_not_overwrite_each_other(caller: Caller) -> None:
    room = await classroom(caller)
    id = (await room.assignment())["id"]
    first, second = (Work(caller, room.students[0], id) for _ in range(2))
    await first.save(text="one")
    await second.draft()
    await first.save(text="one, and more")
    answer = await second.try_save(text="something else")
    refused(answer, 409, "assignments.draft_changed")
    # With what is there now the second tab can merge.
    current = answer.json()["current"]
    assert (current["rev"], current["text"]) == (2, "one, and more")
    second.rev = current["rev"]
    await second.save(text="one, and more; something else")
    assert (await first.draft())["text"] == "one, and more; something else"


async def test_of_many_saves_at_once_one_wins(caller: Caller) -> None:
    room = await classroom(caller)
    id = (await room.assignment())["id"]
    tabs = [Work(caller, room.students[0], id) for _ in range(10)]
    answers = await asyncio.gather(*(tab.try_save(text=f"tab {number}") for number, tab in enumerate(tabs)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    (won,) = (answer.json() for answer in answers if answer.status_code == 200)
    assert {answer.json()["current"]["text"] for answer in answers if answer.status_code == 409} == {won["text"]}


async def test_the_other_tabs_hear_of_a_save(caller: Caller, node: Running, token: MakeToken) -> None:
    room = await classroom(caller)
    id = (await room.assignment())["id"]
    work = Work(caller, room.students[0], id)
    async with connected(node.ws_url, token(work.user)) as tab:
        await work.save(text="Once")
        push = await tab.expect_push("assignments.draft")
        assert push["data"]["rev"] == 1
        assert push["data"]["saved_by"] == work.user


async def test_what_is_saved_must_be_taken_by_the_assignment(caller: Caller) -> None:
    room = await classroom(caller)
    work = Work(caller, room.students[0], (await room.assignment(accepts=["text"]))["id"])
    for draft, field in (
        ({"link": "https://example.org/"}, "link"),
        ({"answers": [{"question_id": "q", "options": ["a"]}]}, "answers"),
        ({"files": ["f"]}, "files"),
        ({"link": "javascript:alert(1)"}, "link"),
        ({"answers": [{"question_id": "q"}, {"question_id": "q"}]}, "answers"),
        ({"files": ["f", "f"]}, "files"),
        ({"text": "a\u202eb"}, "text"),
    ):
        answer = await work.try_save(**draft)
        refused(answer, 400, "invalid")
        assert answer.json()["errors"][0]["field"] == field
    refused(await work.try_save(text="x" * 50_001), 413, "too_large")
    assert (await work.draft())["rev"] == 0


@pytest.mark.parametrize(
    ("dates", "code"),
    [
        ({"opens": later(hours=1)}, "assignments.not_open"),
        ({"closes": later(hours=-1)}, "assignments.closed"),
        ({"due": later(hours=-1), "late": {"kind": "none"}}, "assignments.closed"),
    ],
)
async def test_a_draft_is_saved_while_it_is_open(caller: Caller, dates: dict[str, object], code: str) -> None:
    room = await classroom(caller)
    work = Work(caller, room.students[0], (await room.assignment(**dates))["id"])
    refused(await work.try_save(text="x"), 409, code)


async def test_a_draft_is_its_students_alone(caller: Caller) -> None:
    room = await classroom(caller, students=2)
    id = (await room.assignment())["id"]
    one, other = (Work(caller, student, id) for student in room.students)
    await one.save(text="mine")
    assert (await other.draft())["text"] == ""
    path = f"{ASSIGNMENTS}/{id}/submission/draft"
    refused(await room.teacher.get(path), 403, "forbidden")
    refused(await caller(user()).get(path), 404, "not_found")
    refused(await caller(user(), "mentor").put(path, json={"draft_rev": 0}), 404, "not_found")
    # A draft is in nothing that those who teach read.
    page = done(await room.teacher.get(f"{ASSIGNMENTS}/{id}/submissions"))
    (line,) = [item for item in page["items"] if item["user_ids"] == [one.user]]
    assert line["attempt_id"] is None
    whole = done(await room.teacher.get(f"{ASSIGNMENTS}/{id}/submissions/{line['submission_id']}"))
    assert whole["history"] == []
    assert "mine" not in str(whole)
