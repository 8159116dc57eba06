"""Assignments by way of the gateway: who writes, publishes and reads them."""

from __future__ import annotations

from ksmp_testkit import Caller
from ksmp_testkit.answers import done, refused
from tests.modules.assignments.classroom import ASSIGNMENTS, classroom, later, wall
from tests.modules.programs.programs import ANY, user


async def test_students_see_what_is_published(caller: Caller) -> None:
    room = await classroom(caller)
    (sam,) = room.students
    draft = await room.draft(due=later(days=2), instructions="Page 12")
    path = f"{ASSIGNMENTS}/{draft['id']}"
    refused(await caller(sam).get(path), 404, "not_found")
    assert done(await caller(sam).get(f"{ASSIGNMENTS}/?program={room.program}"))["items"] == []
    published = done(await room.teacher.post(f"{path}/publish", headers={"If-Match": '"1"'}))
    assert (published["state"], published["rev"], published["yours"]) == ("published", 2, None)
    seen = await room.read(sam, draft["id"])
    assert (seen["instructions"], seen["open"]) == ("Page 12", True)
    assert seen["yours"]["rule"] == "assignment"
    assert seen["yours"]["due"] == seen["due"] == published["due"]
    (listed,) = done(await caller(sam).get(f"{ASSIGNMENTS}/?program={room.program}"))["items"]
    assert listed["yours"] == seen["yours"]


async def test_to_others_there_is_no_such_assignment(caller: Caller) -> None:
    room = await classroom(caller)
    id = (await room.assignment())["id"]
    for stranger in (caller(user()), caller(user(), "mentor")):
        refused(await stranger.get(f"{ASSIGNMENTS}/{id}"), 404, "not_found")
        refused(await stranger.get(f"{ASSIGNMENTS}/?program={room.program}"), 404, "not_found")
    assert done(await caller("boss", "admin").get(f"{ASSIGNMENTS}/{id}"))["id"] == id
    student = caller(room.students[0])
    refused(await student.post(f"{ASSIGNMENTS}/{id}/publish", headers=ANY), 403, "forbidden")


async def test_before_it_opens_students_see_only_that_it_comes(caller: Caller) -> None:
    room = await classroom(caller)
    id = (await room.assignment(instructions="Secret", opens=later(hours=1), due=later(days=1)))["id"]
    seen = await room.read(room.students[0], id)
    assert (seen["title"], seen["instructions"], seen["open"]) == ("Quadratic equations", "", False)
    assert (await room.read(room.mentor, id))["instructions"] == "Secret"


async def test_dates_are_in_order_and_exist(caller: Caller) -> None:
    room = await classroom(caller, students=0)
    base = {"program_id": room.program, "title": "A"}
    for bad, field in (
        ({"due": later(days=2), "closes": later(days=1)}, "closes"),
        ({"opens": later(days=2), "due": later(days=1)}, "due"),
        ({"due": wall("2030-02-30T10:00:00")}, "due"),
        ({"due": wall("2030-02-20T10:00:00", "Mars/Olympus")}, "due"),
        ({"due": wall("2030-02-20T10:00:00Z")}, "due.at"),
        ({"release": "at_time"}, "release_at"),
        ({"release_at": later(days=1)}, "release_at"),
        ({"points": "1.234"}, "points"),
        ({"accepts": []}, "accepts"),
        ({"accepts": ["text", "text"]}, "accepts"),
        ({"file_types": ["application/x-unknown"]}, "file_types"),
    ):
        answer = await room.teacher.post(f"{ASSIGNMENTS}/", json=base | bad)
        refused(answer, 400, "invalid")
        assert answer.json()["errors"][0]["field"] == field, answer.text
