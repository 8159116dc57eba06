"""The rows of coupons and of the orders that use them: every statement, and what it gives.

The row of a coupon is locked before its uses are counted, so that nobody else adds one in between. `NO KEY` lets the
foreign key of another order's use through.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

import msgspec
from piccolo.columns.combination import WhereRaw

from gateway.contract import Database
from gateway.http.listing import Page, Sort, Span, page_of
from modules.payments.coupons.messages import CouponView
from modules.payments.coupons.tables import CouponRow
from modules.payments.states import UNPAID

COLUMNS: Final = ", ".join(CouponView.__struct_fields__)
NEWEST: Final = Sort("newest", (CouponRow.created_at, CouponRow.id), descending=True)

ONE: Final = f"SELECT {COLUMNS} FROM payments_coupon WHERE id = $1"  # noqa: S608
PLACES: Final = ", ".join(f"${number}" for number, _ in enumerate(CouponView.__struct_fields__, 1))
INSERT: Final = f"""
    INSERT INTO payments_coupon ({COLUMNS}) VALUES ({PLACES}) ON CONFLICT (code) DO NOTHING RETURNING id
"""  # noqa: S608
UPDATE: Final = """
    UPDATE payments_coupon
    SET value = $2, most_discount = $3, limit_total = $4, limit_user = $5, starts_at = $6, ends_at = $7, active = $8,
        rev = $9
    WHERE id = $1 RETURNING used
"""

# An unpaid order of the user for the program gives way to the order that is asked about, and its use with it.
QUOTED: Final = f"""
    SELECT {COLUMNS}, by_user, own FROM payments_coupon AS coupon, LATERAL (
        SELECT count(*) AS by_user, count(*) FILTER (WHERE ordered.program_id = $3 AND state = ANY($4)) AS own
        FROM payments_coupon_use AS use JOIN payments_order AS ordered ON ordered.id = use.order_id
        WHERE use.coupon_id = coupon.id AND use.user_id = $2
    ) AS uses
    WHERE code = $1
"""  # noqa: S608

LOCK: Final = "SELECT FROM payments_coupon WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE"
HOLDS: Final = "SELECT FROM payments_coupon_use WHERE coupon_id = $1 AND order_id = $2"
TAKE: Final = """
    UPDATE payments_coupon SET used = used + 1
    WHERE id = $1 AND active AND (limit_total IS NULL OR used < limit_total)
        AND (starts_at IS NULL OR starts_at <= $2) AND (ends_at IS NULL OR $2 < ends_at)
    RETURNING limit_user
"""
BY_USER: Final = "SELECT count(*) AS uses FROM payments_coupon_use WHERE coupon_id = $1 AND user_id = $2"
USE: Final = "INSERT INTO payments_coupon_use (coupon_id, order_id, user_id) VALUES ($1, $2, $3)"
RELEASE: Final = """
    WITH released AS (DELETE FROM payments_coupon_use WHERE order_id = $1 RETURNING coupon_id)
    UPDATE payments_coupon SET used = used - 1 WHERE id IN (SELECT coupon_id FROM released) RETURNING id
"""
RETAKE: Final = """
    WITH taken AS (
        INSERT INTO payments_coupon_use (coupon_id, order_id, user_id)
        SELECT coupon_id, id, user_id FROM payments_order WHERE id = $1 AND coupon_id IS NOT NULL
        ON CONFLICT DO NOTHING RETURNING coupon_id
    )
    UPDATE payments_coupon SET used = used + 1 WHERE id IN (SELECT coupon_id FROM taken) RETURNING limit_total, used
"""


class QuotedCoupon(CouponView, frozen=True, kw_only=True):
    """A coupon, with how often the user holds it, and how often by the order that gives way."""

    by_user: int
    own: int


class CouponRepository:
    """Each call runs in the transaction around it, if there is one, and raises Unavailable without PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, id: str) -> CouponView | None:
        return await self._one(ONE, id)

    async def lock(self, id: str) -> CouponView | None:
        return await self._one(f"{ONE} FOR NO KEY UPDATE", id)

    async def lock_all(self, ids: Collection[str]) -> None:
        """Lock these in the order of their ids, the same for everybody."""
        await self._database.fetch(LOCK, sorted(ids))

    async def insert(self, new: CouponView) -> bool:
        """False when another coupon has the code."""
        return bool(await self._database.fetch(INSERT, *msgspec.structs.astuple(new)))

    async def update(self, changed: CouponView) -> None:
        await self._database.fetch(
            UPDATE,
            changed.id,
            changed.value,
            changed.most_discount,
            changed.limit_total,
            changed.limit_user,
            changed.starts_at,
            changed.ends_at,
            changed.active,
            changed.rev,
        )

    async def listed(self, programs: Collection[str] | None, span: Span) -> Page[CouponView]:
        """Those of some programs, or all there are, newest first."""
        query = CouponRow.select()
        if programs is not None:
            query = query.where(WhereRaw("program_id = ANY({})", list(programs)))
        with self._database.guard():
            return await page_of(query, NEWEST, span, CouponView)

    async def quoted(self, code: str, user_id: str, program_id: str) -> QuotedCoupon | None:
        for row in await self._database.fetch(QUOTED, code, user_id, program_id, sorted(UNPAID)):
            return msgspec.convert(row, QuotedCoupon)
        return None

    async def holds(self, id: str, order_id: str) -> bool:
        """Whether the order has a use of it."""
        return bool(await self._database.fetch(HOLDS, id, order_id))

    async def take(self, id: str, at: datetime) -> tuple[int | None] | None:
        """Count one use, and lock the row: its limit of one user. None when it is used up, over, or not active."""
        for row in await self._database.fetch(TAKE, id, at):
            return (row["limit_user"],)
        return None

    async def by_user(self, id: str, user_id: str) -> int:
        (row,) = await self._database.fetch(BY_USER, id, user_id)
        uses: int = row["uses"]
        return uses

    async def use(self, id: str, order_id: str, user_id: str) -> None:
        await self._database.fetch(USE, id, order_id, user_id)

    async def release(self, order_id: str) -> bool:
        """Give the order's use back; False when it has none."""
        return bool(await self._database.fetch(RELEASE, order_id))

    async def retake(self, order_id: str) -> tuple[int | None, int] | None:
        """Count the order's use again, and give limit and uses. None when it is counted, or there is no coupon."""
        for row in await self._database.fetch(RETAKE, order_id):
            return row["limit_total"], row["used"]
        return None

    async def _one(self, statement: str, id: str) -> CouponView | None:
        for row in await self._database.fetch(statement, id):
            return msgspec.convert(row, CouponView)
        return None
