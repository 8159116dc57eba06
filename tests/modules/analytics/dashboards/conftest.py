"""A gateway on a database of its own, so that an admin's figures are those of these tests alone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ksmp_testkit import Caller, MakeGateway, Running
from tests.modules.analytics.dashboards.school import School
from tests.own_database import own_database


@pytest.fixture(scope="package")
async def own_postgres(postgres: str) -> AsyncIterator[str]:
    """The URL of that database."""
    async with own_database(postgres) as url:
        yield url


@pytest.fixture(scope="package")
async def node(gateway: MakeGateway, own_postgres: str) -> AsyncIterator[Running]:
    environ = {"KSMP_ANALYTICS_FRESH": "0.001", "KSMP_ANALYTICS_LATE": "0.001", "KSMP_ANALYTICS_ZONE": "Asia/Kolkata"}
    async with gateway(
        database_url=own_postgres, environ=environ, address_burst=100_000, request_burst=100_000
    ) as running:
        yield running


@pytest.fixture
def school(node: Running, caller: Caller) -> School:
    return School(node, caller)
