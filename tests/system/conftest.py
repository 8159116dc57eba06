"""One deployment for all tests that bring back what they kill."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.system.cluster import Cluster, running

# Seconds, as short as a test needs it.
ATTENDANCE_INTERVAL = 1.0
ATTENDANCE_GAP = 4.0
EXTRA = {
    "KSMP_LIVE_ATTENDANCE_INTERVAL": str(ATTENDANCE_INTERVAL),
    "KSMP_LIVE_ATTENDANCE_GAP": str(ATTENDANCE_GAP),
}


@pytest.fixture(scope="package")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    async with running(tmp_path_factory.mktemp("cluster"), extra=EXTRA) as cluster:
        yield cluster
