"""What the payments module consists of."""

from __future__ import annotations

from pathlib import Path

from gateway.contract import Kernel, Module
from modules.payments import errors
from modules.payments.coupons import routes as coupon_routes
from modules.payments.coupons.catalogue import CouponCatalogue
from modules.payments.coupons.tables import CouponRow
from modules.payments.events import EVENTS
from modules.payments.settings import PaymentsSettings


class PaymentsModule(Module):
    """Payments for places in programs, by Razorpay: orders, coupons, refunds, the books and invoices."""

    name = "payments"
    requires = ("accounts", "programs")
    settings_type = PaymentsSettings
    emits = EVENTS
    tables = (CouponRow,)
    migrations = Path(__file__).parent / "migrations"
    codes = errors.CODES

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel)
        self.routes = (coupon_routes.router(CouponCatalogue(kernel.database)),)
