"""Reconciliation, put together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from gateway.contract import Kernel
from gateway.tasks import end
from modules.payments.checkout.settlement import Settlement
from modules.payments.checkout.vendor_check import VendorCheck
from modules.payments.ledger.ledger import Ledger
from modules.payments.links.check import LinkCheck
from modules.payments.reconciliation import routes
from modules.payments.reconciliation.captures import CaptureTimes
from modules.payments.reconciliation.orders import OrderComparison
from modules.payments.reconciliation.reconciliation import Reconciliation
from modules.payments.reconciliation.resolutions import Resolutions
from modules.payments.reconciliation.settlements import SettlementComparison
from modules.payments.reconciliation.silence import WebhookSilence
from modules.payments.reconciliation.sweep import Sweep
from modules.payments.settings import PaymentsSettings
from modules.payments.vendor.razorpay import Razorpay


class ReconciliationFeature:
    """Without a `razorpay` there is nobody to compare with, and nothing is looked for."""

    def __init__(
        self,
        kernel: Kernel,
        settings: PaymentsSettings,
        razorpay: Razorpay | None,
        settlement: Settlement,
        ledger: Ledger,
        vendor_check: VendorCheck,
        link_check: LinkCheck,
    ) -> None:
        self.orders = orders = OrderComparison(kernel, vendor_check, link_check)
        self.settlements = settlements = SettlementComparison(kernel, settings, razorpay, settlement, ledger)
        self.silence = silence = WebhookSilence(kernel.database, settings)
        self.sweep = Sweep(kernel, settings, settlements, silence, ledger)
        self.reconciliation = Reconciliation(kernel, orders, settlements, silence, ledger)
        self.features = (orders, settlements, CaptureTimes(kernel))
        self.webhooks = settlements.webhooks
        self.routes = routes.router(Resolutions(kernel.database))
        self._sells = razorpay is not None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """With its worker."""
        tasks = [asyncio.get_running_loop().create_task(self.sweep.run())] if self._sells else []
        try:
            yield
        finally:
            await end(tasks)
