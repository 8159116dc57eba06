"""A gateway on a database of its own, so that an admin's figures are those of these tests alone."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from gateway import registry
from gateway.db.migrate import migrate
from ksmp_testkit import Caller, MakeGateway, Running
from tests.modules.analytics.dashboards.school import School


@pytest.fixture(scope="package")
async def own_database(postgres: str, database: asyncpg.Pool[Any]) -> AsyncIterator[str]:
    name = f"dashboards_{uuid.uuid4().hex[:12]}"
    await database.execute(f"CREATE DATABASE {name}")
    url = f"{postgres.rpartition('/')[0]}/{name}"
    await migrate(url, registry.load())
    yield url
    await database.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="package")
async def node(gateway: MakeGateway, own_database: str) -> AsyncIterator[Running]:
    environ = {"KSMP_ANALYTICS_FRESH": "0.001", "KSMP_ANALYTICS_LATE": "0.001", "KSMP_ANALYTICS_ZONE": "Asia/Kolkata"}
    async with gateway(
        database_url=own_database, environ=environ, address_burst=100_000, request_burst=100_000
    ) as running:
        yield running


@pytest.fixture
def school(node: Running, caller: Caller) -> School:
    return School(node, caller)
