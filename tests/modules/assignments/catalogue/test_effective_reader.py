"""The reader of effective dates gives what the pure function gives, for any grants and groups."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from ksmp_testkit import Caller, Running
from modules.assignments.catalogue.effective import EffectiveDateReader, Terms
from modules.assignments.catalogue.repository import AssignmentRepository
from modules.assignments.dates.effective import Grant, allowed_attempts, effective_dates
from modules.assignments.dates.wall_time import WallTime
from modules.assignments.records import Assignment
from tests.modules.assignments.catalogue.test_groups import group_set
from tests.modules.assignments.classroom import classroom, wall

EXTEND = """
    INSERT INTO assignments_extension (assignment_id, user_id, due_wall, due_zone, due_at, extra_attempts, granted_by,
        granted_at)
    VALUES ($1, $2, $3, $4, $5, $6, 'x', now())
"""
ACCOMMODATE = """
    INSERT INTO assignments_accommodation (program_id, user_id, extra_days, extra_attempts, granted_by, granted_at)
    VALUES ($1, $2, $3, $4, 'x', now())
"""
GROUPS = "INSERT INTO assignments_group (id, set_id, name) SELECT $1 || n, $1, 'G' FROM generate_series(0, 3) AS n"
PLACE = """
    INSERT INTO assignments_group_member (set_id, group_id, user_id, joined_at, left_at) VALUES ($1, $2, $3, now(), $4)
"""
BASE = datetime(2030, 3, 30, 23, 59)


@pytest.mark.parametrize("seed", range(4))
async def test_the_reader_gives_what_the_function_gives(
    caller: Caller, node: Running, database: asyncpg.Pool, seed: int
) -> None:
    chance = random.Random(seed)
    room = await classroom(caller, students=0)
    set_id = (await group_set(room)).rsplit("/", 1)[1]
    due: dict[str, Any] = {"due": wall(BASE.isoformat(), "Europe/Berlin"), "attempts": 2}
    ids = [(await room.draft(**due))["id"], (await room.draft(**due, group_set_id=set_id))["id"]]
    users = [f"{room.program}-{number}" for number in range(9)]
    groups = {user: chance.randrange(4) for user in users}
    await database.execute(GROUPS, set_id)
    for user, group in groups.items():
        # Some were in another group before, and those in the last one have left it.
        await database.execute(PLACE, set_id, f"{set_id}{(group + 1) % 4}", user, BASE.astimezone())
        await database.execute(PLACE, set_id, f"{set_id}{group}", user, BASE.astimezone() if group == 3 else None)
    grants: dict[tuple[str, str], Grant] = {}
    for user in users:
        days, more = chance.choice([(0, 0), (0, 0), (2, 0), (1, 1)])
        if days or more:
            await database.execute(ACCOMMODATE, room.program, user, days, more)
        for id in ids:
            extra = chance.choice([None, None, 0, 1])
            until = WallTime(BASE + timedelta(hours=chance.randrange(1, 72)), chance.choice(["Asia/Kolkata", "UTC"]))
            until = WallTime(until.at, until.zone, until.moment())
            if extra is not None:
                await database.execute(EXTEND, id, user, until.at, until.zone, until.moment(), extra)
            grants[id, user] = Grant(user, until if extra is not None else None, None, days, (extra or 0) + more)
    reader = EffectiveDateReader(node.gateway.database)
    found = await AssignmentRepository(node.gateway.database).some(ids)
    expected = {
        (id, user): _by_hand(found[id], user, grants, groups if id == ids[1] else {}) for id in ids for user in users
    }
    assert await reader.of_all(list(found.values()), users) == expected
    asked = chance.sample(users, 3)
    for id in ids:
        assert await reader.terms(found[id], asked) == {user: expected[id, user] for user in asked}
        special = await reader.special(found[id])
        plain = Terms(effective_dates(found[id].dates, found[id].late, None), 2)
        assert {user: special.get(user, plain) for user in users} == {user: expected[id, user] for user in users}


def _by_hand(assignment: Assignment, user: str, grants: dict[tuple[str, str], Grant], groups: dict[str, int]) -> Terms:
    own = grants[assignment.id, user]
    others = [
        grants[assignment.id, other]
        for other, group in groups.items()
        if other != user and group == groups[user] and group != 3
    ]
    dates = effective_dates(assignment.dates, assignment.late, own, others)
    return Terms(dates, allowed_attempts(assignment.attempts, own, others))
