"""Payments: every way of a customer, captures, and refunds that nobody asked for."""

from __future__ import annotations

from typing import Any

import pytest

from .merchant import Merchant

DAY = 86_400


async def test_a_payment_is_captured_by_itself(merchant: Merchant) -> None:
    order = await merchant.order(70_000, notes={"seat": "1"})
    paid = await merchant.pay(order, method="upi", vpa="ravi@upi", email="ravi@example.com", contact="+911234567890")
    merchant.client.utility.verify_payment_signature(
        {name: paid[name] for name in ("razorpay_order_id", "razorpay_payment_id", "razorpay_signature")}
    )
    payment = await merchant.payment(paid["razorpay_payment_id"])
    assert payment["order_id"] == order["id"]
    # 2 %, and 18 % of that in it.
    assert (payment["status"], payment["captured"], payment["fee"], payment["tax"]) == ("captured", True, 1_652, 252)
    assert (payment["vpa"], payment["email"], payment["contact"]) == ("ravi@upi", "ravi@example.com", "+911234567890")
    assert payment["upi"]["vpa"] == "ravi@upi"
    assert payment["acquirer_data"]["rrn"]
    assert payment["notes"] == {"seat": "1"}
    assert [payment[name] for name in payment if name.startswith("error_")] == [None] * 5


@pytest.mark.parametrize(
    ("method", "choice", "shown"),
    [
        ("card", {"card": {"last4": "4242", "network": "MasterCard"}}, {"bank": None, "vpa": None, "wallet": None}),
        ("netbanking", {"bank": "SBIN"}, {"bank": "SBIN", "vpa": None, "wallet": None, "card_id": None}),
        ("wallet", {"wallet": "phonepe"}, {"wallet": "phonepe", "bank": None, "card_id": None}),
    ],
)
async def test_each_method_has_its_fields(
    merchant: Merchant, method: str, choice: dict[str, Any], shown: dict[str, object]
) -> None:
    paid = await merchant.paid(method=method, **choice)
    payment = await merchant.payment(paid["id"])
    assert payment["method"] == method
    assert {name: payment[name] for name in shown} == shown
    assert ("upi" in payment, "card" in payment) == (False, False)
    if method == "card":
        card = await merchant.call(merchant.client.payment.fetchCardDetails, paid["id"])
        assert (card["id"], card["last4"], card["network"]) == (payment["card_id"], "4242", "MasterCard")
        expanded = await merchant.call(merchant.client.payment.fetch, paid["id"], {"expand[]": "card"})
        assert expanded["card"] == card


async def test_the_fee_is_a_setting(merchant: Merchant) -> None:
    await merchant.settings(fee_basis_points=150, fees_by_method={"upi": 0}, tax_basis_points=500)
    assert [(paid["fee"], paid["tax"]) for paid in [await merchant.paid(10_000, method="card")]] == [(158, 8)]
    assert [(paid["fee"], paid["tax"]) for paid in [await merchant.paid(10_000, method="upi")]] == [(0, 0)]
    await merchant.drive("PATCH", "settings", 400, json={"fee_basis_points": -1})
    await merchant.drive("PATCH", "settings", 400, json={"fees": 1})


async def test_a_payment_fails(merchant: Merchant) -> None:
    order = await merchant.order()
    failure = {"description": "Wrong PIN", "source": "customer", "step": "payment_authentication", "reason": "pin"}
    paid = await merchant.pay(order, outcome="failure", failure=failure)
    assert "razorpay_signature" not in paid
    payment = await merchant.payment(paid["payments"][0]["id"])
    assert (payment["status"], payment["captured"], payment["fee"]) == ("failed", False, None)
    shown = [payment[f"error_{name}"] for name in ("code", "description", "source", "step", "reason")]
    assert shown == ["BAD_REQUEST_ERROR", "Wrong PIN", "customer", "payment_authentication", "pin"]
    assert paid["error"]["metadata"] == {"payment_id": payment["id"], "order_id": order["id"]}
    said = "authorized and not yet captured"
    await merchant.refused(said, merchant.client.payment.capture, payment["id"], 50_000, {"currency": "INR"})


async def test_one_order_has_a_failed_and_a_good_payment(merchant: Merchant) -> None:
    order = await merchant.order()
    paid = await merchant.pay(order, outcome="failure_then_success")
    assert [payment["status"] for payment in paid["payments"]] == ["failed", "captured"]
    assert paid["razorpay_payment_id"] == paid["payments"][1]["id"]
    assert (await merchant.fetched(order))["attempts"] == 2


async def test_a_closed_tab_hands_over_nothing(merchant: Merchant) -> None:
    order = await merchant.order()
    paid = await merchant.pay(order, closed=True)
    assert list(paid) == ["payments"]
    assert (await merchant.fetched(order))["status"] == "paid"


@pytest.mark.parametrize(("outcome", "before"), [("late", "created"), ("late_after_failure", "failed")])
async def test_a_payment_is_authorised_late(merchant: Merchant, outcome: str, before: str) -> None:
    order = await merchant.order()
    paid = await merchant.pay(order, outcome=outcome, after=2 * DAY)
    payment_id = paid["payments"][0]["id"]
    assert paid["payments"][0]["status"] == before
    await merchant.advance(2 * DAY - 60)
    assert (await merchant.payment(payment_id))["status"] == before
    await merchant.advance(120)
    payment = await merchant.payment(payment_id)
    assert (payment["status"], payment["error_code"]) == ("captured", None)
    assert (await merchant.fetched(order))["status"] == "paid"


async def test_a_payment_that_is_pending_ends_by_a_call(merchant: Merchant) -> None:
    order = await merchant.order()
    first, second = (await merchant.pay(order, outcome="pending", times=2))["payments"]
    await merchant.drive("POST", "payments/fail", json={"payment_id": first["id"]})
    await merchant.drive("POST", "payments/authorize", json={"payment_id": second["id"]})
    assert (await merchant.payment(first["id"]))["status"] == "failed"
    assert (await merchant.payment(second["id"]))["status"] == "captured"
    await merchant.drive("POST", "payments/fail", 400, json={"payment_id": second["id"]})


async def test_a_payment_is_captured_by_hand(merchant: Merchant) -> None:
    order = await merchant.order(payment_capture=False)
    payment_id = (await merchant.pay(order))["razorpay_payment_id"]
    assert (await merchant.payment(payment_id))["status"] == "authorized"
    assert (await merchant.fetched(order))["status"] == "attempted"
    capture = merchant.client.payment.capture
    await merchant.refused("equal to the amount authorized", capture, payment_id, 49_999, {"currency": "INR"})
    await merchant.refused("equal to the currency authorized", capture, payment_id, 50_000, {"currency": "USD"})
    await merchant.refused("amount must be an integer", capture, payment_id, 1.5, {"currency": "INR"})
    payment = await merchant.call(capture, payment_id, 50_000, {"currency": "INR"})
    assert (payment["status"], payment["captured"]) == ("captured", True)
    assert (await merchant.fetched(order))["status"] == "paid"
    await merchant.refused("already been captured", capture, payment_id, 50_000, {"currency": "INR"})


@pytest.mark.parametrize(
    ("account", "fields", "manual"),
    [
        ("manual", {}, True),
        ("manual", {"payment_capture": 1}, False),
        ("automatic", {"payment": {"capture": "manual"}}, True),
        (
            "manual",
            {"payment": {"capture": "automatic", "capture_options": {"automatic_expiry_period": 20}}},
            False,
        ),
    ],
)
async def test_the_order_says_how_it_is_captured(
    merchant: Merchant, account: str, fields: dict[str, Any], manual: bool
) -> None:
    await merchant.settings(capture=account)
    paid = await merchant.pay(await merchant.order(**fields))
    assert paid["payments"][0]["status"] == ("authorized" if manual else "captured")


async def test_nobody_captures_in_time(merchant: Merchant) -> None:
    order = await merchant.order(payment={"capture": "manual"})
    payment_id = (await merchant.pay(order))["razorpay_payment_id"]
    await merchant.advance(3 * DAY - 60)
    assert (await merchant.payment(payment_id))["status"] == "authorized"
    await merchant.advance(120)
    payment = await merchant.payment(payment_id)
    assert (payment["status"], payment["captured"]) == ("refunded", False)
    assert (payment["amount_refunded"], payment["refund_status"], payment["fee"]) == (50_000, "full", None)
    assert (await merchant.fetched(order))["status"] == "attempted"


async def test_a_late_payment_misses_its_automatic_capture(merchant: Merchant) -> None:
    options = {"automatic_expiry_period": 12, "manual_expiry_period": 60}
    order = await merchant.order(payment={"capture": "automatic", "capture_options": options})
    payment_id = (await merchant.pay(order, outcome="late", after=30 * 60))["payments"][0]["id"]
    await merchant.advance(31 * 60)
    assert (await merchant.payment(payment_id))["status"] == "authorized"
    await merchant.advance(30 * 60)
    assert (await merchant.payment(payment_id))["status"] == "refunded"


async def test_an_order_is_paid_twice(merchant: Merchant) -> None:
    order = await merchant.order()
    first, second = (await merchant.pay(order, times=2))["payments"]
    # A third one comes after the order was paid.
    third = (await merchant.pay(order))["payments"][0]
    assert (await merchant.payment(first["id"]))["status"] == "captured"
    for payment_id in (second["id"], third["id"]):
        payment = await merchant.payment(payment_id)
        assert (payment["status"], payment["captured"], payment["fee"]) == ("refunded", False, None)
    done = await merchant.fetched(order)
    assert (done["status"], done["amount_paid"], done["attempts"]) == ("paid", 50_000, 3)


async def test_a_late_payment_of_a_paid_order_is_refunded(merchant: Merchant) -> None:
    order = await merchant.order()
    late = (await merchant.pay(order, outcome="late_after_failure", after=DAY))["payments"][0]
    await merchant.pay(order)
    await merchant.advance(2 * DAY)
    payment = await merchant.payment(late["id"])
    assert (payment["status"], payment["captured"], payment["error_code"]) == ("refunded", False, None)
    assert (await merchant.fetched(order))["amount_paid"] == 50_000
    (refund,) = (await merchant.call(merchant.client.payment.fetch_multiple_refund, late["id"]))["items"]
    assert (refund["amount"], refund["status"]) == (50_000, "processed")


async def test_a_capture_by_hand_refunds_the_other_payment(merchant: Merchant) -> None:
    order = await merchant.order(payment_capture=0)
    first, second = (await merchant.pay(order, times=2))["payments"]
    await merchant.call(merchant.client.payment.capture, second["id"], 50_000, {"currency": "INR"})
    assert (await merchant.payment(first["id"]))["status"] == "refunded"


async def test_payments_are_listed(merchant: Merchant) -> None:
    payments = [(await merchant.paid(method="card"))["id"] for _ in range(3)]
    listed = await merchant.call(merchant.client.payment.all, {"count": 2, "skip": 1, "expand[]": "card"})
    assert [payment["id"] for payment in listed["items"]] == [payments[1], payments[0]]
    assert listed["items"][0]["card"]["entity"] == "card"
    await merchant.refused("id provided does not exist", merchant.client.payment.fetch, "pay_none")
    edited = await merchant.call(merchant.client.payment.edit, payments[0], {"notes": {"a": "b"}})
    assert edited["notes"] == {"a": "b"}


async def test_the_books_have_everything_to_the_paisa(merchant: Merchant) -> None:
    amounts = [101, 33_333, 70_000]
    for amount in amounts:
        await merchant.pay(await merchant.order(amount), times=2)
    await merchant.paid(outcome="failure")
    books = await merchant.drive("GET", "books")
    assert (len(books["orders"]), len(books["payments"]), len(books["refunds"])) == (4, 7, 3)
    fees = sum(payment["fee"] or 0 for payment in books["payments"])
    assert books["totals"] | {"fees": fees, "tax": 0} == {
        "captured": sum(amounts),
        "fees": fees,
        "tax": 0,
        "refunded": 0,
        "refunded_unasked": sum(amounts),
        "lost": 0,
        "net": sum(amounts) - fees,
        "settled": 0,
        "balance": sum(amounts) - fees,
    }
    # 2 + 667 + 1,400 and the tax on each.
    assert (books["totals"]["fees"], books["totals"]["tax"]) == (2 + 667 + 1_400 + 0 + 120 + 252, 0 + 120 + 252)
