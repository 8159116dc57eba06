"""Refunds: never more than was captured, once at the vendor; the place goes when the money is back, and not before."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from gateway import clock
from gateway.contract import Delivery
from ksmp_testkit.answers import done, refused
from modules.payments.events import RefundDue
from modules.payments.refunds.sender import RefundSender
from modules.payments.vendor.entities import VendorRefund
from tests.modules.programs.programs import user

from .shop import PAYMENTS, WEBHOOK_SECRET, Shop, key


async def test_a_full_refund_gives_the_money_and_takes_the_place(shop: Shop) -> None:
    """RFND-01: a normal refund."""
    sale = await shop.sell(await shop.program())
    assert await shop.has_place(sale)
    made = await shop.ask(sale)
    assert (made["state"], made["origin"], made["amount"], made["currency"]) == (
        "requested",
        "requested",
        50_000,
        "INR",
    )
    await shop.handled()
    # The vendor's answer was `pending`; a webhook, or this look, says the rest.
    await shop.look(made["id"])
    (at_vendor,) = await shop.at_vendor(sale)
    assert (at_vendor.amount, at_vendor.status, at_vendor.receipt) == (50_000, "processed", made["id"])
    refund = await shop.refund(made["id"])
    assert (refund["state"], refund["vendor_refund_id"], refund["failure"]) == ("processed", at_vendor.id, "")
    assert refund["processed_at"] is not None
    order = await shop.shown(sale)
    assert (order["state"], order["refunded"]) == ("refunded", 50_000)
    assert not await shop.has_place(sale)
    (event,) = shop.ears.refunds[sale.payment_id]
    assert (event.refund_id, event.amount, event.full, event.keep_place) == (made["id"], 50_000, True, False)
    assert await shop.balance(sale, "receivable") == await shop.owed(sale)
    assert await shop.balance(sale, "revenue") + await shop.balance(sale, "refunds") == 0


async def test_fault_15_a_pending_refund_takes_nothing(shop: Shop) -> None:
    """Fault 15: Razorpay's FAQ on refunds: `pending` until `refund.processed` or `refund.failed`."""
    await shop.drive("PATCH", "settings", refund="pending")
    sale = await shop.sell(await shop.program())
    made = await shop.ask(sale)
    await shop.handled()
    assert (await shop.refund(made["id"]))["state"] == "pending"
    assert await shop.has_place(sale)
    assert (await shop.shown(sale))["refunded"] == 0
    assert sale.payment_id not in shop.ears.refunds
    # Looked at again, and told again, it is still no refund.
    await shop.look(made["id"])
    assert await shop.has_place(sale)
    (at_vendor,) = await shop.at_vendor(sale)
    await shop.drive("POST", "refunds/process", refund_id=at_vendor.id)
    await shop.look(made["id"])
    assert not await shop.has_place(sale)
    assert len(shop.ears.refunds[sale.payment_id]) == 1


async def test_a_part_and_the_rest(shop: Shop) -> None:
    sale = await shop.sell(await shop.program())
    part = await shop.ask(sale, amount=20_000)
    await shop.handled()
    await shop.look(part["id"])
    order = await shop.shown(sale)
    assert (order["state"], order["refunded"]) == ("paid", 20_000)
    assert await shop.has_place(sale)
    refused(
        await shop.admin.post(f"{sale.path}/refunds", json={"reason": "A", "amount": 30_001}, headers=key()),
        409,
        "payments.refund_too_large",
    )
    rest = await shop.ask(sale)
    assert rest["amount"] == 30_000
    await shop.handled()
    await shop.look(rest["id"])
    assert (await shop.shown(sale))["state"] == "refunded"
    assert not await shop.has_place(sale)
    assert [event.full for event in shop.ears.refunds[sale.payment_id]] == [False, True]
    for account in ("gst_cgst", "gst_sgst", "gst_igst"):
        assert await shop.balance(sale, account) == 0
    refused(
        await shop.admin.post(f"{sale.path}/refunds", json={"reason": "A"}, headers=key()),
        409,
        "payments.refund_too_large",
    )


async def test_a_refund_that_keeps_the_place(shop: Shop) -> None:
    sale = await shop.sell(await shop.program())
    made = await shop.ask(sale, keep_place=True)
    await shop.handled()
    await shop.look(made["id"])
    assert (await shop.shown(sale))["state"] == "refunded"
    assert await shop.has_place(sale)
    (event,) = shop.ears.refunds[sale.payment_id]
    assert (event.full, event.keep_place) == (True, True)


async def test_fault_8_many_refunds_at_once_are_never_more_than_was_captured(shop: Shop) -> None:
    """woocommerce-gateway-stripe#838, ps_checkout#331: refunds at the same moment gave the money back twice.

    Fault 8.
    """
    sale = await shop.sell(await shop.program())

    async def ask(amount: int | None) -> int:
        body = {"reason": "A test"} | ({} if amount is None else {"amount": amount})
        answer = await shop.admin.post(f"{sale.path}/refunds", json=body, headers=key())
        if answer.status_code == 409:
            assert answer.json()["code"] == "payments.refund_too_large"
            return 0
        return int(done(answer, 201)["amount"])

    asked = await asyncio.gather(*(ask(amount) for amount in [None, 30_000, 20_000, 10_000, None, 25_000] * 2))
    assert 0 < sum(asked) <= 50_000
    await shop.handled()
    at_vendor = await shop.at_vendor(sale)
    assert sum(one.amount for one in at_vendor) == sum(asked)
    for one in await shop.refunds(sale):
        assert one["state"] in ("pending", "processed")


async def test_the_same_request_is_one_refund(shop: Shop) -> None:
    sale = await shop.sell(await shop.program())
    same = key()
    first = await shop.admin.post(f"{sale.path}/refunds", json={"reason": "A", "amount": 10_000}, headers=same)
    again = await shop.admin.post(f"{sale.path}/refunds", json={"reason": "A", "amount": 10_000}, headers=same)
    assert done(first, 201) == done(again, 201)
    refused(await shop.admin.post(f"{sale.path}/refunds", json={"reason": "A"}), 400, "invalid")
    await shop.handled()
    assert len(await shop.at_vendor(sale)) == 1


@pytest.mark.parametrize("error", ["cut", "html", "server_error", "html_ok"])
async def test_fault_8_an_answer_that_was_lost_is_no_second_refund(shop: Shop, error: str) -> None:
    """Fault 8: the refund happened at Razorpay, and its answer did not reach us."""
    sale = await shop.sell(await shop.program())
    await shop.faults(**{"razorpay.CreateRefund": {"error": error, "when": "after", "times": 1}})
    made = await shop.ask(sale, amount=20_000)
    await shop.handled()
    await shop.look(made["id"])
    (at_vendor,) = await shop.at_vendor(sale)
    refund = await shop.refund(made["id"])
    assert (refund["vendor_refund_id"], refund["state"]) == (at_vendor.id, "processed")
    assert len(shop.ears.refunds[sale.payment_id]) == 1


async def test_nothing_is_sent_while_it_cannot_be_read_what_was_sent(shop: Shop) -> None:
    sale = await shop.sell(await shop.program())
    await shop.faults(**{"razorpay.ListRefundsOfPayment": {"error": "html"}})
    made = await shop.ask(sale, amount=20_000)
    await shop.handled()
    await shop.look(made["id"])
    refund = await shop.refund(made["id"])
    assert (refund["state"], refund["attempts"]) == ("requested", 2)
    assert refund["failure"] != ""
    await shop.faults()
    assert await shop.at_vendor(sale) == []
    await shop.look(made["id"])
    await shop.look(made["id"])
    assert len(await shop.at_vendor(sale)) == 1
    assert (await shop.refund(made["id"]))["state"] == "processed"


async def test_a_request_that_reaches_the_vendor_late_is_no_second_refund(shop: Shop) -> None:
    """A gateway that was killed, or a slow network: the first request arrives when we have given it up.

    BP-12, fault 5.
    """
    sale = await shop.sell(await shop.program())
    await shop.faults(**{"razorpay.CreateRefund": {"error": "server_error", "when": "before"}})
    made = await shop.ask(sale, amount=20_000)
    await shop.handled()
    assert (await shop.refund(made["id"]))["state"] == "requested"
    await shop.faults()
    await shop.razorpay.refund(
        sale.payment_id,
        amount=20_000,
        key=made["id"],
        receipt=made["id"],
        notes={"order": sale.order_id, "origin": "requested"},
    )
    await shop.look(made["id"])
    await shop.look(made["id"])
    (there,) = await shop.at_vendor(sale)
    refund = await shop.refund(made["id"])
    assert (refund["state"], refund["vendor_refund_id"]) == ("processed", there.id)


async def test_fault_8_several_nodes_that_send_a_refund_make_one(shop: Shop) -> None:
    """The event is delivered again after a node died, and while another one still waits for the vendor's answer.

    Fault 8.
    """
    sale = await shop.sell(await shop.program())
    await shop.faults(**{"razorpay.CreateRefund": {"hang": 0.5}})
    made = await shop.ask(sale, amount=20_000)
    sender = next(one for one in shop.module.features if isinstance(one, RefundSender))
    delivery = Delivery(id="again", at=clock.now(), attempt=2)
    await asyncio.gather(*(sender.send(RefundDue(made["id"]), delivery) for _ in range(4)))
    await shop.handled()
    await shop.faults()
    await shop.look(made["id"])
    assert len(await shop.at_vendor(sale)) == 1
    assert len(shop.ears.refunds[sale.payment_id]) == 1


async def test_a_webhook_says_that_a_refund_is_processed(shop: Shop) -> None:
    """Razorpay tells, and nobody has to look."""
    await shop.drive("PATCH", "settings", refund="pending")
    sale = await shop.sell(await shop.program())
    made = await shop.ask(sale)
    await shop.handled()
    url = f"{shop.node.url}{PAYMENTS}/webhooks/razorpay"
    hook = await shop.drive("POST", "webhooks", url=url, secret=WEBHOOK_SECRET)
    try:
        (there,) = await shop.at_vendor(sale)
        await shop.drive("POST", "refunds/process", refund_id=there.id)
        await shop.drive("POST", "webhooks/settle")
        await shop.handled()
    finally:
        await shop.drive("DELETE", f"webhooks?id={hook['id']}")
    assert (await shop.refund(made["id"]))["state"] == "processed"
    assert (await shop.shown(sale))["state"] == "refunded"
    assert not await shop.has_place(sale)


async def test_a_refund_that_does_not_end_is_for_a_person(shop: Shop) -> None:
    await shop.drive("PATCH", "settings", refund="pending")
    sale = await shop.sell(await shop.program())
    made = await shop.ask(sale)
    await shop.handled()
    assert await shop.differences(made["id"]) == []
    await shop.database.execute(
        "UPDATE payments_refund SET created_at = created_at - interval '11 days' WHERE id = $1", made["id"]
    )
    await shop.look(made["id"])
    assert await shop.differences(made["id"]) == ["refund_overdue"]


async def test_a_refund_for_which_the_vendor_lacks_money_is_sent_again(shop: Shop) -> None:
    sale = await shop.sell(await shop.program())
    poor = "Your account does not have enough balance to carry out the refund operation."
    await shop.faults(**{"razorpay.CreateRefund": {"error": "bad_request", "message": poor, "times": 2}})
    made = await shop.ask(sale)
    await shop.handled()
    refund = await shop.refund(made["id"])
    assert (refund["state"], refund["failure"]) == ("requested", poor)
    assert await shop.differences(made["id"]) == ["refund_held"]
    # Its amount is nobody else's meanwhile.
    refused(
        await shop.admin.post(f"{sale.path}/refunds", json={"reason": "A"}, headers=key()),
        409,
        "payments.refund_too_large",
    )
    await shop.look(made["id"])
    assert (await shop.refund(made["id"]))["attempts"] == 2
    await shop.look(made["id"])
    await shop.look(made["id"])
    refund = await shop.refund(made["id"])
    assert (refund["state"], refund["failure"]) == ("processed", "")
    assert len(await shop.at_vendor(sale)) == 1


async def test_a_refusal_is_failed_and_frees_its_amount(shop: Shop) -> None:
    sale = await shop.sell(await shop.program())
    await shop.faults(**{"razorpay.CreateRefund": {"error": "bad_request", "message": "This is not to be", "times": 1}})
    made = await shop.ask(sale)
    await shop.handled()
    refund = await shop.refund(made["id"])
    assert (refund["state"], refund["failure"]) == ("failed", "This is not to be")
    assert await shop.differences(made["id"]) == ["refund_failed"]
    assert await shop.has_place(sale)

    retry = done(await shop.admin.post(f"{PAYMENTS}/refunds/{made['id']}/retry", headers=key()), 201)
    assert (retry["retry_of"], retry["amount"], retry["state"]) == (made["id"], 50_000, "requested")
    assert retry["id"] != made["id"]
    # The operator has acted; the retry has differences of its own.
    assert await shop.differences(made["id"]) == []
    # Each is retried once, and one that goes on is not.
    for id in (made["id"], retry["id"]):
        refused(
            await shop.admin.post(f"{PAYMENTS}/refunds/{id}/retry", headers=key()), 409, "payments.refund_not_failed"
        )
    await shop.handled()
    await shop.look(retry["id"])
    assert (await shop.shown(sale))["state"] == "refunded"
    assert len(shop.ears.refunds[sale.payment_id]) == 1


async def test_a_retry_takes_no_more_than_is_left(shop: Shop) -> None:
    sale = await shop.sell(await shop.program())
    await shop.drive("PATCH", "settings", refund="failed")
    made = await shop.ask(sale, amount=30_000)
    await shop.handled()
    await shop.look(made["id"])
    assert (await shop.refund(made["id"]))["state"] == "failed"
    assert await shop.differences(made["id"]) == ["refund_failed"]
    assert await shop.has_place(sale)
    await shop.ask(sale, amount=30_000)
    refused(
        await shop.admin.post(f"{PAYMENTS}/refunds/{made['id']}/retry", headers=key()),
        409,
        "payments.refund_too_large",
    )


async def test_a_refund_that_the_bank_sends_back_leaves_the_books_again(shop: Shop) -> None:
    sale = await shop.sell(await shop.program())
    before = await shop.balance(sale, "receivable")
    made = await shop.ask(sale)
    await shop.handled()
    await shop.look(made["id"])
    assert (await shop.shown(sale))["refunded"] == 50_000
    (at_vendor,) = await shop.at_vendor(sale)
    await shop.drive("POST", "refunds/fail", refund_id=at_vendor.id)
    failed = await shop.razorpay.refund_by_id(at_vendor.id)
    for _ in range(2):
        await shop.told(failed)
    refund = await shop.refund(made["id"])
    assert (refund["state"], refund["processed_at"]) == ("failed", None)
    assert await shop.differences(made["id"]) == ["refund_reversed"]
    order = await shop.shown(sale)
    assert (order["state"], order["refunded"]) == ("paid", 0)
    assert await shop.balance(sale, "receivable") == before == await shop.owed(sale)
    assert await shop.balance(sale, "refunds") == 0
    # An older message does not bring it back.
    await shop.told(at_vendor)
    assert (await shop.shown(sale))["refunded"] == 0
    retry = done(await shop.admin.post(f"{PAYMENTS}/refunds/{made['id']}/retry", headers=key()), 201)
    await shop.handled()
    await shop.look(retry["id"])
    assert (await shop.shown(sale))["state"] == "refunded"
    assert await shop.balance(sale, "receivable") == await shop.owed(sale)


async def test_a_refund_of_the_dashboard_is_taken_over(shop: Shop) -> None:
    sale = await shop.sell(await shop.program())
    there = await shop.razorpay.refund(
        sale.payment_id, amount=20_000, key=uuid.uuid4().hex, receipt="of the dashboard", notes={}
    )
    await shop.told(await shop.razorpay.refund_by_id(there.id))
    (refund,) = await shop.refunds(sale)
    assert (refund["origin"], refund["state"], refund["amount"]) == ("vendor", "processed", 20_000)
    assert (await shop.shown(sale))["refunded"] == 20_000
    # It counts for what is left.
    assert (await shop.ask(sale))["amount"] == 30_000
    assert await shop.has_place(sale)


async def test_fault_9_an_automatic_refund_is_none_of_ours(shop: Shop) -> None:
    """Razorpay gives a payment back by itself that was never captured: no revenue, no refund of ours, no place.

    Fault 9.
    """
    sale = await shop.sell(await shop.program())
    paid_again = await shop.drive("POST", "pay", order_id=sale.vendor_order_id)
    unasked = await shop.razorpay.payment(paid_again["payments"][-1]["id"])
    assert (unasked.status, unasked.captured) == ("refunded", False)
    (there,) = await shop.razorpay.refunds_of_payment(unasked.id)
    before = await shop.balance(sale, "receivable"), await shop.balance(sale, "refunds")
    await shop.told(there, unasked)
    await shop.told(there, unasked)
    (refund,) = await shop.refunds(sale)
    assert (refund["origin"], refund["payment_id"]) == ("vendor", unasked.id)
    assert (await shop.balance(sale, "receivable"), await shop.balance(sale, "refunds")) == before
    order = await shop.shown(sale)
    assert (order["state"], order["refunded"]) == ("paid", 0)
    assert await shop.has_place(sale)
    assert unasked.id not in shop.ears.refunds
    assert len(await shop.razorpay.refunds_of_payment(unasked.id)) == 1
    # What paid the order can still be refunded, all of it.
    assert (await shop.ask(sale))["amount"] == 50_000


async def test_what_cost_nothing_has_nothing_to_refund(shop: Shop) -> None:
    sale = await shop.sell(await shop.program())
    await shop.database.execute("UPDATE payments_order SET paid_by = 'free_' || id WHERE id = $1", sale.order_id)
    answer = await shop.admin.post(f"{sale.path}/refunds", json={"reason": "A"}, headers=key())
    refused(answer, 409, "payments.nothing_captured")
    unpaid = await shop.order(await shop.program(), user())
    answer = await shop.admin.post(
        f"{PAYMENTS}/orders/{unpaid['order']['id']}/refunds", json={"reason": "A"}, headers=key()
    )
    refused(answer, 409, "payments.nothing_captured")
    answer = await shop.admin.post(f"{PAYMENTS}/orders/{uuid.uuid4()}/refunds", json={"reason": "A"}, headers=key())
    refused(answer, 404, "not_found")


async def test_who_may_see_and_ask_for_refunds(shop: Shop) -> None:
    sale = await shop.sell(await shop.program())
    made = await shop.ask(sale, amount=100)
    path = f"{sale.path}/refunds"
    for role in ("student", "mentor"):
        stranger = shop.caller(user(), role)
        refused(await stranger.post(path, json={"reason": "A"}, headers=key()), 403, "forbidden")
        refused(await stranger.get(path), 404, "not_found")
        refused(await stranger.get(f"{PAYMENTS}/refunds"), 403, "forbidden")
        refused(await stranger.get(f"{PAYMENTS}/refunds/{made['id']}"), 403, "forbidden")
        refused(await stranger.post(f"{PAYMENTS}/refunds/{made['id']}/retry", headers=key()), 403, "forbidden")
    for method, url in (
        ("GET", path),
        ("POST", path),
        ("GET", f"{PAYMENTS}/refunds"),
        ("GET", f"{PAYMENTS}/refunds/{made['id']}"),
        ("POST", f"{PAYMENTS}/refunds/{made['id']}/retry"),
    ):
        refused(await shop.caller().request(method, url, headers=key()), 401, "unauthenticated")
    student = shop.caller(sale.student)
    refused(await student.post(path, json={"reason": "A"}, headers=key()), 403, "forbidden")
    (seen,) = done(await student.get(path))["items"]
    assert (seen["id"], seen["reason"]) == (made["id"], "A test")
    assert "requested_by" not in seen
    assert "failure" not in seen
    mine = done(await shop.admin.get(f"{PAYMENTS}/refunds", params={"origin": "requested", "limit": 200}))
    assert made["id"] in [one["id"] for one in mine["items"]]
    none = done(await shop.admin.get(f"{PAYMENTS}/refunds", params={"state": "failed", "limit": 200}))
    assert made["id"] not in [one["id"] for one in none["items"]]
    refused(await shop.admin.get(f"{PAYMENTS}/refunds/{uuid.uuid4()}"), 404, "not_found")
    refused(await shop.admin.post(f"{PAYMENTS}/refunds/{uuid.uuid4()}/retry", headers=key()), 404, "not_found")


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "A", "amount": 0}, {"reason": "A", "amount": -5}])
async def test_what_is_no_refund(shop: Shop, body: dict[str, object]) -> None:
    answer = await shop.admin.post(f"{PAYMENTS}/orders/{uuid.uuid4()}/refunds", json=body, headers=key())
    refused(answer, 400, "invalid")


async def test_a_repeated_word_of_the_vendor_counts_once(shop: Shop) -> None:
    sale = await shop.sell(await shop.program())
    made = await shop.ask(sale)
    await shop.handled()
    (there,) = await shop.at_vendor(sale)
    earlier = VendorRefund(
        there.id, there.payment_id, there.amount, there.currency, "pending", there.created_at, there.receipt
    )
    await asyncio.gather(*(shop.told(one) for one in (there, earlier, there, earlier, there)))
    assert len(shop.ears.refunds[sale.payment_id]) == 1
    assert (await shop.refund(made["id"]))["state"] == "processed"
    assert (await shop.shown(sale))["refunded"] == 50_000
