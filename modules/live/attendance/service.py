"""Attendance for those who read it: computed from presence while a class goes on, and from its report afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from gateway import clock
from gateway.contract import Kernel
from gateway.http.listing import Page, Span
from gateway.principal import Principal
from modules.accounts.facade import names_of
from modules.live.attendance.csv import csv_of
from modules.live.attendance.presence_repository import PresenceRepository
from modules.live.attendance.report import (
    Attendance,
    AttendanceRole,
    Report,
    Rules,
    Totals,
    Window,
    absence,
    attended,
    report,
    row_of,
)
from modules.live.attendance.repository import BY_USER, AttendanceRepository
from modules.live.messages import SessionView
from modules.live.sessions.service import Sessions
from modules.live.settings import LiveSettings
from modules.programs.facade import students_of

REFUSAL: Final = "the attendance of a session is for its mentors"


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """How a class was attended: `viewers` has the most at once of every `step_seconds`.

    `settled` says that the class is over and nothing of this changes any more.
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
    """Who attended the sessions.

    What is for a user raises BadInput `not_found`, Refused `forbidden` or Unavailable.
    """

    def __init__(
        self, kernel: Kernel, settings: LiveSettings, sessions: Sessions, presence: PresenceRepository
    ) -> None:
        self._database = kernel.database
        self._rows = AttendanceRepository(kernel.database)
        self._presence = presence
        self._sessions = sessions
        self._rules = Rules(
            gap=settings.attendance_gap,
            share=settings.attendance_share,
            late=settings.attendance_late,
            early=settings.attendance_early,
        )

    async def listing(self, principal: Principal, id: str, role: AttendanceRole | None, span: Span) -> Page[Attendance]:
        """Everyone's attendance by user id, for the session's hosts. Raises BadInput `invalid` for a bad cursor."""
        session = await self._sessions.read_as_host(principal, id, REFUSAL)
        if await self._rows.report(id) is not None:
            page = await self._rows.page(id, role, span)
            return msgspec.structs.replace(page, items=await self._named(page.items))
        rows = [row for row in (await self._computed(session)).rows if role in (None, row.role)]
        if span.cursor is not None:
            (after,) = BY_USER.key(span.cursor)
            rows = [row for row in rows if row.user_id > after]
        items = await self._named(rows[: span.limit])
        return Page(items, BY_USER.cursor({"user_id": items[-1].user_id}) if len(rows) > span.limit else None)

    async def csv(self, principal: Principal, id: str, role: AttendanceRole | None) -> str:
        """The same as CSV, all of it."""
        session = await self._sessions.read_as_host(principal, id, REFUSAL)
        if await self._rows.report(id) is None:
            rows = (await self._computed(session)).rows
        else:
            rows = await self._rows.all(id)
        rows = await self._named([row for row in rows if role in (None, row.role)])
        return await asyncio.to_thread(csv_of, rows)

    async def curve(self, principal: Principal, id: str) -> Curve:
        """How many attended when, and in all, for the session's hosts."""
        session = await self._sessions.read_as_host(principal, id, REFUSAL)
        stored = await self._rows.report(id)
        if stored is not None:
            return Curve(
                started_at=stored.started_at,
                ended_at=stored.ended_at,
                settled=True,
                step_seconds=stored.step,
                viewers=stored.curve,
                totals=stored.totals,
            )
        found = await self._computed(session)
        return Curve(
            started_at=session.started_at,
            ended_at=session.ended_at,
            settled=False,
            step_seconds=found.step,
            viewers=found.curve,
            totals=found.totals,
        )

    async def own(self, principal: Principal, id: str) -> Attendance:
        """The caller's own attendance."""
        session = await self._sessions.read(principal, id)
        if await self._rows.report(id) is not None:
            return await self._rows.find(id, principal.id) or absence(principal.id, principal.name)
        window = window_of(session)
        for user, spans in attended(await self._presence.of_user(id, principal.id), window, self._rules).values():
            return row_of(user, spans, window, self._rules)
        return absence(principal.id, principal.name)

    async def settle(self, session: SessionView) -> Report:
        """Store the report of a session that is over, in a transaction."""
        found = await self._computed(session)
        found = replace(found, rows=await self._named(found.rows))
        await self._rows.insert(session.id, window_of(session), found)
        return found

    async def was_there(self, session: SessionView, user_id: str) -> bool:
        """Whether the user was in the class at all; raises Unavailable."""
        if await self._rows.report(session.id) is not None:
            row = await self._rows.find(session.id, user_id)
            return row is not None and row.visits > 0
        return bool(attended(await self._presence.of_user(session.id, user_id), window_of(session), self._rules))

    async def _named(self, rows: Sequence[Attendance]) -> list[Attendance]:
        """These rows, those of users who were not there with the names that the users have now; raises Unavailable."""
        names = await names_of(self._database, [row.user_id for row in rows if not row.name])
        return [row if row.name else msgspec.structs.replace(row, name=names.get(row.user_id, "")) for row in rows]

    async def _computed(self, session: SessionView) -> Report:
        """The report as of now, from presence; raises Unavailable."""
        presences = await self._presence.of_session(session.id)
        expected = await students_of(self._database, session.program_id)
        # Thousands of intervals take a while, in which other work goes on.
        return await asyncio.to_thread(report, presences, window_of(session), self._rules, expected)


def window_of(session: SessionView) -> Window:
    """When the class took place; one that has not begun has no time yet."""
    now = clock.now()
    start = session.started_at or now
    end = session.ended_at or now
    return Window(start.timestamp(), max(start, end).timestamp(), session.ended_at is not None)
