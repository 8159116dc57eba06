"""What an operator is told: silent webhooks, differences, success rates, and what is stuck."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from gateway import clock
from ksmp_testkit import Caller, Running
from ksmp_testkit.answers import done, refused
from modules.payments import facade
from modules.payments.reconciliation import metrics
from modules.payments.reconciliation.differences import Differences
from modules.payments.reconciliation.feature import ReconciliationFeature
from tests.modules.payments.razorpay import StandIn
from tests.modules.payments.reconciliation.sales import differences, paid, sale
from tests.modules.programs.programs import id_of, user

DIFFERENCES = "/api/v1/payments/differences"


async def test_silent_webhooks_raise_an_alarm_that_ends_with_the_next_one(
    caller: Caller, razorpay: StandIn, feature: ReconciliationFeature, database: asyncpg.Pool[Any]
) -> None:
    """BP-04, fault 12: Razorpay switches a webhook off after a day of failures, and nobody notices."""
    await paid(caller, razorpay)
    await razorpay.settle()
    assert not await feature.silence.check(clock.now() + timedelta(days=1))
    lost = await sale(caller)
    await razorpay.no_webhooks()
    await razorpay.pay(lost.vendor_order, closed=True)
    assert await feature.orders.compare(lost.order)
    assert not await feature.silence.check(clock.now() + timedelta(minutes=25))
    assert await feature.silence.check(clock.now() + timedelta(minutes=35))
    assert await feature.silence.check(clock.now() + timedelta(minutes=36))
    assert 1800 < metrics.webhook_silence._value.get() < 2400
    assert (await differences(database, "razorpay"))["webhook_silence"][2] is None
    await database.execute(
        "INSERT INTO payments_webhook (id, event, body, received_at) VALUES ($1, 'x', '', now())", uuid.uuid4().hex
    )
    assert not await feature.silence.check(clock.now() + timedelta(days=1))
    assert metrics.webhook_silence._value.get() == 0
    assert (await differences(database, "razorpay"))["webhook_silence"][2] == "the reconciliation"


async def test_only_admins_see_and_resolve_differences(
    caller: Caller, feature: ReconciliationFeature, node: Any
) -> None:
    subject, found = f"pay_{user()}", Differences(node.gateway.database)
    assert await found.note("mismatch", subject, "for a test", ours="1", theirs="2")
    assert not await found.note("mismatch", subject, "for a test", ours="1", theirs="2")
    admin = caller(user(), "admin")
    page = done(await admin.get(f"{DIFFERENCES}?open=true&kind=mismatch"))
    (one,) = [item for item in page["items"] if item["subject"] == subject]
    resolve = f"{DIFFERENCES}/{one['id']}/resolve"
    for other in (caller(user()), caller(user(), "mentor")):
        refused(await other.get(DIFFERENCES), 403, "forbidden")
        refused(await other.post(resolve, json={"note": "mine"}), 403, "forbidden")
    refused(await caller().get(DIFFERENCES), 401, "unauthenticated")
    refused(await admin.post(resolve, json={"note": "\u200b"}), 400, "invalid")
    refused(await admin.post(f"{DIFFERENCES}/{user()}/resolve", json={"note": "x"}), 404, "not_found")
    assert done(await admin.post(resolve, json={"note": "Paid in cash."}))["note"] == "Paid in cash."
    refused(await admin.post(resolve, json={"note": "again"}), 409, "conflict")
    closed = done(await admin.get(f"{DIFFERENCES}?open=false&kind=mismatch"))
    assert subject in [item["subject"] for item in closed["items"]]
    assert subject not in [item["subject"] for item in done(await admin.get(f"{DIFFERENCES}?open=true"))["items"]]


async def test_the_gauges_say_what_an_operator_divides(
    caller: Caller, razorpay: StandIn, feature: ReconciliationFeature, database: asyncpg.Pool[Any], node: Running
) -> None:
    async def read() -> dict[str, float]:
        await feature.sweep.look(clock.now())
        return {
            "paid": metrics.orders.labels("paid")._value.get(),
            "unpaid": metrics.orders.labels("unpaid")._value.get(),
            "captured": metrics.attempts.labels("captured")._value.get(),
            "failed": metrics.attempts.labels("failed")._value.get(),
            "stuck": metrics.unfinished.labels("orders", "3600")._value.get(),
        }

    before, measured = await read(), metrics.time_to_capture._sum.get()
    sold, failed, stuck = await sale(caller), await sale(caller), await sale(caller)
    await razorpay.pay(sold.vendor_order, outcome="failure_then_success", closed=True)
    await razorpay.pay(failed.vendor_order, outcome="failure", closed=True)
    await razorpay.settle()
    await sold.becomes("paid")
    for one in (sold, failed):
        await feature.orders.compare(one.order)
    await database.execute("UPDATE payments_order SET state = 'expired' WHERE id = $1", failed.order)
    await database.execute(
        "UPDATE payments_order SET created_at = now() - interval '2 hours', expires_at = now() WHERE id = $1",
        stuck.order,
    )
    after = await read()
    assert {name: after[name] - before[name] for name in after} == {
        "paid": 1,
        "unpaid": 1,
        "captured": 1,
        "failed": 2,
        "stuck": 1,
    }
    assert metrics.last_look._value.get() > 0
    await node.events_handled("payments.time_to_capture")
    assert metrics.time_to_capture._sum.get() > measured


async def test_others_ask_for_sums(caller: Caller, razorpay: StandIn, node: Any) -> None:
    since = clock.now()
    sold, _ = await paid(caller, razorpay)
    until, program = clock.now() + timedelta(seconds=1), id_of(sold.program)
    (revenue,) = await facade.revenue(node.gateway.database, since, until, program)
    assert (revenue.currency, revenue.orders, revenue.paid, revenue.refunded) == ("INR", 1, 118_000, 0)
    assert revenue in await facade.revenue(node.gateway.database, since, until)
    assert await facade.revenue(node.gateway.database, until, until + timedelta(days=1), program) == []
    (count,) = await facade.order_counts(node.gateway.database, since, until, program)
    assert (count.state, count.orders) == ("paid", 1)


@pytest.mark.parametrize("kind", ["settled_fee"])
async def test_an_open_difference_takes_the_newer_values(node: Any, database: asyncpg.Pool[Any], kind: str) -> None:
    subject, found = f"pay_{user()}", Differences(node.gateway.database)
    assert await found.note(kind, subject, "for a test", ours="1", theirs="2")
    assert not await found.note(kind, subject, "for a test", ours="1", theirs="3")
    assert await differences(database, subject) == {kind: ("1", "3", None)}
    await found.agree(kind, subject)
    await found.agree(kind, subject)
    assert await found.note(kind, subject, "for a test", ours="1", theirs="3")
