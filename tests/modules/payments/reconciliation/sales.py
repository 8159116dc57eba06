"""Places that are ordered and paid on the checkout page, with whatever is lost on the way."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

import asyncpg
import httpx
import msgspec

from ksmp_testkit import Caller
from ksmp_testkit.answers import done
from ksmp_testkit.eventually import eventually
from modules.payments.reconciliation.settlements import INDIA
from tests.modules.payments.razorpay import KEY_ID, KEY_SECRET, StandIn
from tests.modules.programs.programs import created, id_of, user

ORDERS = "/api/v1/payments/orders"
AUTH = (KEY_ID, KEY_SECRET)


class Sale(msgspec.Struct, frozen=True):
    """A student's order for a program."""

    student: httpx.AsyncClient
    program: str
    order: str
    vendor_order: str

    async def state(self) -> str:
        return str(done(await self.student.get(f"{ORDERS}/{self.order}"))["state"])

    async def becomes(self, state: str) -> None:
        async def there() -> bool:
            return await self.state() == state

        await eventually(there, f"the order is {state}")

    async def enrolled(self) -> None:
        async def there() -> bool:
            return (await self.student.get(f"{self.program}/enrolment")).status_code == 200

        await eventually(there, "the student has the place")


async def sale(caller: Caller) -> Sale:
    """An order that can be paid."""
    path, student = await created(caller(user(), "mentor"), price=118_000), caller(user())
    answer = await student.post(ORDERS, json={"program_id": id_of(path)}, headers={"Idempotency-Key": uuid.uuid4().hex})
    order = done(answer, 201)
    return Sale(student, path, order["order"]["id"], order["vendor_order_id"])


async def paid(caller: Caller, razorpay: StandIn) -> tuple[Sale, str]:
    """One that a webhook has told of, and its payment."""
    sold = await sale(caller)
    payment = (await razorpay.pay(sold.vendor_order, closed=True))["payments"][0]["id"]
    await razorpay.settle()
    await sold.becomes("paid")
    return sold, payment


async def settled(razorpay: StandIn) -> tuple[date, dict[str, Any]]:
    """Everything on the balance is transferred to the bank: the day, and the settlement."""
    made = (await razorpay.drive("POST", "settlements/run"))["settlement"]
    return datetime.fromtimestamp(made["created_at"], INDIA).date(), made


async def differences(database: asyncpg.Pool[Any], subject: str) -> dict[str, tuple[str, str, str | None]]:
    """The newest of each kind about a subject: ours, theirs, and who has resolved it."""
    rows = await database.fetch(
        "SELECT kind, ours, theirs, resolved_by FROM payments_difference WHERE subject = $1 ORDER BY found_at, id",
        subject,
    )
    return {row["kind"]: (row["ours"], row["theirs"], row["resolved_by"]) for row in rows}
