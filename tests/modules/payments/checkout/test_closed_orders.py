"""Money for orders that were closed before the payment began: no limit of a coupon, and no new price, is got around."""

from __future__ import annotations

import asyncpg

from gateway import clock
from ksmp_testkit import Caller, Running
from ksmp_testkit.answers import done
from modules.payments.module import PaymentsModule
from modules.payments.vendor.entities import VendorPayment, VendorRefund
from tests.modules.payments.checkout.test_late_payments import BOOKS, REFUNDS, expired, handled
from tests.modules.payments.checkout.test_orders import coupon
from tests.modules.payments.razorpay import StandIn
from tests.modules.payments.shop import ORDERS, PRICE, shop
from tests.modules.programs.programs import user


async def test_a_coupon_for_one_is_not_used_by_all_who_order_and_cancel_in_turn(
    node: Running, caller: Caller, razorpay: StandIn, database: asyncpg.Pool
) -> None:
    one, users = await shop(caller, razorpay), [user() for _ in range(3)]
    code = await coupon(caller, one.program, limit_total=1)
    made = []
    for who in users:
        made.append(await one.ordered(who, coupon=code))
        done(await caller(who).post(f"{ORDERS}/{made[-1]['order']['id']}/cancel"))
    # Razorpay's orders can still be paid.
    for order in made:
        await razorpay.pay(order["vendor_order_id"])
        await handled(node, razorpay)
    await node.events_handled("programs.paid")
    await node.events_handled("payments.send_refund")
    await handled(node, razorpay)
    assert [await one.has_place(who) for who in users] == [True, False, False]
    assert await database.fetchval("SELECT used FROM payments_coupon WHERE code = $1", code) == 1
    for who, order in zip(users[1:], made[1:], strict=True):
        id, paid = order["order"]["id"], order["amount"]
        assert [tuple(row) for row in await database.fetch(REFUNDS, id)] == [("extra_payment", paid)]
        assert (await one.read(who, id))["state"] == "cancelled"
    assert (await razorpay.books())["totals"]["refunded"] == sum(order["amount"] for order in made[1:])


async def test_a_coupon_for_once_each_user_is_not_used_for_two_programs(
    node: Running, caller: Caller, razorpay: StandIn, database: asyncpg.Pool
) -> None:
    one, other, ann = await shop(caller, razorpay), await shop(caller, razorpay), user()
    code = await coupon(caller, one.program, program_id=None, limit_user=1)
    first = await one.ordered(ann, coupon=code)
    done(await caller(ann).post(f"{ORDERS}/{first['order']['id']}/cancel"))
    second = await other.ordered(ann, coupon=code)
    await razorpay.pay(second["vendor_order_id"])
    await other.gets_place(ann)
    await razorpay.pay(first["vendor_order_id"])
    await handled(node, razorpay)
    await node.events_handled("programs.paid")
    assert not await one.has_place(ann)
    rows = await database.fetch(REFUNDS, first["order"]["id"])
    assert [tuple(row) for row in rows] == [("extra_payment", first["amount"])]


async def test_an_old_price_is_not_paid_months_later(
    node: Running, caller: Caller, razorpay: StandIn, database: asyncpg.Pool
) -> None:
    one, ann, ben = await shop(caller, razorpay), user(), user()
    late, later = await one.ordered(ann), await one.ordered(ben)
    for made in (late, later):
        await expired(node, made["order"]["id"])
    await razorpay.advance(3600.0)
    await razorpay.pay(late["vendor_order_id"])
    await one.gets_place(ann)
    await razorpay.advance(60 * 86_400.0)
    await razorpay.pay(later["vendor_order_id"])
    await handled(node, razorpay)
    await node.events_handled("programs.paid")
    assert not await one.has_place(ben)
    assert [tuple(row) for row in await database.fetch(REFUNDS, later["order"]["id"])] == [("extra_payment", PRICE)]
    # What is settled again stays as it is.
    await handled(node, razorpay)
    assert (await one.read(ben, later["order"]["id"]))["state"] == "expired"


async def test_what_was_decided_of_a_payment_stays(
    node: Running, caller: Caller, razorpay: StandIn, database: asyncpg.Pool
) -> None:
    """Somebody refunds it in the dashboard before we hear of it. Then the coupon is free again."""
    one, ann, ben = await shop(caller, razorpay), user(), user()
    code = await coupon(caller, one.program, limit_total=1)
    made = await one.ordered(ann, coupon=code)
    id, amount = made["order"]["id"], made["amount"]
    done(await caller(ann).post(f"{ORDERS}/{id}/cancel"))
    other = (await one.ordered(ben, coupon=code))["order"]["id"]
    settlement, now = node.module(PaymentsModule).checkout.settlement, clock.now()
    payment = VendorPayment(
        f"pay_{id}", amount, "INR", "captured", now, order_id=made["vendor_order_id"], captured=True
    )
    async with node.gateway.database.transaction():
        await settlement.apply_refund(VendorRefund(f"rfnd_{id}", payment.id, amount, "INR", "processed", now))
        await settlement.apply_payment(payment)
    done(await caller(ben).post(f"{ORDERS}/{other}/cancel"))
    async with node.gateway.database.transaction():
        await settlement.settle(id)
    assert (await one.read(ann, id))["state"] == "cancelled"
    assert await database.fetchval("SELECT used FROM payments_coupon WHERE code = $1", code) == 0
    assert await database.fetch(BOOKS, id) == []


async def test_money_for_a_user_who_was_deleted_goes_back(
    node: Running, caller: Caller, razorpay: StandIn, database: asyncpg.Pool
) -> None:
    """Their checkout page was still open. Nobody would ever use the place."""
    one, ann = await shop(caller, razorpay), user()
    made = await one.ordered(ann)
    done(await caller("root", "admin").delete(f"/api/v1/users/{ann}"), 204)
    await razorpay.pay(made["vendor_order_id"])
    await handled(node, razorpay)
    await node.events_handled("programs.paid", "payments.place_refused", "payments.send_refund")
    assert await database.fetchval("SELECT count(*) FROM program_enrolment WHERE user_id = $1", ann) == 0
    assert [tuple(row) for row in await database.fetch(REFUNDS, made["order"]["id"])] == [("no_place", PRICE)]
