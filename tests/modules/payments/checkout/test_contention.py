"""Users who order, cancel, pay, verify, refund and leave at the same moment: no deadlock, and no lost money."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import asyncpg

from ksmp_testkit import Caller, Running
from modules.payments.events import OrderDue
from tests.modules.payments.checkout.test_late_payments import handled
from tests.modules.payments.checkout.test_orders import coupon
from tests.modules.payments.razorpay import StandIn
from tests.modules.payments.shop import ORDERS, Shop, shop
from tests.modules.programs.programs import user

ACTS = 12
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
# What the books say that Razorpay holds, of these orders and whoever's fees.
RECEIVABLE = """
    SELECT coalesce(sum(entry.amount), 0)::bigint FROM payments_ledger_entry AS entry
    JOIN payments_ledger_transaction AS posted ON posted.id = transaction_id
    JOIN payments_order AS ordered ON ordered.id = order_id
    WHERE program_id = ANY($1) AND account = 'receivable'
"""
WRONG = """
    SELECT code FROM payments_coupon AS coupon WHERE code = ANY($1)
        AND used <> (SELECT count(*) FROM payments_coupon_use WHERE coupon_id = coupon.id)
"""


async def acts(node: Running, caller: Caller, shops: list[Shop], who: str, codes: list[str], seed: int) -> set[int]:
    """What this user does; the statuses of the answers."""
    choose, seen = random.Random(seed), set()
    orders: list[dict[str, Any]] = []
    for _ in range(ACTS):
        one = choose.choice(shops)
        act = choose.choice(("order", "order", "order", "pay", "pay", "cancel", "check", "refund", "leave"))
        if act == "order":
            answer = await one.order(who, coupon=choose.choice(codes))
            if answer.status_code == 201:
                orders.append(answer.json())
        elif not orders:
            continue
        else:
            made = choose.choice(orders)
            id = made["order"]["id"]
            if act == "pay":
                paid = await one.razorpay.http.post(
                    "/_devcloud/razorpay/pay", json={"order_id": made["vendor_order_id"]}
                )
                if paid.status_code != 200 or "razorpay_signature" not in paid.json():
                    continue
                answer = await one.verify(who, paid.json())
            elif act == "cancel":
                answer = await caller(who).post(f"{ORDERS}/{id}/cancel")
            elif act == "check":
                await node.publish_event(OrderDue(id))
                continue
            elif act == "refund":
                answer = await caller("root", "admin").post(
                    f"{ORDERS}/{id}/refunds",
                    json={"reason": "asked", "amount": choose.randint(1, 20_000)},
                    headers={"Idempotency-Key": f"refund-{choose.getrandbits(64):x}"},
                )
            else:
                answer = await caller(who).delete(f"{one.path}/enrolment")
        seen.add(answer.status_code)
    return seen


async def test_nobody_waits_in_a_circle(
    node: Running, caller: Caller, razorpay: StandIn, database: asyncpg.Pool
) -> None:
    shops = [await shop(caller, razorpay, capacity=capacity) for capacity in (None, 5, None)]
    codes = [
        "",
        *[await coupon(caller, shops[0].program, program_id=None, limit_total=8, value=v) for v in (1000, 2000)],
    ]
    before = await database.fetchval(DEADLOCKS)
    users = [user() for _ in range(20)]
    answers = await asyncio.gather(
        *(acts(node, caller, shops, who, codes, seed) for seed, who in enumerate(users)), razorpay.settle()
    )
    for _ in range(3):
        await handled(node, razorpay)
        await node.events_handled(
            "programs.paid", "payments.place_refused", "payments.place_given_back", "payments.send_refund"
        )
    assert {status for seen in answers if seen for status in seen} <= {200, 201, 204, 400, 404, 409, 429}
    assert await database.fetch(WRONG, codes) == []
    totals = (await razorpay.books())["totals"]
    assert totals["captured"] > 0
    assert await database.fetchval(RECEIVABLE, [one.program for one in shops]) == totals["net"]
    assert await database.fetchval(DEADLOCKS) == before
