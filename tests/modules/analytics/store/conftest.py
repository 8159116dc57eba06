"""A store without a gateway: the writer needs PostgreSQL alone.

It has a database of its own for each file. Gateways of other tests drop what is older than they keep it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from gateway.db.database import PostgresDatabase
from modules.analytics.store.writer import EventWriter
from tests.modules.analytics.store.events import NAMES, ZONE
from tests.own_database import own_database


@pytest.fixture(scope="module")
async def own_postgres(postgres: str) -> AsyncIterator[str]:
    """The URL of a database that no other file uses."""
    async with own_database(postgres) as url:
        yield url


@pytest.fixture(scope="module")
async def database(own_postgres: str) -> AsyncIterator[asyncpg.Pool[Any]]:
    """A way into that database beside the store's."""
    async with asyncpg.create_pool(own_postgres, min_size=0, max_size=2) as pool:
        yield pool


@pytest.fixture(scope="module")
async def store(own_postgres: str) -> AsyncIterator[PostgresDatabase]:
    made = PostgresDatabase(own_postgres, pool=6, timeout=30.0)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture(scope="module")
def writer(store: PostgresDatabase) -> EventWriter:
    return EventWriter(store, lambda: NAMES, ZONE)
