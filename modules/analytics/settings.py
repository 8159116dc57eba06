"""The settings of analytics, `KSMP_ANALYTICS_*`."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.settings import setting


@dataclass(frozen=True, kw_only=True)
class AnalyticsSettings:
    """What analytics keeps, counts and shows."""

    zone: str = setting("Asia/Kolkata", doc="The time zone whose days and weeks the figures of analytics have")
