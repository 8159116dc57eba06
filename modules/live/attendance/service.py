"""Attendance as it is read: reckoned from the stays while a class goes on, from its report when that is there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from gateway import clock
from gateway.contract import Kernel
from gateway.errors import forbidden
from gateway.http.listing import Page, Sort, Span, page_of
from gateway.principal import Principal
from modules.live.attendance.csv import sheet
from modules.live.attendance.report import (
    Attendance,
    Part,
    Report,
    Rules,
    Totals,
    Visit,
    Window,
    absence,
    attended,
    report,
    row_of,
)
from modules.live.messages import SessionView
from modules.live.sessions.service import Sessions, teaches
from modules.live.settings import LiveSettings
from modules.live.tables import AttendanceRow, ReportRow, StayRow
from modules.programs.facade import students_of

BY_USER: Final = Sort("user", (AttendanceRow.user_id,))
# An open stay is as long as its node was seen; of a node that is not known, nothing is.
STAYS: Final = """
    SELECT user_id, name, host, extract(epoch FROM started_at)::float8 AS started,
        extract(epoch FROM coalesce(ended_at, seen_at, started_at))::float8 AS ended
    FROM live_stay LEFT JOIN live_node USING (node) WHERE session_id = {}
"""
OF_USER: Final = STAYS + " AND user_id = {}"
REPORT: Final = "SELECT started_at, ended_at, curve, step, totals FROM live_report WHERE session_id = {}"


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """How a class was attended: `viewers` has the most at once of every `step_seconds`.

    `settled` says that it is over and nothing of this changes any more.
    """

    started_at: datetime | None
    ended_at: datetime | None
    settled: bool
    step_seconds: int
    viewers: Sequence[int]
    totals: Totals

    @classmethod
    def example(cls) -> Curve:
        start = datetime(2026, 2, 2, 12, 30, tzinfo=UTC)
        totals = Totals(seconds=180, viewers=41, present=38, late=3, viewer_seconds=7100, peak_viewers=41, hosts=1)
        return cls(
            started_at=start,
            ended_at=start + timedelta(seconds=180),
            settled=True,
            step_seconds=60,
            viewers=[36, 41, 40],
            totals=totals,
        )


class Attendances:
    """Who attended the sessions."""

    def __init__(self, kernel: Kernel, settings: LiveSettings, sessions: Sessions) -> None:
        self._kernel = kernel
        self._sessions = sessions
        self._rules = Rules(
            gap=settings.attendance_gap,
            share=settings.attendance_share,
            late=settings.attendance_late,
            early=settings.attendance_early,
        )

    async def listing(self, principal: Principal, id: str, part: Part | None, span: Span) -> Page[Attendance]:
        """Everyone's attendance by user id, for the session's hosts.

        Raises BadInput `not_found` or `invalid`, Refused `forbidden` or Unavailable.
        """
        session = await self._taught(principal, id)
        with self._kernel.database.guard():
            if await self._stored(id) is not None:
                query = AttendanceRow.select().where(AttendanceRow.session_id == id)
                if part is not None:
                    query = query.where(AttendanceRow.role == part)
                return await page_of(query, BY_USER, span, Attendance)
        rows = [row for row in (await self.reckoned(session)).rows if part in (None, row.role)]
        if span.cursor is not None:
            (after,) = BY_USER.key(span.cursor)
            rows = [row for row in rows if row.user_id > after]
        items = rows[: span.limit]
        return Page(items, BY_USER.cursor({"user_id": items[-1].user_id}) if len(rows) > span.limit else None)

    async def sheet(self, principal: Principal, id: str, part: Part | None) -> str:
        """The same as CSV, all of it."""
        session = await self._taught(principal, id)
        with self._kernel.database.guard():
            if await self._stored(id) is None:
                rows = (await self.reckoned(session)).rows
            else:
                found = (
                    await AttendanceRow.select().where(AttendanceRow.session_id == id).order_by(AttendanceRow.user_id)
                )
                rows = msgspec.convert(found, list[Attendance])
        return await asyncio.to_thread(sheet, [row for row in rows if part in (None, row.role)])

    async def curve(self, principal: Principal, id: str) -> Curve:
        """How many there were when, and in all."""
        session = await self._taught(principal, id)
        with self._kernel.database.guard():
            stored = await self._stored(id)
        if stored is not None:
            return Curve(
                started_at=stored["started_at"],
                ended_at=stored["ended_at"],
                settled=True,
                step_seconds=stored["step"],
                viewers=stored["curve"],
                totals=msgspec.json.decode(stored["totals"], type=Totals),
            )
        found = await self.reckoned(session)
        return Curve(
            started_at=session.started_at,
            ended_at=session.ended_at,
            settled=False,
            step_seconds=found.step,
            viewers=found.curve,
            totals=found.totals,
        )

    async def mine(self, principal: Principal, id: str) -> Attendance:
        """The caller's own. Raises BadInput `not_found`, Refused `forbidden` or Unavailable."""
        session = await self._sessions.read(principal, id)
        with self._kernel.database.guard():
            if await self._stored(id) is not None:
                query = AttendanceRow.select().where(AttendanceRow.session_id == id)
                row = await query.where(AttendanceRow.user_id == principal.id).first()
                return absence(principal.id) if row is None else msgspec.convert(row, Attendance)
            visits = msgspec.convert(await StayRow.raw(OF_USER, id, principal.id), list[Visit])
        window = window_of(session)
        for user, spans in attended(visits, window, self._rules).values():
            return row_of(user, spans, window, self._rules)
        return absence(principal.id)

    async def reckoned(self, session: SessionView) -> Report:
        """The report as of now, from the stays; raises Unavailable."""
        with self._kernel.database.guard():
            visits = msgspec.convert(await StayRow.raw(STAYS, session.id), list[Visit])
            expected = await students_of(self._kernel.database, session.program_id)
        # Thousands of stays take a while, in which other work goes on.
        return await asyncio.to_thread(report, visits, window_of(session), self._rules, expected)

    async def settle(self, session: SessionView) -> Report:
        """Store the report of a session that is over, in a transaction; done again it is as it was first."""
        found = await self.reckoned(session)
        window = window_of(session)
        kept = ReportRow(
            session_id=session.id,
            started_at=datetime.fromtimestamp(window.start, UTC),
            ended_at=datetime.fromtimestamp(window.end, UTC),
            curve=list(found.curve),
            step=found.step,
            totals=msgspec.json.encode(found.totals).decode(),
        )
        await ReportRow.insert(kept)
        for start in range(0, len(found.rows), 1000):
            part = found.rows[start : start + 1000]
            await AttendanceRow.insert(
                *(AttendanceRow(session_id=session.id, **msgspec.structs.asdict(row)) for row in part)
            )
        return found

    async def was_there(self, session: SessionView, user_id: str) -> bool:
        """Whether the user was in the class at all; raises Unavailable."""
        with self._kernel.database.guard():
            if await self._stored(session.id) is not None:
                mine = (AttendanceRow.session_id == session.id) & (AttendanceRow.user_id == user_id)
                return await AttendanceRow.exists().where(mine, AttendanceRow.visits > 0)
            visits = msgspec.convert(await StayRow.raw(OF_USER, session.id, user_id), list[Visit])
        return bool(attended(visits, window_of(session), self._rules))

    async def _taught(self, principal: Principal, id: str) -> SessionView:
        session = await self._sessions.read(principal, id)
        with self._kernel.database.guard():
            if not await teaches(self._kernel.database, principal, session):
                raise forbidden("the attendance of a session is for its mentors")
        return session

    async def _stored(self, id: str) -> dict[str, Any] | None:
        for row in await ReportRow.raw(REPORT, id):
            found: dict[str, Any] = row
            return found
        return None


def window_of(session: SessionView) -> Window:
    """When the class was; one that has not begun has no time yet."""
    now = clock.now()
    start = session.started_at or now
    end = session.ended_at or now
    return Window(start.timestamp(), max(start, end).timestamp(), session.ended_at is not None)
