"""Writes this node's stays to PostgreSQL, all of them with one statement every few seconds.

The statement also says when the node was seen, which is the end, so far, of every stay that is open. While PostgreSQL
is away stays are kept in memory; those of a node that is killed end when it was last seen.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from gateway.clock import now_seconds
from gateway.contract import Database
from gateway.errors import Unavailable
from gateway.principal import Principal
from modules.live.attendance.presence_intervals import PresenceIntervals, Stay
from modules.live.tables import StayRow

log = structlog.get_logger(__name__)

# Stays of one statement: more are written in several, so that none takes long.
PART: Final = 2000
# The roles of a session's room that are counted apart.
HOSTS: Final = frozenset({"host", "cohost"})
WRITE: Final = """
    INSERT INTO live_stay (session_id, user_id, node, started_at, ended_at, name, host)
    SELECT session_id, user_id, {}, started_at, ended_at, name, host
    FROM unnest({}::text[], {}::text[], {}::timestamptz[], {}::timestamptz[], {}::text[], {}::boolean[])
        AS told (session_id, user_id, started_at, ended_at, name, host)
    ON CONFLICT (session_id, user_id, node, started_at)
        DO UPDATE SET ended_at = excluded.ended_at, host = excluded.host
"""
SEE: Final = (
    f"WITH written AS ({WRITE}) INSERT INTO live_node (node, seen_at) VALUES ({{}}, {{}}) "  # noqa: S608
    "ON CONFLICT (node) DO UPDATE SET seen_at = excluded.seen_at"
)
GO: Final = "DELETE FROM live_node WHERE node = {}"

Clock = Callable[[], float]


async def nothing() -> None:
    """Nobody asked to be told."""


class AttendanceWriter:
    """The stays of this node, on their way to their table. `node` names the process, which has another one each start.

    `written` is awaited after each time the stays were written.
    """

    def __init__(
        self,
        database: Database,
        node: str,
        *,
        interval: float,
        gap: float,
        clock: Clock = now_seconds,
        written: Callable[[], Awaitable[None]] = nothing,
    ) -> None:
        self._database = database
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
        """Write what has changed, and that the node is there. Raises Unavailable."""
        async with self._writing:
            now = self._clock()
            taken = self._intervals.take(now)
            try:
                await self._write(taken, now)
            except BaseException:
                self._intervals.put_back(taken)
                raise

    async def close(self) -> None:
        """The node goes away: its stays end now, and nobody waits for what it says next."""
        self._intervals.end_all(self._clock())
        try:
            await self.write()
            with self._database.guard():
                await StayRow.raw(GO, self._node)
        except Unavailable:
            # As for a node that was killed: what it wrote last is what counts.
            log.warning("attendance.unwritten")

    async def _write(self, stays: list[Stay], now: float) -> None:
        # All rows as they are at this moment, of which the last statement says that the node was seen.
        parts = [rows(stays[start : start + PART]) for start in range(0, len(stays), PART)] or [rows([])]
        with self._database.guard():
            for part in parts[:-1]:
                await StayRow.raw(WRITE, self._node, *part)
            await StayRow.raw(SEE, self._node, *parts[-1], self._node, moment(now))


def rows(stays: list[Stay]) -> list[list[Any]]:
    """Stays as columns."""
    return [
        [stay.session for stay in stays],
        [stay.user for stay in stays],
        [moment(stay.started) for stay in stays],
        [None if stay.ended is None else moment(stay.ended) for stay in stays],
        [stay.name for stay in stays],
        [stay.host for stay in stays],
    ]


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
