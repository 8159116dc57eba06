"""Timers of orders: one whose time is over expires, unless a payment is under way.

First the vendor is asked, because its webhook may be lost. No payment is lost with an order that has expired: captured
money buys the place, or goes back.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

from gateway import clock
from gateway.contract import Delivery, Kernel, timer
from modules.payments.checkout.repository import OrderRepository
from modules.payments.checkout.settlement import Settlement
from modules.payments.events import OrderDue
from modules.payments.settings import CheckoutSettings
from modules.payments.states import UNPAID, OrderState

EXPIRE: Final = "payments.expire"


class ExpiryDue(msgspec.Struct, frozen=True):
    """What the timer carries. `asked` says that the vendor was asked since the order's time was over."""

    order_id: str
    asked: bool = False


class Expiry:
    def __init__(self, kernel: Kernel, settings: CheckoutSettings, settlement: Settlement) -> None:
        self._kernel = kernel
        self._settings = settings
        self._settlement = settlement
        self._orders = OrderRepository(kernel.database)

    @timer(EXPIRE)
    async def expire(self, due: ExpiryDue, delivery: Delivery) -> None:
        order = await self._orders.lock(due.order_id)
        if order is None or order.state not in UNPAID:
            return
        now = clock.now()
        held_until = order.created_at + timedelta(seconds=self._settings.confirming_life)
        if order.state is OrderState.CONFIRMING and now < held_until:
            # The bank has its time. Place and coupon are held until then.
            await self._kernel.schedules.at(EXPIRE, order.id, held_until, ExpiryDue(order.id))
        elif due.asked or (order.vendor_order_id is None and order.link_id is None):
            await self._settlement.close(order, OrderState.EXPIRED)
        else:
            await self._kernel.events.publish(OrderDue(order.id))
            again = now + timedelta(seconds=self._settings.expiry_grace)
            await self._kernel.schedules.at(EXPIRE, order.id, again, ExpiryDue(order.id, asked=True))
