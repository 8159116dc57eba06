"""The settings of analytics, `KSMP_ANALYTICS_*`."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.settings import SettingsError, setting
from modules.analytics.at_risk.settings import RiskSettings
from modules.analytics.boards.settings import BoardSettings
from modules.analytics.exports.settings import ExportSettings
from modules.analytics.intake.settings import IntakeSettings, TrackingSettings
from modules.analytics.measures.zone import Zone
from modules.analytics.sinks.settings import SinkSettings


@dataclass(frozen=True, kw_only=True)
class WatchSettings:
    """The figures of a class while it goes on."""

    watch_interval: float = setting(2.0, doc="Time between two pushes of the figures of a class that is watched")
    watch_grace: float = setting(
        30.0, doc="How long after `analytics.watch` a class is watched at least, with nobody in the staff room"
    )
    watch_rate_count: int = setting(10, doc="How often a host may ask for the figures of a class at once")
    watch_rate_seconds: float = setting(20.0, doc="Time in which they may ask as often again")


@dataclass(frozen=True, kw_only=True)
class LatencySettings:
    """What gateways record of their own latency."""

    latency_interval: float = setting(60.0, doc="Time between two records of the latency of a gateway")


@dataclass(frozen=True, kw_only=True)
class StoreSettings:
    """How long analytics keeps what."""

    kept_days: int = setting(
        800, doc="How long single events are kept, by whole months; what is added up of them is kept for good"
    )


@dataclass(frozen=True, kw_only=True)
class ComparisonSettings:
    """How facts are compared with the rows of the modules."""

    comparison_delay: float = setting(3600.0, doc="How long after the end of a day its facts are compared with rows")
    comparison_days: int = setting(3, doc="On so many days following it a day is compared, for what comes late")
    comparison_interval: float = setting(60.0, doc="Time between two looks at what is to be compared")
    comparison_kept_days: int = setting(90, doc="How long it is kept what the comparison of a day came to")


@dataclass(frozen=True, kw_only=True)
class AnalyticsSettings(
    ComparisonSettings,
    WatchSettings,
    LatencySettings,
    StoreSettings,
    SinkSettings,
    RiskSettings,
    IntakeSettings,
    TrackingSettings,
    BoardSettings,
    ExportSettings,
):
    """What analytics keeps, counts and shows."""

    zone: str = setting("Asia/Kolkata", doc="The time zone whose days and weeks the figures of analytics have")
    group_least: int = setting(5, doc="Figures of fewer people are hidden where they would name somebody")
    rows: int = setting(1000, doc="How many days, programs or sessions one answer of figures may have")
    window_days: int = setting(800, doc="How many days the window of a figure may have")
    demo: bool = setting(True, doc="Whether `ksmp dev` stores eight weeks of made-up facts to show")
    fresh: float = setting(2.0, doc="How long an answer with figures is used again, in seconds")
    at_once: int = setting(4, doc="Answers with figures that a process reads at once; each takes a connection")
    late: float = setting(
        120.0, doc="How long after something happened its facts may be published, in seconds; until then a day is open"
    )
    statement_seconds: float = setting(
        4.0, doc="How long one statement may take that reads figures; less than `KSMP_DATABASE_TIMEOUT`"
    )

    def examine(self) -> None:
        """Raises SettingsError for a time zone that there is not."""
        try:
            Zone(self.zone)
        except ValueError:
            raise SettingsError(f"KSMP_ANALYTICS_ZONE is {self.zone!r}, which is no time zone.") from None
