"""A stand-in of their own for these tests, which move its clock. Each begins with nothing in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from devstack.devcloud import DevCloud
from devstack.guard import Guard

from .merchant import Merchant
from .receiver import Receiver


@pytest.fixture(scope="package")
async def stand_in(tmp_path_factory: pytest.TempPathFactory, servers_guard: Guard) -> AsyncIterator[DevCloud]:
    cloud = DevCloud(tmp_path_factory.mktemp("razorpay"), region="us-east-1", guard=servers_guard)
    await cloud.prepare()
    await cloud.start()
    yield cloud
    await cloud.stop()


@pytest.fixture
async def merchant(stand_in: DevCloud) -> AsyncIterator[Merchant]:
    merchant = Merchant(stand_in.url)
    await merchant.drive("DELETE", "state")
    await merchant.faults()
    yield merchant
    await merchant.http.aclose()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.start()
    yield receiver
    await receiver.stop()
