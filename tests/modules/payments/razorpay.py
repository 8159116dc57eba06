"""The stand-in for Razorpay as payments' tests drive it: the customer, the webhooks, the clock, the faults."""

from __future__ import annotations

from typing import Any, Final

import httpx

KEY_ID: Final = "rzp_test_ksmp"
KEY_SECRET: Final = "ksmp-test-secret"
WEBHOOK_SECRET: Final = "webhook-secret"
WEBHOOKS: Final = "/api/v1/payments/webhooks/razorpay"


def environ_of(devcloud: str, **more: str) -> dict[str, str]:
    """The variables of a gateway that sells by the stand-in at this address."""
    return {
        "KSMP_PAYMENTS_KEY_ID": KEY_ID,
        "KSMP_PAYMENTS_KEY_SECRET": KEY_SECRET,
        "KSMP_PAYMENTS_WEBHOOK_SECRETS": WEBHOOK_SECRET,
        "KSMP_PAYMENTS_RAZORPAY_URL": f"{devcloud}/razorpay",
        "KSMP_PAYMENTS_RAZORPAY_PAUSE": "0.1",
        # Tests switch it off and on: a few failures in a row say nothing of the next test.
        "KSMP_PAYMENTS_RAZORPAY_FAILURES": "50",
        "KSMP_PAYMENTS_SELLER_NAME": "KSMP Learning",
        "KSMP_PAYMENTS_SELLER_STATE": "27",
    } | more


class StandIn:
    """The control endpoints. `aclose` it."""

    def __init__(self, url: str) -> None:
        self.http = httpx.AsyncClient(base_url=url, timeout=30.0, trust_env=False)

    async def drive(self, method: str, path: str, **options: Any) -> Any:
        answer = await self.http.request(method, f"/_devcloud/razorpay/{path}", **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def pay(self, vendor_order_id: str, **choice: Any) -> dict[str, Any]:
        """A customer pays an order; the answer has what the checkout hands to the page."""
        paid: dict[str, Any] = await self.drive("POST", "pay", json={"order_id": vendor_order_id, **choice})
        return paid

    async def webhook(self, url: str, *, events: list[str] | None = None, secret: str = WEBHOOK_SECRET) -> str:
        """Let a gateway hear of what happens, and nobody else."""
        await self.drive("DELETE", "webhooks")
        wanted = {"url": url + WEBHOOKS, "secret": secret, "events": events if events is not None else ["*"]}
        made = await self.drive("POST", "webhooks", json=wanted)
        return str(made["id"])

    async def no_webhooks(self) -> None:
        await self.drive("DELETE", "webhooks")

    async def faults(self, **faults: Any) -> None:
        answer = await self.http.put("/_devcloud/faults", json=faults)
        assert answer.status_code == 200, answer.text

    async def settle(self) -> None:
        """Wait until every webhook that is due was sent."""
        await self.drive("POST", "webhooks/settle")

    async def advance(self, seconds: float) -> None:
        await self.drive("POST", "clock/advance", json={"seconds": seconds})

    async def settings(self, **settings: Any) -> None:
        await self.drive("PATCH", "settings", json=settings)

    async def books(self) -> Any:
        return await self.drive("GET", "books")

    async def events(self) -> list[dict[str, Any]]:
        """What has happened, as webhooks tell it."""
        return list((await self.drive("GET", "events"))["events"])

    async def clear(self) -> None:
        await self.drive("DELETE", "state")
        await self.faults()
