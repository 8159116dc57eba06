"""A gateway that looks for nothing by itself: tests say when."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ksmp_testkit import MakeGateway, Running
from modules.payments.module import PaymentsModule
from modules.payments.reconciliation.feature import ReconciliationFeature
from tests.modules.payments.razorpay import environ_of


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, devcloud: str) -> AsyncIterator[Running]:
    environ = environ_of(
        devcloud,
        KSMP_PAYMENTS_RECONCILE_INTERVAL="86400",
        # Other tests leave orders behind.
        KSMP_PAYMENTS_RECONCILE_BATCH="100000",
        # What the tests reckon with.
        KSMP_PAYMENTS_RECONCILE_FIRST="900",
        KSMP_PAYMENTS_RECONCILE_MOST="21600",
        KSMP_PAYMENTS_RECONCILE_WINDOW="280800",
        KSMP_PAYMENTS_SETTLEMENT_HOUR="3",
        KSMP_PAYMENTS_SETTLEMENT_DAYS="7",
        KSMP_PAYMENTS_SETTLEMENT_DUE="604800",
        KSMP_PAYMENTS_WEBHOOK_SILENCE="1800",
    )
    async with gateway(environ=environ, address_burst=100_000, request_burst=100_000) as running:
        yield running


@pytest.fixture
def feature(node: Running) -> ReconciliationFeature:
    return node.module(PaymentsModule).reconciliation
