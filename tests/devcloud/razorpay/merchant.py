"""A merchant: Razorpay's own SDK, pointed at the stand-in, and the control endpoints beside it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import razorpay

KEY, SECRET = "rzp_test_ksmp", "ksmp-test-secret"


class Merchant:
    """`client` is the SDK's. It blocks, so `call` runs it in a thread."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = self.sdk()
        self.http = httpx.AsyncClient(base_url=url, timeout=30.0, trust_env=False)

    def sdk(self, key: str = KEY, secret: str = SECRET) -> Any:
        return razorpay.Client(auth=(key, secret), base_url=f"{self.url}/razorpay")

    async def call(self, method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        return await asyncio.to_thread(method, *arguments, timeout=20.0, **options)

    async def drive(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        answer = await self.http.request(method, f"/_devcloud/razorpay/{path}", **options)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def faults(self, **faults: Any) -> None:
        answer = await self.http.put("/_devcloud/faults", json=faults)
        assert answer.status_code == 200, answer.text

    async def settings(self, **settings: Any) -> None:
        await self.drive("PATCH", "settings", json=settings)

    async def order(self, amount: int = 50_000, **fields: Any) -> dict[str, Any]:
        body = {"amount": amount, "currency": "INR", "receipt": uuid.uuid4().hex} | fields
        order: dict[str, Any] = await self.call(self.client.order.create, body)
        return order

    async def pay(self, order: dict[str, Any], **choice: Any) -> dict[str, Any]:
        paid: dict[str, Any] = await self.drive("POST", "pay", json={"order_id": order["id"], **choice})
        return paid

    async def paid(self, amount: int = 50_000, **choice: Any) -> dict[str, Any]:
        """A payment of a new order."""
        payment: dict[str, Any] = (await self.pay(await self.order(amount), **choice))["payments"][-1]
        return payment

    async def payment(self, payment_id: str) -> dict[str, Any]:
        payment: dict[str, Any] = await self.call(self.client.payment.fetch, payment_id)
        return payment

    async def fetched(self, order: dict[str, Any]) -> dict[str, Any]:
        fresh: dict[str, Any] = await self.call(self.client.order.fetch, order["id"])
        return fresh

    async def webhook(self, url: str, secret: str = "first", **options: Any) -> str:
        made = await self.drive("POST", "webhooks", json={"url": url, "secret": secret, **options})
        return str(made["id"])

    async def settle(self) -> None:
        """Wait until every webhook that is due was sent."""
        await self.drive("POST", "webhooks/settle")

    async def advance(self, seconds: float) -> None:
        await self.drive("POST", "clock/advance", json={"seconds": seconds})

    async def refused(self, text: str, method: Callable[..., Any], *arguments: Any, **options: Any) -> None:
        """That the SDK raises BadRequestError with these words."""
        with pytest.raises(razorpay.errors.BadRequestError, match=text):
            await self.call(method, *arguments, **options)
