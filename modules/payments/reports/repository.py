"""The rows that reports read: every statement, and what it gives. Each list begins after the key of a row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from gateway.contract import Database
from gateway.http.listing import Sort
from modules.payments.invoices.messages import InvoiceView
from modules.payments.invoices.tables import InvoiceRow
from modules.payments.ledger.tables import LedgerEntryRow
from modules.payments.reports.messages import GstLine, LedgerLine, SettlementLine

BY_ENTRY: Final = Sort("entry", (LedgerEntryRow.transaction_id, LedgerEntryRow.account, LedgerEntryRow.currency))
BY_SETTLEMENT: Final = Sort("settlement", (LedgerEntryRow.transaction_id,))
BY_INVOICE: Final = Sort("invoice", (InvoiceRow.id,))

LEDGER: Final = """
    SELECT transaction_id, posted_at, kind, reference, order_id, account, currency, amount
    FROM payments_ledger_entry JOIN payments_ledger_transaction ON id = transaction_id
    WHERE posted_at >= $1 AND posted_at < $2 AND ($3 = '' OR account = $3) AND ($4 = '' OR order_id = $4)
        AND (transaction_id, account, currency) > ($5, $6, $7)
    ORDER BY transaction_id, account, currency LIMIT $8
"""
SETTLEMENTS: Final = """
    SELECT transaction_id, reference AS settlement_id, posted_at, currency, amount
    FROM payments_ledger_transaction JOIN payments_ledger_entry ON transaction_id = id
    WHERE kind = 'settlement' AND account = 'bank' AND posted_at >= $1 AND posted_at < $2 AND transaction_id > $3
    ORDER BY transaction_id LIMIT $4
"""
INVOICES: Final = f"""
    SELECT {", ".join(InvoiceView.__struct_fields__)} FROM payments_invoice
    WHERE issued_at >= $1 AND issued_at < $2 AND id > $3 ORDER BY id LIMIT $4
"""  # noqa: S608
GST: Final = """
    SELECT kind, tax_rate::float8 AS rate, place_of_supply, gstin <> '' AS business, currency, count(*) AS documents,
        sum(sign * taxable)::bigint AS taxable, sum(sign * cgst)::bigint AS cgst, sum(sign * sgst)::bigint AS sgst,
        sum(sign * igst)::bigint AS igst, sum(sign * total)::bigint AS total
    FROM payments_invoice, LATERAL (SELECT CASE kind WHEN 'credit_note' THEN -1 ELSE 1 END AS sign) AS signed
    WHERE issued_at >= $1 AND issued_at < $2
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 5, 1, 2, 3, 4
"""

Key = Sequence[Any]


class Filter(msgspec.Struct, frozen=True):
    """From `since` until before `until`; only of an account or an order where those are given."""

    since: datetime
    until: datetime
    account: str = ""
    order_id: str = ""


class ReportRepository:
    """Raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ledger(self, wanted: Filter, after: Key | None, limit: int) -> list[LedgerLine]:
        arguments = (wanted.since, wanted.until, wanted.account, wanted.order_id, *(after or ("", "", "")), limit)
        return [msgspec.convert(dict(row), LedgerLine) for row in await self._database.fetch(LEDGER, *arguments)]

    async def settlements(self, wanted: Filter, after: Key | None, limit: int) -> list[SettlementLine]:
        arguments = (wanted.since, wanted.until, *(after or ("",)), limit)
        rows = await self._database.fetch(SETTLEMENTS, *arguments)
        return [msgspec.convert(dict(row), SettlementLine) for row in rows]

    async def invoices(self, wanted: Filter, after: Key | None, limit: int) -> list[InvoiceView]:
        arguments = (wanted.since, wanted.until, *(after or ("",)), limit)
        return [msgspec.convert(dict(row), InvoiceView) for row in await self._database.fetch(INVOICES, *arguments)]

    async def gst(self, wanted: Filter) -> list[GstLine]:
        rows = await self._database.fetch(GST, wanted.since, wanted.until)
        return [msgspec.convert(dict(row), GstLine) for row in rows]
