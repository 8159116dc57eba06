"""Timers of a session: open the lobby, send reminders, close the session.

They are set in the transaction that writes the session's row.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

from gateway import clock
from gateway.contract import Kernel
from modules.live.messages import SessionView
from modules.live.sessions.reminders import Reminders
from modules.live.sessions.repository import SessionRepository
from modules.live.settings import LiveSettings
from modules.live.states import SessionState

# Keyed by the session's id.
OPEN_LOBBY: Final = "live.open_lobby"
CLOSE: Final = "live.close"
# Keyed by the session's id and by how many seconds ahead it reminds.
REMIND: Final = "live.remind"

# After a session's end, keyed by its id: store its report, close its room, end the rating, delete its
# single presence intervals. `attendance/finalizer.py` handles them.
SETTLE: Final = "live.settle"
EMPTY: Final = "live.empty"
RATED: Final = "live.rated"
PRUNE: Final = "live.prune"


class SessionDue(msgspec.Struct, frozen=True):
    """What a timer of a session carries. `ahead` is in seconds, for a reminder."""

    session_id: str
    ahead: int = 0


class FollowUpDue(msgspec.Struct, frozen=True):
    """What a timer after a session's end carries. `again_at` is when rooms that were closed are looked at once more."""

    session_id: str
    again_at: datetime | None = None


class SessionTimers:
    """Sets a session's timers in the transaction that writes its row."""

    def __init__(self, kernel: Kernel, settings: LiveSettings, reminders: Reminders) -> None:
        self._kernel = kernel
        self._settings = settings
        self._rows = SessionRepository(kernel.database)
        self._reminders = reminders

    async def plan(self, session: SessionView) -> None:
        """Set or cancel every timer of the session, inside the transaction that has written it."""
        now = clock.now()
        opens = self.lobby_opens(session.starts_at) if session.state is SessionState.SCHEDULED else None
        await self._set(OPEN_LOBBY, session, opens)
        match session.state:
            case SessionState.SCHEDULED | SessionState.LOBBY:
                await self._set(CLOSE, session, session.ends_at + timedelta(seconds=self._settings.missed_after))
            case SessionState.LIVE:
                latest = max(now, session.ends_at) + timedelta(seconds=self._settings.overrun)
                await self._set(CLOSE, session, latest)
            case _:
                await self._set(CLOSE, session, None)
        waiting: dict[int, datetime] = {}
        if session.state in (SessionState.SCHEDULED, SessionState.LOBBY):
            # A session that was scheduled on short notice has no reminder from before it was made.
            done_until = await self._rows.reminded_at(session.id) or session.created_at
            waiting = self._reminders.waiting(session.starts_at, done_until)
        for ahead in self._reminders.ahead:
            await self._set(REMIND, session, waiting.get(ahead), ahead)

    def lobby_opens(self, starts_at: datetime) -> datetime:
        """When the lobby of a session with this beginning opens by itself."""
        return starts_at - timedelta(seconds=self._settings.lobby_before)

    async def _set(self, timer: str, session: SessionView, at: datetime | None, ahead: int = 0) -> None:
        key = f"{session.id}-{ahead}" if ahead else session.id
        if at is None:
            await self._kernel.schedules.cancel(timer, key)
        else:
            await self._kernel.schedules.at(timer, key, at, SessionDue(session.id, ahead))
