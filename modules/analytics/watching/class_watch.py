"""Reads the figures of watched classes and pushes them to the staff rooms, one push for all who watch a class.

One gateway reads a class, whichever gateways its watchers are on: it holds a lease, a row. When it is gone another one
takes the class over. The watch ends when nobody is in the staff room any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import msgspec
import structlog

from gateway import clock
from gateway.contract import Context, Kernel, command
from gateway.errors import Unavailable, not_found
from gateway.identifier import new_id
from gateway.tasks import end, repeat
from modules.analytics.settings import WatchSettings
from modules.analytics.watching.curves import Curves
from modules.analytics.watching.messages import (
    FIGURES,
    ClassFigures,
    CurveFigures,
    PollFigures,
    StreamFigures,
    Watch,
    Watching,
)
from modules.analytics.watching.repository import WatchRepository
from modules.live.facade import ClassCurve, ClassNow, PollNow, class_figures, session_room, staff_room

log = structlog.get_logger(__name__)

# Looks that a gateway may miss before another takes its classes over.
MISSED_LOOKS: Final = 3
# Looks between two questions whether anybody watches still.
LOOKS_A_QUESTION: Final = 5
MINUTE: Final = timedelta(seconds=60)
# In these states of a session nothing changes any more.
OVER: Final = frozenset({"ended", "cancelled"})


class ClassWatch:
    """The command of hosts, and the loop of this gateway."""

    pushes = (FIGURES,)

    def __init__(self, kernel: Kernel, settings: WatchSettings) -> None:
        self._kernel = kernel
        self._interval = settings.watch_interval
        self._grace = settings.watch_grace
        self._rows = WatchRepository(kernel.database)
        self._curves = Curves()
        self._node = new_id()
        self._looks = 0
        self._lease = MISSED_LOOKS * self._interval

    @command("analytics.watch", room={"session": "cohost", "staff": "host"}, rate="watch_rate")
    async def watch(self, context: Context, request: Watch) -> Watching:
        """The figures now; the next ones come to the staff room. Raises BadInput `not_found`, and Unavailable."""
        session = context.room_id
        found = await self._read([session])
        if not found:
            raise not_found("there is no such session")
        figures = found[0]
        if figures.state not in OVER:
            await self._rows.ask(session, self._node, self._lease)
        return Watching(staff_room(session), self._interval, figures)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look at the classes that this gateway holds, until the end; then leave them to others."""
        looking = asyncio.get_running_loop().create_task(repeat("class_watch", self.look, self._interval))
        try:
            yield
        finally:
            await end([looking])
            try:
                await self._rows.release(self._node)
            except Unavailable:
                # The leases end by themselves.
                log.info("class_watch.waits")

    async def look(self) -> None:
        """Push the figures of all classes that this gateway holds. Raises Unavailable."""
        held = await self._rows.hold(self._node, self._lease)
        self._curves.keep(set(held))
        if not held:
            return
        over = []
        for figures in await self._read(held):
            await self._kernel.rooms.emit(staff_room(figures.session_id), FIGURES, figures)
            if figures.state in OVER:
                over.append(figures.session_id)
        if over:
            await self._rows.end(over, 0)
        self._looks += 1
        if self._looks % LOOKS_A_QUESTION == 0:
            await self._end_unwatched(set(held) - {*over})

    async def _end_unwatched(self, sessions: Collection[str]) -> None:
        rooms = {staff_room(session): session for session in sessions}
        watched = await self._kernel.rooms.occupied(rooms)
        if left := [session for room, session in rooms.items() if room not in watched]:
            # Whoever has just asked may be on the way into the room.
            await self._rows.end(left, self._grace)

    async def _read(self, sessions: Collection[str]) -> list[ClassFigures]:
        """The figures of these classes, without those that there are not."""
        found = await class_figures(self._kernel).now(sessions)
        return [await self._figures(one) for one in found.values()]

    async def _figures(self, session: ClassNow) -> ClassFigures:
        now = clock.now()
        if self._curves.needs_read(session, now):
            self._curves.put(session, await class_figures(self._kernel).curve(session))
        # At once: while something is waited for, a look of the loop may forget the curve.
        curve = self._curves.raised(session)
        messages = await self._kernel.rooms.count_messages(session_room(session.session_id), now - MINUTE, now)
        return figures_of(session, curve, messages, clock.to_ms(now))


def figures_of(session: ClassNow, curve: ClassCurve, messages: int, at: int) -> ClassFigures:
    """What hosts are shown of it."""
    stream = session.stream
    started = None if curve.started_at is None else clock.to_ms(curve.started_at)
    return ClassFigures(
        session_id=session.session_id,
        at=at,
        state=session.state,
        viewers=session.viewers,
        hosts=session.hosts,
        curve=CurveFigures(started, curve.step, curve.viewers),
        messages_a_minute=messages,
        hands_up=session.hands_up,
        hands_raised=session.hands_raised,
        questions_open=session.questions_open,
        questions_asked=session.questions_asked,
        poll=None if session.poll is None else _poll(session.poll),
        stream=None if stream is None else msgspec.convert(stream, StreamFigures, from_attributes=True),
    )


def _poll(poll: PollNow) -> PollFigures:
    share = round(poll.voters / poll.viewers, 4) if poll.viewers else None
    return PollFigures(poll.id, poll.open, poll.voters, poll.viewers, share)
