"""When students see final grades: at a time, and by whom. An extension changes a score that is released: fault 6."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import asyncpg

from gateway import clock
from ksmp_testkit import Caller, Clients, Running
from ksmp_testkit.answers import done, refused
from modules.assignments.events import DatesChanged
from tests.modules.assignments.classroom import later
from tests.modules.assignments.grading.marking import Class, by_the_clock, class_of
from tests.modules.assignments.submissions.work import Work
from tests.modules.programs.programs import ANY

TIMER = "assignments.release_due"
LATE = {"kind": "percent", "percent": "10", "floor": "0"}


async def seen(work: Work) -> tuple[str, list[str], int]:
    submission = await work.read()
    return submission["state"], [one["score"] for one in submission["grades"]], submission["rev"]


async def at_a_time(caller: Caller, students: int = 1, **values: Any) -> Class:
    return await class_of(caller, students, release="at_time", release_at=later(hours=1), **values)


async def bring_forward(database: asyncpg.Pool, assignment_id: str) -> None:
    """The time is over, and the timer has not fired."""
    past = clock.now() - timedelta(seconds=1)
    query = "UPDATE assignments_assignment SET release_at = $2, release_wall = $3, release_zone = $4 WHERE id = $1"
    await database.execute(query, assignment_id, past, *by_the_clock(past))


async def test_grades_are_seen_from_the_time_on_and_the_timer_tells(
    node: Running, caller: Caller, clients: Clients, database: asyncpg.Pool
) -> None:
    lesson = await at_a_time(caller, students=2)
    ann, bob = lesson.works
    await lesson.marker.final(lesson.receipts[0], "7")
    await lesson.marker.save(lesson.receipts[1], "3")
    assert [timer.key for timer in await node.timers(TIMER) if timer.key == lesson.id] == [lesson.id]
    assert await seen(ann) == ("turned_in", [], 2)
    socket = await clients.socket(ann.user)
    await bring_forward(database, lesson.id)
    # The timer is late: what is readable does not wait for it.
    assert (await seen(ann))[1] == ["7.00"]
    refused(await ann.step("reclaim"), 409, "assignments.grading_begun")
    assert (await lesson.marker.read(lesson.receipts[0]))["released_version"] == 1
    # What a marker saves in between hides nothing.
    await lesson.marker.save(lesson.receipts[0], "1")
    assert await seen(ann) == ("returned", ["7.00"], 3)
    await node.fire_timer(TIMER, lesson.id)
    assert await seen(ann) == ("returned", ["7.00"], 3)
    assert (await seen(bob))[1] == []
    push = await socket.expect_push("assignments.submission", f"user:{ann.user}")
    assert [one["score"] for one in push["data"]["grades"]] == ["7.00"]
    # What becomes final after the time is seen at once.
    await lesson.marker.final(lesson.receipts[1], "4")
    assert (await seen(bob))[:2] == ("returned", ["4.00"])


async def test_the_timer_returns_what_is_final(node: Running, caller: Caller, database: asyncpg.Pool) -> None:
    lesson = await at_a_time(caller)
    await lesson.marker.final(lesson.receipts[0], "7")
    # It fires before the time, because the time was moved: nothing is released, and it is set again.
    await node.fire_timer(TIMER, lesson.id)
    assert await seen(lesson.works[0]) == ("turned_in", [], 2)
    await bring_forward(database, lesson.id)
    await node.fire_timer(TIMER, lesson.id)
    assert await seen(lesson.works[0]) == ("returned", ["7.00"], 3)


async def test_a_mentor_may_release_before_the_time_and_some_alone(caller: Caller) -> None:
    lesson = await at_a_time(caller, students=3)
    for receipt in lesson.receipts[:2]:
        await lesson.marker.final(receipt, "7")
    await lesson.marker.save(lesson.receipts[2], "7")
    assert await lesson.marker.release(lesson.receipts[0], lesson.receipts[2]) == 1
    assert [(await seen(work))[0] for work in lesson.works] == ["returned", "turned_in", "turned_in"]
    other = await class_of(caller)
    assert await lesson.marker.release(*other.receipts) == 0
    assert await lesson.marker.release() == 1


async def test_an_extension_after_the_release_gives_back_what_lateness_took(
    node: Running, caller: Caller, clients: Clients, database: asyncpg.Pool
) -> None:
    lesson = await class_of(caller, release="at_once", due=later(days=-2, hours=1), late=LATE)
    (work,), (receipt,) = lesson.works, lesson.receipts
    assert (await lesson.marker.final(receipt, "9.99"))["score"] == "7.99"
    assert (await work.attempt(1))["grade"]["deduction"] == "2.00"
    _, scores, rev = await seen(work)
    assert scores == ["7.99"]
    socket = await clients.socket(work.user)
    due = clock.now() + timedelta(hours=1)
    await database.execute(
        "INSERT INTO assignments_extension (assignment_id, user_id, due_wall, due_zone, due_at, granted_by, granted_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, now())",
        lesson.id,
        work.user,
        *by_the_clock(due),
        due,
        lesson.room.mentor,
    )
    assert (await seen(work))[1] == ["9.99"]
    assert (await lesson.marker.read(receipt))["score"] == "9.99"
    await node.publish_event(DatesChanged(lesson.id, lesson.room.program, (work.user,)))
    push = await socket.expect_push("assignments.submission", f"user:{work.user}")
    while push["data"]["rev"] <= rev:
        push = await socket.expect_push("assignments.submission", f"user:{work.user}")
    assert [one["score"] for one in push["data"]["grades"]] == ["9.99"]


async def test_each_released_version_is_told_once(
    node: Running, caller: Caller, clients: Clients, database: asyncpg.Pool
) -> None:
    lesson = await class_of(caller, students=2, release="at_once")
    sockets = [await clients.socket(work.user) for work in lesson.works]
    for points in ("5", "6"):
        for receipt in lesson.receipts:
            await lesson.marker.final(receipt, points)
            assert await lesson.marker.release() == 0
    rows = await database.fetch(
        "SELECT version, released_version, state FROM assignments_grade WHERE assignment_id = $1", lesson.id
    )
    assert [tuple(row) for row in rows] == [(2, 2, "final")] * 2
    await node.events_handled("assignments.push_grade")
    for work, socket in zip(lesson.works, sockets, strict=True):
        pushes = [await socket.expect_push("assignments.submission", f"user:{work.user}") for _ in range(2)]
        assert [push["data"]["grades"][0]["score"] for push in pushes][-1] == "6.00"
        assert pushes[-1]["data"]["rev"] == (await work.read())["rev"]


async def test_who_released_is_in_the_audit(caller: Caller, database: asyncpg.Pool) -> None:
    lesson = await class_of(caller, students=2)
    await lesson.marker.final(lesson.receipts[0], "7")
    await lesson.marker.release()
    query = "SELECT actor, details::jsonb ->> 'grades' AS grades FROM account_audit WHERE act = $1 AND subject = $2"
    (entry,) = await database.fetch(query, "assignments.release", lesson.id)
    assert tuple(entry) == (lesson.room.mentor, "1")


async def test_a_release_that_is_changed_holds_at_once(node: Running, caller: Caller) -> None:
    lesson = await class_of(caller, students=2)
    await lesson.marker.final(lesson.receipts[0], "7")
    assert not [timer for timer in await node.timers(TIMER) if timer.key == lesson.id]
    change = {"release": "at_time", "release_at": later(hours=2)}
    done(await lesson.marker.rest.patch(lesson.marker.path, json=change, headers=ANY))
    (timer,) = [timer for timer in await node.timers(TIMER) if timer.key == lesson.id]
    done(await lesson.marker.rest.patch(lesson.marker.path, json={"release_at": later(hours=1)}, headers=ANY))
    (earlier,) = [timer for timer in await node.timers(TIMER) if timer.key == lesson.id]
    assert earlier.at < timer.at
    assert (await seen(lesson.works[0]))[:2] == ("turned_in", [])
    done(await lesson.marker.rest.patch(lesson.marker.path, json={"release_at": later(seconds=-1)}, headers=ANY))
    assert (await seen(lesson.works[0]))[:2] == ("returned", ["7.00"])
    assert (await seen(lesson.works[1]))[:2] == ("turned_in", [])
    # What students see is not hidden again.
    done(await lesson.marker.rest.patch(lesson.marker.path, json={"release_at": later(hours=1)}, headers=ANY))
    assert (await seen(lesson.works[0]))[:2] == ("returned", ["7.00"])


async def test_final_grades_that_wait_are_seen_when_the_release_becomes_at_once(caller: Caller) -> None:
    lesson = await class_of(caller)
    await lesson.marker.final(lesson.receipts[0], "7")
    done(await lesson.marker.rest.patch(lesson.marker.path, json={"release": "at_once"}, headers=ANY))
    assert (await seen(lesson.works[0]))[:2] == ("returned", ["7.00"])
