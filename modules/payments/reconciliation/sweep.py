"""Looks, again and again, for what is to be compared with the vendor, and for what an operator must know.

Each gateway has this worker. A row that says when something is due is claimed, so that one of them publishes its event;
the event's listener asks the vendor. So nothing hangs here, and nothing is lost when a gateway dies.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Final

import structlog

from gateway import clock
from gateway.contract import Kernel
from gateway.tasks import repeat
from modules.payments.events import OrderDue, RefundDue, SettlementDue
from modules.payments.ledger.ledger import Ledger
from modules.payments.reconciliation import metrics
from modules.payments.reconciliation.check_repository import CheckRepository, Intervals
from modules.payments.reconciliation.gauges import Gauges
from modules.payments.reconciliation.settlements import INDIA, SettlementComparison
from modules.payments.reconciliation.silence import WebhookSilence
from modules.payments.settings import ReconciliationSettings

log = structlog.get_logger(__name__)

# Rows of what is finished are kept for so long after their last time.
KEPT: Final = timedelta(days=30)
# Between two sums over the whole ledger.
BOOKS: Final = 3600.0


class Sweep:
    def __init__(
        self,
        kernel: Kernel,
        settings: ReconciliationSettings,
        settlements: SettlementComparison,
        silence: WebhookSilence,
        ledger: Ledger,
    ) -> None:
        self._kernel = kernel
        self._settings = settings
        self._settlements = settlements
        self._silence = silence
        self._ledger = ledger
        self._checks = CheckRepository(kernel.database)
        self._gauges = Gauges(kernel.database)
        self._intervals = Intervals(
            timedelta(seconds=settings.reconcile_first), timedelta(seconds=settings.reconcile_most)
        )
        self._books_at = float("-inf")

    async def run(self) -> None:
        """Do what is due, until cancelled."""
        await repeat("reconciliation", lambda: self.look(clock.now()), self._settings.reconcile_interval)

    async def look(self, now: datetime) -> None:
        """Publish what is due at this time, and raise the alarms. Raises Unavailable."""
        await self.publish_orders(now)
        await self.publish_refunds(now)
        await self.publish_days(now)
        await self._silence.check(now)
        await self._gauges.read(now)
        if time.monotonic() - self._books_at > BOOKS:
            self._books_at = time.monotonic()
            if unbalanced := await self._ledger.imbalance():
                log.error("reconciliation.ledger_unbalanced", transactions=unbalanced)
        metrics.last_look.set(now.timestamp())

    async def publish_orders(self, now: datetime) -> list[str]:
        """Orders to compare now, by their ids."""
        window = timedelta(seconds=self._settings.reconcile_window)
        async with self._kernel.database.transaction():
            due = await self._checks.due_orders(now, self._intervals, window, self._settings.reconcile_batch)
            for order_id in due:
                await self._kernel.events.publish(OrderDue(order_id))
        return due

    async def publish_refunds(self, now: datetime) -> list[str]:
        async with self._kernel.database.transaction():
            due = await self._checks.due_refunds(now, self._intervals, self._settings.reconcile_batch)
            for refund_id in due:
                await self._kernel.events.publish(RefundDue(refund_id))
        return due

    async def publish_days(self, now: datetime) -> None:
        """Once a day, the days whose settlements are to be compared; and payments that no settlement has."""
        local = now.astimezone(INDIA)
        begin = datetime.combine(local.date(), datetime.min.time(), INDIA)
        begin += timedelta(hours=self._settings.settlement_hour)
        today = local.date()
        if now < begin:
            begin, today = begin - timedelta(days=1), today - timedelta(days=1)
        days = [today - timedelta(days=back) for back in range(1, self._settings.settlement_days + 1)]
        async with self._kernel.database.transaction():
            due = await self._checks.due_days(now, days, begin)
            for day in due:
                await self._kernel.events.publish(SettlementDue(day.isoformat()))
            if due:
                await self._checks.forget(now - KEPT)
        if due:
            await self._settlements.missing(now)
