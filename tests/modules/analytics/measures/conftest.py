"""Measures on a database of their own, without a gateway, so that nothing is counted that happens in other tests."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from gateway import registry
from gateway.db.database import PostgresDatabase
from gateway.db.migrate import migrate
from modules.analytics.measures.feature import MeasuresFeature
from modules.analytics.settings import AnalyticsSettings
from modules.analytics.store.writer import EventWriter
from tests.modules.analytics.measures.story import INDIA, NAMES, Story


@pytest.fixture(scope="package")
async def own(postgres: str, database: asyncpg.Pool[Any]) -> AsyncIterator[PostgresDatabase]:
    name = f"measures_{uuid.uuid4().hex[:12]}"
    await database.execute(f"CREATE DATABASE {name}")
    url = f"{postgres.rpartition('/')[0]}/{name}"
    await migrate(url, registry.load())
    made = PostgresDatabase(url, pool=4, timeout=30.0)
    await made.start()
    yield made
    await made.stop()
    await database.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="package")
def feature(own: PostgresDatabase) -> MeasuresFeature:
    return MeasuresFeature(own, AnalyticsSettings())


@pytest.fixture
def story(own: PostgresDatabase, feature: MeasuresFeature) -> Story:
    return Story(EventWriter(own, lambda: NAMES, INDIA), feature)
