"""What a user takes along of the catalogue, and what goes with them."""

from __future__ import annotations

import asyncpg

from ksmp_testkit import Caller, Running
from ksmp_testkit.answers import done
from modules.assignments.module import AssignmentsModule
from tests.modules.assignments.classroom import ASSIGNMENTS, classroom, later
from tests.modules.programs.programs import ANY


async def test_reasons_go_and_dates_stay(caller: Caller, node: Running, database: asyncpg.Pool) -> None:
    room = await classroom(caller, students=2)
    sam, tara = room.students
    made = done(
        await room.teacher.post(f"{ASSIGNMENTS}/group-sets/", json={"program_id": room.program, "name": "P"}), 201
    )
    sets = f"{ASSIGNMENTS}/group-sets/{made['id']}"
    done(await room.teacher.post(f"{sets}/split", json={"groups": 1}, headers=ANY))
    id = (await room.assignment(due=later(days=1), group_set_id=made["id"]))["id"]
    body = {"due": later(days=2), "reason": "Illness"}
    done(await room.teacher.put(f"{ASSIGNMENTS}/{id}/extensions/{sam}", json=body, headers=ANY))
    path = f"{ASSIGNMENTS}/accommodations/{room.program}/{sam}"
    done(await room.teacher.put(path, json={"extra_days": 1, "note": "A letter"}, headers=ANY))
    module = node.module(AssignmentsModule)
    held = await module.export(sam)
    assert [one["reason"] for one in held["extensions"]] == ["Illness"]
    assert [one["note"] for one in held["accommodations"]] == ["A letter"]
    assert [one["name"] for one in held["groups"]] == ["Group 1"]
    assert "extensions" not in await module.export(tara)
    assert [one["id"] for one in (await module.export(room.mentor))["assignments"]] == [id]
    for _ in range(2):
        async with node.gateway.database.transaction():
            await module.forget(sam)
    held = await module.export(sam)
    assert [one["reason"] for one in held["extensions"]] == [""]
    assert [one["note"] for one in held["accommodations"]] == [""]
    assert held["groups"][0]["left_at"] is not None
    (group,) = done(await room.teacher.get(sets))["groups"]
    assert [one["id"] for one in group["members"]] == [tara]
