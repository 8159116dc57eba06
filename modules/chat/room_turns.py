"""One edit, deletion or clearing of a room at a time."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.contract import Database
from gateway.errors import Unavailable
from modules.chat.repository import MessageRepository

T = TypeVar("T")


class RoomTurns:
    """Changes to a room's messages run one at a time in the whole cluster.

    Otherwise an edit could bring back what a deletion took away after the edit had read it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._messages = MessageRepository(database)
        self._queues: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def run(self, room: str, work: Callable[[], Awaitable[T]], *, required: bool = True) -> T:
        """Run the work in the room's turn, inside a transaction that holds the lock.

        Without the database it raises Unavailable. Work for which the lock is not `required` then runs without it.
        """
        queue = self._queues.setdefault(room, asyncio.Lock())
        # First on this node, so that a busy room waits with one database connection and not with all.
        async with queue:
            alone = False
            try:
                async with self._database.transaction():
                    await self._messages.lock(room)
                    alone = True
                    return await work()
            except Unavailable:
                if alone or required:
                    raise
            return await work()
