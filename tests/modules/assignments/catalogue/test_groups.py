"""Group sets by way of the gateway: who makes them, and who is in which group."""

from __future__ import annotations

from itertools import chain
from typing import Any

import asyncpg
import pytest

from ksmp_testkit import Caller, Running
from ksmp_testkit.answers import done, refused
from modules.assignments.catalogue.splitting import counts, dealt
from tests.modules.assignments.classroom import ASSIGNMENTS, Classroom, classroom, later
from tests.modules.programs.programs import ANY, user

SETS = f"{ASSIGNMENTS}/group-sets"


async def group_set(room: Classroom, name: str = "Projects") -> str:
    """The path of a new group set."""
    made = done(await room.teacher.post(f"{SETS}/", json={"program_id": room.program, "name": name}), 201)
    return f"{SETS}/{made['id']}"


def members(found: dict[str, Any]) -> list[list[str]]:
    return [[one["id"] for one in group["members"]] for group in found["groups"]]


async def test_a_random_split_places_everybody_once(caller: Caller) -> None:
    room = await classroom(caller, students=7)
    path = await group_set(room)
    found = done(await room.teacher.post(f"{path}/split", json={"size": 3}, headers={"If-Match": '"1"'}))
    assert sorted(map(len, members(found))) == [2, 2, 3]
    assert sorted(chain(*members(found))) == sorted(room.students)
    assert [group["name"] for group in found["groups"]] == ["Group 1", "Group 2", "Group 3"]
    # Who joins later is placed by another split, and nobody is moved.
    late = await room.enrol()
    again = done(await room.teacher.post(f"{path}/split", json={"groups": 2}, headers=ANY))
    assert members(again) == [*members(found), [late]]
    for bad in ({}, {"size": 2, "groups": 2}):
        refused(await room.teacher.post(f"{path}/split", json=bad, headers=ANY), 400, "invalid")


async def test_a_student_is_in_one_group_of_a_set(caller: Caller, database: asyncpg.Pool) -> None:
    room = await classroom(caller, students=2)
    sam, tara = room.students
    path = await group_set(room)
    found = done(await room.teacher.post(f"{path}/split", json={"groups": 2}, headers=ANY))
    first, second = (group["id"] for group in found["groups"])
    done(await room.teacher.put(f"{path}/members/{sam}", json={"group_id": first}, headers=ANY))
    found = done(await room.teacher.put(f"{path}/members/{tara}", json={"group_id": first}, headers=ANY))
    assert [sorted(group) for group in members(found)] == [sorted([sam, tara]), []]
    refused(await room.teacher.put(f"{path}/members/{sam}", json={"group_id": "other"}, headers=ANY), 400, "invalid")
    refused(await room.teacher.put(f"{path}/members/{user()}", json={"group_id": first}, headers=ANY), 404, "not_found")
    refused(
        await room.teacher.put(f"{path}/members/{sam}", json={"group_id": second}, headers={"If-Match": '"1"'}),
        412,
        "precondition_failed",
    )
    done(await room.teacher.delete(f"{path}/members/{sam}", headers=ANY), 204)
    assert members(done(await room.teacher.get(path))) == [[tara], []]
    rows = await database.fetch("SELECT act, subject FROM account_audit WHERE actor = $1 ORDER BY id", room.mentor)
    assert [tuple(row) for row in rows] == [("assignments.move", one) for one in (sam, tara, sam)]


async def test_a_student_sees_with_whom_they_hand_in(caller: Caller) -> None:
    room = await classroom(caller, students=2)
    sam, tara = room.students
    path = await group_set(room)
    found = done(await room.teacher.post(f"{path}/split", json={"groups": 1}, headers=ANY))
    id = (await room.assignment(group_set_id=path.rsplit("/", 1)[1]))["id"]
    late = await room.enrol()
    assert (await room.read(sam, id))["group"] == found["groups"][0]
    assert (await room.read(tara, id))["group"] == found["groups"][0]
    assert (await room.read(late, id))["group"] is None
    assert (await room.read(room.mentor, id))["group"] is None


async def test_who_leaves_the_program_leaves_its_groups(caller: Caller, node: Running) -> None:
    room = await classroom(caller, students=2)
    sam, tara = room.students
    path = await group_set(room)
    before = done(await room.teacher.post(f"{path}/split", json={"groups": 1}, headers=ANY))
    done(await caller(sam).delete(f"{room.path}/enrolment"), 204)
    await node.events_handled("assignments.leave_groups")
    after = done(await room.teacher.get(path))
    assert (members(after), after["rev"]) == ([[tara]], before["rev"] + 1)


async def test_names_groups_and_sets_come_and_go(caller: Caller) -> None:
    room = await classroom(caller, students=0)
    path = await group_set(room)
    done(await room.teacher.post(f"{path}/groups", json={"name": "A"}, headers={"If-Match": '"1"'}), 201)
    found = done(await room.teacher.post(f"{path}/groups", json={"name": "B"}, headers={"If-Match": '"2"'}), 201)
    first = found["groups"][0]["id"]
    done(await room.teacher.patch(f"{path}/groups/{first}", json={"name": "C"}, headers=ANY))
    found = done(await room.teacher.patch(path, json={"name": "Teams"}, headers=ANY))
    assert (found["name"], [group["name"] for group in found["groups"]]) == ("Teams", ["C", "B"])
    refused(await room.teacher.patch(f"{path}/groups/none", json={"name": "C"}, headers=ANY), 404, "not_found")
    done(await room.teacher.delete(f"{path}/groups/{first}", headers=ANY), 204)
    draft = await room.draft(group_set_id=path.rsplit("/", 1)[1])
    refused(await room.teacher.delete(path, headers=ANY), 409, "conflict")
    done(await room.teacher.delete(f"{ASSIGNMENTS}/{draft['id']}", headers=ANY), 204)
    done(await room.teacher.delete(path, headers=ANY), 204)
    assert done(await room.teacher.get(f"{SETS}/?program={room.program}"))["items"] == []


async def test_groups_are_for_those_who_teach_the_program(caller: Caller) -> None:
    room = await classroom(caller)
    path = await group_set(room)
    for other, status, code in (
        (caller(room.students[0]), 403, "forbidden"),
        (caller(user(), "mentor"), 404, "not_found"),
    ):
        refused(await other.get(path), status, code)
        refused(await other.get(f"{SETS}/?program={room.program}"), status, code)
        refused(await other.post(f"{path}/split", json={"size": 2}, headers=ANY), status, code)
        refused(await other.delete(path, headers=ANY), status, code)
    stranger = await classroom(caller)
    body = {"program_id": stranger.program, "title": "A", "group_set_id": path.rsplit("/", 1)[1], "due": later(days=1)}
    answer = await stranger.teacher.post(f"{ASSIGNMENTS}/", json=body)
    refused(answer, 400, "invalid")
    assert answer.json()["errors"][0]["field"] == "group_set_id"


@pytest.mark.parametrize(
    ("students", "wanted", "sizes"),
    [
        (10, {"groups": 3, "size": None}, [3, 3, 4]),
        (10, {"groups": None, "size": 4}, [3, 3, 4]),
        (2, {"groups": 5, "size": None}, [1, 1]),
        (1, {"groups": None, "size": 9}, [1]),
    ],
)
def test_sizes_of_groups(students: int, wanted: dict[str, int | None], sizes: list[int]) -> None:
    names = [str(one) for one in range(students)]
    made = dealt(names, counts(students, groups=wanted["groups"], size=wanted["size"]))
    assert sorted(map(len, made)) == sizes
    assert sorted(chain(*made)) == sorted(names)
