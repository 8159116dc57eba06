"""One gateway for all tests of the schedule."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from ksmp_testkit import MakeGateway, Running
from tests.modules.live.scheduling import create_program


@pytest.fixture(scope="package")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    environ = {
        "KSMP_LIVE_LOBBY_BEFORE": "3600",
        "KSMP_LIVE_REMIND_BEFORE": "86400,3598",
        "KSMP_LIVE_SERIES_MOST": "20",
        "KSMP_LIVE_CALENDAR_PAST": "60",
        "KSMP_LIVE_CALENDAR_MOST": "10000",
        "KSMP_LIVE_PUBLIC_URL": "https://ksmp.test/",
    }
    async with gateway(environ=environ, address_burst=100_000, request_burst=100_000) as running:
        yield running


@pytest.fixture
async def program(database: asyncpg.Pool) -> str:
    """A program of the mentor `meera` in which `enid-<id>` is enrolled."""
    return await create_program(database)
