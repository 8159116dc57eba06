"""Measures on a database, without a gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from gateway.db.database import PostgresDatabase
from modules.analytics.measures.feature import MeasuresFeature
from modules.analytics.settings import AnalyticsSettings
from tests.modules.analytics.measures.stored import Stored


@pytest.fixture(scope="module")
async def feature(postgres: str) -> AsyncIterator[MeasuresFeature]:
    database = PostgresDatabase(postgres, pool=2, timeout=10.0)
    await database.start()
    yield MeasuresFeature(database, AnalyticsSettings())
    await database.stop()


@pytest.fixture
def stored(database: asyncpg.Pool[Any]) -> Stored:
    return Stored(database)
