"""Sessions that are over, with their reports, written into the tables."""

from __future__ import annotations

import uuid

import asyncpg

SESSION = """
    INSERT INTO live_session (id, program_id, title, mentor_id, starts_at, ends_at, state)
    VALUES ($1, $2, 'x', 'meera', now(), now() + interval '1 hour', 'ended')
"""
REPORT = """
    INSERT INTO live_report (session_id, started_at, ended_at, step, curve, totals)
    VALUES ($1, now(), now() + interval '1 hour', 60, '{}', '{}')
"""
ROW = """
    INSERT INTO live_attendance (session_id, user_id, name, role, seconds, visits, late_seconds, early_seconds, late,
        early, present)
    VALUES ($1, $2, '', 'viewer', 1, 1, 0, 0, false, false, $3)
"""


async def held(database: asyncpg.Pool, program: str, *, present: list[str], absent: list[str]) -> str:
    """A session that is over, and who was present and absent."""
    id = uuid.uuid4().hex
    await database.execute(SESSION, id, program)
    await database.execute(REPORT, id)
    for user in present + absent:
        await database.execute(ROW, id, user, user in present)
    return id
