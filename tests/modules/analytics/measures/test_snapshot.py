"""The snapshot in which figures are read."""

from __future__ import annotations

import pytest

from gateway.db.database import PostgresDatabase
from gateway.errors import BadInput
from modules.analytics.measures.progress_repository import ProgressRepository


async def test_a_statement_that_takes_too_long_is_ended(own: PostgresDatabase) -> None:
    progress = ProgressRepository(own, timeout=0.05)
    with pytest.raises(BadInput) as caught:
        async with progress.snapshot():
            await own.fetch("SELECT pg_sleep(20)")
    assert caught.value.code == "analytics.too_slow"
    # The limit ends with the snapshot.
    await own.fetch("SELECT pg_sleep(0.1)")


async def test_all_statements_see_the_same(own: PostgresDatabase) -> None:
    progress, other = ProgressRepository(own, timeout=5.0), "UPDATE analytics_progress SET seq = seq + 1"
    async with progress.snapshot() as before:
        await write_beside(own, other)
        assert (await progress.progress()).seq == before.seq
    assert (await progress.progress()).seq > before.seq


async def write_beside(own: PostgresDatabase, statement: str) -> None:
    async with own.session() as connection:
        await connection.execute(statement)
