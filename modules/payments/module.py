"""What the payments module consists of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

from gateway.contract import Kernel, Module
from gateway.principal import Principal
from modules.payments import demo, errors
from modules.payments.checkout.feature import CheckoutFeature
from modules.payments.checkout.personal_data import PersonalDataRepository
from modules.payments.checkout.tables import OrderRow
from modules.payments.coupons import routes as coupon_routes
from modules.payments.coupons.catalogue import CouponCatalogue
from modules.payments.coupons.coupons import Coupons
from modules.payments.coupons.tables import CouponRow
from modules.payments.disputes.feature import DisputesFeature
from modules.payments.disputes.tables import DisputeRow
from modules.payments.events import EVENTS
from modules.payments.facts import FACTS
from modules.payments.invoices.feature import InvoicesFeature
from modules.payments.invoices.tables import InvoiceRow
from modules.payments.ledger.gst import Gst
from modules.payments.ledger.ledger import Ledger
from modules.payments.ledger.tables import LedgerEntryRow
from modules.payments.links.feature import LinkFeature
from modules.payments.notices import PaymentNotices
from modules.payments.public_events import PUBLIC
from modules.payments.reconciliation.differences import Differences
from modules.payments.reconciliation.feature import ReconciliationFeature
from modules.payments.reconciliation.reconciliation import Report
from modules.payments.reconciliation.tables import DifferenceRow
from modules.payments.refunds.feature import RefundsFeature
from modules.payments.refunds.tables import RefundedPaymentRow, RefundRow
from modules.payments.reports import routes as report_routes
from modules.payments.reports.reports import Reports
from modules.payments.reports.repository import ReportRepository
from modules.payments.settings import PaymentsSettings
from modules.payments.vendor.razorpay import Razorpay
from modules.payments.webhooks import routes as webhook_routes
from modules.payments.webhooks.handler import WebhookHandler
from modules.payments.webhooks.receiver import WebhookReceiver


class PaymentsModule(Module):
    """Payments for places in programs, by Razorpay: orders, coupons, refunds, the books and invoices."""

    name = "payments"
    requires = ("accounts", "programs")
    settings_type = PaymentsSettings
    emits = EVENTS
    tables = (
        CouponRow,
        DifferenceRow,
        InvoiceRow,
        LedgerEntryRow,
        OrderRow,
        RefundedPaymentRow,
        RefundRow,
        DisputeRow,
    )
    migrations = Path(__file__).parent / "migrations"
    codes = errors.CODES

    @classmethod
    def examine(cls, settings: PaymentsSettings, *, production: bool) -> str:
        return settings.examine(production=production)

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        settings: PaymentsSettings = kernel.settings(PaymentsSettings)
        # Without a key there is nobody to ask: the module starts, and what needs Razorpay is Unavailable.
        self._razorpay = razorpay = Razorpay(settings) if settings.key_id else None
        ledger = Ledger(kernel.database, mentor_share=settings.mentor_share)
        coupons = Coupons(kernel.database)
        gst = Gst(
            gstin=settings.seller_gstin,
            state=settings.state,
            rate=settings.gst_rate,
            undertaking=settings.gst_undertaking,
        )
        self._personal_data = PersonalDataRepository(kernel.database)
        self.checkout = checkout = CheckoutFeature(kernel, settings, razorpay, ledger, coupons, gst)
        links = LinkFeature(kernel, settings, razorpay, checkout.orders, checkout.settlement)
        self.reconciliation = reconciliation = ReconciliationFeature(
            kernel, settings, razorpay, checkout.settlement, ledger, checkout.vendor_check, links.check
        )
        invoices = InvoicesFeature(kernel, settings, ledger)
        differences = Differences(kernel.database)
        refunds = RefundsFeature(kernel, settings, checkout.settlement, differences, razorpay)
        disputed = DisputesFeature(kernel, settings, checkout.settlement, ledger, differences)
        self.disputes = disputed.disputes
        self.features = (
            *checkout.features,
            *links.features,
            *refunds.features,
            *disputed.features,
            *reconciliation.features,
            WebhookHandler(
                kernel,
                checkout.settlement,
                {**links.webhooks, **disputed.webhooks, **reconciliation.webhooks},
            ),
            *invoices.features,
            PaymentNotices(kernel),
        )
        self.contributions = (*PUBLIC, *FACTS)
        self.routes = (
            checkout.routes,
            webhook_routes.router(WebhookReceiver(kernel, settings), settings.webhook_bytes),
            links.routes,
            refunds.routes,
            disputed.routes,
            coupon_routes.router(CouponCatalogue(kernel.database)),
            invoices.routes,
            report_routes.router(Reports(settings, ReportRepository(kernel.database), ledger)),
            reconciliation.routes,
        )

    async def seed(self, people: Mapping[str, Principal]) -> Mapping[str, str]:
        return {"coupon": await demo.seed(self.kernel.database, people["admin"].id)}

    async def export(self, user: str) -> Mapping[str, Any]:
        return await self._personal_data.held(user)

    async def forget(self, user: str) -> Collection[str]:
        await self.checkout.orders.cancel_all(await self._personal_data.unpaid(user))
        await self._personal_data.forget(user)
        return ()

    async def reconcile(self, since: date) -> Report:
        """Compare all since a day with Razorpay: for the command `ksmp payments reconcile`, which runs no lifespan."""
        try:
            return await self.reconciliation.reconciliation.run(since)
        finally:
            await self._close()

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        try:
            async with self.reconciliation.running():
                yield
        finally:
            await self._close()

    async def _close(self) -> None:
        if self._razorpay is not None:
            await self._razorpay.close()
