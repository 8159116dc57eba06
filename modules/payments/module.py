"""What the payments module consists of."""

from __future__ import annotations

from pathlib import Path

from gateway.contract import Module
from modules.payments import errors
from modules.payments.events import EVENTS
from modules.payments.settings import PaymentsSettings


class PaymentsModule(Module):
    """Payments for places in programs, by Razorpay: orders, coupons, refunds, the books and invoices."""

    name = "payments"
    requires = ("accounts", "programs")
    settings_type = PaymentsSettings
    emits = EVENTS
    migrations = Path(__file__).parent / "migrations"
    codes = errors.CODES
