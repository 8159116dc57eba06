"""Connects to PostgreSQL: the engine for Piccolo tables, transactions, and Unavailable while it does not answer."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final

import asyncpg
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction
from piccolo.table import Table

from gateway.db.kept_connections import KeptConnections
from gateway.errors import BadInput, Unavailable, invalid

# The errors of asyncpg and the socket when the server is absent, shuts down or does not answer in time.
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
# One in so many of the pool's connections is kept for single statements.
KEPT: Final = 4
# A value outside of what its column's type holds.
NO_ROOM = (asyncpg.NumericValueOutOfRangeError, asyncpg.DatetimeFieldOverflowError, asyncpg.IntervalFieldOverflowError)


@contextlib.contextmanager
def guard() -> Iterator[None]:
    """Turn lost connections and timeouts inside the block into Unavailable, and what it cannot hold into `invalid`."""
    try:
        yield
    except AWAY as error:
        raise Unavailable("the database is away") from error
    except asyncpg.DataError as error:
        if (refused := unstorable(error)) is None:
            raise
        raise refused from error


def unstorable(error: asyncpg.DataError) -> BadInput | None:
    """What a caller is told whose text, number or time PostgreSQL cannot hold; None for a fault of the statement."""
    if isinstance(error, asyncpg.CharacterNotInRepertoireError | asyncpg.UntranslatableCharacterError):
        return invalid("text must not hold the character U+0000")
    if isinstance(error, NO_ROOM) or isinstance(error.__cause__, OverflowError):
        return invalid("a number or a time is out of range")
    return None


class Transaction(PostgresTransaction):
    """Piccolo's transaction. Piccolo's own keeps its connection when BEGIN or COMMIT fails; this one releases it."""

    async def __aenter__(self) -> PostgresTransaction:
        if self._parent is not None:
            return self._parent
        self.connection = await self.get_connection()  # type: ignore[no-untyped-call]
        self.transaction = self.connection.transaction()
        try:
            await self.begin()  # type: ignore[no-untyped-call]
        except BaseException:
            await self._release()
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
                # The caller gets the first error, not that of the rollback.
                with contextlib.suppress(*AWAY):
                    await self.rollback()  # type: ignore[no-untyped-call]
        finally:
            self.engine.current_transaction.reset(self.context)
            await self._release()
        return False

    async def _release(self) -> None:
        # A lost connection has left the pool already; releasing it raises this.
        with contextlib.suppress(asyncpg.InterfaceError):
            if self.connection.is_in_transaction():
                # COMMIT was interrupted. The next user of the connection would continue in this transaction.
                self.connection.terminate()
        if self.engine.pool is None:
            self.connection.terminate()
        else:
            await self.engine.pool.release(self.connection)


# The transaction of the current task, shared by all engines of the process.
CURRENT: ContextVar[PostgresTransaction | None] = ContextVar("ksmp_transaction", default=None)


class Engine(PostgresEngine):
    """Piccolo's engine without its blocking query for the server's version, so that a gateway starts without one."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config=config)
        self.current_transaction = CURRENT

    def transaction(self, allow_nested: bool = True) -> Transaction:
        return Transaction(engine=self, allow_nested=allow_nested)

    async def check_version(self) -> None:
        pass

    async def prep_database(self) -> None:
        pass


async def _no_reset(connection: object) -> None:
    """Return a connection to the pool without a reset: nothing here leaves state on one, and a reset costs a query."""


class PostgresDatabase:
    """The connection pool of the process. It connects at the first use, so a gateway starts without PostgreSQL."""

    def __init__(self, url: str, *, pool: int, timeout: float) -> None:
        self._url = url
        self._pool = pool
        self._timeout = timeout
        self.engine = Engine(config={"dsn": url})
        self._kept: KeptConnections | None = None

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
            reset=_no_reset,
        )
        self._kept = KeptConnections(self._connected(), self._pool // KEPT)

    async def stop(self) -> None:
        if self.engine.pool is None:
            return
        pool, self.engine.pool = self.engine.pool, None
        self._kept = None
        # A graceful close would wait for statements that a lost server never finishes.
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
        """Run the block in one transaction of this task. A transaction inside another joins it.

        Raises Unavailable; the transaction may then be committed all the same.
        """
        with guard():
            self._connected()
            async with self.engine.transaction():
                yield

    async def fetch(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """Run a statement, in this task's transaction if there is one; returns its rows. Raises Unavailable."""
        with guard():
            current: Any = self.engine.current_transaction.get()
            if current is not None:
                rows: list[asyncpg.Record] = await current.connection.fetch(statement, *arguments)
                return rows
            if self._kept is None:
                raise Unavailable("the database is not connected")
            return await self._kept.fetch(statement, arguments)

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Add rows by COPY, in this task's transaction; raises Unavailable, and RuntimeError outside of one."""
        current: Any = self.engine.current_transaction.get()
        if current is None:
            raise RuntimeError("copy() needs a transaction")
        with guard():
            await current.connection.copy_records_to_table(table, records=rows, columns=columns)

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
        """Open a connection outside the pool, for locks that end with it; raises Unavailable."""
        with guard():
            connection = await asyncpg.connect(self._url, timeout=self._timeout, command_timeout=self._timeout)
        try:
            yield connection
        finally:
            connection.terminate()
