"""A store without a gateway: the writer needs PostgreSQL alone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.db.database import PostgresDatabase
from modules.analytics.store.writer import EventWriter
from tests.modules.analytics.store.events import NAMES, ZONE


@pytest.fixture(scope="module")
async def store(postgres: str) -> AsyncIterator[PostgresDatabase]:
    made = PostgresDatabase(postgres, pool=6, timeout=30.0)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture(scope="module")
def writer(store: PostgresDatabase) -> EventWriter:
    return EventWriter(store, lambda: NAMES, ZONE)
