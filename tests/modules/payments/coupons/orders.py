"""Coupons and orders as rows: what the checkout would have made."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import asyncpg

from gateway import clock
from gateway.db.database import PostgresDatabase
from gateway.errors import KsmpError
from modules.payments.coupons.coupons import Coupons, Discount

INSERT_ORDER = """
    INSERT INTO payments_order (id, user_id, buyer_id, program_id, title, state, currency, price, amount, taxable,
        cgst, sgst, igst, tax_rate, place_of_supply, coupon_id, receipt, expires_at, created_at)
    VALUES ($1, $2, $2, $3, 'Algebra', 'open', 'INR', 100, 100, 100, 0, 0, 0, 0, '27', $4, $1, $5, now())
"""
INSERT_COUPON = """
    INSERT INTO payments_coupon (id, code, kind, value, currency, limit_total, limit_user, starts_at, ends_at, active,
        program_id, created_by, created_at)
    VALUES ($1, $2, 'amount', 10, 'INR', $3, $4, $5, $6, $7, $8, 'meera', now())
"""


async def coupon(
    database: asyncpg.Pool[Any],
    *,
    limit: int | None = None,
    limit_user: int | None = None,
    starts_at: Any = None,
    ends_at: Any = None,
    active: bool = True,
    program: str | None = None,
) -> Discount:
    """A coupon of 10 paise, as a quote answers it."""
    id = uuid.uuid4().hex
    code = id.upper()
    await database.execute(INSERT_COUPON, id, code, limit, limit_user, starts_at, ends_at, active, program)
    return Discount(id, code, 10)


async def ordered(
    pool: PostgresDatabase, discount: Discount, user: str, *, program: str | None = None, gone: str | None = None
) -> str:
    """An order with the coupon; with `gone`, in place of that order and its coupon. Raises what `reserve` raises."""
    order, coupons = uuid.uuid4().hex, Coupons(pool)
    async with pool.transaction():
        if gone is not None:
            (row,) = await pool.fetch(
                "UPDATE payments_order SET state = 'cancelled' WHERE id = $1 RETURNING coupon_id", gone
            )
            await coupons.lock(row["coupon_id"], discount.coupon_id)
            await coupons.release(gone)
        expires = clock.now() + timedelta(hours=1)
        await pool.fetch(INSERT_ORDER, order, user, program or uuid.uuid4().hex, discount.coupon_id, expires)
        # Others come between the statements, as they do when the order has more to write.
        await asyncio.sleep(0)
        await coupons.reserve(discount, order, user)
    return order


async def outcome(making: Any) -> str:
    """The order's id, or the code that refused it."""
    try:
        found: str = await making
    except KsmpError as error:
        return error.code
    return found


async def used(database: asyncpg.Pool[Any], discount: Discount) -> int:
    """How often the coupon is used; its rows say the same."""
    count: int = await database.fetchval("SELECT used FROM payments_coupon WHERE id = $1", discount.coupon_id)
    rows = await database.fetchval("SELECT count(*) FROM payments_coupon_use WHERE coupon_id = $1", discount.coupon_id)
    assert rows == count
    return count
