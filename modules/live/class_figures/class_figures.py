"""Reads what a class comes to at this moment, in the structs of the facade."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Final

from gateway import clock
from gateway.contract import Kernel
from modules.live.attendance.presence_repository import PresenceRepository
from modules.live.attendance.report import Rules, Window, report
from modules.live.attendance.repository import AttendanceRepository
from modules.live.class_figures.repository import ClassFiguresRepository, ClassRow
from modules.live.facade import ClassCurve, ClassFigures, ClassNow, PollNow, StreamNow
from modules.live.settings import LiveSettings

# A node that did not write for so many intervals counts as gone: nobody is on it.
MISSED_WRITES: Final = 3


class StoredClassFigures(ClassFigures):
    """Implements `modules.live.facade.ClassFigures` by the rows of attendance and of the room."""

    def __init__(self, kernel: Kernel, settings: LiveSettings) -> None:
        self._rows = ClassFiguresRepository(kernel.database)
        self._presence = PresenceRepository(kernel.database)
        self._reports = AttendanceRepository(kernel.database)
        self._silence = timedelta(seconds=MISSED_WRITES * settings.attendance_interval)
        self._rules = Rules(
            gap=settings.attendance_gap,
            share=settings.attendance_share,
            late=settings.attendance_late,
            early=settings.attendance_early,
        )

    async def now(self, sessions: Collection[str]) -> Mapping[str, ClassNow]:
        rows = await self._rows.now(sessions, clock.now() - self._silence)
        return {row.session_id: _now(row) for row in rows}

    async def curve(self, session: ClassNow) -> ClassCurve:
        stored = await self._reports.report(session.session_id)
        if stored is not None:
            return ClassCurve(stored.started_at, stored.step, tuple(stored.curve))
        if session.started_at is None:
            return ClassCurve(None, 60, ())
        end = session.ended_at or clock.now()
        window = Window(session.started_at.timestamp(), end.timestamp(), session.ended_at is not None)
        presences = await self._presence.of_session(session.session_id)
        # Thousands of intervals take a while, in which other work goes on.
        found = await asyncio.to_thread(report, presences, window, self._rules)
        return ClassCurve(session.started_at, found.step, tuple(found.curve))


def _now(row: ClassRow) -> ClassNow:
    poll = stream = None
    if row.poll_id is not None:
        voters = row.poll_voters or 0
        # A vote is known at once, and a viewer when attendance is written the next time. A host may vote too.
        poll = PollNow(row.poll_id, row.poll_state == "open", voters, max(voters, row.poll_viewers))
    if row.starving is not None:
        stream = StreamNow(row.video, row.starving, row.losses or 0, row.starvations or 0, row.lost_seconds or 0)
    return ClassNow(
        session_id=row.session_id,
        program_id=row.program_id,
        state=row.state,
        started_at=row.started_at,
        ended_at=row.ended_at,
        viewers=row.viewers,
        hosts=row.hosts,
        hands_up=row.hands_up,
        hands_raised=row.hands_raised,
        questions_open=row.questions_open,
        questions_asked=row.questions_asked,
        poll=poll,
        stream=stream,
    )
