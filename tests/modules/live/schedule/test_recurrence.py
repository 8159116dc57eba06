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


def test_an_end_beyond_the_horizon_is_no_harm_where_nothing_else_is() -> None:
    found = occurrences("FREQ=MONTHLY;UNTIL=20280407T000000Z", "UTC", FIRST, most=20, horizon=HORIZON)
    assert len(found) == 13
    assert found == occurrences("FREQ=MONTHLY;COUNT=13", "UTC", FIRST, most=20, horizon=HORIZON)


@pytest.mark.parametrize("rule", ["FREQ=DAILY;COUNT=3", "FREQ=DAILY;UNTIL=20271109T080000Z"])
@pytest.mark.parametrize(
    ("minutes", "hours"),
    [
        # At half past one, for the first time and for the second. The clocks go back at two.
        (5 * 60 + 30, [5, 6, 6]),
        (6 * 60 + 30, [6, 6, 6]),
    ],
)
def test_a_series_may_start_in_the_hour_that_is_there_twice(rule: str, minutes: int, hours: list[int]) -> None:
    starts_at = datetime(2027, 11, 7, tzinfo=UTC) + timedelta(minutes=minutes, milliseconds=250)
    found = occurrences(rule, "America/New_York", starts_at, most=20, horizon=HORIZON)[:3]
    assert found[0] == starts_at
    assert [moment.hour for moment in found] == hours
    assert {moment.microsecond for moment in found} == {250_000}
    # A later occurrence in that hour is the first of the two.
    earlier = starts_at - timedelta(days=7, hours=1)
    week_before = occurrences("FREQ=WEEKLY;COUNT=2", "America/New_York", earlier, most=20, horizon=HORIZON)
    assert week_before[1].hour == week_before[0].hour


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
        ("FREQ=DAILY;COUNT=2", "/usr/share/zoneinfo/UTC"),
        ("FREQ=DAILY;COUNT=2", "localtime"),
        ("FREQ=DAILY;COUNT=2", "Factory"),
        ("FREQ=DAILY;COUNT=2", "posixrules"),
        ("FREQ=DAILY;COUNT=2", "posix/Europe/Berlin"),
        ("FREQ=DAILY;COUNT=2", "right/Europe/Berlin"),
        ("FREQ=DAILY;COUNT=2", "europe/berlin"),
        # Some of it is beyond the horizon.
        ("FREQ=MONTHLY;UNTIL=20280409T000000Z", "UTC"),
        ("FREQ=MONTHLY;UNTIL=99991231T235959Z", "UTC"),
        ("FREQ=MONTHLY;COUNT=14", "UTC"),
        # None of it is.
        ("FREQ=DAILY;UNTIL=20270307T000000Z", "UTC"),
    ],
)
def test_a_rule_that_cannot_be_used_is_invalid(rule: str, timezone: str) -> None:
    with pytest.raises(BadInput) as caught:
        occurrences(rule, timezone, FIRST, most=20, horizon=HORIZON)
    assert caught.value.code == "invalid"
