"""A gateway that sells, and the stand-in for Razorpay whose webhooks it hears."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ksmp_testkit import MakeGateway, Running
from tests.modules.payments.razorpay import StandIn, environ_of


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, devcloud: str) -> AsyncIterator[Running]:
    async with gateway(environ=environ_of(devcloud), address_burst=100_000, request_burst=100_000) as running:
        yield running


@pytest.fixture
async def razorpay(devcloud: str, node: Running) -> AsyncIterator[StandIn]:
    """Empty, without faults, and with `node` as the one that hears of everything."""
    stand_in = StandIn(devcloud)
    await stand_in.clear()
    await stand_in.webhook(node.url)
    yield stand_in
    await stand_in.clear()
    await stand_in.http.aclose()
