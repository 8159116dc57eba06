"""The rows of disputes: every statement, and what it gives. They are changed under the lock of their order's row."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from modules.payments.disputes.messages import DisputeView
from modules.payments.disputes.states import DisputeState, Standing
from modules.payments.disputes.tables import DisputeRow

ADD_PAYMENT: Final = """
    INSERT INTO payments_payment (id, state, seen_at) VALUES ($1, 'unknown', $2) ON CONFLICT DO NOTHING
"""
LOCK_ORDER: Final = """
    SELECT id, user_id, program_id, currency, amount, refunded, paid_by FROM payments_order
    WHERE id = (SELECT order_id FROM payments_payment WHERE id = $1) FOR NO KEY UPDATE
"""
ADD: Final = """
    INSERT INTO payments_dispute
        (id, payment_id, phase, state, amount, currency, respond_by, reason_code, created_at, said_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING
"""
LOCK: Final = "SELECT * FROM payments_dispute WHERE id = $1 FOR NO KEY UPDATE"
WRITE: Final = """
    UPDATE payments_dispute SET phase = $2, state = $3, amount = $4, respond_by = $5, said_at = $6, deducted = $7,
        rev = rev + CASE WHEN $8 THEN 1 ELSE 0 END
    WHERE id = $1
"""
MARK_TOLD: Final = "UPDATE payments_dispute SET told_at = $2 WHERE id = $1"
MARK_LOST: Final = "UPDATE payments_dispute SET lost_at = $2 WHERE id = $1"
# The deductions that are in the books.
LOST: Final = """
    SELECT coalesce(sum(deducted), 0) AS lost FROM payments_dispute WHERE payment_id = $1 AND lost_at IS NOT NULL
"""
ONE: Final = """
    SELECT dispute.*, payment.order_id FROM payments_dispute AS dispute
    JOIN payments_payment AS payment ON payment.id = dispute.payment_id WHERE dispute.id = $1
"""
NEWEST: Final = Sort("newest", (DisputeRow.created_at, DisputeRow.id), descending=True)
SHOWN: Final = tuple(field for field in DisputeView.__struct_fields__ if field != "order_id")


class DisputedOrder(msgspec.Struct, frozen=True):
    """What a dispute must know of the order; its row is locked."""

    id: str
    user_id: str
    program_id: str
    currency: str
    amount: int
    refunded: int
    paid_by: str | None


class Dispute(msgspec.Struct, frozen=True):
    """The row. `told_at` and `lost_at` are when `DisputeOpened` and `DisputeLost` were published."""

    id: str
    payment_id: str
    phase: str
    state: DisputeState
    amount: int
    currency: str
    deducted: int
    reason_code: str
    respond_by: datetime | None
    created_at: datetime
    said_at: datetime
    told_at: datetime | None
    lost_at: datetime | None

    @property
    def standing(self) -> Standing:
        return Standing(self.said_at, self.state, self.phase, self.respond_by, self.amount)


class DisputeRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock_order(self, payment_id: str) -> DisputedOrder | None:
        """The order of the payment; None while the payment, or its order, is not known."""
        for row in await self._database.fetch(LOCK_ORDER, payment_id):
            return msgspec.convert(dict(row), DisputedOrder)
        return None

    async def add(self, new: Dispute, now: datetime) -> None:
        """Keep a dispute unless it is known, with a row for its payment."""
        await self._database.fetch(ADD_PAYMENT, new.payment_id, now)
        await self._database.fetch(
            ADD,
            new.id,
            new.payment_id,
            new.phase,
            new.state,
            new.amount,
            new.currency,
            new.respond_by,
            new.reason_code,
            new.created_at,
            new.said_at,
        )

    async def lock(self, id: str) -> Dispute | None:
        for row in await self._database.fetch(LOCK, id):
            return msgspec.convert(dict(row), Dispute)
        return None

    async def write(self, id: str, standing: Standing, deducted: int, *, changed: bool) -> None:
        """Its revision rises when what is shown has `changed`."""
        await self._database.fetch(
            WRITE,
            id,
            standing.phase,
            standing.state,
            standing.amount,
            standing.respond_by,
            standing.at,
            deducted,
            changed,
        )

    async def mark_told(self, id: str, now: datetime) -> None:
        await self._database.fetch(MARK_TOLD, id, now)

    async def mark_lost(self, id: str, now: datetime) -> None:
        await self._database.fetch(MARK_LOST, id, now)

    async def lost(self, payment_id: str) -> int:
        """How much of a payment was lost by disputes."""
        return int((await self._database.fetch(LOST, payment_id))[0]["lost"])

    async def read(self, id: str) -> DisputeView | None:
        for row in await self._database.fetch(ONE, id):
            return msgspec.convert(dict(row), DisputeView)
        return None

    async def page(self, span: Span, state: DisputeState | None) -> Page[DisputeView]:
        """All disputes, or those of a state, the newest first."""
        columns: list[Any] = [getattr(DisputeRow, name) for name in SHOWN]
        query = DisputeRow.select(*columns, DisputeRow.payment_id.order_id.as_alias("order_id"))
        if state is not None:
            query = query.where(DisputeRow.state == state.value)
        with self._database.guard():
            return await page_of(query, NEWEST, span, DisputeView)
