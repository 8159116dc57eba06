"""The tables of refunds, for lists in pages."""

from __future__ import annotations

from piccolo.columns import BigInt, Boolean, ForeignKey, Integer, Text, Timestamptz
from piccolo.table import Table


class RefundedPaymentRow(Table, tablename="payments_payment"):
    """What a list of refunds shows of their payments."""

    id = Text(primary_key=True)
    order_id = Text(null=True)


class RefundRow(Table, tablename="payments_refund"):
    """A refund, ours or the vendor's."""

    id = Text(primary_key=True)
    payment_id = ForeignKey(RefundedPaymentRow, null=False)
    vendor_refund_id = Text(null=True)
    origin = Text()
    state = Text()
    amount = BigInt()
    currency = Text()
    keep_place = Boolean()
    reason = Text()
    requested_by = Text()
    processed_at = Timestamptz(null=True)
    created_at = Timestamptz()
    rev = BigInt()
    attempts = Integer()
    failure = Text()
    retry_of = Text(null=True)
