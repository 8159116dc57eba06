"""Reads the archive of room logs for whoever follows it, and wakes them when it has grown."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection
from typing import Any, Final

import asyncpg

from gateway.contract.archive import ArchiveFollower, ArchiveSlice
from gateway.db.archive import CHANNEL, LOCK_PAUSE, push_of
from gateway.db.database import PostgresDatabase, guard
from gateway.protocol.stored_push import StoredPush

LOCK: Final = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
POSITIONS: Final = "SELECT kind, seq FROM archive_position"
POSITION: Final = "SELECT seq FROM archive_position WHERE kind = $1"
COLUMNS: Final = "room, seq, at, push, author, nonce, message_id, data, erases, replaces, sweeps"
# Uses the index on the same expression: a quiet kind does not read over what the others have written since.
AFTER: Final = f"""
    SELECT {COLUMNS} FROM room_push WHERE split_part(room, ':', 1) = $1 AND seq > $2 AND seq <= $3
    ORDER BY split_part(room, ':', 1), seq LIMIT $4
"""  # noqa: S608
FOUND: Final = f"SELECT {COLUMNS} FROM room_push WHERE seq = ANY($1::bigint[])"  # noqa: S608


class PostgresFollower:
    """Implements `gateway.contract.ArchiveFollower` on the connection that holds the lock."""

    def __init__(self, connection: asyncpg.Connection[Any]) -> None:
        self._connection = connection
        # At first there may be something already.
        self._grown = asyncio.Event()
        self._grown.set()

    async def start(self) -> None:
        with guard():
            await self._connection.add_listener(CHANNEL, self._wake)

    def _wake(self, *_: object) -> None:
        self._grown.set()

    async def wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._grown.wait()
        # Also when it has grown: the connection may be lost since, and the lock with it.
        with guard():
            await self._connection.fetchval("SELECT 1")
        self._grown.clear()


class FollowedArchive:
    """Implements `gateway.contract.RoomArchive`."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    @contextlib.asynccontextmanager
    async def follow(self, name: str) -> AsyncIterator[ArchiveFollower]:
        async with self._database.session() as connection:
            while not await self._lock(connection, name):
                await asyncio.sleep(LOCK_PAUSE)
            follower = PostgresFollower(connection)
            await follower.start()
            yield follower

    async def _lock(self, connection: asyncpg.Connection[Any], name: str) -> bool:
        with guard():
            return bool(await connection.fetchval(LOCK, f"ksmp.follower.{name}"))

    async def positions(self) -> dict[str, int]:
        return {row["kind"]: row["seq"] for row in await self._database.fetch(POSITIONS)}

    async def after(self, kind: str, seq: int, limit: int) -> ArchiveSlice:
        # First, so that nothing at or below it is still being written when the rows are read.
        rows = await self._database.fetch(POSITION, kind)
        until = max([seq, *(row["seq"] for row in rows)])
        pushes = [push_of(row) for row in await self._database.fetch(AFTER, kind, seq, until, limit)]
        return ArchiveSlice(pushes, pushes[-1].seq if len(pushes) == limit else until)

    async def found(self, seqs: Collection[int]) -> dict[int, StoredPush]:
        rows = await self._database.fetch(FOUND, list(seqs)) if seqs else []
        return {row["seq"]: push_of(row) for row in rows}
