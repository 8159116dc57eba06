"""The table of orders, for lists in pages."""

from __future__ import annotations

from piccolo.columns import BigInt, Text, Timestamptz
from piccolo.table import Table


class OrderRow(Table, tablename="payments_order"):
    """What a place in a program is sold for."""

    id = Text(primary_key=True)
    user_id = Text()
    buyer_id = Text()
    program_id = Text()
    title = Text()
    state = Text()
    currency = Text()
    price = BigInt()
    discount = BigInt()
    amount = BigInt()
    taxable = BigInt()
    cgst = BigInt()
    sgst = BigInt()
    igst = BigInt()
    place_of_supply = Text()
    coupon_code = Text()
    paid_at = Timestamptz(null=True, default=None)
    refunded = BigInt()
    expires_at = Timestamptz()
    created_at = Timestamptz()
    rev = BigInt()
