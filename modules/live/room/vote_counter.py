"""Counts votes and tells the room, with a least time between two counts however many votes come and wherever.

A vote is a row of its own, so no voter waits for another one's. The gateway that took a vote schedules a count. It
counts as soon as `tally_interval` has passed since the last count of the session's part, by the database's clock. A
count tells everything that was not told yet, also the votes of a gateway that has died. What ends a poll or a question
counts once more in its transaction, so the last count is always right.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from gateway.contract import Database
from gateway.errors import Unavailable
from gateway.tasks import end
from modules.live.room.repository import PartRepository

log = structlog.get_logger(__name__)

Count = Callable[[str], Awaitable[bool]]


class VoteCounter:
    """The counts that this gateway has scheduled, and a task for each session and part that has one."""

    def __init__(self, database: Database, parts: PartRepository, interval: float) -> None:
        self._database = database
        self._parts = parts
        self._interval = interval
        self._scheduled: set[tuple[str, str]] = set()
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}

    def schedule(self, session: str, part: str, count: Count) -> None:
        """Count soon, because a vote has committed. `count` tells what is new in the session, in a transaction."""
        key = (session, part)
        self._scheduled.add(key)
        if key not in self._tasks:
            self._tasks[key] = asyncio.get_running_loop().create_task(self._flush(key, count))

    async def stop(self) -> None:
        await end(self._tasks.values())

    async def count_now(self, session: str, part: str, count: Count) -> bool:
        """Count unless any gateway has counted this part a moment ago; whether this one did."""
        async with self._database.transaction():
            if not await self._parts.take_turn(session, part, self._interval):
                return False
            await count(session)
        return True

    async def _flush(self, key: tuple[str, str], count: Count) -> None:
        try:
            while key in self._scheduled:
                self._scheduled.discard(key)
                try:
                    if not await self.count_now(*key, count):
                        self._scheduled.add(key)
                except Unavailable:
                    self._scheduled.add(key)
                except Exception:
                    # The next vote, or the end of the poll, counts again.
                    log.exception("tally.failed", session=key[0], part=key[1])
                await asyncio.sleep(self._interval)
        finally:
            del self._tasks[key]
