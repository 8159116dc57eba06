"""The table of comparisons, for lists in pages."""

from __future__ import annotations

from piccolo.columns import UUID, BigInt, Boolean, Date, Text, Timestamptz
from piccolo.table import Table


class ComparisonRow(Table, tablename="analytics_comparison"):
    """What the comparison of a day came to for one name and label."""

    id = UUID(primary_key=True)
    day = Date()
    name = Text()
    label = Text()
    facts_count = BigInt()
    facts_value = BigInt()
    rows_count = BigInt(null=True)
    rows_value = BigInt(null=True)
    agrees = Boolean()
    compared_at = Timestamptz()
