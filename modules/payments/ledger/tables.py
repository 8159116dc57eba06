"""The table of entries, for lists in pages."""

from __future__ import annotations

from piccolo.columns import BigInt, Text
from piccolo.table import Table


class LedgerEntryRow(Table, tablename="payments_ledger_entry"):
    """A debit (above zero) or a credit (below)."""

    transaction_id = Text(primary_key=True)
    account = Text()
    currency = Text()
    amount = BigInt()
