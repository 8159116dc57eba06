"""Extensions and accommodations by way of the gateway: who grants them, whom they reach, what holds then."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from gateway import clock
from ksmp_testkit import Caller, Clients, Running
from ksmp_testkit.answers import done, refused
from modules.assignments.catalogue.date_timer import DATES
from tests.modules.assignments.classroom import ASSIGNMENTS, Classroom, classroom, later, wall
from tests.modules.programs.programs import ANY, user

NONE_YET = {"If-Match": '"0"'}


async def extended(room: Classroom, id: str, who: str, **values: Any) -> dict[str, Any]:
    path = f"{ASSIGNMENTS}/{id}/extensions/{who}"
    return dict(done(await room.teacher.put(path, json=values, headers=ANY)))


async def yours(room: Classroom, who: str, id: str) -> dict[str, Any]:
    return dict((await room.read(who, id))["yours"])


async def test_an_extension_holds_in_every_view_with_its_rule(caller: Caller) -> None:
    room = await classroom(caller, students=2)
    sam, tara = room.students
    id = (await room.assignment(due=later(days=-1), late={"kind": "none"}, attempts=2))["id"]
    due = later(days=2)
    granted = await extended(room, id, sam, due=due, extra_attempts=1, reason="Illness")
    assert (granted["rev"], granted["granted_by"], granted["reason"]) == (1, room.mentor, "Illness")
    seen = await yours(room, sam, id)
    assert (seen["rule"], seen["closes_rule"], seen["attempts"]) == ("extension", "extension", 3)
    assert seen["due"] == seen["closes"] == granted["due"]
    assert seen["due"]["at"] == due["at"]
    (listed,) = done(await caller(sam).get(f"{ASSIGNMENTS}/?program={room.program}"))["items"]
    assert listed["yours"] == seen
    # Nobody else has it, and the assignment's own date stays what it was.
    other = await yours(room, tara, id)
    assert (other["rule"], other["attempts"]) == ("assignment", 2)
    assert listed["due"] == other["due"] != seen["due"]
    # No student reads the reason.
    assert "Illness" not in (await caller(sam).get(f"{ASSIGNMENTS}/{id}")).text


async def test_who_grants_and_to_whom(caller: Caller) -> None:
    room = await classroom(caller)
    (sam,) = room.students
    id = (await room.assignment(due=later(days=1)))["id"]
    path, body = f"{ASSIGNMENTS}/{id}/extensions", {"due": later(days=2)}
    refused(await caller(sam).put(f"{path}/{sam}", json=body, headers=ANY), 403, "forbidden")
    refused(await caller(sam).get(path), 403, "forbidden")
    refused(await caller(user(), "mentor").put(f"{path}/{sam}", json=body, headers=ANY), 404, "not_found")
    for nobody in (user(), room.mentor):
        refused(await room.teacher.put(f"{path}/{nobody}", json=body, headers=ANY), 404, "not_found")
    accommodations = f"{ASSIGNMENTS}/accommodations/{room.program}"
    refused(await caller(sam).put(f"{accommodations}/{sam}", json={"extra_days": 1}, headers=ANY), 403, "forbidden")
    refused(await room.teacher.put(f"{accommodations}/{user()}", json={"extra_days": 1}, headers=ANY), 404, "not_found")


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({}, "due"),
        ({"due": later(hours=1)}, "due"),
        ({"closes": later(days=9)}, "closes"),
        ({"due": wall("2030-01-01T10:00:00", "Asia/Nowhere")}, "due"),
    ],
)
async def test_what_is_no_extension(caller: Caller, bad: dict[str, Any], field: str) -> None:
    room = await classroom(caller)
    id = (await room.assignment(due=later(days=1)))["id"]
    answer = await room.teacher.put(f"{ASSIGNMENTS}/{id}/extensions/{room.students[0]}", json=bad, headers=ANY)
    refused(answer, 400, "invalid")
    assert answer.json()["errors"][0]["field"] == field


async def test_two_mentors_do_not_overwrite_each_other(caller: Caller) -> None:
    room = await classroom(caller)
    (sam,) = room.students
    id = (await room.assignment(due=later(days=1)))["id"]
    path = f"{ASSIGNMENTS}/{id}/extensions/{sam}"
    first = await room.teacher.put(path, json={"due": later(days=2)}, headers=NONE_YET)
    assert (done(first)["rev"], first.headers["etag"]) == (1, '"1"')
    refused(await room.teacher.put(path, json={"due": later(days=3)}, headers=NONE_YET), 412, "precondition_failed")
    refused(await room.teacher.put(path, json={"due": later(days=3)}), 428, "precondition_required")
    assert done(await room.teacher.put(path, json={"due": later(days=3)}, headers={"If-Match": '"1"'}))["rev"] == 2
    refused(await room.teacher.delete(path, headers={"If-Match": '"1"'}), 412, "precondition_failed")
    assert (await room.teacher.delete(path, headers={"If-Match": '"2"'})).status_code == 204
    assert (await yours(room, sam, id))["rule"] == "assignment"
    refused(await room.teacher.delete(path, headers=ANY), 404, "not_found")


async def test_grants_are_audited(caller: Caller, database: asyncpg.Pool) -> None:
    room = await classroom(caller)
    (sam,) = room.students
    id = (await room.assignment(due=later(days=1)))["id"]
    await extended(room, id, sam, due=later(days=2), reason="Illness")
    done(await room.teacher.delete(f"{ASSIGNMENTS}/{id}/extensions/{sam}", headers=ANY), 204)
    path = f"{ASSIGNMENTS}/accommodations/{room.program}/{sam}"
    done(await room.teacher.put(path, json={"extra_days": 1, "note": "A letter"}, headers=ANY))
    done(await room.teacher.delete(path, headers=ANY), 204)
    rows = await database.fetch("SELECT act, details FROM account_audit WHERE actor = $1 ORDER BY id", room.mentor)
    assert [row["act"] for row in rows] == [
        "assignments.extend",
        "assignments.unextend",
        "assignments.accommodate",
        "assignments.unaccommodate",
    ]
    # What a mentor writes of a student's reasons is in no audit, which outlives the student's account.
    assert not [row for row in rows if "Illness" in row["details"] or "letter" in row["details"]]


async def test_an_accommodation_holds_in_every_assignment_and_takes_nothing_away(caller: Caller) -> None:
    room = await classroom(caller)
    (sam,) = room.students
    first = (await room.assignment(due=wall("2030-03-30T23:59:00", "Europe/Berlin"), attempts=1))["id"]
    second = (await room.assignment(closes=later(days=1)))["id"]
    path = f"{ASSIGNMENTS}/accommodations/{room.program}/{sam}"
    granted = done(await room.teacher.put(path, json={"extra_days": 2, "extra_attempts": 1}, headers=NONE_YET))
    assert granted["rev"] == 1
    listed = done(await room.teacher.get(f"{ASSIGNMENTS}/accommodations?program={room.program}"))
    assert listed["items"] == [granted]
    seen = await yours(room, sam, first)
    # Two days of the calendar later, over the change of the clock.
    assert (seen["due"]["at"], seen["due"]["moment"]) == ("2030-04-01T23:59:00", "2030-04-01T21:59:00Z")
    assert (seen["rule"], seen["attempts"]) == ("accommodation", 2)
    assert (await yours(room, sam, second))["closes_rule"] == "accommodation"
    await extended(room, first, sam, due=wall("2030-03-31T12:00:00", "Europe/Berlin"))
    assert (await yours(room, sam, first))["rule"] == "accommodation"
    await extended(room, first, sam, due=wall("2030-04-02T00:00:00", "Europe/Berlin"))
    assert (await yours(room, sam, first))["rule"] == "extension"


async def test_the_student_is_told_and_the_timer_is_set_by_their_date(
    caller: Caller, clients: Clients, node: Running
) -> None:
    room = await classroom(caller, students=2)
    sam, tara = room.students
    id = (await room.assignment(due=later(hours=1), closes=later(days=3)))["id"]
    told, other = await clients.socket(sam), await clients.socket(tara)
    due = later(days=2)
    granted = await extended(room, id, sam, due=due)
    push = await told.expect_push("assignments.dates")
    assert push["room"] == f"user:{sam}"
    data = push["data"]
    assert (data["assignment_id"], data["due"], data["rule"]) == (id, granted["due"], "extension")
    await extended(room, id, sam, due=later(days=3))
    assert (await told.expect_push("assignments.dates"))["data"]["rev"] > data["rev"]
    assert other.pushes("assignments.dates") == []
    (set_for,) = [timer for timer in await node.timers(DATES) if timer.key == id]
    # The next that happens: the first lead before the extended date is a day before it.
    assert set_for.at - clock.now() < timedelta(days=2)


async def test_a_group_has_the_dates_of_the_member_who_has_the_most(caller: Caller, clients: Clients) -> None:
    room = await classroom(caller, students=3)
    sam, tara, uma = room.students
    made = done(
        await room.teacher.post(f"{ASSIGNMENTS}/group-sets/", json={"program_id": room.program, "name": "P"}), 201
    )
    sets = f"{ASSIGNMENTS}/group-sets/{made['id']}"
    group = done(await room.teacher.post(f"{sets}/groups", json={"name": "A"}, headers=ANY), 201)["groups"][0]["id"]
    for one in (sam, tara):
        done(await room.teacher.put(f"{sets}/members/{one}", json={"group_id": group}, headers=ANY))
    id = (await room.assignment(due=later(days=1), group_set_id=made["id"], attempts=1))["id"]
    told = await clients.socket(tara)
    granted = await extended(room, id, sam, due=later(days=2), extra_attempts=2)
    assert (await told.expect_push("assignments.dates"))["data"]["rule"] == "group"
    seen = await yours(room, tara, id)
    assert (seen["due"], seen["rule"], seen["attempts"]) == (granted["due"], "group", 3)
    assert (await yours(room, uma, id))["rule"] == "assignment"
    # With the group goes what it had.
    done(await room.teacher.delete(f"{sets}/members/{tara}", headers=ANY), 204)
    assert (await told.expect_push("assignments.dates"))["data"]["rule"] == "assignment"
    assert (await yours(room, tara, id))["rule"] == "assignment"
    done(await room.teacher.put(f"{sets}/members/{uma}", json={"group_id": group}, headers=ANY))
    assert (await yours(room, uma, id))["rule"] == "group"
