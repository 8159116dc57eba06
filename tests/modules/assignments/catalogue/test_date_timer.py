"""The timer of an assignment: it opens, students are reminded by their own dates, it closes."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from gateway import clock
from ksmp_testkit import Caller, Clients, Running, eventually
from ksmp_testkit.answers import done
from modules.assignments.catalogue.agenda import last_closing, next_moment, reminded
from modules.assignments.catalogue.date_timer import DATES
from modules.assignments.dates.effective import EffectiveDates, Rule
from modules.assignments.dates.wall_time import WallTime
from tests.modules.assignments.classroom import ASSIGNMENTS, classroom, later
from tests.modules.assignments.submissions.work import Work
from tests.modules.programs.programs import ANY

EVENTS = "SELECT body FROM outbox WHERE kind = 'event' AND destination = $1 AND body->>'assignment_id' = $2"
ENROL = """
    INSERT INTO program_enrolment (program_id, user_id, state)
    SELECT $1, $1 || '-' || n, 'enrolled' FROM generate_series(1, 999) AS n
"""


async def events(database: asyncpg.Pool, name: str, id: str) -> list[str]:
    return [row["body"] for row in await database.fetch(EVENTS, f"assignments.{name}", id)]


async def timer_of(node: Running, id: str) -> datetime:
    """When the one timer of an assignment is due."""
    (found,) = [timer for timer in await node.timers(DATES) if timer.key == id]
    return found.at


async def test_who_has_not_turned_in_is_reminded_by_their_own_date(
    caller: Caller, clients: Clients, node: Running, database: asyncpg.Pool
) -> None:
    room = await classroom(caller, students=3)
    sam, tara, uma = room.students
    # A day before it is due is in two or three seconds.
    id = (await room.assignment(due=later(days=1, seconds=3)))["id"]
    await Work(caller, uma, id).hand_in()
    done(
        await room.teacher.put(
            f"{ASSIGNMENTS}/{id}/extensions/{sam}", json={"due": later(days=3)}, headers={"If-Match": '"0"'}
        )
    )
    sockets = [await clients.socket(one) for one in room.students]
    push = await sockets[1].expect_push("assignments.due", timeout=10)
    assert push["room"] == f"user:{tara}"
    own = (await room.read(tara, id))["yours"]
    assert (push["data"]["assignment_id"], push["data"]["due"], push["data"]["rule"]) == (id, own["due"], "assignment")
    (told,) = await events(database, "DueSoon", id)
    assert tara in told
    assert sockets[0].pushes("assignments.due") == sockets[2].pushes("assignments.due") == []
    # The next is an hour before the common date, and fired too early it does nothing.
    due = datetime.fromisoformat(own["due"]["moment"])
    assert await timer_of(node, id) == due - timedelta(hours=1)
    await node.fire_timer(DATES, id)
    assert await timer_of(node, id) == due - timedelta(hours=1)
    assert len(await events(database, "DueSoon", id)) == 1


async def test_a_thousand_students_have_one_timer_and_are_reminded_once(
    caller: Caller, node: Running, database: asyncpg.Pool
) -> None:
    room = await classroom(caller)
    await database.execute(ENROL, room.program)
    id = (await room.assignment(due=later(hours=20)))["id"]
    assert len([timer for timer in await node.timers(DATES) if timer.key == id]) == 1
    # As if it had been published two days ago.
    before = "UPDATE assignments_agenda SET told_until = now() - interval '2 days' WHERE assignment_id = $1"
    await database.execute(before, id)
    began = time.monotonic()
    await node.fire_timer(DATES, id)
    print(f"1,000 students reminded in {time.monotonic() - began:.2f} s")
    told = await events(database, "DueSoon", id)
    assert len({*told}) == len(told) == 1000
    await node.fire_timer(DATES, id)
    assert len(await events(database, "DueSoon", id)) == 1000


async def test_it_opens_and_closes_by_itself(
    caller: Caller, clients: Clients, node: Running, database: asyncpg.Pool
) -> None:
    room = await classroom(caller)
    (sam,) = room.students
    student = await clients.member(f"program:{room.program}", sam)
    values = {"opens": later(seconds=3), "due": later(seconds=5), "late": {"kind": "none"}, "instructions": "Secret"}
    published = await room.assignment(**values)
    first = (await student.expect_push("assignments.assignment"))["data"]
    assert (first["rev"], first["state"], "instructions" in first) == (published["rev"], "published", False)
    assert (await room.read(sam, published["id"]))["instructions"] == ""
    opened = (await student.expect_push("assignments.assignment", timeout=10))["data"]
    assert opened["rev"] == first["rev"] + 1
    assert (await room.read(sam, published["id"]))["instructions"] == "Secret"

    async def closed() -> bool:
        return len(await events(database, "AssignmentClosed", published["id"])) == 1

    await eventually(closed, "it is closed")
    assert [timer for timer in await node.timers(DATES) if timer.key == published["id"]] == []


async def test_a_date_that_is_moved_moves_the_timer(caller: Caller, node: Running) -> None:
    room = await classroom(caller)
    made = await room.assignment(due=later(days=5))
    path = f"{ASSIGNMENTS}/{made['id']}"
    first = await timer_of(node, made["id"])
    changed = done(await room.teacher.patch(path, json={"due": later(days=7)}, headers=ANY))
    assert await timer_of(node, made["id"]) == first + timedelta(days=2)
    assert changed["rev"] == made["rev"] + 1
    done(await room.teacher.patch(path, json={"due": None}, headers=ANY))
    assert [timer for timer in await node.timers(DATES) if timer.key == made["id"]] == []
    done(await room.teacher.patch(path, json={"due": later(days=7)}, headers=ANY))
    assert await timer_of(node, made["id"]) == first + timedelta(days=2)
    done(await room.teacher.post(f"{path}/unpublish", headers=ANY))
    assert [timer for timer in await node.timers(DATES) if timer.key == made["id"]] == []


async def test_grants_and_changes_at_once_leave_the_timer_of_the_first_date(caller: Caller, node: Running) -> None:
    """Each sets the timer by all dates: none overwrites what another has written."""
    room = await classroom(caller, students=4)
    id = (await room.assignment(closes=later(days=9)))["id"]

    async def grant(student: str, days: int) -> None:
        path = f"{ASSIGNMENTS}/{id}/extensions/{student}"
        done(await room.teacher.put(path, json={"closes": later(days=days)}, headers=ANY))

    async def change() -> None:
        done(await room.teacher.patch(f"{ASSIGNMENTS}/{id}", json={"due": later(days=8)}, headers=ANY))

    async def accommodate(student: str) -> None:
        path = f"{ASSIGNMENTS}/accommodations/{room.program}/{student}"
        done(await room.teacher.put(path, json={"extra_days": 3}, headers=ANY))

    last = room.students[3]
    await asyncio.gather(*(grant(one, 10 + n) for n, one in enumerate(room.students[:3])), change(), accommodate(last))
    own = (await room.read(room.students[0], id))["yours"]
    assert await timer_of(node, id) == datetime.fromisoformat(own["due"]["moment"]) - timedelta(days=1)


def at(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


NOW = datetime.fromisoformat("2026-05-01T12:00:00+00:00")
LEADS = (timedelta(hours=24), timedelta(hours=1))


def held(due: float | None, closes: float | None = None) -> EffectiveDates:
    def wall(hours: float | None) -> WallTime | None:
        return None if hours is None else WallTime(at(hours).replace(tzinfo=None), "UTC")

    return EffectiveDates(None, wall(due), wall(closes), Rule.ASSIGNMENT)


@pytest.mark.parametrize(
    ("due", "since", "now", "told"),
    [
        (24, -1, 0, True),
        (24, 0, 1, False),
        (24.5, -1, 0, False),
        # After an outage both reminders are due at once, and none is sent when it was due meanwhile.
        (0.5, -48, 0, True),
        (-0.5, -48, 0, False),
        (0, -48, 0, False),
    ],
)
def test_when_somebody_is_reminded(due: float, since: float, now: float, told: bool) -> None:
    assert reminded(held(due), LEADS, at(since), at(now)) == told


def test_the_next_moment_is_the_first_of_all_dates() -> None:
    dates: list[Any] = [held(48), held(72, 96)]
    assert next_moment(dates, LEADS, NOW) == at(24)
    assert next_moment(dates, LEADS, at(24)) == at(47)
    assert next_moment(dates, LEADS, at(47)) == at(48)
    assert next_moment(dates, LEADS, at(71)) == at(96)
    assert next_moment(dates, LEADS, at(96)) is None
    assert last_closing(dates) is None
    assert last_closing([held(1, 2), held(1, 5)]) == at(5)
    assert clock.now().tzinfo is not None
