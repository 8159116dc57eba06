"""Programs and sessions that the tests of live make."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx

from ksmp_testkit.socket_client import WireClient, WireError

SESSIONS = "/api/v1/sessions"
ANY = {"If-Match": "*"}


async def create_program(database: asyncpg.Pool) -> str:
    """A program of the mentor `meera` in which `enid-<id>` is enrolled."""
    id = uuid.uuid4().hex
    await database.execute("INSERT INTO program (id, title, mentor_id) VALUES ($1, 'Algebra', 'meera')", id)
    await database.execute("INSERT INTO program_enrolment (program_id, user_id) VALUES ($1, $2)", id, f"enid-{id}")
    return id


async def meet(database: asyncpg.Pool, *mentors: str) -> None:
    """Let the platform know these mentors, as after their first sign-in."""
    for user in mentors:
        known = "INSERT INTO account_user (id, name, role) VALUES ($1, $1, 'mentor') ON CONFLICT DO NOTHING"
        await database.execute(known, user)


def at(seconds: float) -> str:
    """So many seconds from now."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def create_session(mentor: httpx.AsyncClient, program: str, starts: float, ends: float, **values: Any) -> str:
    """The path of a new session."""
    body = {"program_id": program, "title": "Roots", "starts_at": at(starts), "ends_at": at(ends)} | values
    answer = await mentor.post(f"{SESSIONS}/", json=body)
    assert answer.status_code == 201, answer.text
    path: str = answer.headers["location"]
    return path


async def created(mentor: httpx.AsyncClient, program: str, *steps: str, **values: Any) -> str:
    """The path of a new session, an hour from now, after these steps."""
    path = await create_session(mentor, program, 3600, 7200, **values)
    for step in steps:
        answer = await mentor.post(f"{path}/{step}")
        assert answer.status_code == 200, answer.text
    return path


async def entered(client: WireClient, room: str) -> str:
    """`in`, or the code with which the room was refused."""
    try:
        await client.join(room)
    except WireError as error:
        return error.code
    return "in"
