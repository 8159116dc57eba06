"""The stand-in's checkout.js in a merchant's page, by the contract of Razorpay's Standard Checkout."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import razorpay as sdk
from aiohttp import web
from playwright.async_api import BrowserContext, FrameLocator, Page, expect

from devstack import razorpay

PAGE = """<!doctype html><meta name="viewport" content="width=device-width"><title>Merchant</title>
<script src="{script}"></script><button id="focus">Buy</button>
<script>
  const said = [];
  function start(options) {{
    const razorpay = new Razorpay({{
      key: "{key}", order_id: "{order}", name: "<b>KSMP</b>", description: "Algebra",
      prefill: {{ method: "netbanking" }},
      handler: (response) => said.push(["handler", response]),
      modal: {{ ondismiss: () => said.push(["dismiss"]) }},
      ...options,
    }});
    razorpay.on("payment.failed", ({{ error }}) => said.push(["failed", error]));
    razorpay.open();
  }}
</script>"""


class Shop:
    """A merchant's page with an order that may be paid on it.

    `said` is what its script was told, and `posted` holds what forms sent to the merchant.
    """

    def __init__(self, page: Page, order: str, client: Any, posted: list[str]) -> None:
        self.page = page
        self.order = order
        self.client = client
        self.posted = posted

    async def start(self, options: str = "{}") -> FrameLocator:
        """Open the checkout; what is in it."""
        await self.page.evaluate(f"start({options})")
        checkout = self.page.frame_locator("iframe[title=Checkout]")
        await expect(checkout.get_by_role("heading")).to_have_text("₹449.10")
        return checkout

    async def said(self) -> list[list[Any]]:
        said: list[list[Any]] = await self.page.evaluate("said")
        return said

    async def gone(self) -> None:
        await expect(self.page.get_by_role("dialog")).to_have_count(0)

    async def payments(self) -> list[tuple[str, str]]:
        """Method and state of the order's payments, the oldest first."""
        found = await asyncio.to_thread(self.client.order.payments, self.order, timeout=20.0)
        return [(item["method"], item["status"]) for item in sorted(found["items"], key=lambda item: item["id"])]


@pytest.fixture
async def shop(window: BrowserContext, devcloud: str) -> AsyncIterator[Shop]:
    client = sdk.Client(auth=(razorpay.KEY_ID, razorpay.KEY_SECRET), base_url=f"{devcloud}/razorpay")
    body = {"amount": 44_910, "currency": "INR", "receipt": uuid.uuid4().hex}
    order = (await asyncio.to_thread(client.order.create, body, timeout=20.0))["id"]
    page = await window.new_page()
    text = PAGE.format(script=f"{devcloud}/razorpay/checkout.js", key=razorpay.KEY_ID, order=order)
    posted: list[str] = []

    async def serve(request: web.Request) -> web.Response:
        if request.method == "POST":
            posted.append(await request.text())
        return web.Response(text=text, content_type="text/html")

    # A server of its own: a browser lets no page of the internet load a script from this machine.
    merchant = web.Application()
    merchant.router.add_route("*", "/{path:.*}", serve)
    runner = web.AppRunner(merchant)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    await page.goto(f"http://127.0.0.1:{runner.addresses[0][1]}/")
    yield Shop(page, order, client, posted)
    await runner.cleanup()
    async with httpx.AsyncClient(base_url=devcloud, trust_env=False) as http:
        await http.delete("/_devcloud/razorpay/state")


async def test_a_payment_is_handed_over_signed(shop: Shop) -> None:
    checkout = await shop.start()
    await expect(checkout.get_by_text("<b>KSMP</b>")).to_be_visible()
    await expect(checkout.get_by_label("Netbanking")).to_be_checked()
    await checkout.get_by_label("Card").check()
    await checkout.get_by_role("button", name="Pay ₹449.10").click()
    await shop.gone()
    ((what, response),) = await shop.said()
    assert (what, response["razorpay_order_id"]) == ("handler", shop.order)
    assert set(response) == {"razorpay_payment_id", "razorpay_order_id", "razorpay_signature"}
    shop.client.utility.verify_payment_signature(response)
    assert await shop.payments() == [("card", "captured")]


async def test_a_failed_payment_is_told_and_may_be_tried_again(shop: Shop) -> None:
    checkout = await shop.start()
    await checkout.get_by_role("button", name="Let the payment fail").click()
    await expect(checkout.get_by_role("status")).to_contain_text("Payment failed. Try again")
    ((what, error),) = await shop.said()
    assert (what, error["code"], error["metadata"]["order_id"]) == ("failed", "BAD_REQUEST_ERROR", shop.order)
    await checkout.get_by_role("button", name="Pay ₹449.10").click()
    await shop.gone()
    assert [what for what, *_ in await shop.said()] == ["failed", "handler"]


async def test_without_retry_a_failure_is_the_end(shop: Shop) -> None:
    checkout = await shop.start("{ retry: { enabled: false } }")
    await checkout.get_by_role("button", name="Let the payment fail").click()
    await shop.gone()
    assert [what for what, *_ in await shop.said()] == ["failed", "dismiss"]


async def test_it_fails_then_succeeds(shop: Shop) -> None:
    checkout = await shop.start()
    await checkout.get_by_role("button", name="Fail, then succeed").click()
    await shop.gone()
    assert [what for what, *_ in await shop.said()] == ["failed", "handler"]


async def test_two_tabs_pay_and_one_of_them_is_this_one(shop: Shop) -> None:
    checkout = await shop.start()
    await checkout.get_by_role("button", name="Pay twice").click()
    await shop.gone()
    assert [what for what, *_ in await shop.said()] == ["handler"]
    assert sorted(state for _, state in await shop.payments()) == ["captured", "refunded"]


async def test_a_closed_tab_hears_nothing(shop: Shop) -> None:
    checkout = await shop.start()
    await checkout.get_by_role("button", name="Pay, and close the tab").click()
    await shop.gone()
    assert await shop.said() == []
    assert await shop.payments() == [("netbanking", "captured")]


@pytest.mark.parametrize(
    ("button", "state", "said"), [("Pay late", "created", []), ("Fail, and succeed late", "failed", ["failed"])]
)
async def test_a_bank_confirms_later(shop: Shop, devcloud: str, button: str, state: str, said: list[str]) -> None:
    checkout = await shop.start()
    await checkout.get_by_label("The bank confirms").select_option("6 hours later")
    await checkout.get_by_role("button", name=button).click()
    await expect(checkout.get_by_role("status")).to_contain_text("ksmp devcloud razorpay advance 6h")
    assert await shop.payments() == [("netbanking", state)]
    await checkout.get_by_role("button", name="Close the checkout").click()
    await shop.gone()
    assert [what for what, *_ in await shop.said()] == [*said, "dismiss"]
    async with httpx.AsyncClient(base_url=devcloud, trust_env=False) as http:
        await http.post("/_devcloud/razorpay/clock/advance", json={"seconds": 6 * 3600 + 1})
    assert await shop.payments() == [("netbanking", "captured")]


async def test_escape_closes_it_unless_the_merchant_says_no(shop: Shop) -> None:
    checkout = await shop.start("{ modal: { escape: false, ondismiss: () => said.push(['dismiss']) } }")
    await checkout.get_by_label("UPI").press("Escape")
    await expect(checkout.get_by_role("heading")).to_be_visible()
    assert await shop.said() == []
    await checkout.get_by_role("button", name="Close the checkout").click()
    await shop.gone()
    checkout = await shop.start()
    await checkout.get_by_label("UPI").press("Escape")
    await shop.gone()
    assert await shop.said() == [["dismiss"], ["dismiss"]]


async def test_the_time_to_pay_ends(shop: Shop) -> None:
    await shop.page.evaluate("start({ timeout: 0.2 })")
    await shop.gone()
    assert await shop.said() == [["dismiss"]]


async def test_the_callback_gets_a_form(shop: Shop) -> None:
    checkout = await shop.start(f"{{ handler: undefined, callback_url: '{shop.page.url}paid' }}")
    async with shop.page.expect_navigation():
        await checkout.get_by_role("button", name="Pay ₹449.10").click()
    assert shop.page.url.endswith("/paid")
    (posted,) = shop.posted
    assert {part.partition("=")[0] for part in posted.split("&")} == {
        "razorpay_payment_id",
        "razorpay_order_id",
        "razorpay_signature",
    }


async def test_it_fits_a_phone(shop: Shop) -> None:
    await shop.page.set_viewport_size({"width": 320, "height": 568})
    checkout = await shop.start()
    for button in await checkout.get_by_role("button").all():
        await button.scroll_into_view_if_needed()
        box = await button.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320
        assert box["height"] >= 40


async def test_a_bad_key_says_so(shop: Shop) -> None:
    await shop.page.evaluate("start({ key: 'rzp_live_other' })")
    checkout = shop.page.frame_locator("iframe[title=Checkout]")
    await expect(checkout.get_by_role("alert")).to_contain_text("key provided is invalid")
    await checkout.get_by_role("button", name="Close the checkout").click()
    await shop.gone()
    with pytest.raises(Exception, match="No key passed"):
        await shop.page.evaluate("start({ key: '' })")
