"""What the events of payments mean as figures, and what its rows say of them.

The steps of an order are registers of their own, so a step that is told twice counts once. Money is in minor units, and
its currency is the label.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Final

from modules.analytics.facade import Fact, FactType, SourceCount, SourceEvents
from modules.payments.events import (
    DisputeLost,
    OrderCreated,
    PaymentCaptured,
    PaymentFailed,
    PaymentRefunded,
    RefundReversed,
)
from modules.payments.fact_rows import made_rows, paid_rows, revenue_rows, source_events


def made(event: OrderCreated, published: datetime) -> Iterable[Fact]:
    yield Fact(
        name="payments.order_made",
        at=event.at,
        user_id=event.user_id,
        program_id=event.program_id,
        key=event.order_id,
        label=event.currency,
        value=event.amount,
    )


def captured(event: PaymentCaptured, published: datetime) -> Iterable[Fact]:
    """An order that costs nothing is paid without an attempt, and brings no money."""
    fact = partial(Fact, at=event.at or published, user_id=event.user_id, program_id=event.program_id)
    order, payment, currency = event.order_id, event.payment_id, event.currency
    yield fact(name="payments.order_paid", key=order, label=currency, value=event.amount)
    if event.amount:
        yield fact(name="payments.order_attempted", key=order, label=currency, value=event.amount)
        yield fact(name="payments.attempt", key=payment, label="captured", value=event.amount)
        yield fact(name="payments.revenue", key=payment, label=currency, value=event.amount)


def failed(event: PaymentFailed, published: datetime) -> Iterable[Fact]:
    fact = partial(Fact, at=published, user_id=event.user_id, program_id=event.program_id)
    yield fact(name="payments.order_attempted", key=event.order_id)
    yield fact(name="payments.attempt", key=event.payment_id, label="failed")


def refunded(event: PaymentRefunded, published: datetime) -> Iterable[Fact]:
    yield _refund(event, event.at or published, event.amount)


def reversed_(event: RefundReversed, published: datetime) -> Iterable[Fact]:
    yield _refund(event, event.at, -event.amount)


def _refund(event: PaymentRefunded | RefundReversed, at: datetime, amount: int) -> Fact:
    return Fact(
        name="payments.refund",
        at=at,
        user_id=event.user_id,
        program_id=event.program_id,
        key=event.refund_id,
        label=event.currency,
        value=amount,
    )


def disputed(event: DisputeLost, published: datetime) -> Iterable[Fact]:
    yield Fact(
        name="payments.disputed",
        at=event.at or published,
        user_id=event.user_id,
        program_id=event.program_id,
        key=event.dispute_id,
        label=event.currency,
        value=event.amount,
    )


FACTS: Final = (
    FactType(event=OrderCreated, facts=made, names=("payments.order_made",), registers=("payments.order_made",)),
    FactType(
        event=PaymentCaptured,
        facts=captured,
        names=("payments.order_paid", "payments.order_attempted", "payments.attempt", "payments.revenue"),
        registers=("payments.order_paid", "payments.order_attempted", "payments.attempt"),
    ),
    FactType(
        event=PaymentFailed,
        facts=failed,
        names=("payments.order_attempted", "payments.attempt"),
        registers=("payments.order_attempted", "payments.attempt"),
    ),
    FactType(event=PaymentRefunded, facts=refunded, names=("payments.refund",)),
    FactType(event=RefundReversed, facts=reversed_, names=("payments.refund",)),
    FactType(event=DisputeLost, facts=disputed, names=("payments.disputed",)),
    SourceCount(name="payments.order_made", count=made_rows),
    SourceCount(name="payments.order_paid", count=paid_rows),
    SourceCount(name="payments.revenue", count=revenue_rows),
    SourceEvents(read=source_events),
)
