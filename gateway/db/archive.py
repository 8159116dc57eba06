"""The archive of room logs in PostgreSQL: pushes by sequence, and the position that each kind of room has reached."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg
import msgspec
from piccolo.columns import JSON, BigInt, Text, Timestamptz
from piccolo.table import Table

from gateway import clock
from gateway.contract.rooms import MessageCount
from gateway.db.database import PostgresDatabase, guard
from gateway.errors import Unavailable
from gateway.principal import Author
from gateway.protocol.stored_push import Erased, StoredPush, Sweep


class RoomPush(Table, tablename="room_push"):
    seq = BigInt(primary_key=True)
    room = Text()
    at = Timestamptz()
    push = Text()
    author = JSON(null=True)
    nonce = Text(null=True)
    message_id = Text()
    data = JSON()
    erases = JSON()
    replaces = BigInt(null=True)
    sweeps = JSON(null=True)


class ArchivePosition(Table, tablename="archive_position"):
    kind = Text(primary_key=True)
    seq = BigInt()


INSERT = """
    INSERT INTO room_push (seq, room, at, push, author, nonce, message_id, data, erases, replaces, sweeps)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (seq) DO NOTHING
"""
# The pushes that a sweep of the room covers; $3 is the sequence of its tombstone.
COVERED = """
    room = $1 AND push = ANY($2::text[]) AND seq < $3 AND ($4::text IS NULL OR author ->> 'id' = $4)
"""
SWEPT = f"SELECT seq FROM room_push WHERE {COVERED} ORDER BY seq"  # noqa: S608
SWEEP = f"DELETE FROM room_push WHERE {COVERED}"  # noqa: S608
# Seconds before a node that does not hold the lock tries again to get it.
LOCK_PAUSE: Final = 1.0
# A later version of a push counts as one: the versions before it were erased.
TALLY = """
    SELECT push, count(*) AS count FROM room_push
    WHERE room = {} AND at >= {} AND at < {} GROUP BY push
"""
BY_AUTHOR = """
    SELECT author ->> 'id' AS author_id, date_bin({}, at, to_timestamp(0)) AS begun, count(*) AS count FROM room_push
    WHERE room = {} AND at >= {} AND at < {} AND push = ANY({}) GROUP BY 1, 2 ORDER BY 2, 1
"""
# Followers of the archive listen to it.
CHANNEL: Final = "ksmp_archive"
TELL: Final = f"SELECT pg_notify('{CHANNEL}', $1)"
MOVE = "INSERT INTO archive_position (kind, seq) VALUES ($1, $2) ON CONFLICT (kind) DO UPDATE SET seq = $2"


class ArchiveWriter:
    """Writes the pushes of one kind over the connection that holds the lock. Without the lock it cannot write."""

    def __init__(self, kind: str, connection: asyncpg.Connection[Any]) -> None:
        self._kind = kind
        self._connection = connection

    async def position(self) -> int:
        """The newest sequence that was copied; 0 before the first."""
        with guard():
            seq = await self._connection.fetchval("SELECT seq FROM archive_position WHERE kind = $1", self._kind)
        return int(seq or 0)

    async def store(self, pushes: Sequence[StoredPush], position: int) -> None:
        """Store a batch, delete what its tombstones erase, and move the position, in one transaction."""
        rows = [_row(push) for push in pushes if push.push]
        erased = [target.seq for push in pushes for target in push.erases]
        with guard():
            async with self._connection.transaction():
                await self._connection.executemany(INSERT, rows)
                if erased:
                    await self._connection.execute("DELETE FROM room_push WHERE seq = ANY($1::bigint[])", erased)
                for push in pushes:
                    if push.sweeps is not None:
                        await self._connection.execute(SWEEP, *_covered(push))
                await self._connection.execute(MOVE, self._kind, position)
                await self._connection.execute(TELL, self._kind)

    async def swept(self, tombstone: StoredPush) -> list[int]:
        """The sequences of archived pushes that the tombstone's sweep covers."""
        with guard():
            rows = await self._connection.fetch(SWEPT, *_covered(tombstone))
        return [row["seq"] for row in rows]

    async def check_leadership(self) -> None:
        """Raise Unavailable when the connection, and so the lock, is lost."""
        with guard():
            await self._connection.fetchval("SELECT 1")


class PostgresArchive:
    """Implements `gateway.realtime.archive.Archive` for all kinds of rooms."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        database.bind([RoomPush, ArchivePosition])

    @contextlib.asynccontextmanager
    async def writer(self, kind: str) -> AsyncIterator[ArchiveWriter]:
        """Become the writer of a kind. Waits while another node is the writer; raises Unavailable."""
        async with self._database.session() as connection:
            while not await self._lock(connection, kind):
                await asyncio.sleep(LOCK_PAUSE)
            yield ArchiveWriter(kind, connection)

    async def _lock(self, connection: asyncpg.Connection[Any], kind: str) -> bool:
        with guard():
            query = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
            return bool(await connection.fetchval(query, f"ksmp.archive.{kind}"))

    async def before(self, room: str, seq: int, limit: int, types: Sequence[str] | None) -> list[StoredPush]:
        """The newest `limit` pushes of a room below `seq`, ascending, of the types asked for."""
        query = RoomPush.select().where(RoomPush.room == room, RoomPush.seq < seq)
        if types is not None:
            if not types:
                return []
            query = query.where(RoomPush.push.is_in(list(types)))
        with guard():
            rows = await query.order_by(RoomPush.seq, ascending=False).limit(limit)
        return [push_of(row) for row in reversed(rows)]

    async def version(self, room: str, seq: int) -> StoredPush | None:
        """The push with this seq, or its latest version; raises Unavailable."""
        query = RoomPush.select().where(RoomPush.room == room, (RoomPush.seq == seq) | (RoomPush.replaces == seq))
        with guard():
            row = await query.order_by(RoomPush.seq, ascending=False).first()
        return None if row is None else push_of(row)

    async def tally(self, room: str, since: datetime, until: datetime) -> dict[str, int]:
        """How many pushes of each name a room stored in this time; raises Unavailable."""
        with guard():
            return {row["push"]: row["count"] for row in await RoomPush.raw(TALLY, room, since, until)}

    async def tally_by_author(
        self, room: str, since: datetime, until: datetime, pushes: Sequence[str], every: timedelta
    ) -> list[MessageCount]:
        """How many pushes of these names each author stored in each `every` of this time; raises Unavailable."""
        with guard():
            rows = await RoomPush.raw(BY_AUTHOR, every, room, since, until, list(pushes))
        return [MessageCount(row["author_id"], row["begun"], row["count"]) for row in rows]

    async def last(self) -> int:
        """The newest sequence archived or copied for any kind; raises Unavailable."""
        with guard():
            if self._database.engine.pool is None:
                raise Unavailable("the database is not connected")
            rows = await ArchivePosition.select(ArchivePosition.seq)
            newest = await RoomPush.select(RoomPush.seq).order_by(RoomPush.seq, ascending=False).first()
        return max([0, *(int(row["seq"]) for row in rows), int(newest["seq"]) if newest else 0])


def _row(push: StoredPush) -> tuple[Any, ...]:
    return (
        push.seq,
        push.room,
        clock.from_ms(push.at),
        push.push,
        msgspec.json.encode(push.author).decode() if push.author is not None else None,
        push.nonce,
        push.message_id,
        push.data.decode(),
        msgspec.json.encode(push.erases).decode(),
        push.replaces,
        msgspec.json.encode(push.sweeps).decode() if push.sweeps is not None else None,
    )


def _covered(tombstone: StoredPush) -> tuple[Any, ...]:
    """The arguments of COVERED."""
    sweep = tombstone.sweeps or Sweep(())
    return tombstone.room, list(sweep.pushes), tombstone.seq, sweep.author


def push_of(row: Mapping[str, Any]) -> StoredPush:
    """The push that a row of the archive holds."""
    return StoredPush(
        room=row["room"],
        seq=row["seq"],
        at=clock.to_ms(row["at"]),
        push=row["push"],
        author=msgspec.json.decode(row["author"], type=Author) if row["author"] is not None else None,
        nonce=row["nonce"],
        data=row["data"].encode(),
        message_id=row["message_id"],
        erases=tuple(msgspec.json.decode(row["erases"], type=list[Erased])),
        replaces=row["replaces"],
        sweeps=msgspec.json.decode(row["sweeps"], type=Sweep) if row["sweeps"] is not None else None,
    )
