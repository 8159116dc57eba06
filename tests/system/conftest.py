"""One deployment for all tests that bring back what they kill."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.system.cluster import Cluster, running


@pytest.fixture(scope="package")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    async with running(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster
