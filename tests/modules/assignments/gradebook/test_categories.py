"""Categories of a grade book by way of the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ksmp_testkit import Caller, MakeGateway, Running
from ksmp_testkit.answers import done, refused
from tests.modules.assignments.classroom import ASSIGNMENTS, Classroom, classroom
from tests.modules.programs.programs import ANY, user

CATEGORIES = f"{ASSIGNMENTS}/categories"


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, devcloud: str) -> AsyncIterator[Running]:
    environ = {"KSMP_ASSIGNMENTS_CATEGORIES": "3"}
    async with gateway(environ=environ, address_burst=100_000, request_burst=100_000) as running:
        yield running


async def category(room: Classroom, **values: Any) -> dict[str, Any]:
    body = {"program_id": room.program, "name": "Essays", "weight": "40"} | values
    return dict(done(await room.teacher.post(f"{CATEGORIES}/", json=body), 201))


async def test_mentors_write_categories_and_students_read_them(caller: Caller) -> None:
    room = await classroom(caller)
    essays = await category(room, drop_lowest=1)
    assert essays == {
        "id": essays["id"],
        "program_id": room.program,
        "name": "Essays",
        "weight": "40.00",
        "drop_lowest": 1,
        "position": 0,
        "rev": 1,
    }
    tests = await category(room, name="Tests", weight=60.5)
    assert (tests["weight"], tests["position"]) == ("60.50", 1)
    path = f"{CATEGORIES}/{essays['id']}"
    refused(await room.teacher.patch(path, json={"weight": 1}), 428, "precondition_required")
    moved = done(await room.teacher.patch(path, json={"position": 2, "weight": 30}, headers={"If-Match": '"1"'}))
    assert (moved["rev"], moved["weight"], moved["drop_lowest"]) == (2, "30.00", 1)
    refused(await room.teacher.patch(path, json={"weight": 1}, headers={"If-Match": '"1"'}), 412, "precondition_failed")
    listed = done(await caller(room.students[0]).get(f"{CATEGORIES}/?program={room.program}"))["items"]
    assert listed == [tests, moved]
    done(await room.teacher.delete(path, headers={"If-Match": '"2"'}), 204)
    refused(await room.teacher.delete(path, headers=ANY), 404, "not_found")


async def test_only_those_who_teach_the_program_write_them(caller: Caller) -> None:
    room = await classroom(caller)
    path = f"{CATEGORIES}/{(await category(room))['id']}"
    body = {"program_id": room.program, "name": "A", "weight": 1}
    student = caller(room.students[0])
    for client, status, code in (
        (student, 403, "forbidden"),
        (caller(user()), 403, "forbidden"),
        (caller(user(), "mentor"), 404, "not_found"),
    ):
        refused(await client.post(f"{CATEGORIES}/", json=body), status, code)
        refused(await client.patch(path, json={"weight": 1}, headers=ANY), status, code)
        refused(await client.delete(path, headers=ANY), status, code)
    refused(await caller(user()).get(f"{CATEGORIES}/?program={room.program}"), 404, "not_found")


async def test_an_assignment_is_in_a_category_of_its_own_program(caller: Caller) -> None:
    room, other = await classroom(caller, students=0), await classroom(caller, students=0)
    own, foreign = await category(room), await category(other)
    assert (await room.draft(category_id=own["id"]))["category_id"] == own["id"]
    body = {"program_id": room.program, "title": "A", "category_id": foreign["id"]}
    refused(await room.teacher.post(f"{ASSIGNMENTS}/", json=body), 400, "invalid")
    # While it is there, its category stays.
    refused(await room.teacher.delete(f"{CATEGORIES}/{own['id']}", headers=ANY), 409, "assignments.category_used")


async def test_a_program_has_so_many_categories_also_when_they_come_at_once(caller: Caller) -> None:
    room = await classroom(caller, students=0)
    body = {"program_id": room.program, "name": "A", "weight": 1}
    answers = await asyncio.gather(*(room.teacher.post(f"{CATEGORIES}/", json=body) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 201, 413, 413]
    there = done(await room.teacher.get(f"{CATEGORIES}/?program={room.program}"))["items"]
    assert [one["position"] for one in there] == [0, 1, 2]


@pytest.mark.parametrize("bad", [{"weight": "100.01"}, {"weight": -1}, {"weight": "1.234"}, {"name": "\u200b"}])
async def test_what_a_category_may_not_be(caller: Caller, bad: dict[str, Any]) -> None:
    room = await classroom(caller, students=0)
    body = {"program_id": room.program, "name": "A", "weight": 1} | bad
    refused(await room.teacher.post(f"{CATEGORIES}/", json=body), 400, "invalid")
