"""What clients see of invoices."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from modules.payments.invoices.snapshot import InvoiceKind


class InvoiceView(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice or a credit note. Amounts are minor units of `currency`; those of a credit note go back."""

    id: str
    kind: InvoiceKind
    number: str
    order_id: str
    payment_id: str
    refund_id: str | None
    user_id: str
    buyer_id: str
    title: str
    currency: str
    total: int
    taxable: int
    cgst: int
    sgst: int
    igst: int
    place_of_supply: str
    gstin: str
    issued_at: datetime

    @classmethod
    def example(cls) -> InvoiceView:
        return cls(
            id="01a2130d-48bf-7174-b972-596a06fb2346",
            kind=InvoiceKind.TAX_INVOICE,
            number="INV/2627/000001",
            order_id="01a2130d-48bf-7174-b972-596a06fb2345",
            payment_id="pay_DESlfW9H8K9uqM",
            refund_id=None,
            user_id="sam",
            buyer_id="sam",
            title="Algebra for beginners",
            currency="INR",
            total=118_00,
            taxable=100_00,
            cgst=9_00,
            sgst=9_00,
            igst=0,
            place_of_supply="27",
            gstin="",
            issued_at=datetime(2026, 4, 1, 6, 30, tzinfo=UTC),
        )
