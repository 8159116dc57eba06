"""Rows of all modules in one day, as a program that was sold, taught and completed leaves them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import asyncpg

PROGRAM = "INSERT INTO program (id, title, mentor_id, state, created_at) VALUES ($1, 'Waves', 'meera', 'published', $2)"
UNIT = "INSERT INTO program_unit (id, program_id, title, position, rev) VALUES ($1, $1, 'One', 0, 1)"
LESSON = "INSERT INTO program_lesson (id, program_id, unit_id, title, position, rev) VALUES ($1, $2, $2, 'One', 0, 1)"
PLACE = "INSERT INTO program_enrolment (program_id, user_id, created_at) VALUES ($1, $2, $3)"
DONE = "INSERT INTO program_progress (lesson_id, user_id, started_at, completed_at) VALUES ($1, $2, $3, $3)"
FINISHED = "INSERT INTO program_student (program_id, user_id, seen_at, completed_at) VALUES ($1, $2, $3, $3)"
ORDER = """
    INSERT INTO payments_order (id, user_id, buyer_id, program_id, title, state, currency, price, amount, taxable,
        cgst, sgst, igst, tax_rate, place_of_supply, receipt, paid_by, paid_at, expires_at, created_at)
    VALUES ($1, $2, $2, $3, 'Waves', $5, 'INR', $4, $4, $4, 0, 0, 0, 18, '29', $1, $6, $7, $8, $8)
"""
SESSION = """
    INSERT INTO live_session (id, program_id, title, mentor_id, starts_at, ends_at, state, started_at, ended_at)
    VALUES ($1, $2, 'One', 'meera', $3, $4, 'ended', $3, $4)
"""
REPORT = """
    INSERT INTO live_report (session_id, started_at, ended_at, step, curve, totals)
    VALUES ($1, $2, $3, 60, '{2}', '{"seconds": 1800, "peak_viewers": 2}')
"""
ATTENDANCE = """
    INSERT INTO live_attendance (session_id, user_id, name, role, seconds, visits, late_seconds, early_seconds, late,
        early, present)
    VALUES ($1, $2, '', $3, $4, $5, 0, 0, $6, false, $7)
"""
STARS = "INSERT INTO live_star (session_id, user_id, stars, comment, given_at) VALUES ($1, $2, $3, '', $4)"
ASSIGNMENT = """
    INSERT INTO assignments_assignment (id, program_id, title, state, accepts, points, late_kind, file_bytes,
        files_most, published_at, created_by, created_at)
    VALUES ($1, $2, 'One', 'published', '{text}', 10, 'none', 1, 1, $3, 'meera', $3)
"""
SUBMISSION = """
    INSERT INTO assignments_submission (id, assignment_id, program_id, user_id, state, attempts, created_at)
    VALUES ($1, $2, $3, $4, 'turned_in', 1, $5)
"""
ATTEMPT = """
    INSERT INTO assignments_attempt (id, submission_id, assignment_id, number, draft_rev, text, link, answers, files,
        turned_in_by, members, turned_in_at, counted_at, accepted_at, receipt)
    VALUES ($1, $1, $2, 1, 1, 'x', '', '{}', '[]', $3, ARRAY[$3], $4, $4, $4, '')
"""


async def order(
    database: asyncpg.Pool, program: str, user: str, amount: int, at: datetime, *, paid: bool = True
) -> str:
    """An order that was made at this time, and paid a minute later."""
    id = uuid.uuid4().hex
    by = (f"pay_{id}" if amount else f"free_{id}") if paid else None
    paid_at = at + timedelta(minutes=1) if paid else None
    await database.execute(ORDER, id, user, program, amount, "paid" if paid else "expired", by, paid_at, at)
    return id


async def program(database: asyncpg.Pool, at: datetime) -> str:
    """A program with all that may happen in it, in the hour from this time on."""
    id = uuid.uuid4().hex
    ann, bob, cyd = (f"{name}-{id}" for name in ("ann", "bob", "cyd"))
    await database.execute(PROGRAM, id, at)
    await database.execute(UNIT, id)
    await database.execute(LESSON, f"l-{id}", id)
    for user in (ann, bob):
        await order(database, id, user, 49900, at)
        await database.execute(PLACE, id, user, at + timedelta(minutes=2))
    await order(database, id, cyd, 49900, at, paid=False)
    await order(database, id, cyd, 0, at)
    await database.execute(PLACE, id, cyd, at + timedelta(minutes=2))
    begun, ended = at + timedelta(minutes=10), at + timedelta(minutes=40)
    session = f"s-{id}"
    await database.execute(SESSION, session, id, begun, ended)
    await database.execute(REPORT, session, begun, ended)
    await database.execute(ATTENDANCE, session, "meera", "host", 1800, 1, False, True)
    await database.execute(ATTENDANCE, session, ann, "viewer", 1800, 1, False, True)
    await database.execute(ATTENDANCE, session, bob, "viewer", 1200, 2, True, True)
    await database.execute(ATTENDANCE, session, cyd, "viewer", 0, 0, False, False)
    await database.execute(ATTENDANCE, session, f"guest-{id}", "viewer", 600, 1, False, False)
    await database.execute(STARS, session, ann, 5, ended + timedelta(days=2))
    await database.execute(STARS, session, bob, 4, ended + timedelta(minutes=1))
    await database.execute(DONE, f"l-{id}", ann, ended)
    await database.execute(FINISHED, id, ann, ended)
    await database.execute(ASSIGNMENT, f"a-{id}", id, at)
    await database.execute(SUBMISSION, f"t-{id}", f"a-{id}", id, ann, ended)
    await database.execute(ATTEMPT, f"t-{id}", f"a-{id}", ann, ended)
    return id
