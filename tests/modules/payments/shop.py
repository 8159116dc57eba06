"""Programs that are sold, and users who order and pay for a place in them."""

from __future__ import annotations

import uuid
from typing import Any, Final

import httpx

from ksmp_testkit import Caller, eventually
from ksmp_testkit.answers import done
from tests.modules.payments.razorpay import StandIn
from tests.modules.programs.programs import created, id_of, user

PAYMENTS: Final = "/api/v1/payments"
ORDERS: Final = f"{PAYMENTS}/orders"
PRICE: Final = 118_000


class Shop:
    """One program, sold by `node`."""

    def __init__(self, caller: Caller, razorpay: StandIn, path: str) -> None:
        self.caller = caller
        self.razorpay = razorpay
        self.path = path
        self.program = id_of(path)

    async def order(self, who: str, **values: Any) -> httpx.Response:
        """An order of this user, with a key of its own."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        return await self.caller(who).post(ORDERS, json={"program_id": self.program, **values}, headers=headers)

    async def ordered(self, who: str, **values: Any) -> dict[str, Any]:
        return dict(done(await self.order(who, **values), 201))

    async def read(self, who: str, order: str) -> dict[str, Any]:
        return dict(done(await self.caller(who).get(f"{ORDERS}/{order}")))

    async def verify(self, who: str, paid: dict[str, Any], caller: Caller | None = None) -> httpx.Response:
        """Hand over what the checkout page was given."""
        body = {name: value for name, value in paid.items() if name.startswith("razorpay_")}
        return await (caller or self.caller)(who).post(f"{PAYMENTS}/verify", json=body)

    async def is_(self, who: str, order: str, state: str) -> dict[str, Any]:
        """The order, once it is in this state."""
        found: dict[str, Any] = {}

        async def reached() -> bool:
            found.update(await self.read(who, order))
            return bool(found["state"] == state)

        await eventually(reached, f"the order is {state}")
        return found

    async def has_place(self, who: str) -> bool:
        return (await self.caller(who).get(f"{self.path}/enrolment")).status_code == 200

    async def gets_place(self, who: str) -> None:
        async def has() -> bool:
            return await self.has_place(who)

        await eventually(has, f"{who} has a place")


async def shop(caller: Caller, razorpay: StandIn, **values: Any) -> Shop:
    """A new program that is sold, for PRICE unless another one is given."""
    path = await created(caller(user(), "mentor"), **{"price": PRICE} | values)
    return Shop(caller, razorpay, path)
