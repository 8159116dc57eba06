"""A transaction gives its connection back and is over, however it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from gateway.db.database import PostgresDatabase
from gateway.errors import Unavailable


@pytest.fixture
async def database(postgres: str) -> AsyncIterator[PostgresDatabase]:
    made = PostgresDatabase(postgres, pool=2, timeout=5.0)
    await made.start()
    yield made
    await made.stop()


async def pid(database: PostgresDatabase) -> int:
    found: int = (await database.fetch("SELECT pg_backend_pid() AS pid"))[0]["pid"]
    return found


async def test_statements_inside_share_it(database: PostgresDatabase) -> None:
    async with database.transaction():
        assert database.in_transaction
        first = await pid(database)
        async with database.transaction():
            assert await pid(database) == first
        assert database.in_transaction
    assert not database.in_transaction


async def test_its_connection_is_lost(database: PostgresDatabase) -> None:
    """Piccolo's own would stay the current one and keep its place in the pool."""

    async def lose() -> None:
        async with database.transaction():
            victim = await pid(database)
            other = await asyncpg.connect(database._url)
            await other.fetchval("SELECT pg_terminate_backend($1)", victim)
            await other.close()
            await database.fetch("SELECT 1")

    for _ in range(4):
        with pytest.raises(Unavailable):
            await lose()
        assert not database.in_transaction
    async with asyncio.timeout(10):
        await asyncio.gather(*(database.fetch("SELECT pg_sleep(0.01)") for _ in range(6)))


async def test_the_error_inside_is_the_one_that_is_told(database: PostgresDatabase) -> None:
    async def fail() -> None:
        async with database.transaction():
            await database.fetch("SELECT 1/0")

    with pytest.raises(asyncpg.DivisionByZeroError):
        await fail()
    assert not database.in_transaction


async def test_without_a_pool(postgres: str) -> None:
    database = PostgresDatabase(postgres, pool=1, timeout=1.0)
    with pytest.raises(Unavailable):
        await database.fetch("SELECT 1")
    with pytest.raises(Unavailable):
        async with database.transaction():
            pass


async def test_copy_is_part_of_it(database: PostgresDatabase) -> None:
    async def fail() -> None:
        async with database.transaction():
            await database.fetch("CREATE TABLE copied (number int, word text)")
            await database.copy("copied", ("number", "word"), [(1, "one"), (2, "two")])
            assert [tuple(row) for row in await database.fetch("SELECT * FROM copied")] == [(1, "one"), (2, "two")]
            await database.fetch("SELECT 1/0")

    with pytest.raises(asyncpg.DivisionByZeroError):
        await fail()
    assert (await database.fetch("SELECT to_regclass('copied') AS there"))[0]["there"] is None
    with pytest.raises(RuntimeError):
        await database.copy("copied", ("number",), [(1,)])
