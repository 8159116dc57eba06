"""The engine that Piccolo tables use, and what happens while PostgreSQL is away."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import asyncpg
from piccolo.engine.postgres import PostgresEngine
from piccolo.table import Table

from gateway.errors import Unavailable

# What asyncpg and the socket raise when the server is not there, going away or does not answer in time.
AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.QueryCanceledError,
)


@contextlib.contextmanager
def guard() -> Iterator[None]:
    """Lost connections and timeouts inside raise Unavailable."""
    try:
        yield
    except AWAY as error:
        raise Unavailable("the database is away") from error


class Engine(PostgresEngine):
    """Piccolo's engine, which asks the server's version when it is made, blocking; ours starts without one."""

    async def check_version(self) -> None:
        pass

    async def prep_database(self) -> None:
        pass


async def _keep(connection: object) -> None:
    """Give a connection back to the pool as it is: nothing here leaves state on one, and a reset costs a query."""


class PostgresDatabase:
    """One pool for the process, opened when first used, so that a gateway starts without PostgreSQL."""

    def __init__(self, url: str, *, pool: int, timeout: float) -> None:
        self._url = url
        self._pool = pool
        self._timeout = timeout
        self.engine = Engine(config={"dsn": url})

    def bind(self, tables: Iterable[type[Table]]) -> None:
        """Make these tables use this engine."""
        for table in tables:
            table._meta.db = self.engine

    async def start(self) -> None:
        await self.engine.start_connection_pool(
            min_size=0,
            max_size=self._pool,
            timeout=self._timeout,
            command_timeout=self._timeout,
            reset=_keep,
        )

    async def stop(self) -> None:
        if self.engine.pool is None:
            return
        pool, self.engine.pool = self.engine.pool, None
        # Closing politely waits for statements that a lost server will never finish.
        pool.terminate()

    def guard(self) -> contextlib.AbstractContextManager[None]:
        return guard()

    async def ping(self) -> None:
        """Raises Unavailable when PostgreSQL does not answer."""
        with guard():
            await self._connected().fetchval("SELECT 1", timeout=2.0)

    async def fetch(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """Run one statement in a transaction of its own; raises Unavailable."""
        with guard():
            rows: list[asyncpg.Record] = await self._connected().fetch(statement, *arguments)
            return rows

    def _connected(self) -> asyncpg.Pool:
        if self.engine.pool is None:
            raise Unavailable("the database is not connected")
        return self.engine.pool

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        """A connection of its own, outside the pool, for locks that end with it; raises Unavailable."""
        with guard():
            connection = await asyncpg.connect(self._url, timeout=self._timeout, command_timeout=self._timeout)
        try:
            yield connection
        finally:
            connection.terminate()
