"""What the stand-in knows survives its restart."""

from __future__ import annotations

from pathlib import Path

from devstack.devcloud import DevCloud
from devstack.guard import Guard

from .merchant import Merchant
from .receiver import Receiver

HOUR = 3_600


async def test_a_restart_keeps_everything(tmp_path: Path, servers_guard: Guard, receiver: Receiver) -> None:
    cloud = DevCloud(tmp_path, region="us-east-1", guard=servers_guard)
    await cloud.prepare()
    await cloud.start()
    merchant = Merchant(cloud.url)
    await merchant.webhook(receiver.url, events=["payment.captured"])
    await merchant.settings(fee_basis_points=300)
    order = await merchant.order(receipt="kept", unique_receipt=True, notes={"a": "b"})
    link = await merchant.call(merchant.client.payment_link.create, {"amount": 500, "reference_id": "kept"})
    paid = await merchant.pay(order, method="card")
    late = await merchant.paid(outcome="late_after_failure", after=2 * HOUR)
    await merchant.settle()
    key = {"X-Refund-Idempotency": "0123456789"}
    made = await merchant.call(merchant.client.payment.refund, paid["razorpay_payment_id"], {}, headers=dict(key))
    await merchant.advance(HOUR)
    receiver.statuses = [500]
    await merchant.paid()
    await merchant.settle()
    await merchant.faults(webhooks={"reorder": 1.0, "hold_seconds": 10 * HOUR})
    held = await merchant.paid()
    await merchant.settle()
    books = await merchant.drive("GET", "books")
    clock = await merchant.drive("GET", "clock")
    await merchant.http.aclose()
    await cloud.stop()

    await cloud.start()
    merchant = Merchant(cloud.url)
    assert await merchant.drive("GET", "books") == books
    assert (await merchant.drive("GET", "settings"))["fee_basis_points"] == 300
    assert abs((await merchant.drive("GET", "clock"))["offset"] - clock["offset"]) < 1.0
    body = {"amount": 500, "currency": "INR", "receipt": "kept", "unique_receipt": True}
    await merchant.refused("should be unique", merchant.client.order.create, body)
    found = await merchant.call(merchant.client.payment_link.all, {"reference_id": "kept"})
    assert found["payment_links"] == [link]
    again = await merchant.call(merchant.client.payment.refund, paid["razorpay_payment_id"], {}, headers=dict(key))
    assert again["id"] == made["id"]
    # The retry of a webhook and the late authorisation are still to come; what was held back is not any more.
    await merchant.settle()
    assert receiver.received.pop().entity("payment")["id"] == held["id"]
    receiver.received.clear()
    await merchant.advance(2 * HOUR)
    assert (await merchant.payment(late["id"]))["status"] == "captured"
    assert sorted(received.entity("payment")["id"] == late["id"] for received in receiver.received) == [False, True]
    await merchant.http.aclose()
    await cloud.stop()
