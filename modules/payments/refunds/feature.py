"""Refunds, put together."""

from __future__ import annotations

from gateway.contract import Kernel
from modules.payments.checkout.settlement import Settlement
from modules.payments.reconciliation.differences import Differences
from modules.payments.refunds import routes
from modules.payments.refunds.policy import RefundPolicy
from modules.payments.refunds.refunds import Refunds
from modules.payments.refunds.repository import RefundRepository
from modules.payments.refunds.returned_places import ReturnedPlaces
from modules.payments.refunds.sender import RefundSender
from modules.payments.settings import RefundSettings
from modules.payments.vendor.razorpay import Razorpay


class RefundsFeature:
    """Asks for refunds, sends them, and listens to what makes them necessary."""

    def __init__(
        self,
        kernel: Kernel,
        settings: RefundSettings,
        settlement: Settlement,
        differences: Differences,
        razorpay: Razorpay | None,
    ) -> None:
        rows = RefundRepository(kernel.database)
        self.refunds = refunds = Refunds(kernel, rows, differences)
        policy = RefundPolicy(settings.refund_days, settings.refund_percent, settings.refund_percent_later)
        self.features = (
            RefundSender(kernel, settings, rows, settlement, differences, razorpay),
            ReturnedPlaces(refunds, rows, policy, differences),
        )
        self.routes = routes.router(refunds)
