"""The checkout as it is served: what a query may say, and what becomes of it."""

from __future__ import annotations

import pytest

from .merchant import KEY, Merchant

SCRIPT = "<script>alert(1)</script>\"'"


async def test_the_page_shows_the_order(merchant: Merchant) -> None:
    order = await merchant.order(4_491_000)
    query = {
        "order_id": order["id"],
        "key_id": KEY,
        "name": SCRIPT,
        "description": SCRIPT,
        "prefill_email": SCRIPT,
        "prefill_contact": SCRIPT,
        "prefill_method": "card",
        "origin": "https://merchant.example",
        "callback_url": "https://merchant.example/paid?a=1&b=2",
    }
    page = await merchant.http.get("/razorpay/checkout", params=query)
    assert page.status_code == 200
    assert "₹44,910.00" in page.text
    assert "alert(1)</script>" not in page.text
    assert page.text.count("&lt;script&gt;") == 4
    assert 'value="card" checked' in page.text
    assert 'data-callback="https://merchant.example/paid?a=1&amp;b=2"' in page.text
    assert "default-src 'none'; script-src 'self'" in page.headers["content-security-policy"]
    for outside in ("http://", "//cdn"):
        assert outside not in page.text


@pytest.mark.parametrize("callback", ["javascript:alert(1)", "data:text/html,x", "//merchant.example", "file:///x"])
async def test_a_callback_is_an_address_of_the_web(merchant: Merchant, callback: str) -> None:
    order = await merchant.order()
    query = {"order_id": order["id"], "callback_url": callback, "origin": callback}
    page = await merchant.http.get("/razorpay/checkout", params=query)
    assert 'data-callback=""' in page.text
    assert 'data-origin=""' in page.text


async def test_a_paid_order_says_so(merchant: Merchant) -> None:
    order = await merchant.order()
    await merchant.pay(order)
    page = await merchant.http.get("/razorpay/checkout", params={"order_id": order["id"]})
    assert "This order is paid already." in page.text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"key_id": KEY}, "does not exist"),
        ({"order_id": "<b>", "key_id": KEY}, "does not exist"),
        ({"order_id": "order_none", "key_id": "rzp_live_other"}, "key provided is invalid"),
    ],
)
async def test_what_cannot_be_paid_is_refused(merchant: Merchant, query: dict[str, str], said: str) -> None:
    page = await merchant.http.get("/razorpay/checkout", params=query)
    assert (page.status_code, said in page.text, "<b>" in page.text) == (400, True, False)


async def test_the_parts_of_the_page_are_served(merchant: Merchant) -> None:
    for path, kind in {
        "checkout.js": "text/javascript",
        "checkout/page.js": "text/javascript",
        "checkout/page.css": "text/css",
    }.items():
        part = await merchant.http.get(f"/razorpay/{path}")
        assert (part.status_code, part.headers["content-type"]) == (200, kind)
        assert (await merchant.http.post(f"/razorpay/{path}")).status_code == 405
    # Anything else below is not the checkout's.
    assert (await merchant.http.get("/razorpay/checkout/page.html")).status_code != 200


async def test_each_payment_says_what_its_tab_gets(merchant: Merchant) -> None:
    handed = (await merchant.pay(await merchant.order(), outcome="failure_then_success"))["handed_over"]
    assert ["error" in tab for tab in handed] == [True, False]
    first, second = (await merchant.pay(await merchant.order(), times=2))["handed_over"]
    merchant.client.utility.verify_payment_signature(first)
    assert (await merchant.payment(first["razorpay_payment_id"]))["status"] == "captured"
    assert (await merchant.payment(second["razorpay_payment_id"]))["status"] == "refunded"
