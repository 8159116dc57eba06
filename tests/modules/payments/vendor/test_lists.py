"""Lists of Razorpay's: all their pages, each item once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from gateway.errors import Unavailable
from modules.payments.vendor.razorpay import Razorpay
from tests.modules.payments.vendor.conftest import Adapter
from tests.modules.payments.vendor.examples import AT, collection, payment, refund
from tests.modules.payments.vendor.misbehaving import Behaviour, Misbehaving, Request, answers, html

DAY = date(2026, 3, 31)


def line(number: int) -> dict[str, Any]:
    common = {"type": "payment", "amount": 100, "currency": "INR", "credit": 97, "created_at": AT}
    return {"entity_id": f"pay_{number}", **common, "notes": "a text", "settled": True, "on_hold": False}


def paged(items: list[dict[str, Any]]) -> Behaviour:
    def act(request: Request) -> None:
        skip, count = int(request.query["skip"]), int(request.query["count"])
        answers(collection(*items[skip : skip + count]))(request)

    return act


async def test_the_lines_of_a_day_come_from_all_pages(server: Misbehaving, razorpay: Razorpay) -> None:
    server.otherwise = paged([line(number) for number in range(2500)])
    items = await razorpay.settlement_items(DAY)
    assert [one.entity_id for one in items] == [f"pay_{number}" for number in range(2500)]
    assert items[0].credit == 97
    assert [request.query for request in server.requests] == [
        {"year": "2026", "month": "3", "day": "31", "count": "1000", "skip": str(skip)} for skip in (0, 1000, 2000)
    ]
    assert server.seen()[0] == ("GET", "/v1/settlements/recon/combined")


async def test_a_full_last_page_is_followed_by_an_empty_one(server: Misbehaving, razorpay: Razorpay) -> None:
    server.otherwise = paged([refund(id=f"rfnd_{number}") for number in range(200)])
    assert len(await razorpay.refunds_of_payment("pay_1")) == 200
    assert [request.query["skip"] for request in server.requests] == ["0", "100", "200"]


async def test_what_moves_to_the_next_page_meanwhile_is_there_once(server: Misbehaving, razorpay: Razorpay) -> None:
    """Lists begin with the newest: one that comes while they are read moves all others by one."""
    refunds = [refund(id=f"rfnd_{number}") for number in range(150)]
    server.does(answers(collection(*refunds[:100])), answers(collection(*refunds[99:])))
    found = await razorpay.refunds_of_payment("pay_1")
    assert [one.id for one in found] == [one["id"] for one in refunds]


async def test_a_list_that_knows_no_pages_ends(server: Misbehaving, razorpay: Razorpay) -> None:
    server.otherwise = answers(collection(*(refund(id=f"rfnd_{number}") for number in range(120))))
    assert len(await razorpay.refunds_of_payment("pay_1")) == 120
    assert len(server.requests) == 2


async def test_a_list_has_a_greatest_length(server: Misbehaving, adapter: Adapter) -> None:
    server.otherwise = paged([refund(id=f"rfnd_{number}") for number in range(500)])
    with pytest.raises(Unavailable, match="more than 2 pages"):
        await adapter(razorpay_pages=2).refunds_of_payment("pay_1")


async def test_half_a_list_is_none(server: Misbehaving, razorpay: Razorpay) -> None:
    server.does(answers(collection(*(refund(id=f"rfnd_{number}") for number in range(100)))), html(502))
    with pytest.raises(Unavailable):
        await razorpay.refunds_of_payment("pay_1")


async def test_settlements_of_a_span(server: Misbehaving, razorpay: Razorpay) -> None:
    raw = {"id": "setl_1", "amount": 97000, "status": "processed", "fees": 0, "tax": 0, "utr": "U1", "created_at": AT}
    server.does(answers(collection(raw)))
    (settlement,) = await razorpay.settlements(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
    assert (settlement.amount, settlement.utr) == (97000, "U1")
    assert server.requests[0].query == {"from": "1772323200", "to": "1775001600", "count": "100", "skip": "0"}


async def test_disputes(server: Misbehaving, razorpay: Razorpay) -> None:
    raw = {
        "id": "disp_1",
        "payment_id": "pay_1",
        "amount": 100,
        "currency": "INR",
        "amount_deducted": 0,
        "reason_code": "fraud",
        "respond_by": AT,
        "status": "open",
        "phase": "chargeback",
        "created_at": AT,
    }
    server.does(answers(collection(raw)), answers(raw))
    (listed,) = await razorpay.disputes()
    assert listed == await razorpay.dispute("disp_1")
    assert (listed.status, listed.phase, listed.respond_by) == ("open", "chargeback", datetime.fromtimestamp(AT, UTC))


async def test_payments_of_an_order_are_asked_for_at_once(server: Misbehaving, razorpay: Razorpay) -> None:
    """That operation takes no page: Razorpay refuses what it does not know."""
    server.does(answers(collection(payment(), payment(id="pay_2", status="failed", error_code="BAD_REQUEST_ERROR"))))
    first, second = await razorpay.payments_of_order("order_1")
    assert (first.status, second.error_code) == ("authorized", "BAD_REQUEST_ERROR")
    assert server.requests[0].target == "/v1/orders/order_1/payments"
