"""What `ksmp dev` shows of payments."""

from __future__ import annotations

from typing import Final

from gateway import clock
from gateway.contract import Database
from gateway.identifier import new_id
from modules.payments.coupons.messages import CouponView
from modules.payments.coupons.repository import CouponRepository
from modules.payments.coupons.terms import CouponKind

COUPON: Final = "WELCOME10"
PERCENT: Final = 1_000


async def seed(database: Database, admin: str) -> str:
    """Create a coupon of ten percent for every program, and return its code; done again it changes nothing."""
    coupon = CouponView(
        CouponKind.PERCENT,
        PERCENT,
        "",
        None,
        None,
        None,
        None,
        None,
        id=new_id(),
        code=COUPON,
        program_id=None,
        active=True,
        used=0,
        created_by=admin,
        created_at=clock.now(),
        rev=1,
    )
    await CouponRepository(database).insert(coupon)
    return COUPON
