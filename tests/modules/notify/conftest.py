"""A gateway with notifications; what belongs to a file's own kinds is in the modules that it adds."""

from __future__ import annotations

import pytest

# Short waits: a test waits for what a worker does, and not for the time of day.
ENVIRON = {
    "KSMP_NOTIFY_WORKERS": "1",
    "KSMP_NOTIFY_BATCH": "100",
    "KSMP_NOTIFY_LEASE": "5.0",
    "KSMP_NOTIFY_INTERVAL": "0.2",
    "KSMP_NOTIFY_ATTEMPTS": "4",
    "KSMP_NOTIFY_FIRST_WAIT": "0.2",
    "KSMP_NOTIFY_MOST_WAIT": "1.0",
    "KSMP_NOTIFY_CAMPAIGNS_OPEN": "5",
    "KSMP_NOTIFY_SYSTEM_CHANNELS": "pager",
    "KSMP_NOTIFY_KEPT_DAYS": "30",
    "KSMP_NOTIFY_LANGUAGE": "en",
    "KSMP_NOTIFY_TIME_ZONE": "Asia/Kolkata",
    "KSMP_NOTIFY_ASK_AGAIN": "0.2",
}


@pytest.fixture(scope="module")
def environ() -> dict[str, str]:
    """The settings of the gateway, for folders and files to override."""
    return ENVIRON
