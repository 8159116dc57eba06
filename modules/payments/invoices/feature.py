"""What invoices consist of."""

from __future__ import annotations

from gateway.contract import Kernel
from modules.payments.invoices import routes
from modules.payments.invoices.invoices import Invoices
from modules.payments.invoices.issuing import InvoiceIssuing
from modules.payments.invoices.repository import InvoiceRepository
from modules.payments.ledger.ledger import Ledger
from modules.payments.settings import SellerSettings


class InvoicesFeature:
    """Issues invoices, makes their PDFs, and serves both."""

    def __init__(self, kernel: Kernel, settings: SellerSettings, ledger: Ledger) -> None:
        rows = InvoiceRepository(kernel.database)
        invoices = Invoices(kernel, rows)
        self.features = (InvoiceIssuing(kernel, settings, rows, ledger), invoices)
        self.routes = routes.router(invoices, settings)
