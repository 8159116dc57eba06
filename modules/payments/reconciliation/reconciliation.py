"""Compares everything since a day with the vendor, at once: what `ksmp payments reconcile` does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime, time, timedelta
from typing import Final

import msgspec

from gateway import clock
from gateway.contract import Database, Kernel
from gateway.errors import KsmpError
from modules.payments.events import RefundDue
from modules.payments.ledger.ledger import Ledger
from modules.payments.reconciliation.check_repository import CheckRepository
from modules.payments.reconciliation.messages import DifferenceView
from modules.payments.reconciliation.orders import OrderComparison
from modules.payments.reconciliation.resolutions import COLUMNS
from modules.payments.reconciliation.settlements import INDIA, Compared, SettlementComparison
from modules.payments.reconciliation.silence import WebhookSilence

OPEN: Final = f"SELECT {COLUMNS} FROM payments_difference WHERE resolved_at IS NULL ORDER BY found_at, id"  # noqa: S608


class Report(msgspec.Struct, frozen=True):
    """What was compared, what that healed, and what still differs."""

    orders: int
    orders_healed: int
    orders_failed: list[str]
    refunds: int
    settled: Compared
    days: int
    unbalanced: int
    open: list[DifferenceView]

    @property
    def agrees(self) -> bool:
        return not (self.open or self.orders_failed or self.unbalanced)


class Reconciliation:
    def __init__(
        self,
        kernel: Kernel,
        orders: OrderComparison,
        settlements: SettlementComparison,
        silence: WebhookSilence,
        ledger: Ledger,
    ) -> None:
        self._kernel = kernel
        self._orders = orders
        self._settlements = settlements
        self._silence = silence
        self._ledger = ledger
        self._checks = CheckRepository(kernel.database)

    async def run(self, since: date) -> Report:
        """Compare orders that were made, and settlements, since the beginning of a day in India. Raises Unavailable.

        Orders that cannot be compared are named, and the others are. Refunds that are not finished are handed to the
        gateways, which send or look them up.
        """
        begin = datetime.combine(since, time(), INDIA)
        compared = healed = 0
        failed: list[str] = []
        async for order_id in self._orders_since(begin):
            compared += 1
            try:
                healed += await self._orders.compare(order_id)
            except KsmpError as error:
                failed.append(f"{order_id}: {error.message}")
        refunds = await self._refunds(begin)
        now = clock.now()
        settled, days = Compared(), (now.astimezone(INDIA).date() - since).days + 1
        for back in range(days):
            settled += await self._settlements.compare(since + timedelta(days=back))
        await self._settlements.missing(now)
        await self._silence.check(now)
        unbalanced = await self._ledger.imbalance()
        differences = await self._open(self._kernel.database)
        return Report(compared, healed, failed, refunds, settled, max(days, 0), unbalanced, differences)

    async def _orders_since(self, begin: datetime) -> AsyncIterator[str]:
        after = ""
        while page := await self._checks.orders_since(begin, after):
            for order_id in page:
                yield order_id
            after = page[-1]

    async def _refunds(self, begin: datetime) -> int:
        async with self._kernel.database.transaction():
            due = await self._checks.refunds_since(begin)
            for refund_id in due:
                await self._kernel.events.publish(RefundDue(refund_id))
        return len(due)

    @staticmethod
    async def _open(database: Database) -> list[DifferenceView]:
        return [msgspec.convert(row, DifferenceView) for row in await database.fetch(OPEN)]
