"""A gateway with a stand-in for Razorpay of its own: these tests change what becomes of its refunds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from devstack.devcloud import DevCloud
from devstack.guard import Guard
from ksmp_testkit import Caller, MakeGateway, Running

from .shop import WEBHOOK_SECRET, Ears, Shop


@pytest.fixture(scope="module")
async def cloud(tmp_path_factory: pytest.TempPathFactory, servers_guard: Guard) -> AsyncIterator[DevCloud]:
    cloud = DevCloud(tmp_path_factory.mktemp("refunds"), region="us-east-1", guard=servers_guard)
    await cloud.prepare()
    await cloud.start()
    yield cloud
    await cloud.stop()


@pytest.fixture(scope="module")
def environ(cloud: DevCloud) -> dict[str, str]:
    """The settings of payments."""
    return {
        "KSMP_PAYMENTS_KEY_ID": "rzp_test_ksmp",
        "KSMP_PAYMENTS_KEY_SECRET": "ksmp-test-secret",
        "KSMP_PAYMENTS_WEBHOOK_SECRETS": WEBHOOK_SECRET,
        "KSMP_PAYMENTS_RAZORPAY_URL": f"{cloud.url}/razorpay",
        # Two may pay for the last place.
        "KSMP_PAYMENTS_HOLD_PLACES": "false",
        # Each fault is one test's.
        "KSMP_PAYMENTS_RAZORPAY_FAILURES": "1000",
    }


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, environ: dict[str, str]) -> AsyncIterator[Running]:
    modules = ("accounts", "files", "programs", "payments")
    async with gateway(address_burst=100_000, modules=modules, more=[Ears], environ=environ) as running:
        yield running


@pytest.fixture
async def shop(node: Running, caller: Caller, cloud: DevCloud, database: asyncpg.Pool[Any]) -> AsyncIterator[Shop]:
    async with httpx.AsyncClient(base_url=cloud.url, trust_env=False, timeout=30.0) as http:
        shop = Shop(node, caller, http, database)
        await shop.faults()
        await shop.drive("PATCH", "settings", refund="processed", refund_seconds=0.0)
        yield shop
