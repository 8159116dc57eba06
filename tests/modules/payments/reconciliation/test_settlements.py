"""Settlements: compared with our rows line by line, posted to the books, and what differs waits for a person."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import asyncpg

from gateway import clock
from ksmp_testkit import Caller, Running
from ksmp_testkit.answers import done
from ksmp_testkit.eventually import eventually
from modules.payments.reconciliation.feature import ReconciliationFeature
from modules.payments.reconciliation.settlements import Compared
from tests.modules.payments.razorpay import StandIn
from tests.modules.payments.reconciliation.sales import AUTH, Sale, differences, paid, sale, settled
from tests.modules.programs.programs import user

RESOLVE = "/api/v1/payments/differences/{}/resolve"
RECEIVABLE = """
    SELECT coalesce(sum(amount), 0) FROM payments_ledger_entry JOIN payments_ledger_transaction ON id = transaction_id
    WHERE account = 'receivable' AND (order_id = ANY($1) OR kind = 'settlement' AND reference = $2)
"""


async def owed(database: asyncpg.Pool[Any], settlement: str, *sales: Sale) -> int:
    """What Razorpay owes us for these orders after the settlement."""
    return int(await database.fetchval(RECEIVABLE, [one.order for one in sales], settlement))


async def test_a_settlement_that_agrees_is_posted_once_and_nothing_is_owed(
    caller: Caller, razorpay: StandIn, feature: ReconciliationFeature, database: asyncpg.Pool[Any]
) -> None:
    """SETL-01: a settlement is processed."""
    sales = [await paid(caller, razorpay) for _ in range(3)]
    day, made = await settled(razorpay)
    for _ in range(2):
        assert await feature.settlements.compare(day) == Compared(lines=3, settlements=1)
    posted = await database.fetch("SELECT kind FROM payments_ledger_transaction WHERE reference = $1", made["id"])
    assert [row["kind"] for row in posted] == ["settlement"]
    assert await owed(database, made["id"], *(one for one, _ in sales)) == 0
    rows = await database.fetch(
        "SELECT entity_id, order_id FROM payments_settlement_item WHERE settlement_id = $1", made["id"]
    )
    assert {(row["entity_id"], row["order_id"]) for row in rows} == {(payment, one.order) for one, payment in sales}
    assert not any([await differences(database, payment) for _, payment in sales])


async def test_payments_and_refunds_of_which_every_word_was_lost_are_found(
    caller: Caller, razorpay: StandIn, feature: ReconciliationFeature, database: asyncpg.Pool[Any]
) -> None:
    """Fault 12. Somebody has refunded in Razorpay's dashboard, too."""
    kept, (given_back, payment), lost = await paid(caller, razorpay), await paid(caller, razorpay), await sale(caller)
    await razorpay.no_webhooks()
    await razorpay.pay(lost.vendor_order, closed=True)
    answer = await razorpay.http.post(f"/razorpay/v1/payments/{payment}/refund", json={"amount": 118_000}, auth=AUTH)
    assert answer.status_code == 200, answer.text
    day, made = await settled(razorpay)
    compared = await feature.settlements.compare(day)
    assert (compared.lines, compared.healed, compared.differences) == (4, 2, 0)
    await lost.becomes("paid")
    await lost.enrolled()
    await given_back.becomes("refunded")
    assert await owed(database, made["id"], kept[0], given_back, lost) == 0
    assert await feature.settlements.compare(day) == Compared(lines=4, settlements=1)


async def test_another_fee_is_a_difference_that_a_person_resolves_once(
    caller: Caller, razorpay: StandIn, feature: ReconciliationFeature, database: asyncpg.Pool[Any]
) -> None:
    sold, payment = await paid(caller, razorpay)
    day, _ = await settled(razorpay)
    fee = await database.fetchval("UPDATE payments_payment SET fee = fee + 5 WHERE id = $1 RETURNING fee", payment)
    assert (await feature.settlements.compare(day)).differences == 1
    assert (await feature.settlements.compare(day)).differences == 0
    assert await differences(database, payment) == {"settled_fee": (str(fee), str(fee - 5), None)}
    id = await database.fetchval("SELECT id FROM payments_difference WHERE subject = $1", payment)
    admin = caller(who := user(), "admin")
    resolved = done(await admin.post(RESOLVE.format(id), json={"note": "Seen with the bank."}))
    assert (resolved["order_id"], resolved["resolved_by"], resolved["rev"]) == (sold.order, who, 2)
    # Who resolved it has decided about these values, and about no others.
    assert (await feature.settlements.compare(day)).differences == 0
    await database.execute("UPDATE payments_payment SET fee = fee + 1 WHERE id = $1", payment)
    assert (await feature.settlements.compare(day)).differences == 1
    # Once both agree it is over.
    await database.execute("UPDATE payments_payment SET fee = fee - 6 WHERE id = $1", payment)
    assert (await feature.settlements.compare(day)).differences == 0
    assert (await differences(database, payment))["settled_fee"][2] == "the reconciliation"


async def test_a_payment_of_no_order_of_ours_is_a_difference(
    caller: Caller, razorpay: StandIn, feature: ReconciliationFeature, database: asyncpg.Pool[Any]
) -> None:
    made = await razorpay.http.post(
        "/razorpay/v1/orders", json={"amount": 5_000, "currency": "INR", "receipt": uuid.uuid4().hex}, auth=AUTH
    )
    payment = (await razorpay.pay(made.json()["id"], closed=True))["payments"][0]["id"]
    day, settlement = await settled(razorpay)
    assert (await feature.settlements.compare(day)).differences == 1
    assert (await differences(database, payment))["settled_unknown"][1:] == ("5000 INR", None)
    # The money came all the same: the books have it.
    posted = "SELECT count(*) FROM payments_ledger_transaction WHERE kind = 'settlement' AND reference = $1"
    assert await database.fetchval(posted, settlement["id"]) == 1


async def test_a_payment_in_no_settlement_is_a_difference_until_it_comes(
    caller: Caller, razorpay: StandIn, feature: ReconciliationFeature, database: asyncpg.Pool[Any]
) -> None:
    sold, payment = await paid(caller, razorpay)
    await feature.settlements.missing(clock.now() + timedelta(days=6))
    assert await differences(database, payment) == {}
    await feature.settlements.missing(clock.now() + timedelta(days=8))
    assert await differences(database, payment) == {"not_settled": ("118000 INR", "", None)}
    day, _ = await settled(razorpay)
    assert (await feature.settlements.compare(day)).differences == 0
    assert await differences(database, payment) == {"not_settled": ("118000 INR", "", "the reconciliation")}
    assert await sold.state() == "paid"


async def test_the_webhook_of_a_settlement_compares_its_day(
    caller: Caller, razorpay: StandIn, node: Running, database: asyncpg.Pool[Any]
) -> None:
    await paid(caller, razorpay)
    _, made = await settled(razorpay)
    await razorpay.settle()

    async def kept() -> Any:
        return await database.fetchval("SELECT state FROM payments_settlement WHERE id = $1", made["id"])

    await eventually(kept, "the settlement is compared")
    await node.events_handled("payments.compare_settlements")
    assert await kept() == "processed"


async def test_each_day_is_compared_once_a_day(feature: ReconciliationFeature, database: asyncpg.Pool[Any]) -> None:
    async def claimed() -> list[Any]:
        rows = await database.fetch("SELECT day, claimed_at FROM payments_settlement_day ORDER BY day")
        return [tuple(row) for row in rows]

    later = clock.now() + timedelta(days=400)
    await feature.sweep.publish_days(later)
    first = await claimed()
    assert len([day for day, at in first if at == later]) == 7
    await feature.sweep.publish_days(later + timedelta(seconds=1))
    assert await claimed() == first
    await feature.sweep.publish_days(later + timedelta(days=1))
    assert len([day for day, at in await claimed() if at == later + timedelta(days=1)]) == 7
