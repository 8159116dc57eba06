"""All that an invoice shows, as it was when it was issued. Settings and titles that change later change nothing.

It is stored as JSON, so fields may be added with a default, and none is renamed.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from modules.payments.ledger.parts import Parts


class InvoiceKind(StrEnum):
    TAX_INVOICE = "tax_invoice"
    BILL_OF_SUPPLY = "bill_of_supply"
    """A registered seller supplies something that bears no GST."""
    RECEIPT = "receipt"
    """The seller is not registered for GST."""
    CREDIT_NOTE = "credit_note"


class Party(msgspec.Struct, frozen=True):
    """The seller or the buyer. `state` is the code of a state in GST, or empty."""

    name: str
    address: str = ""
    gstin: str = ""
    state: str = ""


class InvoiceLine(msgspec.Struct, frozen=True):
    """What was sold. `price` and `discount` include taxes."""

    title: str
    sac: str
    price: int
    discount: int
    taxable: int
    quantity: int = 1


class OriginalInvoice(msgspec.Struct, frozen=True):
    """The invoice that a credit note is about."""

    number: str
    issued_at: datetime


class InvoiceSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice or a credit note. Amounts are minor units of `currency`; `rate` is in percent, as a text."""

    kind: InvoiceKind
    number: str
    issued_at: datetime
    seller: Party
    buyer: Party
    student: str
    place_of_supply: str
    currency: str
    line: InvoiceLine
    rate: str
    parts: Parts
    total: int
    order_id: str
    payment_id: str
    undertaking: str = ""
    original: OriginalInvoice | None = None
