"""Single statements on connections that the pool does not get back each time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from gateway.db.database import PostgresDatabase
from gateway.errors import Unavailable

PID = "SELECT pg_backend_pid() AS pid"


@pytest.fixture
async def database(postgres: str) -> AsyncIterator[PostgresDatabase]:
    """A database whose pool has four connections, one of them kept."""
    made = PostgresDatabase(postgres, pool=4, timeout=5.0)
    await made.start()
    yield made
    await made.stop()


async def pid(database: PostgresDatabase) -> int:
    (row,) = await database.fetch(PID)
    return int(row["pid"])


async def test_statements_one_after_the_other_use_one_connection(database: PostgresDatabase) -> None:
    assert {await pid(database) for _ in range(5)} == {await pid(database)}


async def test_statements_at_once_use_the_others_too(database: PostgresDatabase) -> None:
    slow = "SELECT pg_backend_pid() AS pid, pg_sleep(0.05)"
    found = await asyncio.gather(*(database.fetch(slow) for _ in range(8)))
    pids = {row["pid"] for (row,) in found}
    assert len(pids) > 1
    assert await pid(database) in pids


async def test_a_transaction_has_a_connection_of_its_own(database: PostgresDatabase) -> None:
    kept = await pid(database)
    async with database.transaction():
        own = await pid(database)
        assert own != kept
        assert await pid(database) == own
    assert await pid(database) == kept


async def test_a_lost_connection_is_replaced(database: PostgresDatabase) -> None:
    kept = await pid(database)
    async with database.transaction():
        await database.fetch("SELECT pg_terminate_backend($1)", kept)
    async with asyncio.timeout(10):
        while True:
            # The end of the connection may be read at the next statement only.
            with contextlib.suppress(Unavailable):
                following = await pid(database)
                break
    assert following != kept
    assert await pid(database) == following


async def test_a_statement_that_fails_leaves_a_connection_for_the_next(database: PostgresDatabase) -> None:
    with pytest.raises(Exception, match="division by zero"):
        await database.fetch("SELECT 1/0")
    kept = await pid(database)
    assert await pid(database) == kept


async def test_a_statement_that_is_given_up_is_not_read_by_the_next(database: PostgresDatabase) -> None:
    asked = asyncio.create_task(database.fetch("SELECT pg_sleep(30), 1 AS pid"))
    while not await database.fetch("SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(30)%'"):
        await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    kept = await asyncio.wait_for(pid(database), 5)
    assert kept != 1
    assert await pid(database) == kept
