"""How much of a payment goes back when the place is given back. Pure functions; the numbers are settings."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec


class RefundPolicy(msgspec.Struct, frozen=True):
    """`percent` of the payment goes back up to `days` after it was paid, and `percent_later` after that."""

    days: int
    percent: int
    percent_later: int

    def for_given_back(self, paid: int, paid_at: datetime, now: datetime) -> int:
        """The part of what was `paid`, in minor units, rounded half up. The last moment of the days still counts."""
        percent = self.percent if now - paid_at <= timedelta(days=self.days) else self.percent_later
        return (paid * percent + 50) // 100


def pause(attempts: int, first: float, longest: float) -> float:
    """Seconds until a refund is sent or looked up again after so many times: doubled each time, up to the longest."""
    # The exponent is bounded: a float overflows.
    return min(longest, first * 2.0 ** min(max(attempts - 1, 0), 32))
