"""Settlements: when they come, what is in them, and that the books agree to the paisa."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from .merchant import Merchant
from .receiver import Receiver

DAY = 86_400
INDIA = timezone(timedelta(hours=5, minutes=30))


async def recon(merchant: Merchant, settlement: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    """The report of the day of a settlement."""
    day = datetime.fromtimestamp(settlement["created_at"], UTC).astimezone(INDIA)
    asked = {"year": day.year, "month": day.month, "day": day.day, "count": 1_000} | query
    report = await merchant.call(merchant.client.settlement.report, asked)
    items: list[dict[str, Any]] = report["items"]
    assert report["count"] == len(items)
    return items


async def settle(merchant: Merchant) -> dict[str, Any]:
    settlement: dict[str, Any] = (await merchant.drive("POST", "settlements/run"))["settlement"]
    return settlement


async def test_what_was_captured_is_settled_two_days_later(merchant: Merchant, receiver: Receiver) -> None:
    await merchant.webhook(receiver.url, events=["settlement.processed"])
    order = await merchant.order(70_000, receipt="seat-1", notes={"a": "b"})
    paid = (await merchant.pay(order, method="card"))["payments"][0]
    await merchant.paid(30_000)
    await merchant.paid(outcome="failure")
    await merchant.pay(order)
    await merchant.advance(DAY)
    assert (await merchant.call(merchant.client.settlement.all))["count"] == 0
    await merchant.advance(2 * DAY)
    (settlement,) = (await merchant.call(merchant.client.settlement.all))["items"]
    fees = 1_652 + 708
    assert settlement | {"id": "", "utr": "", "created_at": 0} == {
        "id": "",
        "entity": "settlement",
        "amount": 100_000 - fees,
        "status": "processed",
        "fees": 0,
        "tax": 0,
        "utr": "",
        "created_at": 0,
    }
    assert datetime.fromtimestamp(settlement["created_at"], INDIA).hour == 10
    assert await merchant.call(merchant.client.settlement.fetch, settlement["id"]) == settlement
    assert receiver.events == ["settlement.processed"]
    assert receiver.received[0].entity("settlement") == settlement
    items = await recon(merchant, settlement)
    assert [item["amount"] for item in items] == [70_000, 30_000]
    assert items[0] == {
        "entity_id": paid["id"],
        "type": "payment",
        "debit": 0,
        "credit": 70_000 - 1_652,
        "amount": 70_000,
        "currency": "INR",
        "fee": 1_652,
        "tax": 252,
        "on_hold": False,
        "settled": True,
        "created_at": paid["created_at"],
        "settled_at": settlement["created_at"],
        "settlement_id": settlement["id"],
        "posted_at": None,
        "credit_type": "default",
        "description": None,
        "notes": {"a": "b"},
        "payment_id": None,
        "settlement_utr": settlement["utr"],
        "order_id": order["id"],
        "order_receipt": "seat-1",
        "method": "card",
        "card_network": "Visa",
        "card_issuer": "HDFC",
        "card_type": "credit",
        "dispute_id": None,
    }


async def test_refunds_and_disputes_are_deducted(merchant: Merchant) -> None:
    await merchant.settings(settlement_fees=True)
    payments = [await merchant.paid(10_000, method="card") for _ in range(4)]
    refund = await merchant.call(merchant.client.payment.refund, payments[0]["id"], {"amount": 4_000})
    failed = await merchant.call(merchant.client.payment.refund, payments[1]["id"], {})
    await merchant.advance(1)
    await merchant.drive("POST", "refunds/fail", json={"refund_id": failed["id"]})
    dispute = await merchant.drive("POST", "disputes", json={"payment_id": payments[2]["id"], "amount": 2_500})
    await merchant.call(merchant.client.dispute.accept, dispute["id"])
    settlement = await settle(merchant)
    items = await recon(merchant, settlement)
    kinds = [(item["type"], item["debit"], item["credit"]) for item in items]
    assert kinds == [
        *[("payment", 0, 9_764)] * 4,
        ("refund", 4_000, 0),
        ("refund", 10_000, 0),
        ("adjustment", 0, 10_000),
        ("adjustment", 2_500, 0),
    ]
    assert (items[4]["entity_id"], items[4]["payment_id"]) == (refund["id"], payments[0]["id"])
    assert (items[7]["dispute_id"], items[7]["payment_id"]) == (dispute["id"], payments[2]["id"])
    assert settlement["amount"] == 4 * 9_764 - 4_000 - 2_500
    assert (settlement["fees"], settlement["tax"]) == (4 * 236, 4 * 36)
    assert [item["entity_id"] for item in await recon(merchant, settlement, count=2, skip=3)] == [
        items[3]["entity_id"],
        items[4]["entity_id"],
    ]
    assert await recon(merchant, settlement, day="") == items
    books = await merchant.drive("GET", "books")
    assert books["totals"]["settled"] == settlement["amount"] == books["totals"]["net"]
    assert (books["totals"]["balance"], books["totals"]["lost"]) == (0, 2_500)
    assert books["settlements"] == [settlement]
    assert books["transactions"] == items


async def test_a_refund_after_the_settlement_waits_for_the_next(merchant: Merchant) -> None:
    first = await merchant.paid(10_000)
    await settle(merchant)
    await merchant.call(merchant.client.payment.refund, first["id"], {})
    # There is nothing to pay out: the balance is below zero.
    assert await settle(merchant) is None
    assert (await merchant.drive("GET", "books"))["totals"]["balance"] == -10_000
    await merchant.paid(20_000)
    await merchant.advance(3 * DAY)
    newest = (await merchant.call(merchant.client.settlement.all, {"count": 1}))["items"][0]
    assert newest["amount"] == 20_000 - 472 - 10_000
    assert [item["type"] for item in await recon(merchant, newest)] == ["refund", "payment"]


async def test_each_day_has_its_settlement(merchant: Merchant) -> None:
    for amount in (1_000, 2_000, 3_000):
        await merchant.paid(amount)
        await merchant.paid(amount)
        await merchant.advance(DAY)
    await merchant.advance(3 * DAY)
    settlements = (await merchant.call(merchant.client.settlement.all))["items"]
    assert len(settlements) == 3
    assert [item["amount"] for settlement in settlements for item in await recon(merchant, settlement)] == [
        3_000,
        3_000,
        2_000,
        2_000,
        1_000,
        1_000,
    ]
    books = await merchant.drive("GET", "books")
    assert books["totals"]["settled"] == books["totals"]["net"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({}, "year: is required"),
        ({"year": 2026}, "month: is required"),
        ({"year": 26, "month": 1}, "year must be 4 digits"),
        ({"year": 2026, "month": 13}, "not a valid month"),
        ({"year": 2026, "month": 1, "day": 32}, "day must be"),
        ({"year": 2026, "month": 1, "count": 0}, "at least 1"),
        ({"year": 2026, "month": 1, "count": 1_001}, "not be greater than 1000"),
    ],
)
async def test_a_bad_report_is_refused(merchant: Merchant, query: dict[str, Any], said: str) -> None:
    await merchant.refused(said, merchant.client.settlement.report, query)


async def test_an_unknown_settlement_is_refused(merchant: Merchant) -> None:
    await merchant.refused("does not exist", merchant.client.settlement.fetch, "setl_none")
