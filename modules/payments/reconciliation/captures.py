"""Measures how long an order takes to be paid."""

from __future__ import annotations

from gateway.contract import Delivery, Kernel, listener
from modules.payments.checkout.repository import OrderRepository
from modules.payments.events import PaymentCaptured
from modules.payments.reconciliation import metrics


class CaptureTimes:
    def __init__(self, kernel: Kernel) -> None:
        self._orders = OrderRepository(kernel.database)

    @listener(PaymentCaptured, "payments.time_to_capture")
    async def measure(self, captured: PaymentCaptured, delivery: Delivery) -> None:
        order = await self._orders.find(captured.order_id)
        if order is not None and order.paid_at is not None and order.amount > 0:
            metrics.time_to_capture.observe(max((order.paid_at - order.created_at).total_seconds(), 0.0))
