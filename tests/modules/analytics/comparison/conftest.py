"""Analytics with a database of its own, and nothing that runs by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import asyncpg
import pytest

from gateway.deployment import opened
from ksmp_testkit import MakeSettings
from modules.analytics.module import AnalyticsModule
from tests.own_database import own_database


@pytest.fixture(scope="module")
async def own_postgres(postgres: str) -> AsyncIterator[str]:
    """The URL of a database that no other file uses."""
    async with own_database(postgres) as url:
        yield url


@pytest.fixture(scope="module")
async def database(own_postgres: str) -> AsyncIterator[asyncpg.Pool[Any]]:
    async with asyncpg.create_pool(own_postgres, min_size=0, max_size=2) as pool:
        yield pool


@pytest.fixture(scope="module")
def environ(own_postgres: str, settings: MakeSettings) -> Mapping[str, str]:
    """What `ksmp` is run with."""
    made = settings()
    return {
        "KSMP_ENVIRONMENT": "test",
        "KSMP_DATABASE_URL": own_postgres,
        "KSMP_NATS_URL": ",".join(made.nats_url),
        "KSMP_ISSUER": made.issuer,
        "KSMP_JWKS_URL": made.jwks_url,
        "KSMP_CLIENT_IDS": ",".join(made.client_ids),
        "KSMP_ANALYTICS_COMPARISON_DELAY": "7200",
        "KSMP_ANALYTICS_COMPARISON_DAYS": "2",
        "KSMP_ANALYTICS_COMPARISON_INTERVAL": "30",
        "KSMP_ANALYTICS_COMPARISON_KEPT_DAYS": "10",
    }


@pytest.fixture(scope="module")
async def analytics(environ: Mapping[str, str]) -> AsyncIterator[AnalyticsModule]:
    async with opened(AnalyticsModule, environ) as module:
        yield module
