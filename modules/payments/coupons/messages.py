"""What the routes of coupons take and answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from modules.payments.coupons.terms import CouponKind, Terms

Code = Annotated[str, Meta(pattern="^[A-Za-z0-9-]{3,40}$", description="Compared in capitals")]
ProgramId = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]
Value = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Limit = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Currency = Annotated[str, Meta(pattern="^([A-Z]{3})?$")]
Moment = Annotated[datetime, Meta(tz=True)]

EXAMPLE = "01a2130d-48bf-7174-b972-596a06fb2346"
COUPON = "01a2130d-48bf-7174-b972-596a06fb2350"
AT = datetime(2026, 1, 31, 18, 30, tzinfo=UTC)


class CouponView(Terms, frozen=True, kw_only=True):
    """A coupon. `used` orders hold it; that may be more than `limit_total` after late payments or a lower limit.

    Without a `program_id` it is for every program. `rev` rises with each edit, and not with `used`.
    """

    id: str
    code: str
    program_id: str | None
    active: bool
    used: int
    created_by: str
    created_at: datetime
    rev: int

    @classmethod
    def example(cls) -> CouponView:
        return cls(
            CouponKind.PERCENT,
            1250,
            "INR",
            50000,
            100,
            1,
            None,
            None,
            id=COUPON,
            code="DIWALI-2026",
            program_id=EXAMPLE,
            active=True,
            used=3,
            created_by="meera",
            created_at=AT,
            rev=1,
        )


class NewCoupon(msgspec.Struct, frozen=True):
    """`value` is hundredths of a percent (10000 is all of the price), or minor units of `currency`."""

    code: Code
    kind: CouponKind
    value: Value
    program_id: ProgramId | None = None
    currency: Currency = ""
    most_discount: Value | None = None
    limit_total: Limit | None = None
    limit_user: Limit | None = None
    starts_at: Moment | None = None
    ends_at: Moment | None = None

    @classmethod
    def example(cls) -> NewCoupon:
        return cls("DIWALI-2026", CouponKind.PERCENT, 1250, EXAMPLE, "INR", 50000, 100, 1)


class CouponChange(msgspec.Struct, frozen=True):
    """What is left out stays. Orders that hold the coupon keep their discount.

    A limit may be lower than what is used already: then nobody else uses it.
    """

    value: Value | UnsetType = UNSET
    most_discount: Value | UnsetType | None = UNSET
    limit_total: Limit | UnsetType | None = UNSET
    limit_user: Limit | UnsetType | None = UNSET
    starts_at: Moment | UnsetType | None = UNSET
    ends_at: Moment | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET

    @classmethod
    def example(cls) -> CouponChange:
        return cls(limit_total=200)
