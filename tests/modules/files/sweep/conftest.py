"""The clients of S3 beside the gateway, and a walk over the bucket that is due."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from ksmp_testkit import MakeGateway, Running
from tests.devcloud.aws import Aws
from tests.modules.files.conftest import MODULES
from tests.modules.files.shelf import ShelfModule

ENVIRON = {
    "KSMP_FILES_BEGIN_RATE_COUNT": "10000",
    # The tests say when something is looked for.
    "KSMP_FILES_SWEEP_INTERVAL": "3600",
    "KSMP_FILES_SWEEP_BATCH": "5",
    "KSMP_FILES_SWEEP_CLAIM": "300",
    "KSMP_FILES_UNFINISHED_KEPT": "600",
    "KSMP_FILES_UNHELD_KEPT": "86400",
    "KSMP_FILES_ORPHAN_AGE": "172800",
    "KSMP_FILES_ORPHAN_INTERVAL": "21600",
    "KSMP_FILES_ORPHAN_MOST": "200",
}


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, devcloud: str) -> AsyncIterator[Running]:
    async with gateway(
        modules=MODULES,
        more=[ShelfModule],
        aws_endpoint=devcloud,
        request_burst=100_000,
        address_burst=100_000,
        environ=ENVIRON,
    ) as running:
        yield running


@pytest.fixture(scope="module")
async def clients_of_aws(devcloud: str) -> AsyncIterator[Aws]:
    clients = Aws(devcloud)
    await clients.open()
    yield clients
    await clients.close()


@pytest.fixture
async def aws(clients_of_aws: Aws) -> AsyncIterator[Aws]:
    """Without faults afterwards."""
    yield clients_of_aws
    await clients_of_aws.drive("DELETE", "faults")


@pytest.fixture
async def walk_due(database: asyncpg.Pool) -> None:
    await database.execute("DELETE FROM file_walk")
