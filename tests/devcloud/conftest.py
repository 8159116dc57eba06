"""One stand-in for all tests of a run, without faults at the start of each."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from .aws import Aws


@pytest.fixture(scope="session")
async def clients(devcloud: str) -> AsyncIterator[Aws]:
    aws = Aws(devcloud)
    await aws.open()
    yield aws
    await aws.close()


@pytest.fixture
async def aws(clients: Aws) -> AsyncIterator[Aws]:
    yield clients
    await clients.drive("DELETE", "faults")
