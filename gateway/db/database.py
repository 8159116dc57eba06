"""The engine that Piccolo tables use, and what happens while PostgreSQL is away."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator
from contextvars import ContextVar
from types import TracebackType
from typing import Any

import asyncpg
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction
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


class Transaction(PostgresTransaction):
    """Piccolo's, which keeps its connection and stays the current one when its beginning or its end fails."""

    async def __aenter__(self) -> PostgresTransaction:
        if self._parent is not None:
            return self._parent
        self.connection = await self.get_connection()  # type: ignore[no-untyped-call]
        self.transaction = self.connection.transaction()
        try:
            await self.begin()  # type: ignore[no-untyped-call]
        except BaseException:
            await self._let_go()
            raise
        self.context = self.engine.current_transaction.set(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if self._parent is not None:
            return False
        try:
            if self._committed or self._rolled_back:
                pass
            elif error is None:
                await self.commit()  # type: ignore[no-untyped-call]
            else:
                # What went wrong first is what the caller is told.
                with contextlib.suppress(*AWAY):
                    await self.rollback()  # type: ignore[no-untyped-call]
        finally:
            self.engine.current_transaction.reset(self.context)
            await self._let_go()
        return False

    async def _let_go(self) -> None:
        # One that was lost has left its pool already, and says so.
        with contextlib.suppress(asyncpg.InterfaceError):
            if self.connection.is_in_transaction():
                # Its end was interrupted; whoever got it next would go on in it.
                self.connection.terminate()
        if self.engine.pool is None:
            self.connection.terminate()
        else:
            await self.engine.pool.release(self.connection)


# Of this task, whichever of several engines in one process a table was bound to last.
CURRENT: ContextVar[PostgresTransaction | None] = ContextVar("ksmp_transaction", default=None)


class Engine(PostgresEngine):
    """Piccolo's engine, which asks the server's version when it is made, blocking; ours starts without one."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config=config)
        self.current_transaction = CURRENT

    def transaction(self, allow_nested: bool = True) -> Transaction:
        return Transaction(engine=self, allow_nested=allow_nested)

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

    @property
    def in_transaction(self) -> bool:
        """Whether this task is inside a transaction that is not over yet."""
        current: Any = self.engine.current_transaction.get()
        return current is not None and not current._committed and not current._rolled_back

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """All statements of this task inside commit together, or none. One inside another joins it.

        Raises Unavailable, after which it may have been committed.
        """
        with guard():
            self._connected()
            async with self.engine.transaction():
                yield

    async def fetch(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """The rows of a statement, which runs in this task's transaction if there is one; raises Unavailable."""
        with guard():
            current: Any = self.engine.current_transaction.get()
            where: Any = self._connected() if current is None else current.connection
            rows: list[asyncpg.Record] = await where.fetch(statement, *arguments)
            return rows

    async def ping(self) -> None:
        """Raises Unavailable when PostgreSQL does not answer."""
        with guard():
            await self._connected().fetchval("SELECT 1", timeout=2.0)

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
