"""Refunds: in full and in part, idempotent, and everything that may become of one."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import httpx

from .merchant import KEY, SECRET, Merchant
from .receiver import Receiver

DAY = 86_400


async def refund(merchant: Merchant, payment_id: str, body: dict[str, Any] | None = None, key: str = "") -> Any:
    headers = {"X-Refund-Idempotency": key} if key else {}
    return await merchant.call(merchant.client.payment.refund, payment_id, body or {}, headers=headers)


async def fetched(merchant: Merchant, refund_id: str) -> Any:
    return await merchant.call(merchant.client.refund.fetch, refund_id)


async def test_a_payment_is_refunded_in_full(merchant: Merchant, receiver: Receiver) -> None:
    await merchant.webhook(receiver.url, events=["refund.created", "refund.processed"])
    paid = await merchant.paid(method="card")
    made = await refund(merchant, paid["id"], {"receipt": "rr-1", "notes": {"why": "ill"}})
    assert made | {"id": "", "created_at": 0} == {
        "id": "",
        "entity": "refund",
        "amount": 50_000,
        "currency": "INR",
        "payment_id": paid["id"],
        "notes": {"why": "ill"},
        "receipt": "rr-1",
        "acquirer_data": {"arn": None},
        "created_at": 0,
        "batch_id": None,
        "status": "pending",
        "speed_processed": "normal",
        "speed_requested": "normal",
    }
    await merchant.advance(1)
    done = await fetched(merchant, made["id"])
    assert (done["status"], bool(done["acquirer_data"]["arn"])) == ("processed", True)
    payment = await merchant.payment(paid["id"])
    assert (payment["status"], payment["captured"]) == ("refunded", True)
    assert (payment["amount_refunded"], payment["refund_status"]) == (50_000, "full")
    assert receiver.events == ["refund.created", "refund.processed"]
    assert [received.entity("refund")["status"] for received in receiver.received] == ["pending", "processed"]
    assert receiver.received[0].entity("payment")["captured"] is True
    await merchant.refused("fully refunded already", merchant.client.payment.refund, paid["id"], {})


async def test_parts_are_refunded_up_to_what_was_captured(merchant: Merchant) -> None:
    paid = await merchant.paid(1_000)
    first = await refund(merchant, paid["id"], {"amount": 300})
    payment = await merchant.payment(paid["id"])
    shown = (payment["status"], payment["refund_status"], payment["amount_refunded"])
    assert shown == ("captured", "partial", 300)
    await merchant.refused("greater than amount captured", merchant.client.payment.refund, paid["id"], {"amount": 701})
    second = await refund(merchant, paid["id"], {"amount": "400"})
    rest = await refund(merchant, paid["id"])
    assert rest["amount"] == 300
    listed = await merchant.call(merchant.client.payment.fetch_multiple_refund, paid["id"])
    assert [item["id"] for item in listed["items"]] == [rest["id"], second["id"], first["id"]]
    assert (await merchant.call(merchant.client.payment.fetch_refund_id, paid["id"], first["id"]))["amount"] == 300
    other = await merchant.paid()
    await merchant.refused("does not exist", merchant.client.payment.fetch_refund_id, other["id"], first["id"])
    every = await merchant.call(merchant.client.refund.all, {"count": 2})
    assert [item["id"] for item in every["items"]] == [rest["id"], second["id"]]
    edited = await merchant.call(merchant.client.refund.edit, first["id"], {"notes": {"a": "b"}})
    assert edited["notes"] == {"a": "b"}
    older = await merchant.call(merchant.client.refund.create, {"payment_id": other["id"], "amount": 500})
    assert (older["payment_id"], older["amount"]) == (other["id"], 500)


async def test_a_bad_refund_is_refused(merchant: Merchant) -> None:
    paid, failed = await merchant.paid(), await merchant.paid(outcome="failure")
    call = merchant.client.payment.refund
    await merchant.refused("status should be captured", call, failed["id"], {})
    await merchant.refused("does not exist", call, "pay_none", {})
    await merchant.refused("at least INR 1.00", call, paid["id"], {"amount": 99})
    await merchant.refused("must be an integer", call, paid["id"], {"amount": 100.5})
    await merchant.refused("speed is invalid", call, paid["id"], {"speed": "fast"})
    await merchant.refused("should not be sent", call, paid["id"], {"reason": "x"})
    await merchant.refused("does not exist", merchant.client.refund.fetch, "rfnd_none")


async def test_a_key_makes_a_refund_idempotent(merchant: Merchant) -> None:
    paid, key = await merchant.paid(1_000), uuid.uuid4().hex
    made = await refund(merchant, paid["id"], {"amount": 400}, key)
    again = await refund(merchant, paid["id"], {"amount": 400}, key)
    assert again["id"] == made["id"]
    assert (await merchant.payment(paid["id"]))["amount_refunded"] == 400
    headers = {"X-Refund-Idempotency": key}
    call, said = merchant.client.payment.refund, "Different request with the same idempotency key"
    await merchant.refused(said, call, paid["id"], {"amount": 500}, headers=dict(headers))
    other = await merchant.paid(1_000)
    await merchant.refused(said, call, other["id"], {"amount": 400}, headers=dict(headers))
    for bad in ("short", "with space in it", "päymentkey1"):
        answer = await merchant.http.post(
            f"/razorpay/v1/payments/{paid['id']}/refund",
            headers=[(b"x-refund-idempotency", bad.encode())],
            auth=(KEY, SECRET),
        )
        assert (answer.status_code, "idempotency key must be" in answer.text) == (400, True)
    await refund(merchant, paid["id"], {"amount": 400}, uuid.uuid4().hex)
    assert (await merchant.payment(paid["id"]))["amount_refunded"] == 800


async def test_a_key_is_busy_while_its_refund_is_being_made(merchant: Merchant) -> None:
    paid, key = await merchant.paid(), uuid.uuid4().hex
    await merchant.faults(operations={"razorpay.CreateRefund": {"hang": 3.0, "when": "after", "times": 1}})
    url = f"/razorpay/v1/payments/{paid['id']}/refund"

    def ask() -> Any:
        return merchant.http.post(url, headers={"X-Refund-Idempotency": key}, auth=(KEY, SECRET))

    first = asyncio.create_task(ask())
    while not (await merchant.payment(paid["id"]))["amount_refunded"]:
        await asyncio.sleep(0.01)
    assert (await ask()).status_code == 409
    made = (await first).json()
    assert (await ask()).json()["id"] == made["id"]


async def test_an_answer_that_is_lost_is_found_again_by_the_key(merchant: Merchant) -> None:
    paid, key = await merchant.paid(), uuid.uuid4().hex
    await merchant.faults(operations={"razorpay.CreateRefund": {"error": "cut", "when": "after", "times": 1}})
    try:
        await merchant.http.post(
            f"/razorpay/v1/payments/{paid['id']}/refund",
            headers={"X-Refund-Idempotency": key},
            auth=(KEY, SECRET),
        )
        raise AssertionError("the answer was to be lost")
    except httpx.TransportError:
        pass
    assert (await merchant.payment(paid["id"]))["amount_refunded"] == 50_000
    made = await refund(merchant, paid["id"], {}, key)
    assert len((await merchant.drive("GET", "books"))["refunds"]) == 1
    assert made["amount"] == 50_000


async def test_a_refund_stays_pending_until_it_is_told(merchant: Merchant) -> None:
    await merchant.settings(refund="pending")
    made = await refund(merchant, (await merchant.paid())["id"])
    await merchant.advance(30 * DAY)
    assert (await fetched(merchant, made["id"]))["status"] == "pending"
    target = {"refund_id": made["id"]}
    assert (await merchant.drive("POST", "refunds/process", json=target))["status"] == "processed"
    await merchant.drive("POST", "refunds/process", 400, json=target)


async def test_a_refund_takes_its_time(merchant: Merchant) -> None:
    await merchant.settings(refund_seconds=5 * DAY)
    made = await refund(merchant, (await merchant.paid())["id"])
    await merchant.advance(5 * DAY - 60)
    assert (await fetched(merchant, made["id"]))["status"] == "pending"
    await merchant.advance(61)
    assert (await fetched(merchant, made["id"]))["status"] == "processed"


async def test_a_refund_fails(merchant: Merchant, receiver: Receiver) -> None:
    await merchant.webhook(receiver.url, events=["refund.created", "refund.processed", "refund.failed"])
    await merchant.settings(refund="failed")
    paid = await merchant.paid(1_000)
    made = await refund(merchant, paid["id"])
    await merchant.advance(1)
    assert (await fetched(merchant, made["id"]))["status"] == "failed"
    payment = await merchant.payment(paid["id"])
    shown = (payment["status"], payment["amount_refunded"], payment["refund_status"])
    assert shown == ("captured", 0, None)
    assert receiver.events == ["refund.created", "refund.failed"]
    # It can be tried again.
    await merchant.settings(refund="processed")
    await refund(merchant, paid["id"])
    await merchant.drive("POST", "refunds/fail", 400, json={"refund_id": made["id"]})


async def test_a_processed_refund_comes_back(merchant: Merchant, receiver: Receiver) -> None:
    await merchant.webhook(receiver.url, events=["refund.processed", "refund.failed"])
    await merchant.settings(refund="reversed", reversal_seconds=4 * DAY)
    paid = await merchant.paid(1_000)
    await refund(merchant, paid["id"], {"amount": 600})
    await merchant.advance(DAY)
    assert receiver.events == ["refund.processed"]
    await merchant.advance(4 * DAY)
    assert receiver.events == ["refund.processed", "refund.failed"]
    assert (await merchant.payment(paid["id"]))["amount_refunded"] == 0


async def test_an_instant_refund(merchant: Merchant, receiver: Receiver) -> None:
    await merchant.webhook(receiver.url, events=["refund.created", "refund.speed_changed", "refund.processed"])
    made = await refund(merchant, (await merchant.paid())["id"], {"speed": "optimum"})
    assert (made["speed_requested"], made["speed_processed"]) == ("optimum", "instant")
    await merchant.advance(1)
    assert receiver.events == ["refund.created", "refund.processed"]
    receiver.received.clear()
    await merchant.settings(instant_refunds=False)
    made = await refund(merchant, (await merchant.paid())["id"], {"speed": "optimum"})
    assert (made["speed_requested"], made["speed_processed"]) == ("optimum", "normal")
    await merchant.advance(1)
    assert receiver.events == ["refund.created", "refund.speed_changed", "refund.processed"]
