"""Webhooks: what is sent when, signatures, retries, and the faults of their delivery."""

from __future__ import annotations

import pytest
import razorpay

from .merchant import Merchant
from .receiver import Receiver

HOUR = 3_600


async def test_a_payment_sends_its_events_in_order(merchant: Merchant, receiver: Receiver) -> None:
    await merchant.webhook(receiver.url, secret="s3cret")
    order = await merchant.order()
    paid = await merchant.pay(order, method="card")
    await merchant.settle()
    assert receiver.events == ["payment.authorized", "payment.captured", "order.paid"]
    for received in receiver.received:
        received.verify("s3cret")
        with pytest.raises(razorpay.errors.SignatureVerificationError):
            received.verify("other")
        assert received.document["entity"] == "event"
        assert received.document["account_id"].startswith("acc_")
        assert received.document["contains"] == list(received.document["payload"])
    assert len({received.id for received in receiver.received}) == 3
    authorized, captured, order_paid = receiver.received
    # Each payload is of the moment when it happened.
    assert (authorized.entity("payment")["status"], authorized.entity("payment")["captured"]) == ("authorized", False)
    assert captured.entity("payment") == paid["payments"][0]
    assert captured.entity("payment")["card"]["last4"] == "1111"
    assert (order_paid.entity("order")["id"], order_paid.entity("order")["status"]) == (order["id"], "paid")
    happened = [event["id"] for event in (await merchant.drive("GET", "events"))["events"]]
    assert happened == [received.id for received in receiver.received]


async def test_a_second_payment_is_refunded_with_its_events(merchant: Merchant, receiver: Receiver) -> None:
    await merchant.webhook(receiver.url)
    order = await merchant.order()
    await merchant.pay(order)
    await merchant.settle()
    receiver.received.clear()
    second = (await merchant.pay(order))["payments"][0]
    await merchant.settle()
    assert receiver.events == ["payment.authorized", "refund.created", "refund.processed"]
    refund, payment = receiver.received[2].entity("refund"), receiver.received[2].entity("payment")
    assert (refund["payment_id"], refund["amount"], refund["status"]) == (second["id"], 50_000, "processed")
    assert (payment["status"], payment["captured"], payment["amount_refunded"]) == ("refunded", False, 50_000)


async def test_a_failed_payment_is_authorised_later(merchant: Merchant, receiver: Receiver) -> None:
    await merchant.webhook(receiver.url, events=["payment.failed", "payment.authorized", "payment.captured"])
    await merchant.paid(outcome="late_after_failure", after=5 * HOUR)
    await merchant.advance(6 * HOUR)
    assert receiver.events == ["payment.failed", "payment.authorized", "payment.captured"]
    assert len({received.entity("payment")["id"] for received in receiver.received}) == 1
    assert [received.entity("payment")["error_code"] for received in receiver.received] == [
        "BAD_REQUEST_ERROR",
        None,
        None,
    ]


async def test_a_webhook_gets_the_events_it_wants(merchant: Merchant, receiver: Receiver) -> None:
    webhook = await merchant.webhook(receiver.url, events=["order.paid"])
    await merchant.webhook(receiver.url, active=False)
    await merchant.paid()
    await merchant.settle()
    assert receiver.events == ["order.paid"]
    await merchant.drive("PATCH", "webhooks", json={"id": webhook, "active": False})
    await merchant.paid()
    await merchant.settle()
    assert receiver.events == ["order.paid"]
    await merchant.drive("DELETE", "webhooks", params={"id": webhook})
    assert len((await merchant.drive("GET", "webhooks"))["webhooks"]) == 1
    await merchant.drive("PATCH", "webhooks", 400, json={"id": webhook, "active": True})


async def test_a_webhook_is_retried_with_growing_pauses(merchant: Merchant, receiver: Receiver) -> None:
    await merchant.webhook(receiver.url, events=["payment.captured"])
    receiver.statuses = [500, 302, 404]
    await merchant.paid()
    await merchant.settle()
    assert len(receiver.received) == 1
    # After 1, 2 and 4 minutes.
    for seconds, count in ((55, 1), (10, 2), (110, 2), (20, 3), (210, 3), (30, 4), (HOUR, 4)):
        await merchant.advance(seconds)
        assert len(receiver.received) == count
    assert len({received.id for received in receiver.received}) == 1
    assert len({received.body for received in receiver.received}) == 1
    assert (await merchant.drive("GET", "webhooks"))["waiting"] == []


async def test_an_answer_that_takes_too_long_is_none(merchant: Merchant, receiver: Receiver) -> None:
    await merchant.settings(webhook_timeout_seconds=0.2)
    await merchant.webhook(receiver.url, events=["payment.captured"])
    receiver.statuses = [0]
    await merchant.paid()
    await merchant.settle()
    waiting = (await merchant.drive("GET", "webhooks"))["waiting"]
    assert [attempt["status"] for attempt in waiting[0]["attempts"]] == [0]
    await merchant.advance(61)
    assert len(receiver.received) == 2


async def test_a_day_of_failures_disables_a_webhook(merchant: Merchant, receiver: Receiver) -> None:
    webhook = await merchant.webhook(receiver.url, secret="old", events=["payment.captured"])
    receiver.status = 503
    await merchant.paid()
    await merchant.advance(23 * HOUR)
    tries = len(receiver.received)
    assert tries > 8
    assert (await merchant.drive("GET", "webhooks"))["webhooks"][0]["active"]
    await merchant.advance(2 * HOUR)
    shown = (await merchant.drive("GET", "webhooks"))["webhooks"][0]
    assert (shown["id"], shown["active"]) == (webhook, False)
    assert shown["disabled_at"]
    # What happens meanwhile is lost; what was given up can be replayed, with the secret of now.
    tries = len(receiver.received)
    await merchant.paid()
    await merchant.advance(48 * HOUR)
    assert len(receiver.received) == tries
    receiver.status = 200
    await merchant.drive("PATCH", "webhooks", json={"id": webhook, "secret": "new"})
    assert (await merchant.drive("POST", "webhooks/replay"))["replayed"] == 1
    await merchant.settle()
    receiver.received[-1].verify("new")
    assert len(receiver.received) == tries + 1
    assert (await merchant.drive("GET", "webhooks"))["webhooks"][0]["active"]


async def test_one_bad_event_disables_nothing(merchant: Merchant, receiver: Receiver) -> None:
    await merchant.webhook(receiver.url, events=["payment.captured"])
    receiver.status = 500
    await merchant.paid()
    await merchant.settle()
    receiver.status = 200
    await merchant.paid()
    await merchant.settle()
    receiver.status = 500
    await merchant.advance(25 * HOUR)
    assert (await merchant.drive("GET", "webhooks"))["webhooks"][0]["active"]


async def test_a_new_secret_signs_what_happens_from_now_on(merchant: Merchant, receiver: Receiver) -> None:
    webhook = await merchant.webhook(receiver.url, secret="old", events=["payment.captured"])
    receiver.statuses = [500]
    await merchant.paid()
    await merchant.settle()
    await merchant.drive("PATCH", "webhooks", json={"id": webhook, "secret": "new"})
    await merchant.paid()
    await merchant.settle()
    await merchant.advance(61)
    first, second, retried = receiver.received
    first.verify("old")
    second.verify("new")
    retried.verify("old")
    assert retried.id == first.id


async def test_webhooks_are_lost(merchant: Merchant, receiver: Receiver) -> None:
    await merchant.webhook(receiver.url, events=["payment.captured"])

    async def came() -> list[int]:
        receiver.received.clear()
        await merchant.faults(webhooks={"lose": 0.5, "seed": 3})
        for amount in range(1_000, 1_020):
            await merchant.paid(amount)
        await merchant.settle()
        return sorted(received.entity("payment")["amount"] for received in receiver.received)

    first = await came()
    assert 4 < len(first) < 16
    assert await came() == first


async def test_webhooks_come_twice(merchant: Merchant, receiver: Receiver) -> None:
    await merchant.webhook(receiver.url)
    await merchant.faults(webhooks={"repeat": 1.0, "events": ["payment.captured"]})
    await merchant.paid()
    await merchant.settle()
    assert receiver.events == ["payment.authorized", "payment.captured", "payment.captured", "order.paid"]
    assert len({received.id for received in receiver.received}) == 3


async def test_webhooks_are_late(merchant: Merchant, receiver: Receiver) -> None:
    await merchant.webhook(receiver.url)
    await merchant.faults(webhooks={"delay": 1.0, "delay_seconds": 2 * HOUR, "events": ["payment.captured"]})
    await merchant.paid()
    await merchant.settle()
    assert receiver.events == ["payment.authorized", "order.paid"]
    await merchant.advance(2 * HOUR)
    assert receiver.events[-1] == "payment.captured"
    await merchant.faults(webhooks={"delay": 1.0, "delay_seconds": HOUR, "delay_varies": True, "seed": 4})
    receiver.received.clear()
    for _ in range(4):
        await merchant.paid()
    await merchant.advance(HOUR)
    assert len(receiver.received) == 12
    assert receiver.events != ["payment.authorized", "payment.captured", "order.paid"] * 4


async def test_webhooks_are_out_of_order(merchant: Merchant, receiver: Receiver) -> None:
    await merchant.webhook(receiver.url)
    await merchant.faults(webhooks={"reorder": 1.0, "hold_seconds": HOUR})
    await merchant.paid()
    await merchant.settle()
    # The first waits behind the second; nothing comes behind the third.
    assert receiver.events == ["payment.captured", "payment.authorized"]
    await merchant.advance(HOUR)
    assert receiver.events == ["payment.captured", "payment.authorized", "order.paid"]


async def test_a_webhook_of_a_name_is_replaced(merchant: Merchant, receiver: Receiver) -> None:
    wanted = {"id": "whk_mine", "url": "http://127.0.0.1:9/hooks", "secret": "first"}
    await merchant.drive("PUT", "webhooks", json=wanted | {"active": False})
    made = await merchant.drive("PUT", "webhooks", json=wanted | {"url": receiver.url, "secret": "second"})
    assert (made["id"], made["active"]) == ("whk_mine", True)
    assert [webhook["id"] for webhook in (await merchant.drive("GET", "webhooks"))["webhooks"]] == ["whk_mine"]
    await merchant.paid()
    await merchant.settle()
    assert len(receiver.received) == 3
    receiver.received[0].verify("second")
    await merchant.drive("PUT", "webhooks", 400, json=wanted | {"id": "<b>"})


async def test_where_nothing_listens_the_next_address_is_tried(merchant: Merchant, receiver: Receiver) -> None:
    gone = Receiver()
    await gone.start()
    await gone.stop()
    await merchant.webhook(gone.url, others=[gone.url, receiver.url])
    await merchant.paid()
    await merchant.settle()
    assert receiver.events == ["payment.authorized", "payment.captured", "order.paid"]
    # One that answers has been reached, whatever it says.
    other = Receiver()
    await other.start()
    receiver.received.clear()
    receiver.status = 503
    await merchant.drive("DELETE", "webhooks")
    await merchant.webhook(receiver.url, others=[other.url])
    await merchant.paid()
    await merchant.settle()
    assert (len(receiver.received), other.received) == (3, [])
    await other.stop()


async def test_a_webhook_waits_where_nothing_listens_at_all(merchant: Merchant) -> None:
    gone = Receiver()
    await gone.start()
    await gone.stop()
    await merchant.webhook(gone.url)
    await merchant.paid()
    await merchant.settle()
    waiting = (await merchant.drive("GET", "webhooks"))["waiting"]
    assert len(waiting) == 3
    assert waiting[0]["attempts"][0]["error"] == f"nothing listens at {gone.url}"
