"""The table of invoices, for lists in pages."""

from __future__ import annotations

from piccolo.columns import BigInt, Numeric, Text, Timestamptz
from piccolo.table import Table


class InvoiceRow(Table, tablename="payments_invoice"):
    """An invoice or a credit note, without its snapshot."""

    id = Text(primary_key=True)
    kind = Text()
    number = Text()
    order_id = Text()
    payment_id = Text()
    refund_id = Text(null=True, default=None)
    user_id = Text()
    buyer_id = Text()
    title = Text()
    currency = Text()
    total = BigInt()
    taxable = BigInt()
    cgst = BigInt()
    sgst = BigInt()
    igst = BigInt()
    tax_rate = Numeric()
    place_of_supply = Text()
    gstin = Text()
    issued_at = Timestamptz()
