"""Counting votes and telling the room, at most so often however many votes come and wherever.

A vote is a row and nothing more: no row that all voters share is written by each. The gateway that took a vote
schedules a count. It counts as soon as the session's part was not counted for `tally_interval`, by the database's
clock. A count tells everything that was not told, also the votes of a gateway that has died. What ends a poll or a
question counts once more in its transaction, so the last word is always right.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from gateway.errors import Unavailable
from gateway.tasks import end
from modules.live.room.parts import RoomParts

log = structlog.get_logger(__name__)

# Takes the part for the count, unless it was counted a moment ago.
TURN: Final = """
    UPDATE live_part SET told_at = clock_timestamp()
    WHERE session_id = $1 AND part = $2 AND told_at <= clock_timestamp() - make_interval(secs => $3)
    RETURNING true
"""

Count = Callable[[str], Awaitable[bool]]


class VoteCounter:
    """The counts that this gateway has scheduled, and a task for each session and part that has one."""

    def __init__(self, parts: RoomParts) -> None:
        self._parts = parts
        self._scheduled: set[tuple[str, str]] = set()
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}

    def schedule(self, session: str, part: str, count: Count) -> None:
        """Count soon, since a vote has committed: `count` tells what is new in the session, inside a transaction."""
        key = (session, part)
        self._scheduled.add(key)
        if key not in self._tasks:
            self._tasks[key] = asyncio.get_running_loop().create_task(self._flush(key, count))

    async def stop(self) -> None:
        await end(self._tasks.values())

    async def _flush(self, key: tuple[str, str], count: Count) -> None:
        try:
            while key in self._scheduled:
                self._scheduled.discard(key)
                try:
                    if not await self._count(*key, count):
                        self._scheduled.add(key)
                except Unavailable:
                    self._scheduled.add(key)
                except Exception:
                    # The next vote, or the end of the poll, counts again.
                    log.exception("tally.failed", session=key[0], part=key[1])
                await asyncio.sleep(self._parts.settings.tally_interval)
        finally:
            del self._tasks[key]

    async def _count(self, session: str, part: str, count: Count) -> bool:
        """Whether it was this gateway's turn."""
        async with self._parts.kernel.database.transaction():
            if not await self._parts.fetch(TURN, session, part, self._parts.settings.tally_interval):
                return False
            await count(session)
        return True
