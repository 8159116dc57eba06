"""Payment links, put together."""

from __future__ import annotations

from gateway.contract import Kernel
from gateway.settings import Settings
from modules.payments.checkout.orders import Orders
from modules.payments.checkout.settlement import Settlement
from modules.payments.links import routes
from modules.payments.links.callback import LinkCallback
from modules.payments.links.check import LinkCheck
from modules.payments.links.links import Links
from modules.payments.settings import PaymentsSettings
from modules.payments.vendor.razorpay import Razorpay


class LinkFeature:
    """Without a `razorpay` no link is made, and what is known stays."""

    def __init__(
        self,
        kernel: Kernel,
        settings: PaymentsSettings,
        razorpay: Razorpay | None,
        orders: Orders,
        settlement: Settlement,
    ) -> None:
        self.check = check = LinkCheck(kernel, razorpay, settlement)
        kernel_settings: Settings = kernel.settings(Settings)
        self.features = (check,)
        self.webhooks = check.webhooks
        self.routes = routes.router(
            Links(kernel, razorpay, orders, check, routes.CALLBACK),
            LinkCallback(kernel, settings, razorpay, settlement),
            settings,
            in_development=kernel_settings.environment != "production",
        )
