"""What each event of the business means in the books: pure functions that give entries which sum to zero.

Debits are above zero, credits below. An entry of zero is left out. `LEDGER.md` has the table of accounts and postings.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from modules.payments.ledger.parts import Parts


class Account(StrEnum):
    RECEIVABLE = "receivable"
    """What the vendor holds for us."""
    REVENUE = "revenue"
    GST_CGST = "gst_cgst"
    GST_SGST = "gst_sgst"
    """SGST, or UTGST in a union territory."""
    GST_IGST = "gst_igst"
    VENDOR_FEES = "vendor_fees"
    VENDOR_TAX = "vendor_tax"
    """GST in the vendor's fees: it can be set off against ours."""
    REFUNDS = "refunds"
    """Contra revenue: what was given back of it."""
    UNAPPLIED = "unapplied"
    """What payers are owed: money beside what an order costs, until it has gone back."""
    BANK = "bank"
    DISPUTE_LOSSES = "dispute_losses"
    MENTOR_COSTS = "mentor_costs"
    PAYOUTS_DUE = "payouts_due"
    """What mentors are owed."""


class PostingKind(StrEnum):
    """What was posted. A kind and a reference are posted once."""

    CAPTURE = "capture"
    FEE = "fee"
    REFUND = "refund"
    REFUND_REVERSAL = "refund_reversal"
    SETTLEMENT = "settlement"
    DISPUTE = "dispute"


class Entry(msgspec.Struct, frozen=True):
    """A debit (above zero) or a credit (below) of an account, in minor units of the currency."""

    account: Account
    currency: str
    amount: int


Entries = tuple[Entry, ...]
TAXES: Final = (("cgst", Account.GST_CGST), ("sgst", Account.GST_SGST), ("igst", Account.GST_IGST))


def captured(parts: Parts, currency: str, *, mentor_share: int = 0) -> Entries:
    """An order was paid: the vendor owes us its amount, we owe the taxes in it, and a mentor is owed a share."""
    return _entries(
        currency,
        (Account.RECEIVABLE, parts.total),
        (Account.REVENUE, -parts.taxable),
        *((account, -getattr(parts, tax)) for tax, account in TAXES),
        (Account.MENTOR_COSTS, mentor_share),
        (Account.PAYOUTS_DUE, -mentor_share),
    )


def fee(total: int, tax: int, currency: str) -> Entries:
    """The vendor keeps its fee. `total` includes `tax`, as the vendor's `fee` does."""
    return _entries(
        currency,
        (Account.VENDOR_FEES, total - tax),
        (Account.VENDOR_TAX, tax),
        (Account.RECEIVABLE, -total),
    )


def refunded(parts: Parts, currency: str, *, mentor_share: int = 0) -> Entries:
    """Money went back to the payer: `parts` of `refunded_parts`, and the part of the mentor's share."""
    return _entries(
        currency,
        (Account.REFUNDS, parts.taxable),
        *((account, getattr(parts, tax)) for tax, account in TAXES),
        (Account.RECEIVABLE, -parts.total),
        (Account.PAYOUTS_DUE, mentor_share),
        (Account.MENTOR_COSTS, -mentor_share),
    )


def held(amount: int, currency: str) -> Entries:
    """The vendor took money that is for no order, such as a second payment. It goes back, and is never revenue."""
    return _entries(currency, (Account.RECEIVABLE, amount), (Account.UNAPPLIED, -amount))


def settled(amount: int, currency: str) -> Entries:
    """The vendor's settlement reached the bank; `amount` is what came. Fees and refunds are posted by themselves."""
    return _entries(currency, (Account.BANK, amount), (Account.RECEIVABLE, -amount))


def disputed(amount: int, currency: str) -> Entries:
    """The vendor took money back for a dispute."""
    return _entries(currency, (Account.DISPUTE_LOSSES, amount), (Account.RECEIVABLE, -amount))


def reversed_(entries: Entries) -> Entries:
    """The opposite: a refund that failed after it was processed."""
    return tuple(Entry(entry.account, entry.currency, -entry.amount) for entry in entries)


def _entries(currency: str, *amounts: tuple[Account, int]) -> Entries:
    return tuple(Entry(account, currency, amount) for account, amount in amounts if amount)
