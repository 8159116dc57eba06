"""The demo program is bought on the page, with the stand-in's checkout in it."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest
from playwright.async_api import BrowserContext, FrameLocator, Page, expect

from devstack import state
from devstack.state import State
from tests.client.stack import Stack
from tests.devstack.page.tab import Tab


class Buyer:
    """A student's tab with the shop open."""

    def __init__(self, page: Page, gateway: str, known: State) -> None:
        self.page = page
        self.gateway = gateway
        self.known = known
        self.shop = page.get_by_role("dialog", name="Demo program to buy")
        self.checkout: FrameLocator = page.frame_locator("iframe[title=Checkout]")
        self.order = page.locator("#order")

    async def buy(self) -> None:
        await self.shop.get_by_role("button", name="Buy").click()

    async def pays(self, button: str) -> None:
        await self.checkout.get_by_role("button", name=button).click()

    async def is_enrolled(self) -> None:
        await expect(self.order).to_have_text("Paid. You are enrolled.", timeout=15_000)

    async def orders(self) -> list[dict[str, object]]:
        """As the gateway shows them to the user of this tab."""
        user = await self.page.evaluate("sessionStorage.id")
        async with httpx.AsyncClient(base_url=self.gateway, trust_env=False) as http:
            token = (await http.get("/dev/token", params={"user": user, "role": "student"})).json()["token"]
            answer = await http.get("/api/v1/payments/orders", headers={"Authorization": f"Bearer {token}"})
        items: list[dict[str, object]] = answer.json()["items"]
        return items

    async def drive(self, method: str, path: str, **body: object) -> None:
        async with httpx.AsyncClient(base_url=self.known.aws_endpoint, trust_env=False, timeout=30.0) as http:
            answer = await http.request(method, f"/_devcloud/razorpay/{path}", json=body)
            assert answer.status_code == 200, answer.text


@pytest.fixture
async def buyer(stack: Stack, window: BrowserContext, room: str) -> Buyer:
    tab = await Tab.opened(window, stack.gateways[1], room, "Asha", "a student")
    known = await asyncio.to_thread(state.read, stack.data / "dev.json")
    await tab.page.get_by_role("button", name="Buy a program").click()
    return Buyer(tab.page, stack.gateways[1], known)


async def test_a_student_pays_with_a_coupon_and_is_enrolled(buyer: Buyer) -> None:
    await expect(buyer.page.locator("#price")).to_have_text("₹499.00")
    await buyer.shop.get_by_label("Coupon").fill(buyer.known.coupon.lower())
    await buyer.shop.get_by_role("button", name="Apply").click()
    await expect(buyer.page.locator("#price")).to_have_text("₹499.00 less ₹49.90 is ₹449.10")
    await buyer.buy()
    await expect(buyer.checkout.get_by_role("heading")).to_have_text("₹449.10")
    await buyer.checkout.get_by_label("Card").check()
    await buyer.pays("Pay ₹449.10")
    await buyer.is_enrolled()
    (order,) = await buyer.orders()
    assert (order["state"], order["amount"], order["program_id"]) == ("paid", 44_910, buyer.known.paid_program)


async def test_a_failed_payment_is_tried_again(buyer: Buyer) -> None:
    await buyer.buy()
    await buyer.pays("Let the payment fail")
    await expect(buyer.page.locator("#shop-note")).to_have_text("The payment failed: Payment failed")
    await buyer.pays("Pay ₹499.00")
    await buyer.is_enrolled()


async def test_what_a_closed_tab_paid_is_pushed(buyer: Buyer) -> None:
    """The page never verifies: Razorpay tells the gateways, and they tell the page."""
    await buyer.buy()
    await buyer.pays("Pay, and close the tab")
    await buyer.is_enrolled()


async def test_two_tabs_pay_once(buyer: Buyer) -> None:
    await buyer.buy()
    await buyer.pays("Pay twice")
    await buyer.is_enrolled()


async def test_a_bank_confirms_later_and_the_page_hears_of_it(buyer: Buyer) -> None:
    await buyer.buy()
    await buyer.pays("Pay late")
    await expect(buyer.checkout.get_by_role("status")).to_contain_text("The bank has not confirmed it yet")
    await buyer.pays("Close the checkout")
    await expect(buyer.order).to_have_attribute("data-state", re.compile("open|confirming"))
    await buyer.drive("POST", "clock/advance", seconds=3601)
    await buyer.is_enrolled()


async def test_a_checkout_that_is_closed_leaves_the_order_open(buyer: Buyer) -> None:
    await buyer.buy()
    await buyer.pays("Close the checkout")
    await expect(buyer.page.locator("#shop-note")).to_have_text("The checkout was closed.")
    await buyer.buy()
    await buyer.pays("Pay ₹499.00")
    await buyer.is_enrolled()
    assert len(await buyer.orders()) == 1


async def test_a_coupon_that_is_none_is_refused_in_words(buyer: Buyer) -> None:
    await buyer.shop.get_by_label("Coupon").fill("NONESUCH")
    await buyer.shop.get_by_role("button", name="Apply").click()
    await expect(buyer.page.locator("#shop-note")).to_have_text("this code is not valid here")
    await buyer.shop.get_by_role("button", name="Close").click()
    await expect(buyer.shop).to_be_hidden()


async def test_the_page_takes_scripts_and_frames_of_the_stand_in_alone(buyer: Buyer) -> None:
    async with httpx.AsyncClient(base_url=buyer.gateway, trust_env=False) as http:
        policy = (await http.get("/")).headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"'self' {buyer.known.aws_endpoint}"
    assert rules["frame-src"] == buyer.known.aws_endpoint
    assert rules["connect-src"] == rules["style-src"] == "'self'"
