"""Orders: what may be created, and how one becomes paid."""

from __future__ import annotations

import pytest
import razorpay

from .merchant import KEY, Merchant


async def test_an_order_is_created_and_found(merchant: Merchant) -> None:
    order = await merchant.order(5_000, receipt="r-1", notes={"seat": "12", "class": "7"})
    assert order | {"id": "", "created_at": 0} == {
        "id": "",
        "entity": "order",
        "amount": 5_000,
        "amount_paid": 0,
        "amount_due": 5_000,
        "currency": "INR",
        "receipt": "r-1",
        "offer_id": None,
        "status": "created",
        "attempts": 0,
        "notes": {"seat": "12", "class": "7"},
        "created_at": 0,
    }
    assert order["id"].startswith("order_")
    assert len(order["id"]) == 20
    assert await merchant.fetched(order) == order
    bare = await merchant.order(100, receipt=None)
    assert (bare["receipt"], bare["notes"]) == (None, [])
    await merchant.refused("id provided does not exist", merchant.client.order.fetch, "order_none")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"amount": 99}, "less than minimum amount"),
        ({"amount": None}, "amount: is required"),
        ({"amount": 100.5}, "amount must be an integer"),
        ({"currency": "rupees"}, "currency"),
        ({"receipt": "x" * 41}, "receipt may not be greater than 40"),
        ({"receipt": 1}, "expected string"),
        ({"notes": {str(number): "x" for number in range(16)}}, "more than 15"),
        ({"notes": {"a": "x" * 257}}, "greater than 256"),
        ({"notes": "x"}, "notes must be an array"),
        ({"expire_by": 1}, "expire_by is/are not required and should not be sent"),
        ({"unique_receipt": True, "receipt": None}, "receipt: is required"),
        ({"payment": {"capture": "never"}}, "capture is invalid"),
        ({"payment": {"capture": "automatic"}}, "automatic_expiry_period: is required"),
        (
            {"payment": {"capture": "automatic", "capture_options": {"automatic_expiry_period": 11}}},
            "between 12 and 7200",
        ),
    ],
)
async def test_a_bad_order_is_refused(merchant: Merchant, fields: dict[str, object], said: str) -> None:
    body = {"amount": 500, "currency": "INR", "receipt": "r"} | fields
    await merchant.refused(said, merchant.client.order.create, {k: v for k, v in body.items() if v is not None})


async def test_errors_have_the_shape_of_razorpay(merchant: Merchant) -> None:
    answer = await merchant.http.post(
        "/razorpay/v1/orders", json={"amount": "x", "currency": "INR"}, auth=(KEY, "ksmp-test-secret")
    )
    assert answer.status_code == 400
    assert answer.json() == {
        "error": {
            "code": "BAD_REQUEST_ERROR",
            "description": "The amount must be an integer.",
            "source": "business",
            "step": "payment_initiation",
            "reason": "input_validation_failed",
            "metadata": {},
            "field": "amount",
        }
    }


async def test_a_wrong_key_is_refused(merchant: Merchant) -> None:
    for key, secret in ((KEY, "wrong"), ("rzp_test_other", "ksmp-test-secret"), (KEY, "")):
        with pytest.raises(razorpay.errors.BadRequestError, match="Authentication failed"):
            await merchant.call(merchant.sdk(key, secret).order.all)
        answer = await merchant.http.get("/razorpay/v1/orders", auth=(key, secret))
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "BAD_REQUEST_ERROR")
    assert (await merchant.http.get("/razorpay/v1/orders")).status_code == 401


async def test_an_unknown_address_is_refused(merchant: Merchant) -> None:
    answer = await merchant.http.get("/razorpay/v1/nothing/here", auth=(KEY, "ksmp-test-secret"))
    assert (answer.status_code, "not found on the server" in answer.text) == (400, True)


async def test_a_unique_receipt_is_for_one_order(merchant: Merchant) -> None:
    first = await merchant.order(receipt="once", unique_receipt=True)
    body = {"amount": 50_000, "currency": "INR", "receipt": "once", "unique_receipt": True}
    await merchant.refused("Order receipt should be unique", merchant.client.order.create, body)
    found = await merchant.call(merchant.client.order.all, {"receipt": "once"})
    assert [order["id"] for order in found["items"]] == [first["id"]]
    # Without the flag a receipt is a mere reference.
    second = await merchant.order(receipt="once")
    assert second["id"] != first["id"]
    # Razorpay's page of retries says so; its index of errors says the other.
    await merchant.settings(receipt_repeated="same_order")
    assert (await merchant.order(receipt="once", unique_receipt=True))["id"] == first["id"]


async def test_orders_are_listed(merchant: Merchant) -> None:
    orders = [await merchant.order() for _ in range(4)]
    await merchant.advance(1_000)
    late = await merchant.order()
    paid = (await merchant.pay(orders[1], method="card"))["payments"][0]

    async def listed(**query: object) -> list[str]:
        found = await merchant.call(merchant.client.order.all, query)
        assert (found["entity"], found["count"]) == ("collection", len(found["items"]))
        return [order["id"] for order in found["items"]]

    newest = [late["id"], *(order["id"] for order in reversed(orders))]
    assert await listed() == newest
    assert await listed(count=2, skip=1) == newest[1:3]
    assert await listed(**{"from": late["created_at"]}) == newest[:1]
    assert await listed(to=orders[-1]["created_at"]) == newest[1:]
    assert await listed(authorized=1) == [orders[1]["id"]]
    assert orders[1]["id"] not in await listed(authorized=0)
    assert await listed(receipt="nobody") == []
    await merchant.refused("count may not be greater", merchant.client.order.all, {"count": 101})
    expanded = await merchant.call(merchant.client.order.all, {"expand[]": "payments", "receipt": orders[1]["receipt"]})
    assert [payment["id"] for payment in expanded["items"][0]["payments"]["items"]] == [paid["id"]]
    payments = await merchant.call(merchant.client.order.payments, orders[1]["id"])
    assert [(payment["id"], payment["card"]["last4"]) for payment in payments["items"]] == [(paid["id"], "1111")]


async def test_an_order_goes_from_created_over_attempted_to_paid(merchant: Merchant) -> None:
    order = await merchant.order(70_000)
    await merchant.pay(order, outcome="failure")
    tried = await merchant.fetched(order)
    assert (tried["status"], tried["attempts"], tried["amount_due"]) == ("attempted", 1, 70_000)
    await merchant.pay(order)
    done = await merchant.fetched(order)
    assert (done["status"], done["attempts"], done["amount_paid"], done["amount_due"]) == ("paid", 2, 70_000, 0)


async def test_an_order_may_be_paid_in_parts(merchant: Merchant) -> None:
    order = await merchant.order(1_000, partial_payment=True, first_payment_min_amount=300)
    await merchant.drive("POST", "pay", 400, json={"order_id": order["id"], "amount": 200})
    await merchant.pay(order, amount=300)
    part = await merchant.fetched(order)
    assert (part["status"], part["amount_paid"], part["amount_due"]) == ("attempted", 300, 700)
    await merchant.drive("POST", "pay", 400, json={"order_id": order["id"], "amount": 800})
    await merchant.pay(order, amount=700)
    assert (await merchant.fetched(order))["status"] == "paid"
    whole = await merchant.order(1_000)
    await merchant.drive("POST", "pay", 400, json={"order_id": whole["id"], "amount": 500})


async def test_the_notes_of_an_order_can_be_replaced(merchant: Merchant) -> None:
    order = await merchant.order(notes={"a": "1"})
    edited = await merchant.call(merchant.client.order.edit, order["id"], {"notes": {"b": "2"}})
    assert edited["notes"] == {"b": "2"}
