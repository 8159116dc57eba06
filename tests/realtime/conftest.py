"""NATS servers for tests that break things on them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from devstack.guard import Guard
from devstack.nats import NatsCluster
from gateway import failpoint


@pytest.fixture(scope="package")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[NatsCluster]:
    async with Guard() as guard, NatsCluster(tmp_path_factory.mktemp("nats"), guard=guard, restart=False) as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def no_faults() -> Iterator[None]:
    yield
    failpoint.clear()
