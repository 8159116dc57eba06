"""A gateway on which the same few people may send as much as all tests of a file do."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ksmp_testkit import MakeGateway, Running

# A file's tests share Ann and Bob, who would meet the limit of a user's commands in the midst of another test.
TIMES_THE_BURST = 1000.0


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway) -> AsyncIterator[Running]:
    async with gateway(user_burst_factor=TIMES_THE_BURST) as running:
        yield running


@pytest.fixture(scope="module")
async def second(gateway: MakeGateway, node: Running) -> AsyncIterator[Running]:
    """Another gateway of the same cluster."""
    async with gateway(user_burst_factor=TIMES_THE_BURST) as running:
        yield running
