"""What happens to a session when its time has come.

Whoever edits a session locks its row first and its timers after it; a timer comes to its handler locked. So a handler
waits for no row: it looks again a moment later, when the edit may have set the timer anew.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from gateway import clock
from gateway.contract import Delivery, Kernel, timer
from modules.live.events import SessionNear
from modules.live.messages import REMINDER, Reminder, SessionView
from modules.live.sessions.repository import SessionRepository
from modules.live.sessions.service import Sessions
from modules.live.sessions.timers import CLOSE, OPEN, REMIND, SessionDue
from modules.live.states import SessionState, Step
from modules.programs.facade import program_room

AGAIN: Final = timedelta(seconds=0.5)


class TimerHandlers:
    """The handlers of the timers; each runs inside of a transaction."""

    pushes = (REMINDER,)

    def __init__(self, kernel: Kernel, sessions: Sessions) -> None:
        self._kernel = kernel
        self._sessions = sessions
        self._rows = SessionRepository(kernel.database)

    @timer(OPEN)
    async def open(self, due: SessionDue, delivery: Delivery) -> None:
        session = await self._locked(OPEN, due)
        if session is not None and session.state is SessionState.SCHEDULED:
            await self._sessions.take(session, Step.OPEN)

    @timer(CLOSE)
    async def close(self, due: SessionDue, delivery: Delivery) -> None:
        """One that nobody started does not take place; one that nobody ended is over."""
        session = await self._locked(CLOSE, due)
        if session is None or session.state.over:
            return
        await self._sessions.take(session, Step.END if session.state is SessionState.LIVE else Step.CANCEL)

    @timer(REMIND)
    async def remind(self, due: SessionDue, delivery: Delivery) -> None:
        session = await self._locked(REMIND, due)
        # The platform may have been away until the class began.
        if (
            session is None
            or session.state not in (SessionState.SCHEDULED, SessionState.LOBBY)
            or session.starts_at <= clock.now()
        ):
            return
        reminder = Reminder(session.id, session.title, session.starts_at, due.ahead, session.rev)
        await self._kernel.rooms.publish_row(program_room(session.program_id), REMINDER, reminder)
        await self._kernel.events.publish(
            SessionNear(session.id, session.program_id, session.title, session.starts_at, due.ahead)
        )

    async def _locked(self, timer: str, due: SessionDue) -> SessionView | None:
        session = await self._rows.lock_unless_locked(due.session_id)
        if session is None and await self._rows.exists(due.session_id):
            key = f"{due.session_id}-{due.ahead}" if due.ahead else due.session_id
            await self._kernel.schedules.at(timer, key, clock.now() + AGAIN, due)
        return session
