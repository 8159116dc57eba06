"""Disputes, put together."""

from __future__ import annotations

from gateway.contract import Kernel
from modules.payments.checkout.settlement import Settlement
from modules.payments.disputes import routes, webhooks
from modules.payments.disputes.disputes import Disputes
from modules.payments.disputes.repository import DisputeRepository
from modules.payments.ledger.ledger import Ledger
from modules.payments.reconciliation.differences import Differences
from modules.payments.settings import DisputeSettings


class DisputesFeature:
    """Hears of disputes by webhooks, and tells operators of them."""

    def __init__(
        self,
        kernel: Kernel,
        settings: DisputeSettings,
        settlement: Settlement,
        ledger: Ledger,
        differences: Differences,
    ) -> None:
        self.disputes = disputes = Disputes(kernel, settings, DisputeRepository(kernel.database), ledger, differences)
        self.features = (disputes,)
        self.routes = routes.router(disputes)
        self.webhooks = webhooks.handles(disputes, settlement)
