"""What people are told of their payments. These are receipts: nobody turns them off."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from typing import Final

import msgspec

from gateway.contract import Delivery, Kernel, listener
from modules.notify.facade import Kind, Money, Notice, Urgency, tell, withdraw
from modules.payments.checkout.repository import OrderRepository
from modules.payments.events import PaymentCaptured, PaymentFailed, PaymentRefunded

LOCALE: Final = Path(__file__).parent / "locale"
LINK: Final = "/payments/%(order_id)s"
RECEIPT_TTL: Final = timedelta(days=7)


class PaymentNotice(msgspec.Struct, frozen=True):
    """What the texts of these kinds are filled with."""

    order_id: str
    program_id: str
    title: str
    amount: Money


class PaymentNotices:
    """The kinds of notifications about payments. The buyer is told too, where that is not the student."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._orders = OrderRepository(kernel.database)
        self.confirmed = Kind(
            name="payments.confirmed",
            data=PaymentNotice,
            title="Your place in %(title)s is paid",
            body="We have received %(amount)s. Your invoice is with your payments.",
            link=LINK,
            urgency=Urgency.HIGH,
            ttl=RECEIPT_TTL,
            receipt=True,
            locale=LOCALE,
        )
        self.failed = Kind(
            name="payments.failed",
            data=PaymentNotice,
            title="Your payment for %(title)s has failed",
            body="%(amount)s were not paid. You can try again with another way to pay.",
            link=LINK,
            # Most people try again at once, and are spared it when that works.
            delay=timedelta(minutes=5),
            ttl=timedelta(hours=6),
            receipt=True,
            still_wanted=self._unpaid,
            locale=LOCALE,
        )
        self.refunded = Kind(
            name="payments.refunded",
            data=PaymentNotice,
            title="A refund for %(title)s",
            body="%(amount)s are on their way back to you. Your bank may need some days.",
            link=LINK,
            ttl=RECEIPT_TTL,
            receipt=True,
            locale=LOCALE,
        )
        self.contributions = (self.confirmed, self.failed, self.refunded)

    @listener(PaymentCaptured, "payments.tell_captured")
    async def tell_captured(self, event: PaymentCaptured, delivery: Delivery) -> None:
        """A place that costs nothing is paid by nothing, and needs no receipt."""
        await withdraw(self._kernel, self.failed.name, event.order_id)
        if event.amount:
            await self._tell(self.confirmed, event.order_id, event.order_id, event.amount, event.currency)

    @listener(PaymentFailed, "payments.tell_failed")
    async def tell_failed(self, event: PaymentFailed, delivery: Delivery) -> None:
        """Once for each order, however often somebody tries."""
        order = await self._orders.find(event.order_id)
        if order is not None and order.paid_by is None:
            await self._tell(self.failed, event.order_id, event.order_id, order.amount, order.currency)

    @listener(PaymentRefunded, "payments.tell_refunded")
    async def tell_refunded(self, event: PaymentRefunded, delivery: Delivery) -> None:
        await self._tell(self.refunded, event.refund_id, event.order_id, event.amount, event.currency)

    async def _tell(self, kind: Kind, subject: str, order_id: str, amount: int, currency: str) -> None:
        order = await self._orders.find(order_id)
        if order is None or not subject:
            return
        data = PaymentNotice(order.id, order.program_id, order.title, Money(amount, currency))
        users = tuple(sorted({order.user_id, order.buyer_id}))
        await tell(self._kernel, Notice(kind.name, subject, data, users=users))

    async def _unpaid(self, users: Collection[str], subject: str, data: PaymentNotice) -> Collection[str]:
        order = await self._orders.find(data.order_id)
        return users if order is not None and order.paid_by is None else ()
