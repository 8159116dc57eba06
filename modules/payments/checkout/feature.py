"""The checkout, put together: orders and what becomes of them."""

from __future__ import annotations

from gateway.contract import Kernel
from modules.payments.checkout import routes
from modules.payments.checkout.expiry import Expiry
from modules.payments.checkout.orders import Orders
from modules.payments.checkout.quotes import Quotes
from modules.payments.checkout.settlement import Settlement
from modules.payments.checkout.vendor_check import VendorCheck
from modules.payments.checkout.verification import Verifications
from modules.payments.coupons.coupons import Coupons
from modules.payments.ledger.gst import Gst
from modules.payments.ledger.ledger import Ledger
from modules.payments.settings import PaymentsSettings
from modules.payments.vendor.razorpay import Razorpay


class CheckoutFeature:
    """Without a `razorpay` nothing is sold, and what is known stays."""

    def __init__(
        self,
        kernel: Kernel,
        settings: PaymentsSettings,
        razorpay: Razorpay | None,
        ledger: Ledger,
        coupons: Coupons,
        gst: Gst,
    ) -> None:
        self.settlement = settlement = Settlement(kernel, ledger, coupons, late_life=settings.late_life)
        quotes = Quotes(kernel.database, settings, gst, coupons)
        self.orders = orders = Orders(kernel, settings, razorpay, quotes, coupons, settlement)
        self.vendor_check = vendor_check = VendorCheck(kernel, razorpay, settlement)
        self.features = (settlement, vendor_check, Expiry(kernel, settings, settlement))
        self.routes = routes.router(quotes, orders, Verifications(kernel, settings, razorpay, settlement))
