"""What students buy, and the stand-in for Razorpay that they pay at."""

from __future__ import annotations

import random
from typing import Any, Final

import asyncpg
import httpx

from loadtests.patient import PatientClient
from loadtests.stack import Stack

COUPON: Final = "LOADTEST"
COUPON_USES: Final = 25


class Shop:
    """The gateways, the stand-in for Razorpay, and paid programs; `small` has few places."""

    def __init__(self, running: Stack, http: httpx.AsyncClient, database: asyncpg.Pool, seed: int) -> None:
        self.running = running
        self._database = database
        self._http = http
        self._vendor = f"{running.aws_endpoint}/_devcloud/razorpay/"
        self.random = random.Random(seed)
        self._client = PatientClient(running.gateways, http, self.random)
        self.programs: list[str] = []
        self.small = ""

    async def open(self, programs: int, places: int) -> None:
        """Make the programs and a coupon of few uses."""
        for number in range(programs):
            self.programs.append(await self._program(f"Program {number}", 49_900 + 10_007 * number))
        self.small = await self._program("Few places", 150_000, capacity=places)
        terms = {"code": COUPON, "kind": "percent", "value": 1250, "limit_total": COUPON_USES}
        answer = await self.ask("POST", "/payments/coupons", self.running.tokens["admin"], key="coupon", json=terms)
        answer.raise_for_status()

    async def _program(self, title: str, price: int, **more: Any) -> str:
        mentor = self.running.tokens["mentor"]
        terms = {"title": title, "price": price, "currency": "INR", **more}
        answer = await self.ask("POST", "/programs", mentor, key=title.replace(" ", "-"), json=terms)
        answer.raise_for_status()
        program = str(answer.json()["id"])
        (await self.ask("POST", f"/programs/{program}/publish", mentor, match='"1"')).raise_for_status()
        return program

    async def ask(
        self, method: str, path: str, token: str, *, key: str = "", match: str = "", json: Any = None
    ) -> httpx.Response:
        """The answer of a gateway; asked again after what is temporary. Raises NoAnswer."""
        return await self._client.ask(method, path, token, key=key, match=match, json=json)

    @property
    def repeats(self) -> int:
        return self._client.repeats

    async def pay(self, **choice: Any) -> dict[str, Any]:
        """A customer pays at the vendor's page: what that page then hands over."""
        paid: dict[str, Any] = await self.drive("POST", "pay", json=choice)
        return paid

    async def link_of(self, order: str) -> str:
        """The vendor's id of a payment link, which no client needs to know."""
        return str(await self._database.fetchval("SELECT link_id FROM payments_order WHERE id = $1", order))

    async def drive(self, method: str, path: str, **options: Any) -> Any:
        """A control call of the stand-in."""
        answer = await self._http.request(method, self._vendor + path, timeout=60.0, **options)
        if answer.status_code != 200:
            raise RuntimeError(f"the stand-in answers {answer.status_code} to {path}: {answer.text[:300]}")
        return answer.json()

    async def faults(self, faults: dict[str, Any]) -> None:
        url = f"{self.running.aws_endpoint}/_devcloud/faults"
        (await self._http.put(url, json=faults)).raise_for_status()
