"""The rows of refunds: every statement, and what it gives."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from piccolo.query import Select

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from modules.payments.refunds.messages import RefundDetail, RefundRecord
from modules.payments.refunds.tables import RefundRow
from modules.payments.states import RefundOrigin, RefundState

LOCK_ORDER: Final = """
    SELECT id, user_id, buyer_id, currency, paid_by, paid_at FROM payments_order WHERE id = $1 FOR NO KEY UPDATE
"""
OWNERS: Final = "SELECT user_id, buyer_id FROM payments_order WHERE id = $1"
ORDER_OF: Final = "SELECT order_id FROM payments_payment WHERE id = $1 AND order_id IS NOT NULL"
PAYMENT: Final = "SELECT id, captured, amount, currency FROM payments_payment WHERE id = $1"
# The first two phases of a dispute are questions alone, and a refund answers them.
TAKEN: Final = """
    SELECT
        (SELECT coalesce(sum(amount), 0) FROM payments_refund
            WHERE payment_id = $1 AND state <> 'failed')::bigint AS refunded,
        (SELECT coalesce(sum(deducted), 0) FROM payments_dispute
            WHERE payment_id = $1 AND state = 'lost')::bigint AS lost,
        (SELECT coalesce(sum(amount), 0) FROM payments_dispute
            WHERE payment_id = $1 AND state IN ('open', 'under_review')
                AND phase NOT IN ('fraud', 'retrieval'))::bigint AS held
"""
ADD: Final = """
    INSERT INTO payments_refund
        (id, payment_id, origin, state, amount, currency, keep_place, reason, requested_by, retry_of, created_at)
    VALUES ($1, $2, $3, 'requested', $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT DO NOTHING RETURNING id
"""
ONE: Final = """
    SELECT refund.*, payment.order_id FROM payments_refund AS refund
    JOIN payments_payment AS payment ON payment.id = refund.payment_id WHERE refund.id = $1
"""
RETRIED: Final = "SELECT FROM payments_refund WHERE retry_of = $1"
TRY: Final = """
    UPDATE payments_refund SET attempts = attempts + 1 WHERE id = $1 AND state IN ('requested', 'pending')
    RETURNING attempts
"""
SAID: Final = "UPDATE payments_refund SET failure = $2, rev = rev + 1 WHERE id = $1 AND failure <> $2"
REFUSE: Final = """
    UPDATE payments_refund SET state = 'failed', failure = $2, rev = rev + 1
    WHERE id = $1 AND state = 'requested' AND vendor_refund_id IS NULL RETURNING id
"""
NEWEST: Final = Sort("newest", (RefundRow.id,), descending=True)
SHOWN: Final = tuple(field for field in RefundRecord.__struct_fields__ if field != "order_id")


class LockedOrder(msgspec.Struct, frozen=True):
    """What a refund must know of the order; its row is locked."""

    id: str
    user_id: str
    buyer_id: str
    currency: str
    paid_by: str | None
    paid_at: datetime | None


class Payment(msgspec.Struct, frozen=True):
    id: str
    captured: bool
    amount: int
    currency: str


class Taken(msgspec.Struct, frozen=True):
    """What is gone of a payment: refunded or on its way back, lost by disputes, and held by those that go on."""

    refunded: int
    lost: int
    held: int


class Requested(msgspec.Struct, frozen=True):
    """A refund that is to be."""

    id: str
    payment_id: str
    origin: RefundOrigin
    amount: int
    currency: str
    keep_place: bool
    reason: str
    requested_by: str
    retry_of: str | None
    created_at: datetime


class RefundRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock_order(self, order_id: str) -> LockedOrder | None:
        """No payment or refund of the order is added or changed by others until the transaction ends."""
        for row in await self._database.fetch(LOCK_ORDER, order_id):
            return msgspec.convert(dict(row), LockedOrder)
        return None

    async def owners(self, order_id: str) -> set[str]:
        """The student and the payer; empty when there is no such order."""
        rows = await self._database.fetch(OWNERS, order_id)
        return {user for row in rows for user in (row["user_id"], row["buyer_id"])}

    async def order_of(self, payment_id: str) -> str | None:
        """The order that a payment is for; None while the payment, or its order, is not known."""
        for row in await self._database.fetch(ORDER_OF, payment_id):
            return str(row["order_id"])
        return None

    async def payment(self, payment_id: str) -> Payment | None:
        for row in await self._database.fetch(PAYMENT, payment_id):
            return msgspec.convert(dict(row), Payment)
        return None

    async def taken(self, payment_id: str) -> Taken:
        return msgspec.convert(dict((await self._database.fetch(TAKEN, payment_id))[0]), Taken)

    async def add(self, new: Requested) -> bool:
        """False when the same happened before: a payment is refunded once for each reason, and retried once."""
        return bool(await self._database.fetch(ADD, *msgspec.structs.astuple(new)))

    async def read(self, id: str) -> RefundRecord | None:
        for row in await self._database.fetch(ONE, id):
            return msgspec.convert(dict(row), RefundRecord)
        return None

    async def was_retried(self, id: str) -> bool:
        return bool(await self._database.fetch(RETRIED, id))

    async def count_try(self, id: str) -> int | None:
        """How often the vendor was called with it, this time included; None when nothing is left to do."""
        for row in await self._database.fetch(TRY, id):
            return int(row["attempts"])
        return None

    async def note_answer(self, id: str, words: str) -> None:
        """Keep what the vendor said last."""
        await self._database.fetch(SAID, id, words)

    async def refuse(self, id: str, words: str) -> bool:
        """The vendor refused it for good. False when it knows the refund after all."""
        return bool(await self._database.fetch(REFUSE, id, words))

    async def page(self, span: Span, state: RefundState | None, origin: RefundOrigin | None) -> Page[RefundRecord]:
        """All refunds, or those of a state or an origin, the newest first."""
        query = _listed()
        if state is not None:
            query = query.where(RefundRow.state == state.value)
        if origin is not None:
            query = query.where(RefundRow.origin == origin.value)
        with self._database.guard():
            return await page_of(query, NEWEST, span, RefundRecord)

    async def page_of_order(self, order_id: str, span: Span) -> Page[RefundDetail]:
        query = _listed().where(RefundRow.payment_id.order_id == order_id)
        with self._database.guard():
            return await page_of(query, NEWEST, span, RefundDetail)


def _listed() -> Select[Any]:
    columns = [getattr(RefundRow, name) for name in SHOWN]
    return RefundRow.select(*columns, RefundRow.payment_id.order_id.as_alias("order_id"))
