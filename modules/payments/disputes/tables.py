"""The table of disputes, for lists in pages."""

from __future__ import annotations

from piccolo.columns import BigInt, ForeignKey, Text, Timestamptz
from piccolo.table import Table

from modules.payments.refunds.tables import RefundedPaymentRow


class DisputeRow(Table, tablename="payments_dispute"):
    """A dispute, as the vendor told of it."""

    id = Text(primary_key=True)
    payment_id = ForeignKey(RefundedPaymentRow, null=False)
    phase = Text()
    state = Text()
    amount = BigInt()
    currency = Text()
    deducted = BigInt()
    reason_code = Text()
    respond_by = Timestamptz(null=True)
    created_at = Timestamptz()
    rev = BigInt()
