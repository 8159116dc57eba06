"""The settings of analytics."""

from __future__ import annotations

import pytest

from gateway.settings import SettingsError, read
from modules.analytics.settings import AnalyticsSettings

PREFIX = "KSMP_ANALYTICS_"


def test_settings_of_figures() -> None:
    environ = {
        "KSMP_ANALYTICS_ZONE": "Asia/Kathmandu",
        "KSMP_ANALYTICS_GROUP_LEAST": "10",
        "KSMP_ANALYTICS_ROWS": "200",
        "KSMP_ANALYTICS_WINDOW_DAYS": "90",
        "KSMP_ANALYTICS_FRESH": "1.5",
        "KSMP_ANALYTICS_AT_ONCE": "2",
        "KSMP_ANALYTICS_LATE": "30.0",
        "KSMP_ANALYTICS_STATEMENT_SECONDS": "2.5",
    }
    found = read(AnalyticsSettings, environ, PREFIX)
    assert (found.zone, found.group_least, found.rows) == ("Asia/Kathmandu", 10, 200)
    assert (found.window_days, found.statement_seconds) == (90, 2.5)
    assert (found.fresh, found.at_once, found.late) == (1.5, 2, 30.0)
    found.examine()


def test_a_zone_that_is_none_is_named() -> None:
    with pytest.raises(SettingsError, match="KSMP_ANALYTICS_ZONE is 'India'"):
        AnalyticsSettings(zone="India").examine()
