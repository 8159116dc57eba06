"""What reports answer. Amounts are minor units of `currency`."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from modules.payments.ledger.repository import Balance


class LedgerLine(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the ledger with its transaction. A debit is above zero, a credit below."""

    transaction_id: str
    posted_at: datetime
    kind: str
    reference: str
    order_id: str | None
    account: str
    currency: str
    amount: int

    @classmethod
    def example(cls) -> LedgerLine:
        return cls(
            transaction_id="01a2130d-48bf-7174-b972-596a06fb2346",
            posted_at=datetime(2026, 4, 1, 6, 30, tzinfo=UTC),
            kind="capture",
            reference="pay_DESlfW9H8K9uqM",
            order_id="01a2130d-48bf-7174-b972-596a06fb2345",
            account="receivable",
            currency="INR",
            amount=118_00,
        )


class SettlementLine(msgspec.Struct, frozen=True, kw_only=True):
    """A settlement that reached the bank, as it was posted."""

    transaction_id: str
    settlement_id: str
    posted_at: datetime
    currency: str
    amount: int

    @classmethod
    def example(cls) -> SettlementLine:
        return cls(
            transaction_id="01a2130d-48bf-7174-b972-596a06fb2347",
            settlement_id="setl_DGlQ1Rj8os78Ec",
            posted_at=datetime(2026, 4, 3, 6, 30, tzinfo=UTC),
            currency="INR",
            amount=115_22,
        )


class TrialBalance(msgspec.Struct, frozen=True):
    """All accounts, by currency, and how many transactions do not sum to zero: it is always 0."""

    accounts: list[Balance]
    unbalanced: int

    @classmethod
    def example(cls) -> TrialBalance:
        return cls([Balance.example()], 0)


class GstLine(msgspec.Struct, frozen=True, kw_only=True):
    """What was invoiced in a month at one rate for one place of supply. Amounts of credit notes are below zero.

    `business` says that the buyers have a GSTIN.
    """

    kind: str
    rate: float
    place_of_supply: str
    business: bool
    currency: str
    documents: int
    taxable: int
    cgst: int
    sgst: int
    igst: int
    total: int

    @classmethod
    def example(cls) -> GstLine:
        return cls(
            kind="tax_invoice",
            rate=18,
            place_of_supply="27",
            business=False,
            currency="INR",
            documents=1,
            taxable=100_00,
            cgst=9_00,
            sgst=9_00,
            igst=0,
            total=118_00,
        )


class GstSummary(msgspec.Struct, frozen=True):
    """GST of a month in India, `2026-04`."""

    month: str
    lines: list[GstLine]

    @classmethod
    def example(cls) -> GstSummary:
        return cls("2026-04", [GstLine.example()])
