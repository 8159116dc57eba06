"""Compares an order with the vendor: heals lost webhooks and lost answers, and counts what it healed."""

from __future__ import annotations

import structlog

from gateway.contract import Delivery, Kernel, listener
from modules.payments.checkout.repository import OrderRepository
from modules.payments.checkout.vendor_check import VendorCheck
from modules.payments.events import OrderDue
from modules.payments.links.check import LinkCheck
from modules.payments.reconciliation import metrics
from modules.payments.reconciliation.differences import Differences
from modules.payments.vendor.outcomes import NotFound

log = structlog.get_logger(__name__)


class OrderComparison:
    def __init__(self, kernel: Kernel, vendor_check: VendorCheck, link_check: LinkCheck) -> None:
        self._orders = OrderRepository(kernel.database)
        self._vendor_check = vendor_check
        self._link_check = link_check
        self._differences = Differences(kernel.database)

    @listener(OrderDue, "payments.check_order", transactional=False)
    async def check_order(self, due: OrderDue, delivery: Delivery) -> None:
        await self.compare(due.order_id)

    async def compare(self, order_id: str) -> bool:
        """Ask the vendor, and settle by its answer. Whether that changed anything. Raises Unavailable."""
        before = await self._orders.find(order_id)
        if before is None:
            return False
        check = self._link_check if before.by_link else self._vendor_check
        try:
            await check.refresh(order_id)
        except NotFound:
            # Of another account, or of its test mode: asking again helps nobody.
            theirs = before.link_id or before.vendor_order_id or ""
            detail = "Razorpay does not know its own order or link"
            await self._differences.note("order_missing", theirs, detail, ours=order_id, order_id=order_id)
            return False
        after = await self._orders.find(order_id)
        healed = after is not None and after.rev != before.rev
        metrics.compared.labels("order").inc()
        if healed and after is not None:
            metrics.heals.labels("order").inc()
            log.info("reconciliation.order_healed", order=order_id, was=before.state, state=after.state)
        return healed
