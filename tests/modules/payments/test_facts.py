"""What the events of payments mean as figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from modules.analytics.facade import Fact
from modules.payments import facts
from modules.payments.events import (
    DisputeLost,
    OrderCreated,
    PaymentCaptured,
    PaymentFailed,
    PaymentRefunded,
    RefundReversed,
)

PUBLISHED = datetime(2026, 12, 1, 4, 0, tzinfo=UTC)
AT = PUBLISHED - timedelta(seconds=2)


def summary(one: Fact) -> tuple[str, datetime, str, str, int]:
    assert (one.user_id, one.program_id) == ("ann", "p")
    return one.name, one.at, one.key, one.label, one.value


def test_each_step_of_an_order_is_a_register_of_its_own() -> None:
    created = OrderCreated(order_id="o", program_id="p", user_id="ann", amount=49900, currency="INR", at=AT)
    assert list(map(summary, facts.made(created, PUBLISHED))) == [
        ("payments.order_made", AT, "o", "INR", 49900),
    ]
    paid = PaymentCaptured("pay", "p", "ann", "o", 49900, "INR", AT)
    assert list(map(summary, facts.captured(paid, PUBLISHED))) == [
        ("payments.order_paid", AT, "o", "INR", 49900),
        ("payments.order_attempted", AT, "o", "INR", 49900),
        ("payments.attempt", AT, "pay", "captured", 49900),
        ("payments.revenue", AT, "pay", "INR", 49900),
    ]
    failed = PaymentFailed("pay", "p", "ann", "o", "declined")
    assert list(map(summary, facts.failed(failed, PUBLISHED))) == [
        ("payments.order_attempted", PUBLISHED, "o", "", 0),
        ("payments.attempt", PUBLISHED, "pay", "failed", 0),
    ]


def test_an_order_that_costs_nothing_is_paid_without_an_attempt() -> None:
    paid = PaymentCaptured("free_o", "p", "ann", "o", 0, "INR", AT)
    assert list(map(summary, facts.captured(paid, PUBLISHED))) == [("payments.order_paid", AT, "o", "INR", 0)]


def test_a_refund_that_the_bank_sent_back_is_one_of_less_than_nothing() -> None:
    refund = PaymentRefunded("pay", "p", "ann", "o", "r", 10000, "INR", at=AT)
    back = RefundReversed(
        payment_id="pay",
        program_id="p",
        user_id="ann",
        order_id="o",
        refund_id="r",
        amount=10000,
        currency="INR",
        at=PUBLISHED,
    )
    told = [*facts.refunded(refund, PUBLISHED), *facts.reversed_(back, PUBLISHED)]
    assert list(map(summary, told)) == [
        ("payments.refund", AT, "r", "INR", 10000),
        ("payments.refund", PUBLISHED, "r", "INR", -10000),
    ]


def test_money_that_a_dispute_took_is_no_refund() -> None:
    lost = DisputeLost("d", "pay", "p", "ann", "o", 49900, "INR", at=AT)
    assert list(map(summary, facts.disputed(lost, PUBLISHED))) == [("payments.disputed", AT, "d", "INR", 49900)]
