"""What Razorpay answers, as entities: tolerant of what is new or empty, strict with money and time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from modules.payments.vendor.entities import (
    VendorLink,
    VendorOrder,
    VendorPayment,
    VendorSettlementItem,
    entity,
)

ORDER: dict[str, Any] = {
    "id": "order_EKwxwAgItmmXdp",
    "entity": "order",
    "amount": 50000,
    "amount_paid": 0,
    "amount_due": 50000,
    "currency": "INR",
    "receipt": "receipt-1",
    "offer_id": None,
    "status": "created",
    "attempts": 0,
    "notes": [],
    "created_at": 1582628071,
}


def test_an_order_as_their_page_shows_it() -> None:
    order = entity(VendorOrder, ORDER)
    assert order == VendorOrder(
        id="order_EKwxwAgItmmXdp",
        amount=50000,
        currency="INR",
        status="created",
        created_at=datetime(2020, 2, 25, 10, 54, 31, tzinfo=UTC),
        receipt="receipt-1",
    )


def test_what_is_new_is_passed_over() -> None:
    changed = ORDER | {"checkout": {"a": 1}, "status": "on_the_moon", "notes": {"user": "u1", "places": 2}}
    order = entity(VendorOrder, changed)
    assert order.status == "on_the_moon"
    assert order.notes == {"user": "u1", "places": "2"}


def test_null_is_what_is_not_known_yet() -> None:
    raw = {"id": "pay_1", "amount": 1, "currency": "inr", "status": "created", "created_at": 1582628071}
    nothing = dict.fromkeys(("captured", "fee", "tax", "amount_refunded", "order_id", "notes", "error_code"))
    payment = entity(VendorPayment, raw | nothing)
    assert payment.currency == "INR"
    assert (payment.captured, payment.fee, payment.amount_refunded, payment.notes) == (False, None, 0, {})


def test_a_link_without_an_end_ends_never() -> None:
    raw = {**ORDER, "id": "plink_1", "short_url": "https://rzp.io/i/1", "expire_by": 0}
    assert entity(VendorLink, raw).expire_by is None
    end = datetime(2020, 2, 25, 10, 54, 31, tzinfo=UTC)
    assert entity(VendorLink, raw | {"expire_by": 1582628071}).expire_by == end


def test_a_line_of_a_settlement_has_a_text_for_notes() -> None:
    raw = {
        "entity_id": "pay_DEXrnipqTmWVGE",
        "type": "payment",
        "debit": 0,
        "credit": 97100,
        "amount": 100000,
        "currency": "INR",
        "fee": 2900,
        "tax": 0,
        "on_hold": False,
        "settled": True,
        "created_at": 1567692556,
        "settled_at": 1568176960,
        "settlement_id": "setl_DGlQ1Rj8os78Ec",
        "notes": "Beam me up Scotty.",
        "payment_id": None,
        "settlement_utr": "1568176960vxp0rj",
        "order_id": "order_DEXrnRiR3SNDHA",
        "dispute_id": None,
    }
    line = entity(VendorSettlementItem, raw)
    assert (line.credit, line.fee, line.settlement_utr) == (97100, 2900, "1568176960vxp0rj")
    assert line.settled_at == datetime(2019, 9, 11, 4, 42, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 499.5},
        {"amount": 50000.0},
        {"amount": "50000"},
        {"amount": True},
        {"amount": None},
        {"id": None},
        {"currency": 356},
        {"created_at": None},
        {"created_at": "yesterday"},
        {"created_at": "2020-02-25T10:54:31"},
        {"created_at": 1e30},
    ],
)
def test_money_and_time_are_not_guessed(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        entity(VendorOrder, ORDER | wrong)
