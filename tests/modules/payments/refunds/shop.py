"""A shop for tests of refunds: programs that are sold by the gateway's routes and paid at the stand-in for Razorpay."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import asyncpg
import httpx

from gateway.contract import Delivery, Module, listener
from ksmp_testkit import Caller, Running
from ksmp_testkit.answers import done
from modules.payments.events import DisputeLost, DisputeOpened, PaymentRefunded
from modules.payments.module import PaymentsModule
from modules.payments.vendor.entities import VendorPayment, VendorRefund
from modules.payments.vendor.razorpay import Razorpay
from tests.modules.programs.programs import created, id_of, user

PAYMENTS = "/api/v1/payments"
WEBHOOK_SECRET = "webhook-secret"


class Ears(Module):
    """Hears what payments tells of refunds and disputes."""

    name = "ears"
    requires = ("payments",)

    # Of all gateways of this process: an event is heard by one of them.
    refunds: ClassVar[dict[str, list[PaymentRefunded]]] = {}
    opened: ClassVar[dict[str, list[DisputeOpened]]] = {}
    lost: ClassVar[dict[str, list[DisputeLost]]] = {}

    @listener(PaymentRefunded, "ears.refunded")
    async def _refunded(self, event: PaymentRefunded, delivery: Delivery) -> None:
        self.refunds.setdefault(event.payment_id, []).append(event)

    @listener(DisputeOpened, "ears.opened")
    async def _opened(self, event: DisputeOpened, delivery: Delivery) -> None:
        self.opened.setdefault(event.dispute_id, []).append(event)

    @listener(DisputeLost, "ears.lost")
    async def _lost(self, event: DisputeLost, delivery: Delivery) -> None:
        self.lost.setdefault(event.dispute_id, []).append(event)


@dataclass(frozen=True)
class Sale:
    """A place that was paid for."""

    order_id: str
    payment_id: str
    vendor_order_id: str
    student: str
    program: str

    @property
    def path(self) -> str:
        return f"{PAYMENTS}/orders/{self.order_id}"


class Shop:
    def __init__(self, node: Running, caller: Caller, cloud: httpx.AsyncClient, database: asyncpg.Pool[Any]) -> None:
        self.node = node
        self.caller = caller
        self.database = database
        self._cloud = cloud
        self.admin = caller(f"admin-{user()}", "admin")

    @property
    def module(self) -> PaymentsModule:
        return self.node.module(PaymentsModule)

    @property
    def razorpay(self) -> Razorpay:
        assert self.module._razorpay is not None
        return self.module._razorpay

    @property
    def ears(self) -> Ears:
        return self.node.module(Ears)

    async def drive(self, method: str, path: str, **body: Any) -> Any:
        """A control call of the stand-in."""
        answer = await self._cloud.request(method, f"/_devcloud/razorpay/{path}", json=body or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def faults(self, **operations: Any) -> None:
        answer = await self._cloud.put("/_devcloud/faults", json={"operations": operations})
        assert answer.status_code == 200, answer.text

    async def program(self, price: int = 50_000, **values: Any) -> str:
        """The path of a program with this price."""
        return await created(self.caller(f"mentor-{user()}", "mentor"), price=price, **values)

    async def order(self, program: str, student: str) -> Any:
        """The checkout of a new order."""
        body = {"program_id": id_of(program)}
        answer = await self.caller(student).post(f"{PAYMENTS}/orders", json=body, headers=key())
        return done(answer, 201)

    async def pay(self, checkout: Any) -> Any:
        return await self.drive("POST", "pay", order_id=checkout["vendor_order_id"])

    async def sell(self, program: str, student: str | None = None) -> Sale:
        """A paid order, whose student has the place when there was one."""
        student = student or user()
        checkout = await self.order(program, student)
        paid = await self.pay(checkout)
        payment_id = paid["payments"][-1]["id"]
        async with self.node.gateway.database.transaction():
            await self.module.checkout.settlement.apply_payment(await self.razorpay.payment(payment_id))
        await self.handled()
        return Sale(checkout["order"]["id"], payment_id, checkout["vendor_order_id"], student, program)

    async def handled(self) -> None:
        """Wait until everything that was published is handled, and what follows from that."""
        await self.node.events_handled(timeout=30.0)

    async def ask(self, sale: Sale, status: int = 201, **body: Any) -> Any:
        answer = await self.admin.post(f"{sale.path}/refunds", json={"reason": "A test"} | body, headers=key())
        return done(answer, status)

    async def refund(self, id: str) -> Any:
        return done(await self.admin.get(f"{PAYMENTS}/refunds/{id}"))

    async def refunds(self, sale: Sale) -> list[Any]:
        """The newest first."""
        items: list[Any] = done(await self.admin.get(f"{sale.path}/refunds"))["items"]
        return items

    async def at_vendor(self, sale: Sale) -> Sequence[VendorRefund]:
        return await self.razorpay.refunds_of_payment(sale.payment_id)

    async def look(self, refund_id: str) -> None:
        """Let the timer of a refund fire now, unless it has ended, and what follows from it happen."""
        if (await self.refund(refund_id))["state"] in ("requested", "pending"):
            await self.node.fire_timer("payments.refund_due", refund_id)
            await self.handled()

    async def told(self, refund: VendorRefund, payment: VendorPayment | None = None) -> None:
        """As a webhook would tell it."""
        async with self.node.gateway.database.transaction():
            if payment is not None:
                await self.module.checkout.settlement.apply_payment(payment)
            await self.module.checkout.settlement.apply_refund(refund)
        await self.handled()

    async def has_place(self, sale: Sale) -> bool:
        return (await self.caller(sale.student).get(f"{sale.program}/enrolment")).status_code == 200

    async def shown(self, sale: Sale) -> Any:
        """The order, as the student sees it."""
        return done(await self.caller(sale.student).get(sale.path))

    async def balance(self, sale: Sale, account: str) -> int:
        """What an account holds by this order."""
        return int(
            await self.database.fetchval(
                "SELECT coalesce(sum(amount), 0) FROM payments_ledger_entry JOIN payments_ledger_transaction "
                "ON id = transaction_id WHERE order_id = $1 AND account = $2",
                sale.order_id,
                account,
            )
        )

    async def owed(self, sale: Sale) -> int:
        """What the stand-in's books say that Razorpay owes us for this order."""
        payments = await self.razorpay.payments_of_order(sale.vendor_order_id)
        owed = 0
        for payment in payments:
            if payment.captured:
                back = [one for one in await self.razorpay.refunds_of_payment(payment.id) if one.status == "processed"]
                owed += payment.amount - (payment.fee or 0) - sum(one.amount for one in back)
        paid = {payment.id for payment in payments}
        return owed - sum(one.amount_deducted for one in await self.razorpay.disputes() if one.payment_id in paid)

    async def differences(self, subject: str) -> list[str]:
        """The kinds of what an operator is told of this."""
        rows = await self.database.fetch(
            "SELECT kind FROM payments_difference WHERE subject = $1 AND resolved_at IS NULL ORDER BY kind", subject
        )
        return [row["kind"] for row in rows]


def key() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}
