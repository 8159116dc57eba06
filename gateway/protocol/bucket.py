"""A token bucket. The caller passes the time in, so the bucket needs no clock."""

from __future__ import annotations


class Bucket:
    """`rate` tokens a second, at most `burst` saved up."""

    __slots__ = ("_at", "_level", "burst", "rate")

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self._level = float(burst)
        self._at: float | None = None

    def take(self, now: float) -> float:
        """Take one token. Returns 0.0 when there was one, otherwise the seconds until there is one."""
        if self.level(now) >= 1.0:
            self._level -= 1.0
            return 0.0
        return (1.0 - self._level) / self.rate

    def level(self, now: float) -> float:
        """How many tokens the bucket holds."""
        if self._at is not None:
            self._level = min(self.burst, self._level + max(0.0, now - self._at) * self.rate)
        self._at = now
        return self._level

    def spend(self, now: float, tokens: float) -> None:
        """Take tokens even when there are too few. The debt is at most one burst."""
        self._level = max(-self.burst, self.level(now) - tokens)
