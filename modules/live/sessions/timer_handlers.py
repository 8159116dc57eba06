"""Handlers of a session's timers: open the lobby, send reminders, close what nobody started or ended.

A change of a session locks its row first and its timers second. A handler starts with its timer locked, so it must not
wait for the row: that could be a deadlock. When the row is locked, the handler sets its timer anew for a moment later.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from gateway import clock
from gateway.contract import Delivery, Kernel, timer
from modules.live.events import SessionNear
from modules.live.messages import REMINDER, Reminder, SessionView
from modules.live.notices import SessionNotices
from modules.live.sessions.reminders import Reminders, moment
from modules.live.sessions.repository import SessionRepository
from modules.live.sessions.service import Sessions
from modules.live.sessions.timers import CLOSE, OPEN_LOBBY, REMIND, SessionDue
from modules.live.states import SessionState, Step
from modules.programs.facade import program_room

RETRY_AFTER: Final = timedelta(seconds=0.5)


class TimerHandlers:
    """Each handler runs inside a transaction."""

    pushes = (REMINDER,)

    def __init__(self, kernel: Kernel, sessions: Sessions, reminders: Reminders, notices: SessionNotices) -> None:
        self._kernel = kernel
        self._reminders = reminders
        self._notices = notices
        self._sessions = sessions
        self._rows = SessionRepository(kernel.database)

    @timer(OPEN_LOBBY)
    async def open_lobby(self, due: SessionDue, delivery: Delivery) -> None:
        session = await self._lock_or_retry(OPEN_LOBBY, due)
        if session is not None and session.state is SessionState.SCHEDULED:
            await self._sessions.take_step(session, Step.OPEN)

    @timer(CLOSE)
    async def close(self, due: SessionDue, delivery: Delivery) -> None:
        """Cancel a session that nobody started, or end one that nobody ended."""
        session = await self._lock_or_retry(CLOSE, due)
        if session is None or session.state.over:
            return
        await self._sessions.take_step(session, Step.END if session.state is SessionState.LIVE else Step.CANCEL)

    @timer(REMIND)
    async def remind(self, due: SessionDue, delivery: Delivery) -> None:
        session = await self._lock_or_retry(REMIND, due)
        if session is None or session.state not in (SessionState.SCHEDULED, SessionState.LOBBY):
            return
        done_until = await self._rows.reminded_at(session.id) or session.created_at
        if not self._reminders.due(due.ahead, session.starts_at, done_until, clock.now()):
            return
        await self._rows.set_reminded_at(session.id, moment(session.starts_at, due.ahead))
        reminder = Reminder(session.id, session.title, session.starts_at, due.ahead, session.rev)
        await self._kernel.rooms.publish_row(program_room(session.program_id), REMINDER, reminder)
        await self._kernel.events.publish(
            SessionNear(session.id, session.program_id, session.title, session.starts_at, due.ahead)
        )
        await self._notices.remind(session, due.ahead)

    async def _lock_or_retry(self, timer: str, due: SessionDue) -> SessionView | None:
        """The session, locked; None when there is none, or when it is locked elsewhere and the timer is set anew."""
        session = await self._rows.lock_unless_locked(due.session_id)
        if session is None and await self._rows.exists(due.session_id):
            key = f"{due.session_id}-{due.ahead}" if due.ahead else due.session_id
            await self._kernel.schedules.at(timer, key, clock.now() + RETRY_AFTER, due)
        return session
