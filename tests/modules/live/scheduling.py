"""Programs and sessions that the tests of the schedule and of timers make."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx

SESSIONS = "/api/v1/sessions"
ANY = {"If-Match": "*"}


async def create_program(database: asyncpg.Pool) -> str:
    """A program of the mentor `meera` in which `enid-<id>` is enrolled."""
    id = uuid.uuid4().hex
    await database.execute("INSERT INTO program (id, title, mentor_id) VALUES ($1, 'Algebra', 'meera')", id)
    await database.execute("INSERT INTO program_enrolment (program_id, user_id) VALUES ($1, $2)", id, f"enid-{id}")
    return id


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
