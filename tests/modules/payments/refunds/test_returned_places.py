"""Refunds that happen by themselves: there was no place, the place was given back, the order was paid already."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from gateway import clock
from gateway.contract import Delivery
from ksmp_testkit.answers import done, refused
from modules.payments.refunds.returned_places import ReturnedPlaces
from modules.payments.states import RefundOrigin
from modules.programs.events import EnrolmentCancelled, PlaceRefused
from tests.modules.programs.programs import id_of, user

from .shop import PAYMENTS, Sale, Shop, key


def listening(shop: Shop) -> ReturnedPlaces:
    return next(one for one in shop.module.features if isinstance(one, ReturnedPlaces))


async def settled(shop: Shop, sale: Sale) -> None:
    for refund in await shop.refunds(sale):
        await shop.look(refund["id"])


async def test_money_that_gets_no_place_goes_back_in_full(shop: Shop) -> None:
    program = await shop.program(capacity=1)
    # Both order while there is a place.
    late = user()
    checkout = await shop.order(program, late)
    first = await shop.sell(program)
    paid = await shop.pay(checkout)
    payment_id = paid["payments"][-1]["id"]
    async with shop.node.gateway.database.transaction():
        await shop.module.checkout.settlement.apply_payment(await shop.razorpay.payment(payment_id))
    await shop.handled()
    sale = Sale(checkout["order"]["id"], payment_id, checkout["vendor_order_id"], late, program)
    (refund,) = await shop.refunds(sale)
    assert (refund["origin"], refund["amount"], refund["reason"]) == ("no_place", 50_000, "The program is full")
    await settled(shop, sale)
    assert (await shop.shown(sale))["state"] == "refunded"
    assert await shop.has_place(first)
    assert not await shop.has_place(sale)
    # Told again and again, it is one refund.
    event = PlaceRefused(id_of(program), late, payment_id, "full")
    await again(shop, event)
    assert len(await shop.at_vendor(sale)) == len(await shop.refunds(sale)) == 1
    assert await shop.balance(sale, "receivable") == await shop.owed(sale)


async def again(shop: Shop, event: PlaceRefused | EnrolmentCancelled, *, at: timedelta = timedelta()) -> None:
    """Programs tells it three times, at the same moment."""
    places = listening(shop)
    delivery = Delivery(id="again", at=clock.now() + at, attempt=2)

    async def tell() -> None:
        async with shop.node.gateway.database.transaction():
            if isinstance(event, PlaceRefused):
                await places.refund_refused(event, delivery)
            else:
                await places.refund_given_back(event, delivery)

    # What programs has told is handled before.
    await shop.node.events_handled("payments.place_refused", "payments.place_given_back")
    await asyncio.gather(*(tell() for _ in range(3)))
    await shop.node.events_handled("payments.send_refund")


async def test_who_leaves_within_the_days_gets_all_of_it(shop: Shop) -> None:
    sale = await shop.sell(await shop.program())
    done(await shop.caller(sale.student).delete(f"{sale.program}/enrolment"), 204)
    await shop.handled()
    (refund,) = await shop.refunds(sale)
    assert (refund["origin"], refund["amount"]) == ("place_given_back", 50_000)
    await settled(shop, sale)
    assert (await shop.shown(sale))["state"] == "refunded"
    await again(shop, EnrolmentCancelled(id_of(sale.program), sale.student, sale.payment_id))
    assert len(await shop.at_vendor(sale)) == 1
    # The place can be bought again, and that payment is another one.
    second = await shop.sell(sale.program, sale.student)
    assert await shop.has_place(second)
    assert await shop.refunds(second) == []


async def test_who_leaves_after_the_days_gets_nothing_by_itself(shop: Shop) -> None:
    sale = await shop.sell(await shop.program())
    event = EnrolmentCancelled(id_of(sale.program), sale.student, sale.payment_id)
    await again(shop, event, at=timedelta(days=8))
    assert await shop.refunds(sale) == []
    # An admin may still give it back.
    assert (await shop.ask(sale))["amount"] == 50_000


async def test_a_mentor_who_takes_a_paid_place_late_is_looked_at(shop: Shop) -> None:
    """The policy gives nothing back by then. An admin decides what is right."""
    sale = await shop.sell(await shop.program())
    event = EnrolmentCancelled(id_of(sale.program), sale.student, sale.payment_id, expelled=True)
    await again(shop, event, at=timedelta(days=8))
    assert await shop.refunds(sale) == []
    assert await shop.differences(sale.payment_id) == ["place_taken"]
    # Within the days all of it goes back, and there is nothing to decide.
    other = await shop.sell(sale.program)
    done(await shop.caller("root", "admin").delete(f"{other.program}/students/{other.student}"), 204)
    await shop.handled()
    assert [refund["amount"] for refund in await shop.refunds(other)] == [50_000]
    assert await shop.differences(other.payment_id) == []
    told = "SELECT body->>'expelled' FROM outbox WHERE destination = $1 AND body->>'user_id' = $2"
    assert await shop.database.fetchval(told, "programs.EnrolmentCancelled", other.student) == "true"


async def test_of_three_decimals_the_last_is_0(shop: Shop) -> None:
    """Razorpay moves no other amount: such a refund would fail for good."""
    sale = await shop.sell(await shop.program(price=11_990, currency="KWD"))
    answer = await shop.ask(sale, 400, amount=1_995)
    assert answer["code"] == "invalid"
    async with shop.node.gateway.database.transaction():
        await listening(shop)._refunds.give_back(sale.payment_id, RefundOrigin.PLACE_GIVEN_BACK, 5_995, "half")
    assert [refund["amount"] for refund in await shop.refunds(sale)] == [5_990]


async def test_what_was_refunded_in_part_is_given_back_up_to_the_rest(shop: Shop) -> None:
    sale = await shop.sell(await shop.program())
    await shop.ask(sale, amount=20_000)
    await shop.handled()
    done(await shop.caller(sale.student).delete(f"{sale.program}/enrolment"), 204)
    await shop.handled()
    assert sorted(one["amount"] for one in await shop.refunds(sale)) == [20_000, 30_000]
    await settled(shop, sale)
    assert (await shop.shown(sale))["state"] == "refunded"


async def test_a_refund_of_an_admin_makes_no_second_one(shop: Shop) -> None:
    """The refund takes the place, and that is no reason for another refund."""
    sale = await shop.sell(await shop.program())
    await shop.ask(sale)
    await shop.handled()
    await settled(shop, sale)
    assert not await shop.has_place(sale)
    assert len(await shop.refunds(sale)) == len(await shop.at_vendor(sale)) == 1


async def test_events_that_are_about_no_money_of_ours(shop: Shop) -> None:
    program, student = await shop.program(), user()
    for event in (
        EnrolmentCancelled(id_of(program), student),
        EnrolmentCancelled(id_of(program), student, "free_of-charge"),
        EnrolmentCancelled(id_of(program), student, "pay_of-somebody"),
        PlaceRefused(id_of(program), student, "free_of-charge", "full"),
        PlaceRefused(id_of(program), student, "pay_of-somebody", "full"),
    ):
        await again(shop, event)
    rows = await shop.database.fetch(
        "SELECT id FROM payments_refund WHERE payment_id LIKE 'free_%' OR payment_id = 'pay_of-somebody'"
    )
    assert rows == []


async def test_an_automatic_refund_that_failed_can_be_retried(shop: Shop) -> None:
    sale = await shop.sell(await shop.program())
    await shop.faults(**{"razorpay.CreateRefund": {"error": "bad_request", "message": "No", "times": 1}})
    done(await shop.caller(sale.student).delete(f"{sale.program}/enrolment"), 204)
    await shop.handled()
    (failed,) = await shop.refunds(sale)
    assert failed["state"] == "failed"
    # It does not come again by itself.
    await again(shop, EnrolmentCancelled(id_of(sale.program), sale.student, sale.payment_id))
    assert len(await shop.refunds(sale)) == 1
    retry = done(await shop.admin.post(f"{PAYMENTS}/refunds/{failed['id']}/retry", headers=key()), 201)
    assert retry["origin"] == "place_given_back"
    await shop.handled()
    await settled(shop, sale)
    assert (await shop.shown(sale))["state"] == "refunded"
    refused(
        await shop.admin.post(f"{PAYMENTS}/refunds/{failed['id']}/retry", headers=key()),
        409,
        "payments.refund_not_failed",
    )
