"""Writes this node's presence intervals to PostgreSQL, all of them with one statement every few seconds.

The statement also says when the node was seen. That is the end, so far, of every interval that has none yet. While
PostgreSQL is away the intervals are kept in memory. Those of a node that is killed end when it was last seen.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from gateway.clock import now_seconds
from gateway.errors import Unavailable
from gateway.principal import Principal
from modules.live.attendance.presence_intervals import PresenceIntervals
from modules.live.attendance.presence_repository import PresenceRepository

log = structlog.get_logger(__name__)

# The roles of a session's room that are counted apart.
HOSTS: Final = frozenset({"host", "cohost"})


class AttendanceWriter:
    """The presence intervals of this node, on their way to their table.

    `node` names the process, which has another name after each start. `written` is awaited after each writing.
    """

    def __init__(
        self,
        presence: PresenceRepository,
        node: str,
        *,
        interval: float,
        gap: float,
        written: Callable[[], Awaitable[None]],
        clock: Callable[[], float] = now_seconds,
    ) -> None:
        self._presence = presence
        self._node = node
        self._interval = interval
        self._clock = clock
        self._written = written
        self._intervals = PresenceIntervals(gap)
        self._writing = asyncio.Lock()

    def enter(self, principal: Principal, session: str, role: str) -> None:
        self._intervals.enter(session, principal.id, principal.name, role in HOSTS, self._clock())

    def leave(self, principal: Principal, session: str, role: str) -> None:
        self._intervals.leave(session, principal.id, self._clock())

    async def run(self) -> None:
        """Write at each interval, until cancelled."""
        # The nodes do not write all at once.
        await asyncio.sleep(random.random() * self._interval)  # noqa: S311
        while True:
            try:
                await self.write()
                await self._written()
            except Unavailable:
                log.warning("attendance.unwritten")
            except Exception:
                log.exception("attendance.failed")
            await asyncio.sleep(self._interval)

    async def write(self) -> None:
        """Write what has changed, and that the node was seen. Raises Unavailable; then it is written next time."""
        async with self._writing:
            now = self._clock()
            taken = self._intervals.take(now)
            try:
                await self._presence.write(self._node, taken, now)
            except BaseException:
                self._intervals.put_back(taken)
                raise

    async def close(self) -> None:
        """The node goes away: its intervals end now, and nobody waits for what it says next."""
        self._intervals.end_all(self._clock())
        try:
            await self.write()
            await self._presence.forget_node(self._node)
        except Unavailable:
            # As for a node that was killed: what it wrote last is what counts.
            log.warning("attendance.unwritten")
