"""Verification: what a signature proves, and what happens once though many say it at the same time."""

from __future__ import annotations

import asyncio

import asyncpg

from ksmp_testkit import Caller, Clients, MakeGateway, MakeToken, Running
from ksmp_testkit.answers import done, refused
from ksmp_testkit.member import clients_of
from modules.payments.vendor import signatures
from tests.modules.payments.razorpay import KEY_SECRET, StandIn, environ_of
from tests.modules.payments.shop import PRICE, shop
from tests.modules.programs.programs import user

CAPTURED = "SELECT count(*) FROM outbox WHERE destination = 'payments.PaymentCaptured' AND strpos(body::text, $1) > 0"
PAID = "SELECT paid_by FROM payments_order WHERE id = $1"


def signed(order_id: str, payment_id: str) -> dict[str, str]:
    """What Razorpay would hand over for this order and payment."""
    signature = signatures.sign(f"{order_id}|{payment_id}".encode(), KEY_SECRET)
    return {
        "razorpay_order_id": order_id,
        "razorpay_payment_id": payment_id,
        "razorpay_signature": signature,
    }


async def test_a_verified_payment_buys_the_place(
    caller: Caller, clients: Clients, razorpay: StandIn, database: asyncpg.Pool
) -> None:
    one, ann = await shop(caller, razorpay), user()
    await razorpay.no_webhooks()
    socket = await clients.socket(ann)
    made = await one.ordered(ann)
    order = made["order"]["id"]
    paid = await razorpay.pay(made["vendor_order_id"], method="card")
    for _ in range(2):
        answer = await one.verify(ann, paid)
        assert done(answer)["state"] == "paid"
    await one.gets_place(ann)
    push = await socket.expect(lambda one: one.get("push") == "payments.order" and one["data"]["state"] == "paid")
    assert (push["data"]["id"], push["room"]) == (order, f"user:{ann}")
    assert push["data"]["rev"] <= done(answer)["rev"]
    detail = await one.read(ann, order)
    assert [(it["id"], it["state"], it["amount"]) for it in detail["payments"]] == [
        (paid["razorpay_payment_id"], "captured", PRICE)
    ]
    assert await database.fetchval(CAPTURED, order) == 1


async def test_a_wrong_signature_is_no_proof(caller: Caller, razorpay: StandIn) -> None:
    """BP-02: the signature of the callback."""
    one, ann = await shop(caller, razorpay), user()
    made = await one.ordered(ann)
    good = signed(made["vendor_order_id"], "pay_1")
    for wrong in (good["razorpay_signature"][::-1], "0" * 64, "x"):
        refused(await one.verify(ann, good | {"razorpay_signature": wrong}), 400, "payments.bad_signature")
    refused(await one.verify(ann, good | {"razorpay_signature": "ü" * 64}), 400, "invalid")
    assert (await one.read(ann, made["order"]["id"]))["state"] == "open"


async def test_fault_6_a_good_signature_for_another_or_a_cheaper_order(
    caller: Caller, razorpay: StandIn, database: asyncpg.Pool
) -> None:
    """razorpay-php#122: the order, the user and the amount are those of our row, or nothing is given.

    BP-02, fault 6.
    """
    dear, cheap = await shop(caller, razorpay), await shop(caller, razorpay, price=100)
    ann, mallory = user(), user()
    await razorpay.no_webhooks()
    hers, theirs = await dear.ordered(ann), await dear.ordered(mallory)
    paid = await razorpay.pay(hers["vendor_order_id"])
    # Another user's payment, as it is.
    refused(await dear.verify(mallory, paid), 409, "payments.other_order")
    # A payment of a cheaper order, signed for the dear one: only a stolen key signs that, and Razorpay is asked too.
    small = await cheap.ordered(mallory)
    little = await razorpay.pay(small["vendor_order_id"])
    forged = signed(theirs["vendor_order_id"], little["razorpay_payment_id"])
    refused(await dear.verify(mallory, forged), 409, "payments.other_order")
    # Of no order of ours.
    refused(await dear.verify(mallory, signed("order_unknown", "pay_unknown")), 409, "payments.other_order")
    assert (await dear.read(mallory, theirs["order"]["id"]))["state"] == "open"
    assert not await dear.has_place(mallory)
    noted = await database.fetch(
        "SELECT kind, order_id FROM payments_difference WHERE subject = $1", little["razorpay_payment_id"]
    )
    assert [tuple(row) for row in noted] == [("mismatch", theirs["order"]["id"])]


async def test_while_razorpay_is_away_the_order_is_confirming(
    caller: Caller, razorpay: StandIn, database: asyncpg.Pool
) -> None:
    one, ann = await shop(caller, razorpay), user()
    await razorpay.no_webhooks()
    made = await one.ordered(ann)
    paid = await razorpay.pay(made["vendor_order_id"])
    await razorpay.faults(operations={"razorpay.*": {"error": "html"}})
    assert done(await one.verify(ann, paid))["state"] == "confirming"
    # Nobody pays twice meanwhile, by other terms or after giving up.
    refused(await one.order(ann, billing_name="Ann Ltd"), 409, "payments.order_closed")
    cancelled = await caller(ann).post(f"/api/v1/payments/orders/{made['order']['id']}/cancel")
    refused(cancelled, 409, "payments.order_closed")
    await razorpay.faults()
    # It is asked for again by itself.
    await one.is_(ann, made["order"]["id"], "paid")
    await one.gets_place(ann)


async def test_fault_4_verification_and_webhook_at_the_same_moment_on_two_gateways(
    node: Running,
    gateway: MakeGateway,
    caller: Caller,
    razorpay: StandIn,
    token: MakeToken,
    devcloud: str,
    database: asyncpg.Pool,
) -> None:
    """Fault 4, razorpay-woocommerce#167: whichever is first pays the order, and the other finds it paid."""
    async with (
        gateway(environ=environ_of(devcloud), address_burst=100_000, request_burst=100_000) as other,
        clients_of(other, token) as there,
    ):
        # The webhooks go to one gateway, and the payers' pages to both.
        await razorpay.webhook(other.url)
        one = await shop(caller, razorpay)
        people = [user() for _ in range(8)]
        made = await asyncio.gather(*(one.ordered(who) for who in people))

        async def pay(who: str, vendor_order_id: str) -> None:
            paid = await razorpay.pay(vendor_order_id)
            pages = [one.verify(who, paid), one.verify(who, paid, there.rest)]
            for answer in await asyncio.gather(*pages):
                assert done(answer)["state"] == "paid"

        await asyncio.gather(*(pay(who, it["vendor_order_id"]) for who, it in zip(people, made, strict=True)))
        await razorpay.settle()
        await other.events_handled("payments.webhook")
        for who, it in zip(people, made, strict=True):
            await one.gets_place(who)
            order = it["order"]["id"]
            assert await database.fetchval(CAPTURED, order) == 1
            assert (
                await database.fetchval(
                    "SELECT count(*) FROM payments_ledger_transaction WHERE order_id = $1 AND kind = 'capture'",
                    order,
                )
                == 1
            )
