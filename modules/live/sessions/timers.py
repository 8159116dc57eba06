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
    """What a timer after a session's end carries."""

    session_id: str


class SessionTimers:
    """Sets a session's timers in the transaction that writes its row."""

    def __init__(self, kernel: Kernel, settings: LiveSettings) -> None:
        self._kernel = kernel
        self._settings = settings
        self._ahead = [int(seconds) for seconds in settings.remind_before]

    async def plan(self, session: SessionView) -> None:
        """Set or cancel every timer of the session, inside the transaction that has written it."""
        now = clock.now()
        opens = session.starts_at - timedelta(seconds=self._settings.lobby_before)
        await self._set(OPEN_LOBBY, session, opens if session.state is SessionState.SCHEDULED else None)
        match session.state:
            case SessionState.SCHEDULED | SessionState.LOBBY:
                await self._set(CLOSE, session, session.ends_at + timedelta(seconds=self._settings.missed_after))
            case SessionState.LIVE:
                latest = max(now, session.ends_at) + timedelta(seconds=self._settings.overrun)
                await self._set(CLOSE, session, latest)
            case _:
                await self._set(CLOSE, session, None)
        waits = session.state in (SessionState.SCHEDULED, SessionState.LOBBY)
        for ahead in self._ahead:
            at = session.starts_at - timedelta(seconds=ahead)
            # A session that was scheduled on short notice needs no reminder that would be late.
            await self._set(REMIND, session, at if waits and at > now else None, ahead)

    async def _set(self, timer: str, session: SessionView, at: datetime | None, ahead: int = 0) -> None:
        key = f"{session.id}-{ahead}" if ahead else session.id
        if at is None:
            await self._kernel.schedules.cancel(timer, key)
        else:
            await self._kernel.schedules.at(timer, key, at, SessionDue(session.id, ahead))
