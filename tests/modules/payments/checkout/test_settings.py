"""The settings of the checkout, and what they change."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from gateway.settings import SettingsError
from ksmp_testkit import Caller, MakeGateway, Running
from ksmp_testkit.answers import refused
from modules.payments.settings import CheckoutSettings
from tests.modules.payments.checkout.test_late_payments import REFUNDS, handled
from tests.modules.payments.checkout.test_orders import coupon
from tests.modules.payments.razorpay import StandIn, environ_of
from tests.modules.payments.shop import PRICE, shop
from tests.modules.programs.programs import user


@pytest.fixture(scope="module")
async def node(gateway: MakeGateway, devcloud: str) -> AsyncIterator[Running]:
    environ = environ_of(
        devcloud,
        KSMP_PAYMENTS_CHECKOUT_NAME="The Shop",
        KSMP_PAYMENTS_ORDER_LIFE="1.5",
        KSMP_PAYMENTS_EXPIRY_GRACE="0.1",
        KSMP_PAYMENTS_CONFIRMING_LIFE="3",
        KSMP_PAYMENTS_LATE_LIFE="60",
        KSMP_PAYMENTS_LEAST_AMOUNTS="INR:500,USD:50",
    )
    async with gateway(environ=environ, address_burst=100_000, request_burst=100_000) as running:
        yield running


async def test_an_order_expires_by_itself(caller: Caller, razorpay: StandIn) -> None:
    one, ann = await shop(caller, razorpay), user()
    made = await one.ordered(ann)
    assert (made["name"], made["timeout"]) == ("The Shop", 1)
    await one.is_(ann, made["order"]["id"], "expired")


async def test_a_bank_that_never_confirms_does_not_hold_an_order_for_ever(caller: Caller, razorpay: StandIn) -> None:
    """What it confirms later still buys the place."""
    one, ann = await shop(caller, razorpay), user()
    await razorpay.settings(capture="manual")
    await razorpay.faults(operations={"razorpay.CapturePayment": {"error": "html"}})
    made = await one.ordered(ann)
    await razorpay.pay(made["vendor_order_id"])
    await one.is_(ann, made["order"]["id"], "confirming")
    await one.is_(ann, made["order"]["id"], "expired")
    await razorpay.faults()
    await one.is_(ann, made["order"]["id"], "paid")
    await one.gets_place(ann)


async def test_how_late_a_payment_may_begin_is_a_setting(
    node: Running, caller: Caller, razorpay: StandIn, database: asyncpg.Pool
) -> None:
    """An hour is a little late by default, and too late here."""
    one, ann = await shop(caller, razorpay), user()
    made = await one.ordered(ann)
    await one.is_(ann, made["order"]["id"], "expired")
    await razorpay.advance(3600.0)
    await razorpay.pay(made["vendor_order_id"])
    await handled(node, razorpay)
    assert [tuple(row) for row in await database.fetch(REFUNDS, made["order"]["id"])] == [("extra_payment", PRICE)]
    assert not await one.has_place(ann)


async def test_the_least_amount_is_a_setting(caller: Caller, razorpay: StandIn) -> None:
    one = await shop(caller, razorpay, price=900)
    refused(await one.order(user(), coupon=await coupon(caller, one.program)), 400, "payments.amount_too_small")


def test_amounts_that_are_none() -> None:
    settings = CheckoutSettings(least_amounts=("INR:500", "KWD:100"))
    assert [settings.least_amount(currency) for currency in ("INR", "KWD", "JPY")] == [500, 100, 1]
    for wrong in ("INR", "inr:5", "INR:-5", "INR:5.0"):
        with pytest.raises(SettingsError, match="KSMP_PAYMENTS_LEAST_AMOUNTS"):
            CheckoutSettings(least_amounts=(wrong,))
