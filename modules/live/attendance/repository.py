"""The rows of attendance of sessions that are over: every statement, and what it gives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from modules.live.attendance.report import Attendance, AttendanceRole, Report, Totals, Window
from modules.live.events import StreamFigures
from modules.live.tables import AttendanceRow

BY_USER: Final = Sort("user", (AttendanceRow.user_id,))
FIELDS: Final = Attendance.__struct_fields__
COLUMNS: Final = ", ".join(FIELDS)
# Rows of one statement, so that none takes long.
PART: Final = 1000

REPORT: Final = "SELECT started_at, ended_at, curve, step, totals FROM live_report WHERE session_id = $1"
INSERT_REPORT: Final = """
    INSERT INTO live_report (session_id, started_at, ended_at, curve, step, totals) VALUES ($1, $2, $3, $4, $5, $6)
"""
INSERT_ROWS: Final = f"""
    INSERT INTO live_attendance (session_id, {COLUMNS})
    SELECT $1, {COLUMNS} FROM unnest(
        $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::int[], $8::int[], $9::int[],
        $10::int[], $11::boolean[], $12::boolean[], $13::boolean[]
    ) AS new ({COLUMNS})
"""  # noqa: S608
ALL: Final = f"SELECT {COLUMNS} FROM live_attendance WHERE session_id = $1 ORDER BY user_id"  # noqa: S608
ONE: Final = f"SELECT {COLUMNS} FROM live_attendance WHERE session_id = $1 AND user_id = $2"  # noqa: S608
COUNT_ACTIVITY: Final = """
    SELECT (SELECT count(*) FROM live_poll WHERE session_id = $1) AS polls,
        (SELECT count(*) FROM live_question WHERE session_id = $1 AND state <> 'dismissed') AS questions,
        (SELECT count(*) FROM live_hand WHERE session_id = $1) AS hands
"""
# One that was lost when the session ended was so until then.
STREAM: Final = """
    SELECT losses, starvations, round(lost_seconds + coalesce(extract(epoch FROM $2::timestamptz - lost_at), 0))::int
        AS lost_seconds
    FROM live_video WHERE session_id = $1
"""


class StoredReport(msgspec.Struct, frozen=True):
    """The report of a session that is over, without its rows."""

    started_at: datetime
    ended_at: datetime
    curve: list[int]
    step: int
    totals: Totals


class Activity(msgspec.Struct, frozen=True):
    """What was done in a session's room; `questions` are those that were not dismissed."""

    polls: int
    questions: int
    hands: int


class AttendanceRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def report(self, session: str) -> StoredReport | None:
        """None until the session is over and its report is stored."""
        for row in await self._database.fetch(REPORT, session):
            totals = msgspec.json.decode(row["totals"], type=Totals)
            return StoredReport(row["started_at"], row["ended_at"], row["curve"], row["step"], totals)
        return None

    async def insert(self, session: str, window: Window, report: Report) -> None:
        """Store a report with its rows, in a transaction."""
        times = (datetime.fromtimestamp(at, UTC) for at in (window.start, window.end))
        totals = msgspec.json.encode(report.totals).decode()
        await self._database.fetch(INSERT_REPORT, session, *times, list(report.curve), report.step, totals)
        for start in range(0, len(report.rows), PART):
            rows = report.rows[start : start + PART]
            columns: list[list[Any]] = [[getattr(row, field) for row in rows] for field in FIELDS]
            await self._database.fetch(INSERT_ROWS, session, *columns)

    async def page(self, session: str, role: AttendanceRole | None, span: Span) -> Page[Attendance]:
        """The stored rows by user id, of one role or of both."""
        query = AttendanceRow.select().where(AttendanceRow.session_id == session)
        if role is not None:
            query = query.where(AttendanceRow.role == role)
        with self._database.guard():
            return await page_of(query, BY_USER, span, Attendance)

    async def all(self, session: str) -> Sequence[Attendance]:
        """All stored rows by user id."""
        return [msgspec.convert(row, Attendance) for row in await self._database.fetch(ALL, session)]

    async def find(self, session: str, user: str) -> Attendance | None:
        """The stored row of a user; None for one who neither was there nor was expected."""
        for row in await self._database.fetch(ONE, session, user):
            return msgspec.convert(row, Attendance)
        return None

    async def activity(self, session: str) -> Activity:
        return msgspec.convert((await self._database.fetch(COUNT_ACTIVITY, session))[0], Activity)

    async def stream(self, session: str, ended_at: datetime) -> StreamFigures | None:
        """How the session's stream did; None without a video of ours."""
        for row in await self._database.fetch(STREAM, session, ended_at):
            return msgspec.convert(row, StreamFigures)
        return None
