"""What payments holds on a user, what goes when they are deleted, and what other modules may ask."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg

from gateway import clock
from ksmp_testkit import Caller, Running, eventually
from modules.payments import facade
from modules.payments.module import PaymentsModule
from tests.modules.payments.checkout.test_orders import coupon
from tests.modules.payments.razorpay import StandIn
from tests.modules.payments.shop import PRICE, shop
from tests.modules.programs.programs import user


async def test_the_books_stay_and_what_was_never_paid_goes(
    node: Running, caller: Caller, razorpay: StandIn, database: asyncpg.Pool
) -> None:
    one, other, ann = await shop(caller, razorpay), await shop(caller, razorpay), user()
    billing = {"billing_name": "Ann Rao", "billing_address": "1 Lake Road"}
    paid, unpaid = await one.ordered(ann, **billing), await other.ordered(ann, **billing)
    await razorpay.pay(paid["vendor_order_id"])
    await one.gets_place(ann)
    module = node.module(PaymentsModule)
    held = await module.export(ann)
    assert {order["id"] for order in held["orders"]} == {paid["order"]["id"], unpaid["order"]["id"]}
    assert [it["order_id"] for it in held["payments"]] == [paid["order"]["id"]]
    assert await module.export(user()) == {}
    for _ in range(2):
        async with node.gateway.database.transaction():
            assert await module.forget(ann) == ()
    rows = await database.fetch("SELECT id, state, billing_name FROM payments_order WHERE user_id = $1", ann)
    assert {row["id"]: (row["state"], row["billing_name"]) for row in rows} == {
        paid["order"]["id"]: ("paid", "Ann Rao"),
        unpaid["order"]["id"]: ("cancelled", ""),
    }


async def test_a_deletion_and_an_order_that_expires_do_not_deadlock(
    node: Running, caller: Caller, razorpay: StandIn, database: asyncpg.Pool
) -> None:
    """Both lock orders and their coupon: all orders come first."""
    one, other, ann = await shop(caller, razorpay), await shop(caller, razorpay), user()
    code = await coupon(caller, one.program, program_id=None)
    orders = [(await it.ordered(ann, coupon=code))["order"]["id"] for it in (one, other)]

    async def forget() -> None:
        async with node.gateway.database.transaction():
            await node.module(PaymentsModule).forget(ann)

    async def waits() -> bool:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE $1::int = ANY(pg_blocking_pids(pid))"
        return bool(await database.fetchval(waiting, expiring.get_server_pid()))

    async with database.acquire() as expiring, expiring.transaction():
        await expiring.execute("SELECT FROM payments_order WHERE id = $1 FOR NO KEY UPDATE", max(orders))
        deletion = asyncio.create_task(forget())
        await eventually(waits, "the deletion waits for the order")
        await expiring.execute("UPDATE payments_coupon SET used = used WHERE code = $1", code)
    await deletion
    assert await database.fetchval("SELECT used FROM payments_coupon WHERE code = $1", code) == 0


async def test_what_other_modules_may_ask(node: Running, caller: Caller, razorpay: StandIn) -> None:
    one, ann, ben = await shop(caller, razorpay), user(), user()
    paid = await one.ordered(ann)
    await one.ordered(ben)
    await razorpay.pay(paid["vendor_order_id"], outcome="failure_then_success")
    detail = await one.is_(ann, paid["order"]["id"], "paid")
    database, now = node.gateway.database, clock.now()
    hour = timedelta(hours=1)
    assert await facade.sales(database, now - hour, now + hour, one.program) == facade.Sales(2, 1, 2, 1)
    assert await facade.sales(database, now + hour, now + 2 * hour) == facade.Sales(0, 0, 0, 0)
    (payment,) = [it["id"] for it in detail["payments"] if it["captured"]]
    found = await facade.paid_order(database, payment)
    assert found == facade.PaidOrder(paid["order"]["id"], one.program, ann, ann, PRICE, 0, "INR")
    assert await facade.paid_order(database, "pay_nobodys") is None
