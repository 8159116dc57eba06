"""What students buy, and how a client asks for it: again, with the same key, until there is an answer."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from typing import Any, Final

import asyncpg
import httpx

from loadtests.stack import Stack

# A client tries for so long, at one gateway after the other, as a patient person does.
PATIENCE: Final = 90.0
AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
COUPON: Final = "LOADTEST"
COUPON_USES: Final = 25


class NoAnswer(Exception):
    """No gateway gave an answer in time."""


class Shop:
    """The gateways, the stand-in for Razorpay, and paid programs; `small` has few places."""

    def __init__(self, running: Stack, http: httpx.AsyncClient, database: asyncpg.Pool, seed: int) -> None:
        self.running = running
        self._database = database
        self._http = http
        self._vendor = f"{running.aws_endpoint}/_devcloud/razorpay/"
        self._number = itertools.count()
        self.random = random.Random(seed)
        self.programs: list[str] = []
        self.small = ""
        self.repeats = 0

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
        headers = {"Authorization": f"Bearer {token}"}
        headers |= ({"Idempotency-Key": key} if key else {}) | ({"If-Match": match} if match else {})
        until = time.monotonic() + PATIENCE
        wait = 0.1
        while True:
            gateway = self.running.gateways[next(self._number) % len(self.running.gateways)]
            said = "no connection"
            try:
                answer = await self._http.request(method, f"{gateway}/api/v1{path}", headers=headers, json=json)
            except httpx.TransportError as error:
                said = repr(error)
            else:
                busy = answer.status_code == 409 and answer.json().get("temporary") is True
                if answer.status_code not in AGAIN and not busy:
                    return answer
                said = f"{answer.status_code} {answer.text[:300]}"
            if time.monotonic() > until:
                raise NoAnswer(f"{method} {path}: {said}")
            self.repeats += 1
            await asyncio.sleep(wait * (0.5 + self.random.random()))
            wait = min(wait * 2, 3.0)

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
