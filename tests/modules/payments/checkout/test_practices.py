"""Razorpay's practices that no other test is about; `modules/payments/PRACTICES.md` says which test is about which."""

from __future__ import annotations

import asyncio

import asyncpg
import httpx

from ksmp_testkit import Caller, Running
from ksmp_testkit.answers import done, refused
from tests.modules.payments.checkout.test_late_payments import handled
from tests.modules.payments.razorpay import StandIn
from tests.modules.payments.shop import ORDERS, shop
from tests.modules.payments.webhooks.test_webhooks import CAPTURED, body_of, captured, sent
from tests.modules.programs.programs import user


async def test_the_webhook_alone_gives_the_place_and_the_callback_alone_does_not(
    node: Running, caller: Caller, razorpay: StandIn
) -> None:
    """BP-01: a closed tab costs nobody their place, and a good signature of money that is not captured gives none."""
    one, ann, ben = await shop(caller, razorpay), user(), user()
    await razorpay.pay((await one.ordered(ann))["vendor_order_id"], closed=True)
    await one.gets_place(ann)
    await razorpay.settings(capture="manual")
    await razorpay.faults(operations={"razorpay.CapturePayment": {"error": "html"}})
    paid = await razorpay.pay((await one.ordered(ben))["vendor_order_id"])
    assert done(await one.verify(ben, paid))["state"] == "confirming"
    await handled(node, razorpay)
    assert not await one.has_place(ben)
    await razorpay.faults()
    await one.gets_place(ben)


async def test_old_and_repeated_webhooks_do_not_move_a_paid_order_back(
    node: Running, http: httpx.AsyncClient, caller: Caller, razorpay: StandIn, database: asyncpg.Pool
) -> None:
    """BP-03, BP-10: what was told before comes after it, and again, each with an id of its own."""
    one, ann = await shop(caller, razorpay), user()
    await razorpay.no_webhooks()
    made = await one.ordered(ann)
    order, payment = made["order"]["id"], captured(made["vendor_order_id"])
    assert (await sent(http, body_of("payment.captured", payment=payment))).status_code == 200
    await one.is_(ann, order, "paid")
    before = payment | {"captured": False, "fee": None, "tax": None}
    for number, status in enumerate(("authorized", "failed", "captured", "failed")):
        entity = payment if status == "captured" else before | {"status": status}
        answer = await sent(
            http, body_of(f"payment.{status}", payment=entity), **{"X-Razorpay-Event-Id": f"{order}-{number}"}
        )
        assert answer.status_code == 200
    await node.events_handled("payments.webhook")
    found = await one.read(ann, order)
    assert (found["state"], [(it["state"], it["captured"]) for it in found["payments"]]) == (
        "paid",
        [("captured", True)],
    )
    assert await database.fetchval(CAPTURED, order) == 1


async def test_a_webhook_is_answered_while_its_order_is_locked(
    http: httpx.AsyncClient, caller: Caller, razorpay: StandIn, database: asyncpg.Pool
) -> None:
    """BP-11: 200 within 5 s, whatever handling it waits for."""
    one, ann = await shop(caller, razorpay), user()
    await razorpay.no_webhooks()
    made = await one.ordered(ann)
    order = made["order"]["id"]
    async with database.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM payments_order WHERE id = $1 FOR UPDATE", order)
        async with asyncio.timeout(5):
            answer = await sent(http, body_of("payment.captured", payment=captured(made["vendor_order_id"])))
        assert answer.status_code == 200
        assert (await one.read(ann, order))["state"] == "open"
    await one.is_(ann, order, "paid")


async def test_what_is_paid_is_not_offered_again(caller: Caller, razorpay: StandIn) -> None:
    """Practice "disable the pay button once an order is paid": the server refuses it too."""
    one, ann = await shop(caller, razorpay), user()
    made = await one.ordered(ann)
    await razorpay.pay(made["vendor_order_id"])
    await one.gets_place(ann)
    refused(await one.order(ann), 409, "payments.not_for_sale")
    refused(await caller(ann).post(f"{ORDERS}/{made['order']['id']}/cancel"), 409, "payments.order_closed")
