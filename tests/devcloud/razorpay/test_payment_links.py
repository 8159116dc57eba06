"""Payment links: created, paid in parts, cancelled, expired, and their page."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from .merchant import Merchant
from .receiver import Receiver

DAY = 86_400


async def link(merchant: Merchant, **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = await merchant.call(merchant.client.payment_link.create, {"amount": 1_000} | fields)
    return made


async def fetched(merchant: Merchant, made: dict[str, Any]) -> dict[str, Any]:
    fresh: dict[str, Any] = await merchant.call(merchant.client.payment_link.fetch, made["id"])
    return fresh


async def pay(merchant: Merchant, made: dict[str, Any], status: int = 200, **choice: Any) -> Any:
    return await merchant.drive("POST", "pay", status, json={"payment_link_id": made["id"], **choice})


async def test_a_link_is_created_and_paid(merchant: Merchant, receiver: Receiver) -> None:
    await merchant.webhook(receiver.url)
    made = await link(
        merchant,
        currency="INR",
        reference_id="ref-1",
        description="Class 7",
        customer={"name": "Asha", "email": "asha@example.com", "contact": "+919876543210"},
        notify={"sms": True, "email": False},
        notes={"seat": "2"},
        callback_url="https://example.com/paid",
        callback_method="get",
    )
    assert (made["status"], made["amount_paid"], made["payments"]) == ("created", 0, None)
    assert made["reference_id"] == "ref-1"
    assert made["short_url"].startswith(merchant.url)
    assert (made["customer"]["name"], made["notify"]) == ("Asha", {"sms": True, "email": False})
    handed = await pay(merchant, made, method="card")
    merchant.client.utility.verify_payment_link_signature(
        {
            "payment_link_id": handed["razorpay_payment_link_id"],
            "payment_link_reference_id": handed["razorpay_payment_link_reference_id"],
            "payment_link_status": handed["razorpay_payment_link_status"],
            "razorpay_payment_id": handed["razorpay_payment_id"],
            "razorpay_signature": handed["razorpay_signature"],
        }
    )
    assert (handed["razorpay_payment_link_status"], handed["razorpay_payment_link_reference_id"]) == ("paid", "ref-1")
    done = await fetched(merchant, made)
    assert (done["status"], done["amount_paid"]) == ("paid", 1_000)
    assert [(entry["payment_id"], entry["status"]) for entry in done["payments"]] == [
        (handed["razorpay_payment_id"], "captured")
    ]
    await merchant.settle()
    assert receiver.events == ["payment.authorized", "payment.captured", "order.paid", "payment_link.paid"]
    last = receiver.received[-1]
    assert last.document["contains"] == ["payment_link", "order", "payment"]
    assert last.entity("payment_link")["order_id"] == last.entity("order")["id"]
    await pay(merchant, made, 400)


async def test_a_link_is_paid_in_parts(merchant: Merchant, receiver: Receiver) -> None:
    await merchant.webhook(receiver.url, events=["payment_link.partially_paid", "payment_link.paid"])
    made = await link(merchant, accept_partial=True, first_min_partial_amount=300)
    await pay(merchant, made, 400, amount=200)
    assert (await pay(merchant, made, amount=400))["razorpay_payment_link_status"] == "partially_paid"
    part = await fetched(merchant, made)
    assert (part["status"], part["amount_paid"], len(part["payments"])) == ("partially_paid", 400, 1)
    await merchant.refused("paid/partially paid", merchant.client.payment_link.cancel, made["id"])
    await pay(merchant, made, amount=600)
    assert (await fetched(merchant, made))["status"] == "paid"
    await merchant.settle()
    assert receiver.events == ["payment_link.partially_paid", "payment_link.paid"]


async def test_a_link_is_cancelled(merchant: Merchant, receiver: Receiver) -> None:
    await merchant.webhook(receiver.url)
    made = await link(merchant)
    cancelled = await merchant.call(merchant.client.payment_link.cancel, made["id"])
    assert (cancelled["status"], cancelled["cancelled_at"] > 0) == ("cancelled", True)
    await pay(merchant, made, 400)
    await merchant.settle()
    assert receiver.events == ["payment_link.cancelled"]
    await merchant.refused("cannot cancel or expire an expired link", merchant.client.payment_link.cancel, made["id"])
    await merchant.refused("does not exist", merchant.client.payment_link.cancel, "plink_none")


async def test_a_link_expires(merchant: Merchant, receiver: Receiver) -> None:
    await merchant.webhook(receiver.url)
    now = int((await merchant.drive("GET", "clock"))["now"])
    short, longer, open_ended = (
        await link(merchant, expire_by=now + 1_000),
        await link(merchant, expire_by=now + 1_000),
        await link(merchant),
    )
    await merchant.call(merchant.client.payment_link.edit, longer["id"], {"expire_by": now + 2 * DAY})
    await merchant.advance(DAY)
    assert [(await fetched(merchant, made))["status"] for made in (short, longer)] == ["expired", "created"]
    await pay(merchant, short, 400)
    await merchant.advance(2 * DAY)
    assert (await fetched(merchant, longer))["status"] == "expired"
    assert receiver.events == ["payment_link.expired"] * 2
    # Without a date a link lives for half a year.
    await merchant.advance(190 * DAY)
    assert (await fetched(merchant, open_ended))["expired_at"] > 0


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"amount": 99}, "at least INR 1.00"),
        ({"expire_by": 1_600_000_000}, "atleast 15 minutes"),
        ({"expire_by": 4_000_000_000}, "six months"),
        ({"reference_id": "x" * 41}, "greater than 40"),
        ({"description": "x" * 2_049}, "greater than 2048"),
        ({"callback_url": "https://example.com"}, "callback_method"),
        ({"upi_link": True, "accept_partial": True}, "partial payment not supported"),
        ({"customer": "Asha"}, "customer must be an object"),
        ({"receipt": "x"}, "should not be sent"),
    ],
)
async def test_a_bad_link_is_refused(merchant: Merchant, fields: dict[str, Any], said: str) -> None:
    await merchant.refused(said, merchant.client.payment_link.create, {"amount": 1_000} | fields)


async def test_links_are_found_by_reference_and_payment(merchant: Merchant) -> None:
    reference = uuid.uuid4().hex
    made, other = await link(merchant, reference_id=reference), await link(merchant)
    body = {"amount": 1_000, "reference_id": reference}
    await merchant.refused("reference ID already attempted", merchant.client.payment_link.create, body)
    payment_id = (await pay(merchant, other))["razorpay_payment_id"]

    async def ids(**query: Any) -> list[str]:
        found = await merchant.call(merchant.client.payment_link.all, query)
        return [item["id"] for item in found["payment_links"]]

    assert await ids() == [other["id"], made["id"]]
    assert await ids(reference_id=reference) == [made["id"]]
    assert await ids(payment_id=payment_id) == [other["id"]]
    assert await ids(reference_id="nobody") == []
    change = {"reference_id": "new", "notes": {"a": "b"}, "reminder_enable": True}
    edited = await merchant.call(merchant.client.payment_link.edit, made["id"], change)
    assert (edited["notes"], edited["reminder_enable"]) == ({"a": "b"}, True)
    assert (await ids(reference_id="new"), await ids(reference_id=reference)) == ([made["id"]], [])
    assert await merchant.call(merchant.client.payment_link.notifyBy, made["id"], "email") == {"success": True}
    await merchant.refused("medium", merchant.client.payment_link.notifyBy, made["id"], "post")


async def test_the_page_of_a_link_pays_it(merchant: Merchant) -> None:
    made = await link(
        merchant, description="<b>Class</b>", callback_url="https://example.com/paid?a=1", callback_method="get"
    )
    page = await merchant.http.get(made["short_url"])
    assert (page.status_code, "INR 10.00" in page.text, "&lt;b&gt;Class" in page.text) == (200, True, True)
    failed = await merchant.http.post(made["short_url"], data={"outcome": "failure"})
    assert failed.headers["location"] == made["short_url"]
    paid = await merchant.http.post(made["short_url"], data={"outcome": "success"})
    assert paid.status_code == 302
    query = parse_qs(urlsplit(paid.headers["location"]).query)
    assert (query["a"], query["razorpay_payment_link_status"]) == (["1"], ["paid"])
    assert "button" not in (await merchant.http.get(made["short_url"])).text
    assert (await merchant.http.post(made["short_url"], data={"outcome": "success"})).status_code == 400
    assert (await merchant.http.post(made["short_url"], data={"outcome": "nonsense"})).status_code == 400
    assert (await merchant.http.get(f"{merchant.url}/razorpay/l/plink_none")).status_code == 400
