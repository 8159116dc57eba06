"""Orders and refunds that are not finished are compared with Razorpay: when, once, and what it heals."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from datetime import timedelta
from typing import Any

import asyncpg

from gateway import clock
from ksmp_testkit import Caller, Running
from ksmp_testkit.answers import refused
from modules.payments.reconciliation import metrics
from modules.payments.reconciliation.feature import ReconciliationFeature
from tests.modules.payments.razorpay import StandIn
from tests.modules.payments.reconciliation.sales import ORDERS, differences, paid, sale
from tests.modules.programs.programs import created, id_of, user


def healed(what: str) -> float:
    return float(metrics.heals.labels(what)._value.get())


async def test_an_order_is_due_at_growing_intervals_until_no_bank_can_confirm(
    caller: Caller, razorpay: StandIn, feature: ReconciliationFeature
) -> None:
    """Practice "reconcile any order still created or attempted after 15 minutes", and later at growing intervals."""
    sold, made = await sale(caller), clock.now()
    looks = range(0, 6 * 24 * 60, 5)
    due = [
        minutes
        for minutes in looks
        if sold.order in await feature.sweep.publish_orders(made + timedelta(minutes=minutes))
    ]
    # First after 15 minutes, then twice as long each time, at most 6 hours; the last is when no bank can confirm.
    gaps = [after - before for before, after in itertools.pairwise(due)]
    assert due[0] in (15, 20)
    assert gaps[:5] == [15, 30, 60, 120, 240]
    assert set(gaps[5:]) == {360}
    assert 3 * 24 * 60 <= due[-1] <= 4 * 24 * 60


async def test_of_two_gateways_one_compares(caller: Caller, razorpay: StandIn, feature: ReconciliationFeature) -> None:
    sold, later = await sale(caller), clock.now() + timedelta(minutes=16)
    found = await asyncio.gather(*(feature.sweep.publish_orders(later) for _ in range(4)))
    assert [sold.order in due for due in found].count(True) == 1


async def test_lost_webhooks_are_healed(
    caller: Caller, razorpay: StandIn, feature: ReconciliationFeature, node: Running
) -> None:
    """BP-04, BP-05, fault 12: the webhook was switched off, and the tab closed."""
    before, sold = healed("order"), await sale(caller)
    await razorpay.no_webhooks()
    await razorpay.pay(sold.vendor_order, closed=True)
    await feature.sweep.publish_orders(clock.now() + timedelta(minutes=16))
    await sold.becomes("paid")
    await sold.enrolled()
    await node.events_handled("payments.check_order", timeout=60.0)
    assert healed("order") > before


async def test_a_late_payment_of_an_expired_order_is_found(
    caller: Caller, razorpay: StandIn, feature: ReconciliationFeature, database: asyncpg.Pool[Any]
) -> None:
    """BP-20: the reconciler also asks for orders that have expired."""
    sold = await sale(caller)
    await razorpay.no_webhooks()
    await database.execute("UPDATE payments_order SET state = 'expired' WHERE id = $1", sold.order)
    await razorpay.pay(sold.vendor_order, closed=True)
    assert sold.order in await feature.sweep.publish_orders(clock.now() + timedelta(days=2))
    await sold.becomes("paid")
    await sold.enrolled()


async def test_an_answer_that_was_lost_is_found(
    caller: Caller, razorpay: StandIn, feature: ReconciliationFeature, database: asyncpg.Pool[Any]
) -> None:
    """Fault 5, fault 14: Razorpay has made the order, and its answer was lost."""
    path, student = await created(caller(user(), "mentor"), price=118_000), caller(who := user())
    await razorpay.faults(
        operations={
            "razorpay.CreateOrder": {"error": "html", "when": "after", "times": 1},
            "razorpay.ListOrders": {"error": "server_error", "times": 1},
        }
    )
    wanted = {"program_id": id_of(path)}
    refused(await student.post(ORDERS, json=wanted, headers={"Idempotency-Key": uuid.uuid4().hex}), 503, "unavailable")
    order = await database.fetchval("SELECT id FROM payments_order WHERE user_id = $1 AND state = 'created'", who)
    assert await feature.orders.compare(order)
    assert await database.fetchval("SELECT state FROM payments_order WHERE id = $1", order) == "open"
    assert not await feature.orders.compare(order)


async def test_an_order_that_razorpay_does_not_know_is_for_a_person(
    caller: Caller, razorpay: StandIn, feature: ReconciliationFeature, database: asyncpg.Pool[Any]
) -> None:
    sold, unknown = await sale(caller), f"order_{uuid.uuid4().hex}"
    await database.execute("UPDATE payments_order SET vendor_order_id = $2 WHERE id = $1", sold.order, unknown)
    assert not await feature.orders.compare(sold.order)
    assert await differences(database, unknown) == {"order_missing": (sold.order, "", None)}


async def test_refunds_that_are_not_finished_are_due(
    caller: Caller, razorpay: StandIn, feature: ReconciliationFeature, database: asyncpg.Pool[Any]
) -> None:
    _, payment = await paid(caller, razorpay)
    refunds = {state: str(uuid.uuid4()) for state in ("requested", "pending", "processed", "failed")}
    for state, id in refunds.items():
        await database.execute(
            "INSERT INTO payments_refund (id, payment_id, origin, state, amount, currency, created_at)"
            " VALUES ($1, $2, 'requested', $3, 1, 'INR', now())",
            id,
            payment,
            state,
        )
    assert not {*refunds.values()} & {*await feature.sweep.publish_refunds(clock.now())}
    due = {*await feature.sweep.publish_refunds(clock.now() + timedelta(minutes=16))}
    assert due & {*refunds.values()} == {refunds["requested"], refunds["pending"]}
