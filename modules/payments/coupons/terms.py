"""What a coupon is and what it takes off a price. No IO.

A percentage is kept in hundredths of a percent. What it takes off is rounded half up to whole minor units, once.
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from gateway.errors import invalid

# A code is compared in capitals. Other letters are refused and never mapped: `ı` and `ſ` have capitals in ASCII.
WRITTEN: Final = re.compile(r"[A-Za-z0-9-]{3,40}", re.ASCII)
WHOLE: Final = 10_000
"""100 percent, in hundredths of a percent."""


class CouponKind(StrEnum):
    PERCENT = "percent"
    AMOUNT = "amount"


class Terms(msgspec.Struct, frozen=True):
    """What a coupon takes off, from what, and when.

    `value` is hundredths of a percent, or minor units of `currency`. An empty `currency` is any.
    """

    kind: CouponKind
    value: int
    currency: str
    most_discount: int | None
    limit_total: int | None
    limit_user: int | None
    starts_at: datetime | None
    ends_at: datetime | None

    def check(self) -> None:
        """Raises BadInput `invalid` for terms that do not fit together."""
        if self.kind is CouponKind.PERCENT and self.value > WHOLE:
            raise invalid(f"a percentage is at most {WHOLE}: hundredths of a percent", field="value")
        if self.kind is CouponKind.AMOUNT and not self.currency:
            raise invalid("an amount needs its currency", field="currency")
        if self.kind is CouponKind.AMOUNT and self.most_discount is not None:
            raise invalid("only a percentage has a largest discount", field="most_discount")
        if self.most_discount is not None and not self.currency:
            raise invalid("a largest discount needs its currency", field="currency")
        if self.starts_at is not None and self.ends_at is not None and self.starts_at >= self.ends_at:
            raise invalid("it ends before it starts", field="ends_at")

    def takes(self, currency: str, at: datetime) -> bool:
        """Whether it is for this currency, at this time; the end does not belong to it."""
        return (
            self.currency in ("", currency)
            and (self.starts_at is None or self.starts_at <= at)
            and (self.ends_at is None or at < self.ends_at)
        )

    def discount_on(self, price: int) -> int:
        """What it takes off, in minor units; never more than the price."""
        if self.kind is CouponKind.AMOUNT:
            return min(self.value, price)
        discount = (price * self.value + WHOLE // 2) // WHOLE
        return min(discount, price if self.most_discount is None else self.most_discount, price)


def normal_code(written: str) -> str | None:
    """A code as it is stored, from one that somebody typed; None for what cannot be one."""
    code = written.strip(" ")
    return code.upper() if WRITTEN.fullmatch(code) else None
