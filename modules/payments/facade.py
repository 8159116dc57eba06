"""What other modules may ask of payments."""

from __future__ import annotations

from datetime import datetime

import msgspec

from gateway.contract import Database


class Sales(msgspec.Struct, frozen=True):
    """Orders that were made in a time, and attempts to pay them; `paid` orders may be refunded since."""

    orders: int
    paid: int
    attempts: int
    captured: int


SALES = """
    SELECT count(*) AS orders, count(*) FILTER (WHERE paid_by IS NOT NULL) AS paid,
        coalesce(sum(attempts), 0)::bigint AS attempts, coalesce(sum(captured), 0)::bigint AS captured
    FROM payments_order AS ordered, LATERAL (
        SELECT count(*) AS attempts, count(*) FILTER (WHERE captured) AS captured FROM payments_payment
        WHERE order_id = ordered.id
    ) AS payments
    WHERE created_at >= $1 AND created_at < $2 AND ($3::text IS NULL OR program_id = $3)
"""


async def sales(database: Database, since: datetime, until: datetime, program_id: str | None = None) -> Sales:
    """How many orders and attempts succeeded, of one program or of all."""
    return msgspec.convert((await database.fetch(SALES, since, until, program_id))[0], Sales)


class PaidOrder(msgspec.Struct, frozen=True):
    """The order that a payment has paid. Amounts are minor units of `currency`."""

    order_id: str
    program_id: str
    user_id: str
    buyer_id: str
    amount: int
    refunded: int
    currency: str


PAID_ORDER = """
    SELECT id AS order_id, program_id, user_id, buyer_id, amount, refunded, currency FROM payments_order
    WHERE paid_by = $1
"""


async def paid_order(database: Database, payment_id: str) -> PaidOrder | None:
    """The order that this payment, as in `PaymentCaptured`, has paid; None when it paid none."""
    rows = await database.fetch(PAID_ORDER, payment_id)
    return msgspec.convert(rows[0], PaidOrder) if rows else None


REVENUE = """
    SELECT program_id, currency, count(*) AS orders, sum(price)::bigint AS price, sum(discount)::bigint AS discount,
        sum(amount)::bigint AS paid, sum(cgst + sgst + igst)::bigint AS tax, sum(refunded)::bigint AS refunded
    FROM payments_order
    WHERE paid_at >= $1 AND paid_at < $2 AND ($3::text IS NULL OR program_id = $3)
    GROUP BY program_id, currency ORDER BY program_id, currency
"""
COUNTS = """
    SELECT program_id, state, count(*) AS orders FROM payments_order
    WHERE created_at >= $1 AND created_at < $2 AND ($3::text IS NULL OR program_id = $3)
    GROUP BY program_id, state ORDER BY program_id, state
"""


class ProgramRevenue(msgspec.Struct, frozen=True):
    """What a program's places were sold for, by when they were paid; in minor units of `currency`.

    `paid` is `price` less `discount`, and has `tax` in it. `refunded` is what has gone back of it by now.
    """

    program_id: str
    currency: str
    orders: int
    price: int
    discount: int
    paid: int
    tax: int
    refunded: int


class OrderCount(msgspec.Struct, frozen=True):
    """How many orders of a program, by when they were made, are in a state (`states.py`) now."""

    program_id: str
    state: str
    orders: int


async def revenue(
    database: Database, since: datetime, until: datetime, program_id: str | None = None
) -> list[ProgramRevenue]:
    """What was paid from `since` until before `until`, by program and currency; of one program when it is named."""
    rows = await database.fetch(REVENUE, since, until, program_id)
    return [msgspec.convert(row, ProgramRevenue) for row in rows]


async def order_counts(
    database: Database, since: datetime, until: datetime, program_id: str | None = None
) -> list[OrderCount]:
    """Orders that were made from `since` until before `until`, by program and state."""
    rows = await database.fetch(COUNTS, since, until, program_id)
    return [msgspec.convert(row, OrderCount) for row in rows]
