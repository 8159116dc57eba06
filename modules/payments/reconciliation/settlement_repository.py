"""The rows of settlements and their lines, and those of ours that they are compared with: every statement."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from gateway.contract import Database
from modules.payments.vendor.entities import VendorSettlement, VendorSettlementItem

PAYMENT: Final = """
    SELECT order_id, captured, amount, currency, fee, tax FROM payments_payment WHERE id = $1
"""
REFUND: Final = """
    SELECT payment.order_id, refund.state, refund.amount, refund.currency FROM payments_refund AS refund
    JOIN payments_payment AS payment ON payment.id = refund.payment_id WHERE refund.vendor_refund_id = $1
"""
DISPUTE_POSTED: Final = """
    SELECT FROM payments_ledger_transaction WHERE kind = 'dispute' AND reference = $1
"""
FAILED_REFUND: Final = "SELECT FROM payments_refund WHERE payment_id = $1 AND amount = $2 AND state = 'failed'"
WRITE: Final = """
    INSERT INTO payments_settlement (id, day, utr, state, currency, amount, made_at, seen_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (id) DO UPDATE SET utr = EXCLUDED.utr, state = EXCLUDED.state, amount = EXCLUDED.amount,
        seen_at = EXCLUDED.seen_at
"""
WRITE_ITEM: Final = """
    INSERT INTO payments_settlement_item (settlement_id, entity_id, kind, currency, amount, debit, credit, fee, tax,
        payment_id, order_id, settled_at, seen_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    ON CONFLICT (settlement_id, entity_id) DO UPDATE SET amount = EXCLUDED.amount, debit = EXCLUDED.debit,
        credit = EXCLUDED.credit, fee = EXCLUDED.fee, tax = EXCLUDED.tax,
        order_id = coalesce(EXCLUDED.order_id, payments_settlement_item.order_id), seen_at = EXCLUDED.seen_at
"""
COMPARED: Final = """
    INSERT INTO payments_settlement_day (day, claimed_at, compared_at) VALUES ($1, $2, $2)
    ON CONFLICT (day) DO UPDATE SET compared_at = EXCLUDED.compared_at
"""
UNSETTLED: Final = """
    SELECT id, order_id, amount, currency FROM payments_payment
    WHERE captured AND captured_at < $1 AND captured_at > $2
        AND NOT EXISTS (SELECT FROM payments_settlement_item WHERE entity_id = payments_payment.id)
    ORDER BY captured_at LIMIT 1000
"""


class SettledPayment(msgspec.Struct, frozen=True):
    """Our row of a payment."""

    order_id: str | None
    captured: bool
    amount: int
    currency: str
    fee: int | None
    tax: int | None


class SettledRefund(msgspec.Struct, frozen=True):
    """Our row of a refund."""

    order_id: str | None
    state: str
    amount: int
    currency: str


class Unsettled(msgspec.Struct, frozen=True):
    """A captured payment that no settlement has."""

    id: str
    order_id: str | None
    amount: int
    currency: str


class SettlementRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def payment(self, id: str) -> SettledPayment | None:
        for row in await self._database.fetch(PAYMENT, id):
            return msgspec.convert(row, SettledPayment)
        return None

    async def refund(self, vendor_refund_id: str) -> SettledRefund | None:
        for row in await self._database.fetch(REFUND, vendor_refund_id):
            return msgspec.convert(row, SettledRefund)
        return None

    async def dispute_is_posted(self, dispute_id: str) -> bool:
        return bool(await self._database.fetch(DISPUTE_POSTED, dispute_id))

    async def failed_refund(self, payment_id: str, amount: int) -> bool:
        """Whether a refund of so much of the payment has failed."""
        return bool(await self._database.fetch(FAILED_REFUND, payment_id, amount))

    async def write(self, settlement: VendorSettlement, day: date, currency: str, now: datetime) -> None:
        await self._database.fetch(
            WRITE,
            settlement.id,
            day,
            settlement.utr or "",
            settlement.status,
            currency,
            settlement.amount,
            settlement.created_at,
            now,
        )

    async def write_item(self, item: VendorSettlementItem, order_id: str | None, now: datetime) -> None:
        await self._database.fetch(
            WRITE_ITEM,
            item.settlement_id,
            item.entity_id,
            item.type,
            item.currency,
            item.amount,
            item.debit,
            item.credit,
            item.fee,
            item.tax,
            item.payment_id or (item.entity_id if item.type == "payment" else None),
            order_id,
            item.settled_at,
            now,
        )

    async def compared(self, day: date, now: datetime) -> None:
        await self._database.fetch(COMPARED, day, now)

    async def unsettled(self, before: datetime, reach: timedelta) -> list[Unsettled]:
        """Payments that were captured before then, and that no settlement has."""
        rows = await self._database.fetch(UNSETTLED, before, before - reach)
        return [msgspec.convert(row, Unsettled) for row in rows]
