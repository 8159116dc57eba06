"""The ledger: posts what happened, once, and tells what each account holds.

A transaction that does not sum to zero fails when the database transaction commits, by a constraint of the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from gateway import clock
from gateway.contract import Database
from gateway.identifier import new_id
from modules.payments.ledger import metrics, postings
from modules.payments.ledger.parts import Parts, refunded_parts, rounded
from modules.payments.ledger.postings import Entry, PostingKind
from modules.payments.ledger.repository import Balance, LedgerRepository

BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
HUNDREDTHS: Final = 10_000


class Ledger:
    """The books. All that posts is called inside the transaction that changes the order, the refund or the dispute.

    `mentor_share` is the mentor's part of what is taxable, in percent.
    """

    def __init__(self, database: Database, *, mentor_share: float = 0.0) -> None:
        self._database = database
        self._rows = LedgerRepository(database)
        self._mentor_share = round(mentor_share * 100)

    async def post(
        self, kind: PostingKind, reference: str, entries: Sequence[Entry], *, order_id: str | None = None
    ) -> bool:
        """Post entries once for a kind and reference. False: they were posted before, or there is nothing to post.

        Raises ValueError for entries that do not sum to zero, and RuntimeError outside of a transaction.
        """
        if not self._database.in_transaction:
            raise RuntimeError("post() was called outside of a transaction")
        if not entries:
            return False
        for currency in {entry.currency for entry in entries}:
            if total := sum(entry.amount for entry in entries if entry.currency == currency):
                raise ValueError(f"entries of {kind} {reference} are off by {total} {currency}")
        return await self._rows.add(new_id(), kind, reference, order_id, clock.now(), entries)

    async def capture(self, payment_id: str, parts: Parts, currency: str, *, order_id: str) -> bool:
        """An order was paid by this payment. Nothing is posted for an order of 0."""
        share = rounded(parts.taxable * self._mentor_share, HUNDREDTHS)
        entries = postings.captured(parts, currency, mentor_share=share)
        return await self.post(PostingKind.CAPTURE, payment_id, entries, order_id=order_id)

    async def fee(self, payment_id: str, total: int, tax: int, currency: str, *, order_id: str | None = None) -> bool:
        """The vendor's fee for a payment is known; `total` includes `tax`. Perhaps later than the capture."""
        return await self.post(PostingKind.FEE, payment_id, postings.fee(total, tax, currency), order_id=order_id)

    async def refund(
        self, refund_id: str, whole: Parts, before: int, amount: int, currency: str, *, order_id: str
    ) -> bool:
        """A refund of an order was processed. `whole` is the order; `before` of it had been refunded before."""
        entries = await self._refund(whole, before, amount, currency, order_id)
        return await self.post(PostingKind.REFUND, refund_id, entries, order_id=order_id)

    async def refund_failed(
        self, refund_id: str, whole: Parts, before: int, amount: int, currency: str, *, order_id: str
    ) -> bool:
        """A refund that was posted came back. `before` is what counts as refunded without it."""
        entries = postings.reversed_(await self._refund(whole, before, amount, currency, order_id))
        return await self.post(PostingKind.REFUND_REVERSAL, refund_id, entries, order_id=order_id)

    async def settle(self, settlement_id: str, amount: int, currency: str) -> bool:
        """A settlement reached the bank; `amount` is what came."""
        return await self.post(PostingKind.SETTLEMENT, settlement_id, postings.settled(amount, currency))

    async def dispute(self, dispute_id: str, amount: int, currency: str, *, order_id: str | None = None) -> bool:
        """The vendor took money for a dispute."""
        entries = postings.disputed(amount, currency)
        return await self.post(PostingKind.DISPUTE, dispute_id, entries, order_id=order_id)

    async def is_posted(self, kind: PostingKind, reference: str) -> bool:
        return bool(await self._rows.posted(kind, reference))

    async def refund_parts(self, refund_id: str) -> Parts:
        """The parts of a refund as they were posted. Raises LookupError when it was not."""
        posted = {entry.account: entry.amount for entry in await self._rows.posted(PostingKind.REFUND, refund_id)}
        if not posted:
            raise LookupError(f"the refund {refund_id} is not in the ledger")
        taxes = {tax: posted.get(account, 0) for tax, account in postings.TAXES}
        return Parts(posted.get(postings.Account.REFUNDS, 0), **taxes)

    async def balances(self, since: datetime | None = None, until: datetime | None = None) -> list[Balance]:
        """The trial balance of what was posted from `since` until before `until`: all accounts, by currency."""
        return await self._rows.balances(since or BEGINNING, until or datetime.max.replace(tzinfo=UTC))

    async def imbalance(self) -> int:
        """How many transactions do not sum to zero: always 0, or somebody got around the database's constraint."""
        found = await self._rows.unbalanced()
        metrics.imbalance.set(found)
        return found

    async def _refund(self, whole: Parts, before: int, amount: int, currency: str, order_id: str) -> tuple[Entry, ...]:
        parts = refunded_parts(whole, before, amount)
        share = await self._rows.captured_share(order_id)
        # As with the taxes: the difference of two sums, so that all refunds together give the whole share back.
        given_back = rounded(share * (before + amount), whole.total) - rounded(share * before, whole.total)
        return postings.refunded(parts, currency, mentor_share=given_back)
