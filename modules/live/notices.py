"""What people are told of sessions when they are not there: reminders, changes, and that a recording can be watched."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from gateway import clock
from gateway.contract import Kernel
from gateway.principal import Principal
from modules.live.facade import roles_in, session_facts
from modules.live.messages import SessionView
from modules.live.states import SessionState
from modules.notify.facade import EMAIL, IN_APP, PUSH, Audience, Kind, Notice, Urgency, tell, withdraw
from modules.programs.facade import participants, parts_of

LOCALE: Final = Path(__file__).parent / "locale"
# From so many seconds on a reminder is of a later day, and may wait for the morning.
EARLY: Final = 3600
LINK: Final = "/sessions/%(session_id)s"
ROOM: Final = "session:%(session_id)s"
# A recording is news for so long.
RECORDING_NEWS: Final = timedelta(days=3)


class SessionNotice(msgspec.Struct, frozen=True):
    """What the texts of these kinds are filled with."""

    session_id: str
    program_id: str
    title: str
    starts_at: datetime

    @classmethod
    def of(cls, session: SessionView) -> SessionNotice:
        return cls(session.id, session.program_id, session.title, session.starts_at)


class SessionNotices:
    """The kinds of notifications about sessions, and the calls that tell. Each is inside a transaction.

    A reminder's subject has the beginning that it reminds of, so a session that moves is reminded of anew.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._database = kernel.database
        self.reminder = Kind(
            name="live.reminder",
            data=SessionNotice,
            title="%(title)s: %(starts_at)s",
            body="Your class is on %(starts_at)s.",
            link=LINK,
            jitter=timedelta(minutes=2),
            ttl=timedelta(hours=12),
            collapse_key="class",
            room=ROOM,
            still_wanted=self._ahead,
            locale=LOCALE,
        )
        self.soon = Kind(
            name="live.soon",
            data=SessionNotice,
            title="%(title)s starts soon",
            body="Your class begins at %(starts_at)s.",
            link=LINK,
            channels=(IN_APP, PUSH),
            urgency=Urgency.HIGH,
            jitter=timedelta(seconds=20),
            ttl=timedelta(minutes=30),
            collapse_key="class",
            room=ROOM,
            still_wanted=self._ahead,
            locale=LOCALE,
        )
        self.started = Kind(
            name="live.started",
            data=SessionNotice,
            title="%(title)s is live now",
            body="Your class has begun. Join it now.",
            link=LINK,
            channels=(IN_APP, PUSH),
            urgency=Urgency.HIGH,
            jitter=timedelta(seconds=5),
            ttl=timedelta(minutes=15),
            collapse_key="class",
            room=ROOM,
            still_wanted=self._running,
            locale=LOCALE,
        )
        self.moved = Kind(
            name="live.moved",
            data=SessionNotice,
            title="%(title)s has moved",
            body="Your class is now on %(starts_at)s.",
            link=LINK,
            still_wanted=self._ahead,
            locale=LOCALE,
        )
        self.cancelled = Kind(
            name="live.cancelled",
            data=SessionNotice,
            title="%(title)s is cancelled",
            body="Your class of %(starts_at)s does not take place.",
            link=LINK,
            still_wanted=self._participants,
            locale=LOCALE,
        )
        self.recording = Kind(
            name="live.recording",
            data=SessionNotice,
            title="The recording of %(title)s is ready",
            body="You can watch your class of %(starts_at)s now.",
            link=f"{LINK}/recordings",
            channels=(IN_APP, PUSH, EMAIL),
            off=(EMAIL,),
            urgency=Urgency.LOW,
            ttl=RECORDING_NEWS,
            still_wanted=self._participants,
            locale=LOCALE,
        )
        self.contributions = (
            self.reminder,
            self.soon,
            self.started,
            self.moved,
            self.cancelled,
            self.recording,
            Audience(name="session", users=self._users, exists=self._exists, teaches=self._teaches),
        )

    async def remind(self, session: SessionView, ahead: int) -> None:
        """Remind of a session, so many seconds before it. It is not told any more once the session has begun."""
        kind = self.reminder if ahead >= EARLY else self.soon
        await self._tell(kind, _reminder(session, ahead), session, expires_at=session.starts_at)

    async def begin(self, session: SessionView) -> None:
        await self._tell(self.started, session.id, session)

    async def move(self, before: SessionView, session: SessionView, reminders: Sequence[int]) -> None:
        """Tell of another beginning; reminders of the former one are withdrawn."""
        await self._withdraw_reminders(before, reminders)
        if session.starts_at != before.starts_at:
            await withdraw(self._kernel, self.moved.name, _at(before))
            await self._tell(self.moved, _at(session), session, expires_at=session.ends_at)

    async def cancel(self, session: SessionView, reminders: Sequence[int]) -> None:
        """Tell that a session does not take place, before its end; what was told of its beginning is withdrawn."""
        await self._withdraw_reminders(session, reminders)
        await withdraw(self._kernel, self.moved.name, _at(session))
        if clock.now() < session.ends_at:
            await self._tell(self.cancelled, session.id, session, expires_at=session.ends_at)

    async def recorded(self, session: SessionView) -> None:
        """Tell that there is something to watch; of several recordings of a session once."""
        await self._tell(self.recording, session.id, session)

    async def _tell(
        self, kind: Kind, subject: str, session: SessionView, *, expires_at: datetime | None = None
    ) -> None:
        data = SessionNotice.of(session)
        notice = Notice(kind.name, subject, data, audience=f"session:{session.id}", expires_at=expires_at)
        await tell(self._kernel, notice)

    async def _withdraw_reminders(self, session: SessionView, reminders: Sequence[int]) -> None:
        for ahead in reminders:
            kind = self.reminder if ahead >= EARLY else self.soon
            await withdraw(self._kernel, kind.name, _reminder(session, ahead))

    async def _ahead(self, users: Collection[str], subject: str, data: SessionNotice) -> Collection[str]:
        """Nobody any more when the session has begun, moved or was cancelled."""
        found = await session_facts(self._database, data.session_id)
        if found is None or found.starts_at != data.starts_at:
            return ()
        if found.state not in (SessionState.SCHEDULED, SessionState.LOBBY):
            return ()
        return await self._participants(users, subject, data)

    async def _running(self, users: Collection[str], subject: str, data: SessionNotice) -> Collection[str]:
        found = await session_facts(self._database, data.session_id)
        if found is None or found.state != SessionState.LIVE:
            return ()
        return await self._participants(users, subject, data)

    async def _participants(self, users: Collection[str], subject: str, data: SessionNotice) -> Collection[str]:
        """Those who take part in the program still."""
        return set(await parts_of(self._database, list(users), data.program_id))

    async def _users(self, session_id: str, after: str, limit: int) -> Sequence[str]:
        found = await session_facts(self._database, session_id)
        return [] if found is None else await participants(self._database, found.program_id, after, limit)

    async def _exists(self, session_id: str) -> bool:
        return await session_facts(self._database, session_id) is not None

    async def _teaches(self, principal: Principal, session_id: str) -> bool:
        return (await roles_in(self._database, session_id, [principal.id])).get(principal.id) == "host"


def _at(session: SessionView) -> str:
    return f"{session.id}@{session.starts_at.isoformat()}"


def _reminder(session: SessionView, ahead: int) -> str:
    return f"{_at(session)}-{ahead}"
