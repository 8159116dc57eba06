"""The rows of the ledger: every statement, and what it gives. Rows are added, and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from gateway.contract import Database
from modules.payments.ledger.postings import Account, Entry, PostingKind

ADD_TRANSACTION: Final = """
    INSERT INTO payments_ledger_transaction (id, kind, reference, order_id, posted_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (kind, reference) DO NOTHING RETURNING id
"""
ADD_ENTRIES: Final = """
    INSERT INTO payments_ledger_entry (transaction_id, account, currency, amount)
    SELECT $1, account, currency, amount
    FROM unnest($2::text[], $3::text[], $4::bigint[]) AS posted (account, currency, amount)
"""
BALANCES: Final = """
    SELECT account, currency,
        coalesce(sum(amount) FILTER (WHERE posted_at < $1), 0)::bigint AS opening,
        coalesce(sum(amount) FILTER (WHERE posted_at >= $1 AND amount > 0), 0)::bigint AS debits,
        coalesce(-sum(amount) FILTER (WHERE posted_at >= $1 AND amount < 0), 0)::bigint AS credits,
        sum(amount)::bigint AS closing
    FROM payments_ledger_entry JOIN payments_ledger_transaction ON id = transaction_id
    WHERE posted_at < $2
    GROUP BY account, currency ORDER BY currency, account
"""
UNBALANCED: Final = """
    SELECT count(*) AS unbalanced FROM (
        SELECT FROM payments_ledger_transaction LEFT JOIN payments_ledger_entry ON transaction_id = id
        GROUP BY id, currency HAVING sum(amount) IS DISTINCT FROM 0
    ) AS transactions
"""
POSTED: Final = """
    SELECT account, currency, amount FROM payments_ledger_entry JOIN payments_ledger_transaction ON id = transaction_id
    WHERE kind = $1 AND reference = $2 ORDER BY account
"""
CAPTURED_SHARE: Final = """
    SELECT coalesce(sum(amount), 0)::bigint AS share
    FROM payments_ledger_transaction JOIN payments_ledger_entry ON transaction_id = id
    WHERE order_id = $1 AND kind = 'capture' AND account = 'mentor_costs'
"""


class Balance(msgspec.Struct, frozen=True):
    """An account in a time: what it held before, what was added on each side, and what it held at the end."""

    account: str
    currency: str
    opening: int
    debits: int
    credits: int
    closing: int

    @classmethod
    def example(cls) -> Balance:
        return cls("bank", "INR", 0, 115_22, 0, 115_22)


class LedgerRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, id: str, kind: PostingKind, reference: str, order_id: str | None, at: datetime, entries: Sequence[Entry]
    ) -> bool:
        """Add a transaction with its entries; False when this kind and reference are there already."""
        if not await self._database.fetch(ADD_TRANSACTION, id, kind, reference, order_id, at):
            return False
        columns = zip(*((entry.account, entry.currency, entry.amount) for entry in entries), strict=True)
        await self._database.fetch(ADD_ENTRIES, id, *map(list, columns))
        return True

    async def balances(self, since: datetime, until: datetime) -> list[Balance]:
        return [msgspec.convert(dict(row), Balance) for row in await self._database.fetch(BALANCES, since, until)]

    async def unbalanced(self) -> int:
        """How many transactions do not sum to zero, or have no entries."""
        return int((await self._database.fetch(UNBALANCED))[0]["unbalanced"])

    async def posted(self, kind: PostingKind, reference: str) -> list[Entry]:
        rows = await self._database.fetch(POSTED, kind, reference)
        return [Entry(Account(row["account"]), row["currency"], row["amount"]) for row in rows]

    async def captured_share(self, order_id: str) -> int:
        """The mentor's share that was posted when the order was paid."""
        return int((await self._database.fetch(CAPTURED_SHARE, order_id))[0]["share"])
