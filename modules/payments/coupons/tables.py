"""The table of coupons, for lists in pages."""

from __future__ import annotations

from piccolo.columns import BigInt, Boolean, Text, Timestamptz
from piccolo.table import Table


class CouponRow(Table, tablename="payments_coupon"):
    id = Text(primary_key=True)
    code = Text()
    program_id = Text(null=True, default=None)
    kind = Text()
    value = BigInt()
    currency = Text()
    most_discount = BigInt(null=True, default=None)
    limit_total = BigInt(null=True, default=None)
    limit_user = BigInt(null=True, default=None)
    starts_at = Timestamptz(null=True, default=None)
    ends_at = Timestamptz(null=True, default=None)
    active = Boolean(default=True)
    used = BigInt(default=0)
    created_by = Text()
    created_at = Timestamptz()
    rev = BigInt(default=1)
