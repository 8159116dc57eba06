"""One student's checkout: what they do, and what they must have in the end is judged by the vendor's books."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, Final

import httpx

from loadtests.checkouts.shop import COUPON, Shop

# How many in a hundred do what. Names are those of the printed table.
SCENARIOS: Final = {
    "paid": 34,
    "tab closed": 14,
    "failed, then paid": 8,
    "authorized hours later": 7,
    "failed, authorized later": 6,
    "paid in two tabs": 6,
    "paid after cancelling": 4,
    "paid by a link": 5,
    "refunded by an admin": 4,
    "refunded in part": 3,
    "place given back": 3,
    "only failures": 3,
    "never paid": 3,
}
HOURS: Final = 7200.0
LATER: Final = {"authorized hours later": "late", "failed, authorized later": "late_after_failure"}


class Customer:
    """A student who buys one place. `orders` are the ids of what was ordered, `refused` why nothing was."""

    def __init__(self, shop: Shop, name: str, token: str, scenario: str, counts: Counter[str]) -> None:
        self._shop = shop
        self._name = name
        self._token = token
        self._scenario = scenario
        self._counts = counts
        drawn = shop.random
        self._program = shop.small if drawn.random() < 0.1 else drawn.choice(shop.programs)
        self._coupon = COUPON if drawn.random() < 0.2 else ""

    async def buy(self) -> None:
        made = await self._order()
        if made is None:
            return
        if self._scenario == "paid by a link":
            # A parent has the link, and no account.
            await self._shop.pay(payment_link_id=await self._shop.link_of(made["order_id"]))
            return
        order, vendor_order = made["order"]["id"], made["vendor_order_id"]
        await self._pay(order, vendor_order)
        await self._afterwards(order)

    async def _order(self) -> dict[str, Any] | None:
        """The order with what the page needs; None when the program takes no more money."""
        terms = {"program_id": self._program, "coupon": self._coupon, "place_of_supply": "29"}
        path = "/payments/links" if self._scenario == "paid by a link" else "/payments/orders"
        answer = await self._ask("POST", path, key=f"order-{self._name}", json=terms)
        if answer.status_code == 409 and answer.json()["code"] == "payments.coupon_used_up":
            self._counts["coupon was used up"] += 1
            del terms["coupon"]
            answer = await self._ask("POST", path, key=f"order-{self._name}-dear", json=terms)
        if answer.status_code == 409 and answer.json()["code"] == "payments.not_for_sale":
            self._counts["turned away: full"] += 1
            return None
        if answer.status_code != 201:
            raise RuntimeError(f"an order was answered {answer.status_code}: {answer.text[:300]}")
        made: dict[str, Any] = answer.json()
        return made

    async def _pay(self, order: str, vendor_order: str) -> None:
        shop, scenario = self._shop, self._scenario
        if scenario == "never paid":
            return
        if scenario == "paid after cancelling":
            answer = await self._ask("POST", f"/payments/orders/{order}/cancel")
            if answer.status_code not in (200, 409):
                raise RuntimeError(f"cancelling was answered {answer.status_code}: {answer.text[:300]}")
        if scenario in LATER:
            await shop.pay(order_id=vendor_order, outcome=LATER[scenario], after=HOURS * shop.random.uniform(0.5, 12))
            return
        if scenario == "only failures":
            await shop.pay(order_id=vendor_order, outcome="failure")
            return
        if scenario == "tab closed":
            await shop.pay(order_id=vendor_order, closed=True)
            return
        if scenario == "paid in two tabs":
            paid = await shop.pay(order_id=vendor_order, times=2)
        elif scenario == "failed, then paid":
            paid = await shop.pay(order_id=vendor_order, outcome="failure_then_success")
        else:
            paid = await shop.pay(order_id=vendor_order)
        await self._verify(paid)

    async def _verify(self, paid: dict[str, Any]) -> None:
        handed = {name: paid[name] for name in ("razorpay_order_id", "razorpay_payment_id", "razorpay_signature")}
        answer = await self._ask("POST", "/payments/verify", json=handed)
        if answer.status_code != 200:
            raise RuntimeError(f"a verification was answered {answer.status_code}: {answer.text[:300]}")
        self._counts[f"verified: {answer.json()['state']}"] += 1

    async def _afterwards(self, order: str) -> None:
        if self._scenario not in ("refunded by an admin", "refunded in part", "place given back"):
            return
        if not await self._enrolled():
            # There was no place, or the gateway has not heard of the payment yet.
            self._counts["not enrolled in time to give back"] += 1
            return
        if self._scenario == "place given back":
            (await self._ask("DELETE", f"/programs/{self._program}/enrolment")).raise_for_status()
            return
        refund: dict[str, Any] = {"reason": "A load test"}
        if self._scenario == "refunded in part":
            refund |= {"amount": 12_345, "keep_place": True}
        admin = self._shop.running.tokens["admin"]
        path = f"/payments/orders/{order}/refunds"
        # The admin's click is lost as often as anything else, and is repeated.
        answers = await asyncio.gather(
            *(self._shop.ask("POST", path, admin, key=f"refund-{order}", json=refund) for _ in range(2))
        )
        for answer in answers:
            if answer.status_code not in (200, 201, 202):
                raise RuntimeError(f"a refund was answered {answer.status_code}: {answer.text[:300]}")

    async def _enrolled(self) -> bool:
        for _ in range(40):
            answer = await self._ask("GET", f"/programs/{self._program}/enrolment")
            if answer.status_code == 200 and answer.json()["state"] == "enrolled":
                return True
            await asyncio.sleep(0.5)
        return False

    async def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        return await self._shop.ask(method, path, self._token, **options)
