"""The seat that a student takes in the statement that reads what decides about them."""

from __future__ import annotations

import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from ksmp_testkit import Caller, MakeToken, Running
from tests.modules.live.scheduling import SESSIONS

NOW = datetime.now(UTC)
OPTION = "INSERT INTO live_option VALUES ($1, false, false, true)"
GUEST = "INSERT INTO live_guest VALUES ($1, $2, 'N', $3, now())"
PROMOTION = "INSERT INTO live_promotion VALUES ($1, $2, 'speaker')"
SEAT = "INSERT INTO live_seat VALUES ($1, $2, $3)"
ENROLMENT = "INSERT INTO program_enrolment (program_id, user_id) VALUES ($1, $2)"
BAN = """
    INSERT INTO live_ban (session_id, scope, user_id, program_id, reason, by_id, by_name, until, sessions)
    VALUES ($1, 'session', $2, $3, 'r', 'b', 'B', $4, '{}')
"""
SESSION = """
    INSERT INTO live_session
        (id, program_id, title, mentor_id, state, visibility, starts_at, ends_at, ended_at, capacity)
    VALUES ($1, $2, 'T', 'meera', $3, $4, $5, $5, $6, $7)
"""


async def join(caller: Caller, user: str, session: str) -> httpx.Response:
    return await caller(user).post(f"{SESSIONS}/{session}/join")


@pytest.mark.parametrize("seed", range(40))
async def test_who_is_admitted_has_a_seat_and_who_is_refused_has_none(
    caller: Caller, program: str, node: Running, database: asyncpg.Pool, seed: int
) -> None:
    chance = random.Random(seed)
    id, user = uuid.uuid4().hex, uuid.uuid4().hex
    state = chance.choice(["scheduled", "lobby", "live", "live", "live", "live", "ended", "cancelled"])
    ended_at = NOW - timedelta(seconds=chance.choice([0, 3600])) if state == "ended" else None
    visibility = chance.choice(["open", "program"])
    capacity = chance.choice([None, 1, 2, 5])
    await database.execute(SESSION, id, program, state, visibility, NOW, ended_at, capacity)

    async def perhaps(odds: float, statement: str, *values: Any) -> None:
        if chance.random() < odds:
            await database.execute(statement, id, *values)

    if chance.random() < 0.7:
        await database.execute(ENROLMENT, program, user)
    await perhaps(0.3, OPTION)
    await perhaps(0.5, GUEST, user, chance.choice(["admitted", "waiting"]))
    await perhaps(0.3, PROMOTION, user)
    await perhaps(0.2, BAN, user, program, chance.choice([None, NOW - timedelta(hours=1)]))
    await perhaps(0.4, SEAT, "another", NOW + timedelta(hours=1))
    # From now on the gateway knows the session's hosts.
    await join(caller, uuid.uuid4().hex, id)

    answer = await join(caller, user, id)
    seat = await database.fetchval("SELECT taken_at FROM live_seat WHERE session_id = $1 AND user_id = $2", id, user)
    if answer.status_code == 200:
        assert (seat is not None) == (capacity is not None)
    else:
        assert seat is None, answer.text
    held = await database.fetchval("SELECT count(*) FROM live_seat WHERE session_id = $1", id)
    assert held <= max(capacity or 0, 1)


async def test_who_is_named_like_a_host_takes_no_seat(
    caller: Caller, program: str, node: Running, database: asyncpg.Pool, token: MakeToken
) -> None:
    id = uuid.uuid4().hex
    await database.execute(SESSION, id, program, "live", "open", NOW, None, 5)
    assert (await caller("meera", "mentor").post(f"{SESSIONS}/{id}/join")).status_code == 200
    assert (await join(caller, uuid.uuid4().hex, id)).status_code == 200
    user = uuid.uuid4().hex
    async with httpx.AsyncClient(base_url=node.url) as http:
        bearer = {"Authorization": f"Bearer {token(user, name='meera')}"}
        refused = await http.post(f"{SESSIONS}/{id}/join", headers=bearer)
    assert refused.json()["code"] == "live.name"
    seats = await database.fetch("SELECT user_id FROM live_seat WHERE session_id = $1", id)
    assert user not in {row["user_id"] for row in seats}
    assert len(seats) == 1
