"""When what happens to a session by itself: its timers, as its row says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

from gateway import clock
from gateway.contract import Kernel
from modules.live.messages import SessionView
from modules.live.settings import LiveSettings
from modules.live.states import SessionState

# The timers, by the session's id.
OPEN: Final = "live.open_lobby"
CLOSE: Final = "live.close"
# By the session's id and how many seconds ahead it reminds.
REMIND: Final = "live.remind"

# What follows a session's end, by the session's id: its figures can be told; its room closes; its stars change no more;
# its single presence intervals are deleted.
SETTLE: Final = "live.settle"
EMPTY: Final = "live.empty"
RATED: Final = "live.rated"
PRUNE: Final = "live.prune"


class SessionDue(msgspec.Struct, frozen=True):
    """What a timer carries: which session's time has come; a reminder says how many seconds ahead."""

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
        """Every timer of the session as it is now, inside a transaction that has written it."""
        now = clock.now()
        opens = session.starts_at - timedelta(seconds=self._settings.lobby_before)
        await self._set(OPEN, session, opens if session.state is SessionState.SCHEDULED else None)
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
            # Of what was scheduled on short notice nobody needs to be reminded.
            await self._set(REMIND, session, at if waits and at > now else None, ahead)

    async def _set(self, timer: str, session: SessionView, at: datetime | None, ahead: int = 0) -> None:
        key = f"{session.id}-{ahead}" if ahead else session.id
        if at is None:
            await self._kernel.schedules.cancel(timer, key)
        else:
            await self._kernel.schedules.at(timer, key, at, SessionDue(session.id, ahead))
