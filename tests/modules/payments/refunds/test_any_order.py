"""Whatever is asked for, whatever the vendor makes of it, and however its messages come: the books agree with its own.

A test of many random lives of one payment. Requests, retries, refunds of the dashboard, lost answers, refusals, refunds
that are processed, fail or come back, and webhooks that are lost, repeated and out of order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime
from random import Random
from typing import Any

import pytest

from modules.payments.vendor.entities import VendorPayment, VendorRefund, entity

from .shop import PAYMENTS, Sale, Shop, key

STEPS = 16
POOR = "Your account does not have enough balance to carry out the refund operation."
FAULTS: tuple[dict[str, Any] | None, ...] = (
    None,
    None,
    {"error": "cut", "when": "after", "times": 1},
    {"error": "html", "when": "after", "times": 2},
    {"error": "server_error", "when": "before", "times": 1},
    {"error": "too_many_requests", "when": "before", "times": 1},
    {"error": "bad_request", "message": "This is not to be", "times": 1},
    {"error": "bad_request", "message": POOR, "times": 1},
)


class Life:
    """One payment, and what happens to it."""

    def __init__(self, shop: Shop, sale: Sale, random: Random) -> None:
        self.shop = shop
        self.sale = sale
        self.random = random
        self.reversed = False

    async def ask(self) -> None:
        fault = self.random.choice(FAULTS)
        await self.shop.faults(**({} if fault is None else {"razorpay.CreateRefund": fault}))
        body: dict[str, Any] = {"reason": "A test", "keep_place": self.random.random() < 0.3}
        if self.random.random() < 0.7:
            body["amount"] = self.random.choice([10_000, 15_000, 25_000, 50_000])
        answer = await self.shop.admin.post(f"{self.sale.path}/refunds", json=body, headers=key())
        assert answer.status_code in (201, 409), answer.text
        await self.shop.handled()
        await self.shop.faults()

    async def retry(self) -> None:
        failed = [one for one in await self.shop.refunds(self.sale) if one["state"] == "failed"]
        if failed:
            id = self.random.choice(failed)["id"]
            answer = await self.shop.admin.post(f"{PAYMENTS}/refunds/{id}/retry", headers=key())
            assert answer.status_code in (201, 409), answer.text
            await self.shop.handled()

    async def dashboard(self) -> None:
        """Somebody refunds a part in Razorpay's dashboard, where nobody knows of ours."""
        left = 50_000 - sum(one.amount for one in await self.shop.at_vendor(self.sale) if one.status != "failed")
        amount = self.random.choice([5_000, 10_000])
        if amount <= left:
            name = f"dashboard-{self.random.random()}".replace(".", "-")
            await self.shop.razorpay.refund(self.sale.payment_id, amount=amount, key=name, receipt=name, notes={})

    async def bank(self) -> None:
        """The bank decides about a refund, or sends one back."""
        refunds = [one for one in await self.shop.at_vendor(self.sale) if one.status != "failed"]
        if not refunds:
            return
        one = self.random.choice(refunds)
        if one.status == "pending" and self.random.random() < 0.7:
            await self.shop.drive("POST", "refunds/process", refund_id=one.id)
        elif one.status == "pending" or self.random.random() < 0.3:
            self.reversed |= one.status == "processed"
            await self.shop.drive("POST", "refunds/fail", refund_id=one.id)

    async def look(self) -> None:
        """The timer of a refund fires."""
        unfinished = [one for one in await self.shop.refunds(self.sale) if one["state"] in ("requested", "pending")]
        ours = [one for one in unfinished if one["origin"] != "vendor"]
        if ours:
            await self.shop.look(self.random.choice(ours)["id"])

    async def webhooks(self) -> None:
        """Some of all that the vendor ever told, in any order, and some of it twice."""
        events = await self.events()
        for event in self.random.choices(events, k=min(len(events), 5)):
            await self.tell(event)

    async def events(self) -> list[Any]:
        return [
            event["payload"]
            for event in (await self.shop.drive("GET", "events"))["events"]
            if event["payload"].get("refund", {}).get("entity", {}).get("payment_id") == self.sale.payment_id
        ]

    async def tell(self, payload: Any) -> None:
        payment = entity(VendorPayment, payload["payment"]["entity"])
        await self.shop.told(entity(VendorRefund, payload["refund"]["entity"]), payment)

    async def end(self) -> None:
        """Razorpay comes to an end with everything, and every message comes through."""
        for _ in range(2):
            for one in await self.shop.refunds(self.sale):
                if one["origin"] != "vendor":
                    await self.shop.look(one["id"])
            for refund in await self.shop.at_vendor(self.sale):
                if refund.status == "pending":
                    await self.shop.drive("POST", "refunds/process", refund_id=refund.id)
        events = await self.events()
        events += self.random.choices(events, k=len(events) // 2) if events else []
        self.random.shuffle(events)
        for event in events:
            await self.tell(event)

    async def check(self) -> None:
        shop, sale = self.shop, self.sale
        rows, there = await shop.refunds(sale), await shop.at_vendor(sale)
        # Each refund of the vendor is one row, and no row is two refunds.
        known = [(await shop.refund(row["id"]))["vendor_refund_id"] for row in rows]
        assert sorted(id for id in known if id is not None) == sorted(one.id for one in there)
        assert all(count == 1 for count in Counter(one.receipt for one in there).values())
        processed = {one.id: one for one in there if one.status == "processed"}
        assert sum(one.amount for one in processed.values()) <= 50_000
        counted = [row for row in rows if row["state"] == "processed"]
        assert sum(row["amount"] for row in counted) == sum(one.amount for one in processed.values())
        assert {row["state"] for row in rows} <= {"processed", "failed"}

        order = await shop.shown(sale)
        assert order["refunded"] == sum(row["amount"] for row in counted)
        assert (order["state"] == "refunded") == (order["refunded"] == 50_000)
        assert await shop.balance(sale, "receivable") == await shop.owed(sale)
        if order["refunded"] == 50_000:
            assert await shop.balance(sale, "revenue") + await shop.balance(sale, "refunds") == 0

        told = shop.ears.refunds.get(sale.payment_id, [])
        once = Counter(event.refund_id for event in told)
        assert all(count == 1 for count in once.values())
        assert {row["id"] for row in counted} <= set(once)
        if not self.reversed:
            assert {row["id"] for row in counted} == set(once)
        takes = any(event.full and not event.keep_place for event in told)
        assert await shop.has_place(sale) == (not takes)
        if not self.reversed:
            last = max(counted, key=lambda row: (moment(row["created_at"]), row["id"]), default=None)
            full = order["refunded"] == 50_000
            assert takes == (full and last is not None and not last["keep_place"])


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize("seed", range(8))
async def test_the_books_agree_whatever_happens_in_whatever_order(shop: Shop, seed: int) -> None:
    random = Random(seed)
    await shop.drive("PATCH", "settings", refund="pending")
    life = Life(shop, await shop.sell(await shop.program()), random)
    acts: list[Callable[[], Awaitable[None]]] = [
        *[life.ask] * 4,
        life.retry,
        life.dashboard,
        *[life.bank] * 5,
        *[life.look] * 2,
        *[life.webhooks] * 3,
    ]
    for _ in range(STEPS):
        await random.choice(acts)()
        there = await shop.at_vendor(life.sale)
        assert sum(one.amount for one in there if one.status != "failed") <= 50_000
    await life.end()
    await life.check()
