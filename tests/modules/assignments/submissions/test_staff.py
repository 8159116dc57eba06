"""What those who teach see of submissions: all work, and who has handed in nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import asyncpg

from gateway import clock
from ksmp_testkit import Caller
from ksmp_testkit.answers import done, refused
from tests.modules.assignments.classroom import ASSIGNMENTS, Classroom, classroom, later
from tests.modules.assignments.grading.marking import Marker
from tests.modules.assignments.submissions.work import Work, set_dates
from tests.modules.programs.programs import user


async def listed(room: Classroom, id: str, **query: Any) -> list[dict[str, Any]]:
    return list(done(await room.teacher.get(f"{ASSIGNMENTS}/{id}/submissions", params=query))["items"])


async def users(room: Classroom, id: str, show: str) -> list[str]:
    return sorted(user for line in await listed(room, id, show=show) for user in line["user_ids"])


async def test_all_are_listed_also_who_has_handed_in_nothing(caller: Caller, database: asyncpg.Pool) -> None:
    room = await classroom(caller, students=4)
    id = (await room.assignment(due=later(days=1)))["id"]
    early, late, writing, nothing = (Work(caller, student, id) for student in room.students)
    first = await early.hand_in()
    await writing.save(text="not yet")
    await set_dates(database, id, due=clock.now(), closes=None)
    await late.hand_in()
    await Marker(room.teacher, id).final(first, "7")
    lines = {line["user_ids"][0]: line for line in await listed(room, id)}
    assert {student: (line["state"], line["days_late"], line["attempts"]) for student, line in lines.items()} == {
        early.user: ("returned", 0, 1),
        late.user: ("turned_in", 1, 1),
        writing.user: ("draft", 0, 0),
        nothing.user: ("draft", 0, 0),
    }
    assert lines[nothing.user]["submission_id"] is None
    assert await users(room, id, "missing") == sorted([writing.user, nothing.user])
    assert await users(room, id, "late") == [late.user]
    assert await users(room, id, "ungraded") == [late.user]
    assert await users(room, id, "turned_in") == sorted([early.user, late.user])


async def test_a_list_comes_in_pages(caller: Caller) -> None:
    room = await classroom(caller, students=5)
    id = (await room.assignment())["id"]
    path = f"{ASSIGNMENTS}/{id}/submissions"
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = done(await room.teacher.get(path, params=query))
        seen += [line["user_ids"][0] for line in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert len(seen) == 5
    assert sorted(seen) == sorted(room.students)
    refused(await room.teacher.get(path, params={"cursor": "x"}), 400, "invalid")


async def test_one_submission_with_its_history(caller: Caller) -> None:
    room = await classroom(caller)
    id = (await room.assignment())["id"]
    work = Work(caller, room.students[0], id)
    receipt = await work.hand_in("first")
    done(await work.step("reclaim"))
    await work.save(text="second")
    await work.turn_in()
    await work.step("reclaim")
    path = f"{ASSIGNMENTS}/{id}/submissions/{receipt['submission_id']}"
    whole = done(await room.teacher.get(path))
    assert [(one["text"], one["reclaimed"]) for one in whole["history"]] == [("first", True), ("second", True)]
    assert whole["line"]["attempt_id"] is None
    other = (await room.assignment())["id"]
    refused(await room.teacher.get(path.replace(id, other)), 404, "not_found")


async def test_others_see_nothing_of_it(caller: Caller) -> None:
    room = await classroom(caller)
    id = (await room.assignment())["id"]
    receipt = await Work(caller, room.students[0], id).hand_in()
    for path in ("submissions", f"submissions/{receipt['submission_id']}", "counter"):
        where = f"{ASSIGNMENTS}/{id}/{path}"
        refused(await caller(room.students[0]).get(where), 403, "forbidden")
        refused(await caller(user(), "mentor").get(where), 404, "not_found")
        done(await caller("boss", "admin").get(where))


async def test_anonymous_work_has_neither_name_nor_moment_nor_order(caller: Caller, database: asyncpg.Pool) -> None:
    room = await classroom(caller, students=4)
    id = (await room.assignment(anonymous=True, due=later(days=1)))["id"]
    works = [Work(caller, student, id) for student in room.students[:3]]
    receipts = [await work.hand_in(f"text {number}") for number, work in enumerate(works)]
    lines = await listed(room, id)
    # Who has handed in nothing is not listed: it would say who has.
    assert len(lines) == 3
    assert await listed(room, id, show="missing") == []
    assert [line["name"] for line in lines] == sorted(line["name"] for line in lines)
    seen = str(lines) + "".join(
        [(await room.teacher.get(f"{ASSIGNMENTS}/{id}/submissions/{line['submission_id']}")).text for line in lines]
    )
    for work, receipt in zip(works, receipts, strict=True):
        assert work.user not in seen
        assert receipt["turned_in_at"] not in seen
        # The id says nothing of when it was made, unlike other ids.
        assert receipt["submission_id"][14] == "4"
    # Once all is graded and the last date is past, names are there.
    await set_dates(database, id, due=clock.now() - timedelta(minutes=1), closes=None)
    for receipt in receipts:
        await Marker(room.teacher, id).final(receipt, "7")
    assert sorted(user for line in await listed(room, id) for user in line["user_ids"]) == sorted(room.students)
