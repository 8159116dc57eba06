"""What admins get of comparisons."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from gateway import clock


class ComparisonView(msgspec.Struct, frozen=True, kw_only=True):
    """How many facts of a day there are, and the sum of their values, beside what the rows of their module say.

    The day is one of `KSMP_ANALYTICS_ZONE`. An empty label is for all labels together. Null was not compared.
    """

    id: UUID
    day: date
    name: str
    label: str
    facts_count: int
    facts_value: int
    rows_count: int | None
    rows_value: int | None
    agrees: bool
    compared_at: datetime

    @classmethod
    def example(cls) -> ComparisonView:
        return cls(
            id=UUID("01a2130d-48bf-7174-b972-596a06fb2346"),
            day=clock.example_day().date(),
            name="payments.revenue",
            label="INR",
            facts_count=41,
            facts_value=2_045_900,
            rows_count=42,
            rows_value=2_095_800,
            agrees=False,
            compared_at=clock.example_day(),
        )
