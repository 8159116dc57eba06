"""Recurrence rules (RFC 5545), by the clock of a time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.errors import BadInput
from modules.live.schedule.recurrence import occurrences

FIRST = datetime(2027, 3, 8, 12, 30, tzinfo=UTC)  # a Monday
HORIZON = FIRST + timedelta(days=366)


def test_a_series_keeps_the_time_of_its_place_s_clock() -> None:
    zone = ZoneInfo("Europe/Berlin")
    found = occurrences(
        "FREQ=WEEKLY;BYDAY=MO,TH;UNTIL=20270405T120000Z", "Europe/Berlin", FIRST, most=20, horizon=HORIZON
    )
    assert [moment.astimezone(zone).strftime("%d.%m. %H:%M") for moment in found] == [
        f"{day} 13:30"
        for day in ("08.03.", "11.03.", "15.03.", "18.03.", "22.03.", "25.03.", "29.03.", "01.04.", "05.04.")
    ]
    # The clocks go forward on 28 March.
    assert [moment.hour for moment in found] == [12] * 6 + [11] * 3
    second_monday = occurrences("FREQ=MONTHLY;BYDAY=2MO;COUNT=3", "UTC", FIRST, most=20, horizon=HORIZON)
    assert [moment.day for moment in second_monday] == [8, 12, 10]


@pytest.mark.parametrize(
    ("rule", "timezone"),
    [
        ("FREQ=DAILY", "UTC"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20270405T000000Z", "UTC"),
        ("FREQ=DAILY;COUNT=21", "UTC"),
        ("FREQ=MONTHLY;COUNT=20", "UTC"),
        ("FREQ=WEEKLY;BYDAY=TU;COUNT=2", "UTC"),
        ("FREQ=SECONDLY;COUNT=2", "UTC"),
        ("FREQ=DAILY;BYMONTH=2;COUNT=2", "UTC"),
        ("FREQ=DAILY;COUNT=2;COUNT=3", "UTC"),
        ("FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1;COUNT=2", "UTC"),
        ("FREQ=WEEKLY;BYDAY=2MO;COUNT=2", "UTC"),
        ("FREQ=DAILY;UNTIL=20279905T000000Z", "UTC"),
        ("COUNT=2", "UTC"),
        ("FREQ=DAILY;COUNT=2", "Mars/Olympus"),
        ("FREQ=DAILY;COUNT=2", "../etc/passwd"),
    ],
)
def test_a_rule_that_cannot_be_used_is_invalid(rule: str, timezone: str) -> None:
    with pytest.raises(BadInput) as caught:
        occurrences(rule, timezone, FIRST, most=20, horizon=HORIZON)
    assert caught.value.code == "invalid"
