"""Keeps a few of the pool's connections for single statements, so that a statement does not acquire and release one.

The pool releases a connection in a task of its own, three turns of the event loop later. For a small statement that is
half of what it costs.
"""

from __future__ import annotations

import contextlib
from typing import Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"


class KeptConnections:
    """At most `most` connections of the pool, which it does not get back while they are good.

    Transactions, and statements that find all kept connections busy, use the others.
    """

    def __init__(self, pool: asyncpg.Pool, most: int) -> None:
        self._pool = pool
        self._most = most
        self._held = 0
        # The one that was used last is used next: fewer of them are busy then.
        self._free: list[Connection] = []

    async def fetch(self, statement: str, arguments: tuple[Any, ...]) -> list[asyncpg.Record]:
        connection = await self._take()
        if connection is None:
            rows: list[asyncpg.Record] = await self._pool.fetch(statement, *arguments)
            return rows
        try:
            rows = await connection.fetch(statement, *arguments)
        except BaseException:
            # It may be lost, or a statement that was given up still runs on it. The pool knows what to do then.
            await self._give_back(connection)
            raise
        self._free.append(connection)
        return rows

    async def _take(self) -> Connection | None:
        """A kept connection that is free, a new one, or None when there are as many as may be."""
        while self._free:
            connection = self._free.pop()
            if _is_good(connection):
                return connection
            await self._give_back(connection)
        if self._held >= self._most:
            return None
        self._held += 1
        try:
            acquired: Connection = await self._pool.acquire()
        except BaseException:
            self._held -= 1
            raise
        return acquired

    async def _give_back(self, connection: Connection) -> None:
        self._held -= 1
        # A lost connection has left the pool already; releasing it raises this.
        with contextlib.suppress(asyncpg.InterfaceError):
            await self._pool.release(connection)


def _is_good(connection: Connection) -> bool:
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:
        # It was lost, and the pool has taken it back.
        return False
