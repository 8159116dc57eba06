"""Uses of coupons by orders: what a code takes off, and a use that is taken, given back and taken again.

A use is a row, and counts in the coupon's `used`; both change in the transaction of the order. So the limits hold
when many take the last use at the same moment, and a use is given back once.
"""

from __future__ import annotations

from typing import Final

import msgspec
import structlog

from gateway import clock
from gateway.contract import Database, Rate
from modules.payments.coupons.repository import CouponRepository
from modules.payments.coupons.terms import normal_code
from modules.payments.errors import coupon_invalid, coupon_used_up

log = structlog.get_logger(__name__)

# For each route that takes a code: it holds up whoever guesses codes.
GUESSES: Final = Rate(count=20, seconds=60.0)


class Discount(msgspec.Struct, frozen=True):
    """What a coupon takes off a price, in minor units of the price's currency."""

    coupon_id: str
    code: str
    amount: int


class Coupons:
    """What the checkout asks. Each call raises Unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._coupons = CouponRepository(database)

    async def discount(self, code: str, user_id: str, program_id: str, price: int, currency: str) -> Discount:
        """What a code takes off for this user; nothing is reserved.

        The use of an unpaid order of the user for this program does not count: another order would take its place.

        Raises BadInput `payments.coupon_invalid` for a wrong code, and just so for a code of another program, currency
        or time; Conflict `payments.coupon_used_up`.
        """
        known = normal_code(code)
        coupon = None if known is None else await self._coupons.quoted(known, user_id, program_id)
        if (
            coupon is None
            or not coupon.active
            or coupon.program_id not in (None, program_id)
            or not coupon.takes(currency, clock.now())
        ):
            raise coupon_invalid("this code is not valid here")
        if coupon.limit_total is not None and coupon.used - coupon.own >= coupon.limit_total:
            raise coupon_used_up()
        if coupon.limit_user is not None and coupon.by_user - coupon.own >= coupon.limit_user:
            raise coupon_used_up()
        return Discount(coupon.id, coupon.code, coupon.discount_on(price))

    async def lock(self, *coupon_ids: str | None) -> None:
        """Before one transaction releases a coupon and reserves another: two that do so wait and never deadlock."""
        if ids := {id for id in coupon_ids if id is not None}:
            await self._coupons.lock_all(ids)

    async def reserve(self, discount: Discount, order_id: str, user_id: str) -> None:
        """Take a use for an order, in the transaction that has inserted it. Again, it changes nothing.

        Raises Conflict `payments.coupon_used_up` and BadInput `payments.coupon_invalid`, with which the transaction
        must end.
        """
        if not self._database.in_transaction:
            raise RuntimeError("a coupon is reserved in the transaction of its order")
        if await self._coupons.holds(discount.coupon_id, order_id):
            return
        now = clock.now()
        taken = await self._coupons.take(discount.coupon_id, now)
        if taken is None:
            coupon = await self._coupons.find(discount.coupon_id)
            if coupon is None or not coupon.active or not coupon.takes(coupon.currency, now):
                raise coupon_invalid("this code is not valid any more")
            raise coupon_used_up()
        (limit,) = taken
        if limit is not None and await self._coupons.by_user(discount.coupon_id, user_id) >= limit:
            raise coupon_used_up()
        await self._coupons.use(discount.coupon_id, order_id, user_id)

    async def release(self, order_id: str) -> None:
        """Give back the use of an order that was not paid. Again, or without a coupon, it changes nothing."""
        await self._coupons.release(order_id)

    async def retake_within_limits(self, coupon_id: str, order_id: str, user_id: str) -> bool:
        """Take the use of a closed order again, as `retake` does, where the limits still allow it."""
        if await self._coupons.holds(coupon_id, order_id):
            return True
        coupon = await self._coupons.lock(coupon_id)
        if coupon is None or (coupon.limit_total is not None and coupon.used >= coupon.limit_total):
            return False
        if coupon.limit_user is not None and await self._coupons.by_user(coupon_id, user_id) >= coupon.limit_user:
            return False
        await self._coupons.retake(order_id)
        return True

    async def retake(self, order_id: str) -> None:
        """Money came for an order whose use was released: it counts again, and is not refused beyond the limit."""
        retaken = await self._coupons.retake(order_id)
        if retaken is None:
            return
        limit, used = retaken
        if limit is not None and used > limit:
            log.info("coupons.over_limit", order_id=order_id, limit=limit, used=used)
