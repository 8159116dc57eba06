"""Payments that come late, twice, or for what is gone: the place is bought, or the money goes back, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import asyncpg

from gateway import clock
from ksmp_testkit import Caller, Running
from ksmp_testkit.answers import done
from modules.payments.checkout.expiry import EXPIRE
from modules.payments.events import OrderDue
from tests.modules.payments.checkout.test_orders import coupon
from tests.modules.payments.razorpay import StandIn
from tests.modules.payments.shop import ORDERS, PRICE, Shop, shop
from tests.modules.programs.programs import ANY, user

BOOKS = """
    SELECT account, sum(amount)::bigint AS amount FROM payments_ledger_entry
    JOIN payments_ledger_transaction AS posted ON posted.id = transaction_id
    WHERE order_id = $1 GROUP BY account HAVING sum(amount) <> 0
"""
REFUNDS = """
    SELECT refund.origin, refund.amount FROM payments_refund AS refund
    JOIN payments_payment AS payment ON payment.id = payment_id WHERE order_id = $1
"""


async def handled(node: Running, razorpay: StandIn) -> None:
    """Everything that Razorpay has told is settled."""
    await razorpay.settle()
    await node.events_handled("payments.webhook")


async def expired(node: Running, order: str) -> None:
    """The order's time is over, and Razorpay had nothing to say."""
    await node.fire_timer(EXPIRE, order)
    await node.events_handled("payments.check_order")
    await node.fire_timer(EXPIRE, order)


async def attempts(one: Shop, who: str, order: str) -> list[tuple[str, bool]]:
    return [(it["state"], it["captured"]) for it in (await one.read(who, order))["payments"]]


async def test_bp_an_attempt_fails_and_the_next_one_pays(node: Running, caller: Caller, razorpay: StandIn) -> None:
    """ORD-02, ORD-03: in India an order takes as many attempts as the payer makes."""
    one, ann = await shop(caller, razorpay), user()
    made = await one.ordered(ann)
    await razorpay.pay(made["vendor_order_id"], outcome="failure")
    await handled(node, razorpay)
    assert (await one.read(ann, made["order"]["id"]))["state"] == "open"
    assert await attempts(one, ann, made["order"]["id"]) == [("failed", False)]
    # The same checkout goes on.
    assert (await one.ordered(ann))["vendor_order_id"] == made["vendor_order_id"]
    await razorpay.pay(made["vendor_order_id"])
    await one.is_(ann, made["order"]["id"], "paid")
    await one.gets_place(ann)


async def test_fault_2_failed_then_captured_days_later(node: Running, caller: Caller, razorpay: StandIn) -> None:
    """BP-06, fault 2: a payment that failed is authorized when the bank answers at last, and pays the order."""
    one, ann = await shop(caller, razorpay), user()
    made = await one.ordered(ann)
    order = made["order"]["id"]
    await razorpay.pay(made["vendor_order_id"], outcome="late_after_failure", after=86_400.0)
    await handled(node, razorpay)
    assert await attempts(one, ann, order) == [("failed", False)]
    await razorpay.advance(86_401.0)
    await one.is_(ann, order, "paid")
    await one.gets_place(ann)


async def test_money_that_a_bank_holds_is_taken(node: Running, caller: Caller, razorpay: StandIn) -> None:
    """With manual capture an authorized payment waits for us, and goes back by itself when nobody takes it.

    Practice "capture inside your capture window".
    """
    one, ann = await shop(caller, razorpay), user()
    await razorpay.settings(capture="manual")
    made = await one.ordered(ann)
    paid = await razorpay.pay(made["vendor_order_id"])
    assert done(await one.verify(ann, paid))["state"] in ("confirming", "paid")
    await node.events_handled("payments.capture")
    await one.is_(ann, made["order"]["id"], "paid")
    assert (await razorpay.books())["totals"]["captured"] == PRICE


async def test_money_that_a_bank_holds_is_taken_by_a_comparison_too(
    node: Running, caller: Caller, razorpay: StandIn
) -> None:
    """The webhook of the authorization is lost, or the listener gave up while Razorpay was away for long."""
    one, ann = await shop(caller, razorpay), user()
    await razorpay.settings(capture="manual")
    await razorpay.no_webhooks()
    made = await one.ordered(ann)
    await razorpay.pay(made["vendor_order_id"], closed=True)
    await node.publish_event(OrderDue(made["order"]["id"]))
    await one.is_(ann, made["order"]["id"], "paid")
    await one.gets_place(ann)


async def test_an_authorized_payment_holds_the_order_while_razorpay_is_away(
    node: Running, caller: Caller, razorpay: StandIn
) -> None:
    one, ann, ben = await shop(caller, razorpay, capacity=1), user(), user()
    code = await coupon(caller, one.program, limit_total=1)
    await razorpay.settings(capture="manual")
    made = await one.ordered(ann, coupon=code)
    order = made["order"]["id"]
    await razorpay.faults(operations={"razorpay.CapturePayment": {"error": "html"}})
    await razorpay.pay(made["vendor_order_id"])
    await one.is_(ann, order, "confirming")
    # Its time is over, and the order, its place and its coupon are held all the same.
    await node.fire_timer(EXPIRE, order)
    assert (await one.read(ann, order))["state"] == "confirming"
    (again,) = [one for one in await node.timers("payments.expire") if one.key == order]
    assert again.at - clock.now() > timedelta(days=2)
    assert (await one.order(ben)).json()["code"] == "payments.not_for_sale"
    await razorpay.faults()
    await one.is_(ann, order, "paid")


async def test_an_order_expires_and_its_coupon_is_free(node: Running, caller: Caller, razorpay: StandIn) -> None:
    one, ann, ben = await shop(caller, razorpay), user(), user()
    code = await coupon(caller, one.program, limit_total=1)
    made = await one.ordered(ann, coupon=code)
    await expired(node, made["order"]["id"])
    assert (await one.read(ann, made["order"]["id"]))["state"] == "expired"
    await one.ordered(ben, coupon=code)
    # Another order of the same user is a new one.
    assert (await one.ordered(ann))["order"]["id"] != made["order"]["id"]


async def test_fault_12_a_lost_webhook_is_found_before_an_order_expires(
    node: Running, caller: Caller, razorpay: StandIn
) -> None:
    """Fault 12: Razorpay disables a webhook after a day of failures: it is asked before an order expires."""
    one, ann = await shop(caller, razorpay), user()
    await razorpay.no_webhooks()
    made = await one.ordered(ann)
    await razorpay.pay(made["vendor_order_id"], closed=True)
    await node.fire_timer(EXPIRE, made["order"]["id"])
    await one.is_(ann, made["order"]["id"], "paid")
    await one.gets_place(ann)


async def test_fault_10_captured_after_the_checkout_expired(
    node: Running, caller: Caller, razorpay: StandIn, database: asyncpg.Pool
) -> None:
    """Fault 10, flexprice#2230: the late money buys the place, once, and the coupon counts again."""
    one, ann, ben = await shop(caller, razorpay), user(), user()
    code = await coupon(caller, one.program, limit_total=1)
    made = await one.ordered(ann, coupon=code)
    order = made["order"]["id"]
    await expired(node, order)
    # Another has the last use meanwhile; who has paid is not refused for it.
    await one.ordered(ben, coupon=code)
    await razorpay.pay(made["vendor_order_id"])
    await one.is_(ann, order, "paid")
    await one.gets_place(ann)
    used = await database.fetchval("SELECT used FROM payments_coupon WHERE code = $1", code)
    assert used == 2


async def test_captured_for_a_place_that_is_gone(
    node: Running, caller: Caller, razorpay: StandIn, database: asyncpg.Pool
) -> None:
    """Programs refuses the place, and whoever refunds is told once."""
    one, ann, ben = await shop(caller, razorpay, capacity=1), user(), user()
    first = await one.ordered(ann)
    done(await caller(ann).post(f"{ORDERS}/{first['order']['id']}/cancel"))
    second = await one.ordered(ben)
    await razorpay.pay(second["vendor_order_id"])
    await one.gets_place(ben)
    # The first payer's page was still open.
    await razorpay.pay(first["vendor_order_id"])
    await handled(node, razorpay)
    await node.events_handled("programs.paid")
    assert not await one.has_place(ann)
    refused = await database.fetchval(
        "SELECT count(*) FROM outbox WHERE destination = 'programs.PlaceRefused' AND body->>'user_id' = $1", ann
    )
    assert refused == 1


async def test_fault_9_two_tabs_pay_the_same_order(
    node: Running, caller: Caller, razorpay: StandIn, database: asyncpg.Pool
) -> None:
    """Razorpay refunds the second payment unasked, `captured: false`: it is no revenue, and no refund of ours.

    BP-08, fault 9.
    """
    one, ann = await shop(caller, razorpay), user()
    made = await one.ordered(ann)
    order = made["order"]["id"]
    paid = await razorpay.pay(made["vendor_order_id"], times=2)
    await handled(node, razorpay)
    detail = await one.is_(ann, order, "paid")
    assert sorted(await attempts(one, ann, order)) == [("captured", True), ("refunded", False)]
    assert (detail["refunded"], len(paid["payments"])) == (0, 2)
    assert [tuple(row) for row in await database.fetch(REFUNDS, order)] == [("vendor", PRICE)]
    books: dict[str, Any] = {row["account"]: row["amount"] for row in await database.fetch(BOOKS, order)}
    totals = (await razorpay.books())["totals"]
    assert books["receivable"] == totals["captured"] - totals["fees"]
    assert books["revenue"] == -PRICE


async def test_a_link_or_an_answer_that_was_lost_is_found_by_the_receipt(
    node: Running, caller: Caller, razorpay: StandIn, database: asyncpg.Pool
) -> None:
    """The row does not know Razorpay's order: its payment waits, and `order.paid` says whose it is."""
    one, ann = await shop(caller, razorpay), user()
    made = await one.ordered(ann)
    order = made["order"]["id"]
    lost = "UPDATE payments_order SET vendor_order_id = NULL, state = 'created' WHERE id = $1"
    await database.execute(lost, order)
    await razorpay.webhook(node.url, events=["payment.captured"])
    paid = await razorpay.pay(made["vendor_order_id"])
    await handled(node, razorpay)
    waiting = "SELECT order_id FROM payments_payment WHERE id = $1"
    assert await database.fetchval(waiting, paid["razorpay_payment_id"]) is None
    await node.publish_event(OrderDue(order))
    await one.is_(ann, order, "paid")
    await one.gets_place(ann)


async def test_a_price_that_changes_is_not_asked_of_who_has_ordered(
    node: Running, caller: Caller, razorpay: StandIn
) -> None:
    one, ann = await shop(caller, razorpay), user()
    made = await one.ordered(ann)
    done(await caller("root", "admin").patch(one.path, json={"price": 2 * PRICE}, headers=ANY))
    await razorpay.pay(made["vendor_order_id"])
    await one.gets_place(ann)
    assert (await one.is_(ann, made["order"]["id"], "paid"))["amount"] == PRICE


async def test_a_dashboard_refund_takes_the_place(
    node: Running, caller: Caller, razorpay: StandIn, database: asyncpg.Pool
) -> None:
    """Somebody refunds in Razorpay's dashboard: the books and the place follow."""
    one, ann = await shop(caller, razorpay), user()
    made = await one.ordered(ann)
    order = made["order"]["id"]
    paid = await razorpay.pay(made["vendor_order_id"])
    await one.gets_place(ann)
    answer = await razorpay.http.post(
        f"/razorpay/v1/payments/{paid['razorpay_payment_id']}/refund",
        json={"amount": PRICE},
        auth=("rzp_test_ksmp", "ksmp-test-secret"),
    )
    assert answer.status_code == 200, answer.text
    assert (await one.is_(ann, order, "refunded"))["refunded"] == PRICE
    await node.events_handled("programs.refunded")
    assert not await one.has_place(ann)
    books = {row["account"]: row["amount"] for row in await database.fetch(BOOKS, order)}
    assert books["revenue"] + books["refunds"] == 0
