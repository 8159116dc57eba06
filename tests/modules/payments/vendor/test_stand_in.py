"""The adapter against the stand-in for Razorpay, which answers as Razorpay documents: the whole way of some money."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from gateway import clock
from gateway.errors import Unavailable
from modules.payments.vendor import signatures
from modules.payments.vendor.entities import VendorLink, VendorOrder, VendorPayment
from modules.payments.vendor.outcomes import Declined, NotFound, Rejected, UnknownOutcome
from modules.payments.vendor.razorpay import Razorpay
from tests.modules.payments.vendor.conftest import settings_for

KEY, SECRET = "rzp_test_ksmp", "ksmp-test-secret"


class Vendor:
    """The adapter, and what the stand-in does besides: customers who pay, and faults."""

    def __init__(self, url: str, razorpay: Razorpay) -> None:
        self.razorpay = razorpay
        self.http = httpx.AsyncClient(base_url=url, timeout=30.0, trust_env=False)

    async def order(self, amount: int = 49_900) -> VendorOrder:
        return await self.razorpay.create_order(
            receipt=uuid.uuid4().hex, amount=amount, currency="INR", notes={"a": "b"}
        )

    async def paid(self, order: VendorOrder, **choice: Any) -> VendorPayment:
        answer = await self.http.post("/_devcloud/razorpay/pay", json={"order_id": order.id, **choice})
        assert answer.status_code == 200, answer.text
        return await self.razorpay.payment(answer.json()["payments"][-1]["id"])

    async def fails(self, operation: str, **fault: Any) -> None:
        await self.faults({f"razorpay.{operation}": {"times": 1} | fault})

    async def faults(self, operations: dict[str, Any]) -> None:
        answer = await self.http.put("/_devcloud/faults", json={"operations": operations})
        assert answer.status_code == 200, answer.text


@pytest.fixture
async def vendor(devcloud: str) -> AsyncIterator[Vendor]:
    razorpay = Razorpay(settings_for(f"{devcloud}/razorpay", key_id=KEY, key_secret=SECRET, razorpay_timeout=20.0))
    vendor = Vendor(devcloud, razorpay)
    yield vendor
    await vendor.faults({})
    await vendor.http.aclose()
    await razorpay.close()


async def test_an_order_is_paid_and_given_back(vendor: Vendor) -> None:
    razorpay = vendor.razorpay
    order = await vendor.order()
    assert (order.status, order.amount, order.currency, order.notes) == ("created", 49_900, "INR", {"a": "b"})
    payment = await vendor.paid(order)
    assert (payment.order_id, payment.captured, payment.status) == (order.id, True, "captured")
    assert payment.fee is not None
    assert await razorpay.capture(payment.id, 49_900, "INR") == payment
    assert (await razorpay.order(order.id)).status == "paid"
    assert [one.id for one in await razorpay.payments_of_order(order.id)] == [payment.id]
    key = uuid.uuid4().hex
    refund = await razorpay.refund(payment.id, amount=900, key=key, receipt=uuid.uuid4().hex, notes={})
    again = await razorpay.refund(payment.id, amount=900, key=key, receipt=uuid.uuid4().hex, notes={})
    assert again.id == refund.id
    assert (await razorpay.refund_by_id(refund.id)).amount == 900
    assert (await razorpay.payment(payment.id)).amount_refunded == 900
    with pytest.raises(Rejected):
        await razorpay.refund(payment.id, amount=49_900, key=uuid.uuid4().hex, receipt="x", notes={})


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("error", ["cut", "html", "server_error"])
async def test_a_lost_answer_makes_no_second_order(vendor: Vendor, error: str, when: str) -> None:
    receipt = uuid.uuid4().hex
    await vendor.fails("CreateOrder", error=error, when=when)

    async def create() -> VendorOrder:
        return await vendor.razorpay.create_order(receipt=receipt, amount=100, currency="INR", notes={})

    if when == "before":
        with pytest.raises(UnknownOutcome):
            await create()
    first, second = await create(), await create()
    assert first == second
    with pytest.raises(Rejected, match="receipt_in_use"):
        await vendor.razorpay.create_order(receipt=receipt, amount=200, currency="INR", notes={})


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("error", ["cut", "html_ok", "gateway_error"])
async def test_a_lost_answer_makes_no_second_refund(vendor: Vendor, error: str, when: str) -> None:
    payment = await vendor.paid(await vendor.order())
    await vendor.fails("CreateRefund", error=error, when=when)
    key = uuid.uuid4().hex
    refund = await vendor.razorpay.refund(payment.id, amount=900, key=key, receipt=uuid.uuid4().hex, notes={})
    assert [one.id for one in await vendor.razorpay.refunds_of_payment(payment.id)] == [refund.id]


async def test_what_the_stand_in_refuses(vendor: Vendor) -> None:
    with pytest.raises(NotFound):
        await vendor.razorpay.order("order_none")
    with pytest.raises(Rejected):
        await vendor.razorpay.create_order(receipt=uuid.uuid4().hex, amount=1, currency="INR", notes={})
    await vendor.fails("CreateOrder", error="too_many_requests")
    with pytest.raises(Declined):
        await vendor.order()
    url = str(vendor.http.base_url).rstrip("/")
    stranger = Razorpay(settings_for(f"{url}/razorpay", key_id=KEY, key_secret="wrong"))
    with pytest.raises(Unavailable, match="key"):
        await stranger.order("order_none")
    await stranger.close()


async def asked(vendor: Vendor, reference: str, amount: int = 49_900) -> VendorLink:
    return await vendor.razorpay.create_link(
        reference=reference,
        amount=amount,
        currency="INR",
        description="A place",
        expire_by=clock.now() + timedelta(days=1),
        callback_url="https://ksmp.test/paid",
        notes={},
    )


async def test_a_link_is_made_once_and_cancelled(vendor: Vendor) -> None:
    reference = uuid.uuid4().hex
    await vendor.fails("CreatePaymentLink", error="cut", when="after")
    link = await asked(vendor, reference)
    assert link.reference_id == reference
    assert link.expire_by is not None
    assert link.expire_by > clock.now()
    assert (await asked(vendor, reference)).id == link.id
    with pytest.raises(Rejected, match="reference_in_use"):
        await asked(vendor, reference, amount=100)
    for _ in range(2):
        assert (await vendor.razorpay.cancel_link(link.id)).status == "cancelled"
    assert (await vendor.razorpay.link(link.id)).status == "cancelled"


async def test_a_link_is_paid(vendor: Vendor) -> None:
    reference = uuid.uuid4().hex
    link = await asked(vendor, reference)
    query = (await vendor.http.post("/_devcloud/razorpay/pay", json={"payment_link_id": link.id})).json()
    payment, signature = query["razorpay_payment_id"], query["razorpay_signature"]
    assert signatures.link(link.id, reference, "paid", payment, signature, [SECRET])
    with pytest.raises(Rejected):
        await vendor.razorpay.cancel_link(link.id)


async def test_lists_are_empty_or_not(vendor: Vendor) -> None:
    now = clock.now()
    assert isinstance(await vendor.razorpay.settlements(now - timedelta(days=30), now), list)
    assert isinstance(await vendor.razorpay.settlement_items(now.date()), list)
    payment = await vendor.paid(await vendor.order())
    answer = await vendor.http.post("/_devcloud/razorpay/disputes", json={"payment_id": payment.id})
    raised = answer.json()["id"]
    assert (await vendor.razorpay.dispute(raised)).payment_id == payment.id
    assert raised in [one.id for one in await vendor.razorpay.disputes()]


async def test_the_signature_of_the_checkout(vendor: Vendor) -> None:
    order = await vendor.order()
    answer = await vendor.http.post("/_devcloud/razorpay/pay", json={"order_id": order.id})
    checkout = answer.json()
    signature = checkout["razorpay_signature"]
    assert signatures.checkout(order.id, checkout["razorpay_payment_id"], signature, ["other", SECRET])
    assert not signatures.checkout(order.id, checkout["razorpay_payment_id"], signature, ["other"])
