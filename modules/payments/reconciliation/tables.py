"""The table of differences, for lists in pages."""

from __future__ import annotations

from piccolo.columns import BigInt, Text, Timestamptz
from piccolo.table import Table


class DifferenceRow(Table, tablename="payments_difference"):
    id = Text(primary_key=True)
    kind = Text()
    subject = Text()
    detail = Text()
    ours = Text()
    theirs = Text()
    order_id = Text(null=True, default=None)
    found_at = Timestamptz()
    resolved_at = Timestamptz(null=True, default=None)
    resolved_by = Text(null=True, default=None)
    note = Text()
    rev = BigInt(default=1)
